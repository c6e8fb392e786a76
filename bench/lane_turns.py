"""A lane at work: letters that lie in the store go out by an adapter, and each is recorded as delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.nouns import Transport, UnitState
from contracts.port import Adapter
from contracts.profile import Profile
from hub.delivery.lanes import Lanes
from hub.refresher import Refresher
from hub.store import registry as store
from hub.store.pool import Pool

WORK_SECONDS = 120.0


@dataclass
class LaneTurns:
    """The lanes of one process, started for a turn and ended after it. ``takes`` is a pool that waits for no disk."""

    pool: Pool
    takes: Pool
    refresher: Refresher
    _done: asyncio.Event = field(default_factory=asyncio.Event)
    _missing: int = 0
    _recorded: int = 0

    async def goes_live(self, profile: Profile) -> None:
        """The unit is connected so from here on."""
        async with self.pool.acquire() as conn:
            version = await store.add_profile(conn, profile.unit, profile.model_dump_json(exclude_none=True), "bench")
            await store.put_state(conn, profile.unit, UnitState.LIVE, version, "bench")
        await self.refresher.load()

    async def work_off(self, count: int, adapters: Mapping[Transport, Adapter]) -> None:
        """Deliver so many letters; the lanes end by writing down what they did."""
        self._done.clear()
        self._missing = count
        lanes = Lanes(
            *(self.pool, self.takes, self.refresher.registry, self.refresher.clock), *(adapters, "bench", self._say)
        )
        running = asyncio.create_task(lanes.run())
        try:
            async with asyncio.timeout(WORK_SECONDS):
                await self._done.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def check(self, count: int) -> None:
        """Every letter of the turn has its record."""
        delivered = "SELECT count(*) FROM attempts WHERE outcome IN ('received', 'processed')"
        recorded = int(await self.pool.fetchval(delivered))
        if recorded - self._recorded != count:
            raise SystemExit(f"{recorded - self._recorded} of {count} letters are recorded as delivered")
        self._recorded = recorded

    def _say(self, event: str, /, **fields: Any) -> None:
        if event == "letter.delivered":
            self._missing -= 1
            if not self._missing:
                self._done.set()
