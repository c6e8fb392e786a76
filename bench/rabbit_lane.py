"""RabbitMQ out as a whole: letters that lie in the store, by a lane to the broker, each confirmed and recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from adapters.rabbitmq.adapter import RabbitAdapter
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.topology import declare, topology_of
from bench import stage
from bench.lane_turns import LaneTurns
from bench.rabbit_stage import WINDOW, RabbitStage, messages
from contracts.nouns import Transport
from contracts.profile import Profile
from contracts.ways.rabbitmq import names_of
from hub.say import say_nothing

_CONNECTION = f"{stage.UNIT}.queue"


@dataclass
class LaneStage:
    """A unit at a queue, to which everything is dispatched that ``reports`` report."""

    turns: LaneTurns
    brokers: Brokers

    async def connect(self) -> None:
        """The unit goes live, and its queue is made."""
        profile = Profile.model_validate_json(
            f'{{"unit": "{stage.UNIT}", "connections": [{{"name": "queue", "transport": "rabbitmq", "rabbitmq": {{}},'
            f'"receives": ["case.dispatch"], "concurrency": {WINDOW}, "per_second": 10000}}]}}'
        )
        await self.turns.goes_live(profile)
        settings = self.turns.refresher.registry().connections[_CONNECTION].settings
        await declare(self.brokers.hub("bare"), topology_of(_CONNECTION, settings))

    async def fill(self, on: RabbitStage, count: int, number: int) -> None:
        """So many letters lie in the store: cases that were reported and dispatched while no lane ran."""
        await on.fill(messages(count, f"lane{number}", window=number))
        await on.collected(count, on.reception)

    async def work_off(self, count: int) -> None:
        """A lane delivers them all; at the end each is recorded as delivered."""
        adapter = RabbitAdapter(self.brokers, say_nothing)
        try:
            await self.turns.work_off(count, {Transport.RABBITMQ: adapter})
        finally:
            await adapter.close()

    async def check(self, count: int) -> None:
        """Every letter of the round has its record; the queue is emptied."""
        await self.turns.check(count)
        channel, emptied = await self.brokers.hub("bare").channel(), asyncio.Event()
        channel.queue_purge(names_of(_CONNECTION).queue_out, callback=lambda _: emptied.set())
        await emptied.wait()
        channel.close()
