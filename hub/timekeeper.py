"""Turns the passing of city time into messages: what has become due of a case enters the intake as a tick.

One process of all does it at a time, held by a lock of its own database connection; when that process dies, another
goes on. A tick is the same message however often it is sent, so that nothing is reminded of twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from hub.awaiting import next_reminder
from hub.cases import Case
from hub.clock import CityClock, machine_now
from hub.decide import Context, something_is_due
from hub.intake import Intake
from hub.register.moves import Move
from hub.registry import Registry
from hub.say import Say
from hub.store import batches
from hub.store.pool import CLASHED, LOST, Connection, Pool, heed_end
from hub.ticking import tick_of

EVERY_SECONDS = 1.0
"""How late a reminder may be, in machine time."""

CASES_MAX = 200
AGAIN_SECONDS = 2.0
LOCK = 7242002


@dataclass(slots=True)
class Timekeeper:
    """Looks each second for cases whose time has come."""

    pool: Pool
    intake: Intake
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]
    strayed: Callable[[], Awaitable[tuple[Move, ...]]]
    say: Say
    strayed_every_seconds: float = 30.0
    _strayed_at: float = 0.0
    _directory_version: int = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._hold()
            except (*LOST, *CLASHED) as fault:
                heed_end()
                self.say("timekeeper.troubled", reason=type(fault).__name__)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hold(self) -> None:
        """Keep time while this connection holds the lock; return at once where another process has it."""
        async with self.pool.acquire() as conn:
            if not await conn.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                return
            try:
                while True:
                    again = await self._look(conn)
                    await asyncio.sleep(0 if again else EVERY_SECONDS)
            finally:
                # Closed, not given back: the lock goes with it, whatever state the connection is in.
                conn.terminate()

    async def _look(self, conn: Connection) -> bool:
        """Send a tick for each case that is due; whether more are waiting."""
        registry = self.registry()
        now = self.clock().at(machine_now())
        if registry.directory_version != self._directory_version:
            # At the start too: the city may have announced a year while nobody, or somebody else, kept time.
            await batches.look_at_provisional(conn, now)
            self._directory_version = registry.directory_version
        cases = await batches.due_alarms(conn, now, CASES_MAX)
        context = Context(now, registry, registry.directory(now))
        due = [case for case in cases if something_is_due(case, context)]
        idle = [(case.case_id, case.version, _next(case, context)) for case in cases if case not in due]
        due += await self._strayed(conn, {case.case_id for case in due})
        if idle:
            await batches.set_alarms(conn, idle)
        if due:
            await self.intake.receive([tick_of(case.case_id, case.version, case.mode, machine_now()) for case in due])
        return len(cases) == CASES_MAX

    async def _strayed(self, conn: Connection, known: set[int]) -> list[Case]:
        """Cases whose component has another owner by now: a change may have been dated ahead."""
        if monotonic() < self._strayed_at:
            return []
        self._strayed_at = monotonic() + self.strayed_every_seconds
        moves = [move.case_id for move in await self.strayed() if move.case_id not in known]
        return await batches.cases_of(conn, moves) if moves else []


def _next(case: Case, context: Context) -> datetime | None:
    reminder = next_reminder(case, context.moments)
    return reminder[0] if reminder else None
