"""Outcomes of letters are written in groups: what happened while the last group committed is the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from hub.say import Say
from hub.store.lanes import LaneReport, write_outcomes
from hub.store.pool import CLASHED, LOST, Pool

Written = Callable[[LaneReport, bool], None]
"""Called when a report is written (true), or when its lane is no longer ours (false)."""

GATHER_SECONDS = 0.01
"""Nobody waits for an outcome to be written, and a group costs little more than one: those of a moment go together."""

PAUSE_SECONDS = 0.2
END_SECONDS = 5.0
"""How long an end waits for the store; what is not written by then is in doubt, and tried again."""


@dataclass(slots=True)
class Outcomes:
    """Collects one open report per lane and writes all of them together, again and again until it succeeds."""

    pool: Pool
    holder: str
    say: Say
    _open: dict[str, tuple[LaneReport, Written]] = field(default_factory=dict)
    _filled: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, empty: Callable[[], LaneReport], written: Written) -> LaneReport:
        """The open report of a lane, to be filled; ``empty`` makes it where there is none."""
        made = empty()
        kept, tell = self._open.get(made.connection_id, (made, written))
        if kept.fencing > made.fencing:
            # A lane that was lost still speaks: nobody writes down what it says.
            written(made, False)
            return made
        if kept.fencing < made.fencing:
            tell(kept, False)
            kept, tell = made, written
        self._open[made.connection_id] = (kept, tell)
        self._filled.set()
        return kept

    async def run(self) -> None:
        """Write until cancelled; a group that is being written then is finished, and what is left is written too.

        Groups are written in order: a later one moves the lane's cursor past the letters of an earlier one.
        """
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                await self._filled.wait()
                await asyncio.sleep(GATHER_SECONDS)
                writing = asyncio.create_task(self._write())
                await asyncio.shield(writing)
        finally:
            async with asyncio.timeout(END_SECONDS):
                if writing is not None:
                    await writing
                await self._write()

    async def _write(self) -> None:
        self._filled.clear()
        group, self._open = self._open, {}
        if not group:
            return
        reports = [report for report, _ in group.values()]
        while True:
            try:
                mine = await write_outcomes(self.pool, reports, self.holder)
                break
            except (*LOST, *CLASHED) as fault:
                # The write is repeatable, so an unknown outcome is settled by doing it again.
                self.say("outcomes.retried", reason=type(fault).__name__, lanes=len(reports))
                await asyncio.sleep(PAUSE_SECONDS)
        for report, written in group.values():
            written(report, report.connection_id in mine)
