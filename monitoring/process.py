"""What one process tells: events as log lines and counts, its metrics, whether it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import structlog

from monitoring.events import EVENTS
from monitoring.logs import LEVELS, configure
from monitoring.metrics import Counts, Gauge, exposition

SNAPSHOT_SECONDS = 2.0
CHECK_SECONDS = 3.0

Gauges = Callable[[], Awaitable[Iterable[Gauge]]]
Check = Callable[[], Awaitable[tuple[bool, str, str]]]
"""(passes, cause in Chinese, cause in English)"""


@dataclass(slots=True)
class Watch:
    """One process's voice and counts. ``folder`` is shared by the processes of a hub."""

    folder: Path
    slot: str
    level: int
    _counts: Counts = field(default_factory=Counts)
    _log: Any = field(default_factory=structlog.get_logger)
    _written: float = 0.0

    @classmethod
    def open(cls, folder: Path, slot: str, level: str) -> Watch:
        """Set up logging for this process and begin to count."""
        configure(level)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, slot, LEVELS[level])

    def say(self, event: str, /, **fields: object) -> None:
        """Say one event: counted always, logged from the process's level on. Never raises."""
        row = EVENTS.get(event)
        if row is None:
            self._log.error("event.unknown", name=event)
            return
        self._counts.count(event, fields)
        level = LEVELS[row.level]
        if level >= self.level:
            known = {name: value for name, value in fields.items() if name in row.fields and value is not None}
            traceparent = known.pop("traceparent", None)
            if isinstance(traceparent, str):
                known["trace_id"] = traceparent[3:35]
            self._log.log(level, event, **known)
        now = monotonic()
        if now - self._written > SNAPSHOT_SECONDS:
            self._written = now
            self._snapshot()

    def close(self) -> None:
        """Keep the last counts."""
        self._snapshot()

    async def metrics(self, gauges: Gauges) -> bytes:
        """The counts of every process of this hub and the gauges of the moment, as Prometheus text."""
        self._snapshot()
        merged = Counts()
        for path in sorted(self.folder.glob("metrics-*.json")):
            merged.add(path)
        return exposition(merged, await gauges())

    def _snapshot(self) -> None:
        try:
            self._counts.write(self.folder / f"metrics-{self.slot}.json")
        except OSError as fault:
            self._log.error("metrics.unwritten", fault=str(fault))


async def readiness(checks: dict[str, Check]) -> tuple[bool, dict[str, object]]:
    """Every check with its cause; ready when all pass. A check that hangs fails."""

    async def one(name: str, check: Check) -> dict[str, object]:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                passes, zh, en = await check()
        except TimeoutError:
            passes, zh, en = False, "检查超时", "the check took too long"
        except Exception as fault:
            passes, zh, en = False, f"检查出错:{type(fault).__name__}", f"the check failed: {type(fault).__name__}"
        return {"name": name, "ok": passes, **({} if passes else {"cause_zh": zh, "cause_en": en})}

    made = await asyncio.gather(*(one(name, check) for name, check in checks.items()))
    ready = all(each["ok"] for each in made)
    return ready, {"status": "ready" if ready else "not_ready", "checks": list(made)}
