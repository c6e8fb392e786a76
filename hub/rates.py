"""How many requests a unit may send in a second: a bucket each, in memory of the process. Pure but for its buckets."""

from __future__ import annotations

from dataclasses import dataclass, field

BURST_SECONDS = 5.0
"""A unit may save up this many seconds of its rate: a nightly reconciliation comes in a burst."""

BUCKETS_MAX = 10_000


@dataclass(slots=True)
class Rates:
    """Token buckets by name. ``per_second`` is the rate of each."""

    per_second: float
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_seconds(self, name: str, now: float, cost: float = 1.0) -> float:
        """Take ``cost`` from a bucket; 0 where it had enough, else how long until it will."""
        room = self.per_second * BURST_SECONDS
        left, at = self._buckets.get(name, (room, now))
        left = min(room, left + (now - at) * self.per_second)
        # A batch larger than the bucket passes when the bucket is full, and empties it below zero.
        if left >= min(cost, room):
            if len(self._buckets) >= BUCKETS_MAX and name not in self._buckets:
                self._buckets.clear()
            self._buckets[name] = (left - cost, now)
            return 0.0
        self._buckets[name] = (left, now)
        return (min(cost, room) - left) / self.per_second
