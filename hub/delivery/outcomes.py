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

PAUSE_SECONDS = 0.2


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
        kept = self._open.setdefault(made.connection_id, (made, written))
        self._filled.set()
        return kept[0]

    async def run(self) -> None:
        """Write until cancelled; at the end what is left is written once more."""
        try:
            while True:
                await self._filled.wait()
                await self._write()
        finally:
            if self._open:
                await asyncio.shield(self._write())

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
