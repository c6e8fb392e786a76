"""One process of a hub: its voice, its counts, and the page of metrics on which all processes of the hub are one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from monitoring.logs import configure
from monitoring.metrics import Counts, Gauge, exposition
from monitoring.say import Say
from monitoring.snapshots import Slot

SNAPSHOT_SECONDS = 1.0
GAUGES_SECONDS = 3.0
STALE_SECONDS = 15.0
"""A worker that has not written for so long is dead or stuck; its counts stay, its gauges go."""

Gauges = Callable[[], Awaitable[Iterable[Gauge]]]
"""Asks the hub for the gauges of the moment, at each scrape."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Watch:
    """What one process tells; ``snapshots`` says what a kill costs."""

    say: Say
    _counts: Counts
    _slot: Slot
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)
    _due: float = 0.0
    _lag_seconds: float = 0.0

    @classmethod
    def open(
        cls, folder: Path, slot: str, level: str, *, strict: bool = False, one_of: Mapping[str, int] | None = None
    ) -> Watch:
        """Set up logging for this process and go on counting where its slot's last one stopped.

        Within a running event loop the counts are kept each second; without one, by ``close``.
        """
        configure(level)
        # The voice needs the counts, which need the voice to tell that they are full.
        counts = Counts(overflowed=lambda metric: say("series.merged", metric=metric))
        say = Say(counts, level, strict=strict, one_of=one_of)
        watch = cls(say, counts, Slot.take(folder, slot))
        watch._go_on()
        try:
            watch._due = asyncio.get_running_loop().time()
        except RuntimeError:
            return watch
        watch._tick()
        return watch

    async def metrics(self, gauges: Gauges) -> bytes:
        """Prometheus text: the counts of every process of this hub, living or not, and the gauges of the moment."""
        told: list[Gauge] = []
        try:
            async with asyncio.timeout(GAUGES_SECONDS):
                told += await gauges()
            asked = 1.0
        except Exception as fault:
            # The counts are worth most when something else is broken.
            self.say("gauges.failed", fault=fault)
            asked = 0.0
        told.append(("gauges_up", "1 where the hub could tell its gauges", {}, asked))
        # Written before it is told: what a scrape has seen, no successor may fall behind.
        snapshots = {self._slot.name: self._keep(), **self._others()}
        merged = Counts()
        for slot, raw in snapshots.items():
            try:
                merged.add(raw)
                told += _process_gauges(slot, raw)
            except ValueError as fault:
                self.say("snapshot.failed", file=slot, fault=fault)
        return exposition(merged, told)

    def close(self) -> None:
        """Keep the last counts and let go of the slot."""
        if self._timer is not None:
            self._timer.cancel()
        self._keep()
        self._slot.close()

    def _go_on(self) -> None:
        try:
            if (raw := self._slot.read()) is not None:
                self._counts.add(raw)
        except (OSError, ValueError) as fault:
            self.say("snapshot.failed", file=self._slot.name, fault=fault)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        # How late the loop comes to a timer is how long everything else waits for it.
        self._lag_seconds = max(0.0, loop.time() - self._due)
        self._due = loop.time() + SNAPSHOT_SECONDS
        self._timer = loop.call_at(self._due, self._tick)
        self._keep()

    def _keep(self) -> bytes:
        process = {
            "at": time.time(),
            "cpu_seconds": time.process_time(),
            "resident_bytes": _resident_bytes(),
            "loop_lag_seconds": self._lag_seconds,
        }
        snapshot = orjson.dumps({**self._counts.snapshot(), "process": process})
        try:
            self._slot.write(snapshot)
        except OSError as fault:
            self.say("snapshot.failed", file=self._slot.name, fault=fault)
        return snapshot

    def _others(self) -> dict[str, bytes]:
        read: dict[str, bytes] = {}
        for slot, file in self._slot.others():
            try:
                read[slot] = file.read_bytes()
            except OSError as fault:
                self.say("snapshot.failed", file=slot, fault=fault)
        return read


_PROCESS = {
    "cpu_seconds": "CPU seconds since the process began",
    "resident_bytes": "memory in use",
    "loop_lag_seconds": "how late the event loop came to its last timer",
}


def _process_gauges(slot: str, raw: bytes) -> list[Gauge]:
    """How a living process is; nothing of one that has stopped writing. Raises ``ValueError``."""
    process = orjson.loads(raw).get("process")
    if not isinstance(process, dict) or not all(isinstance(value, int | float) for value in process.values()):
        raise ValueError("no process in a snapshot")
    age = time.time() - process.get("at", 0.0)
    if age > STALE_SECONDS:
        return []
    labels = {"slot": slot}
    made: list[Gauge] = [("process_snapshot_age_seconds", "since the process last kept its counts", labels, age)]
    return made + [
        (f"process_{name}", told, labels, process[name]) for name, told in _PROCESS.items() if name in process
    ]


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0
