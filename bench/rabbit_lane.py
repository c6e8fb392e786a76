"""RabbitMQ out as a whole: letters that lie in the store, by a lane to the broker, each confirmed and recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from adapters.rabbitmq.adapter import RabbitAdapter
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.topology import declare, topology_of
from bench import stage
from bench.rabbit_stage import WINDOW, RabbitStage, messages
from contracts.nouns import Transport, UnitState
from contracts.profile import Profile
from contracts.ways.rabbitmq import names_of
from hub.delivery.lanes import Lanes
from hub.refresher import Refresher
from hub.say import say_nothing
from hub.store import registry as store
from hub.store.pool import Pool

WORK_SECONDS = 120.0
_CONNECTION = f"{stage.UNIT}.queue"


@dataclass
class LaneStage:
    """A unit at a queue, to which everything is dispatched that ``reports`` report. ``takes`` waits for no disk."""

    pool: Pool
    takes: Pool
    refresher: Refresher
    brokers: Brokers
    _done: asyncio.Event = field(default_factory=asyncio.Event)
    _missing: int = 0
    _recorded: int = 0

    async def connect(self) -> None:
        """The unit goes live, and its queue is made."""
        profile = Profile.model_validate_json(
            f'{{"unit": "{stage.UNIT}", "connections": [{{"name": "queue", "transport": "rabbitmq", "rabbitmq": {{}},'
            f'"receives": ["case.dispatch"], "concurrency": {WINDOW}, "per_second": 10000}}]}}'
        )
        async with self.pool.acquire() as conn:
            version = await store.add_profile(conn, profile.unit, profile.model_dump_json(exclude_none=True), "bench")
            await store.put_state(conn, profile.unit, UnitState.LIVE, version, "bench")
        await self.refresher.load()
        settings = self.refresher.registry().connections[_CONNECTION].settings
        await declare(self.brokers.hub("bare"), topology_of(_CONNECTION, settings))

    async def fill(self, on: RabbitStage, count: int, number: int) -> None:
        """So many letters lie in the store: cases that were reported and dispatched while no lane ran."""
        await on.fill(messages(count, f"lane{number}", window=number))
        await on.collected(count, on.reception)

    async def work_off(self, count: int) -> None:
        """A lane delivers them all; at the end each is recorded as delivered."""
        self._done.clear()
        self._missing = count
        adapter = RabbitAdapter(self.brokers, say_nothing)
        lanes = Lanes(
            *(self.pool, self.takes, self.refresher.registry, self.refresher.clock),
            *({Transport.RABBITMQ: adapter}, "bench", self._say),
        )
        running = asyncio.create_task(lanes.run())
        try:
            async with asyncio.timeout(WORK_SECONDS):
                await self._done.wait()
        finally:
            # The lanes end by writing down what they did.
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await adapter.close()

    async def check(self, count: int) -> None:
        """Every letter of the round has its record; the queue is emptied."""
        delivered = "SELECT count(*) FROM attempts WHERE outcome = 'received'"
        recorded = int(await self.pool.fetchval(delivered))
        if recorded - self._recorded != count:
            raise SystemExit(f"{recorded - self._recorded} of {count} letters are recorded as delivered")
        self._recorded = recorded
        channel, emptied = await self.brokers.hub("bare").channel(), asyncio.Event()
        channel.queue_purge(names_of(_CONNECTION).queue_out, callback=lambda _: emptied.set())
        await emptied.wait()
        channel.close()

    def _say(self, event: str, /, **fields: Any) -> None:
        if event == "letter.delivered":
            self._missing -= 1
            if not self._missing:
                self._done.set()
