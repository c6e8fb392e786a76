"""The breaker of a lane: after several failures in a row it stops knocking, then tries with one letter. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

FAILURES_TO_OPEN = 5
OPEN_SECONDS_MIN = 1.0
OPEN_SECONDS_MAX = 60.0


class Position(StrEnum):
    """Closed: letters flow. Open: none does. Half open: one letter tries the way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """One lane's breaker. ``failures`` counts in a row; ``until`` is machine time in seconds (any monotonic zero)."""

    position: Position = Position.CLOSED
    failures: int = 0
    openings: int = 0
    until: float = 0.0

    def failed(self, now: float) -> Breaker:
        """After a failure of the connection (not a refusal of the letter)."""
        failures = self.failures + 1
        if self.position is Position.HALF_OPEN or (self.position is Position.CLOSED and failures >= FAILURES_TO_OPEN):
            pause = min(OPEN_SECONDS_MIN * 2**self.openings, OPEN_SECONDS_MAX)
            return Breaker(Position.OPEN, failures, self.openings + 1, now + pause)
        return replace(self, failures=failures)

    def answered(self) -> Breaker:
        """After the unit answered at all, be it with a refusal."""
        return Breaker()

    def at(self, now: float) -> Breaker:
        """The breaker at a moment: an open one becomes half open when its pause is over."""
        if self.position is Position.OPEN and now >= self.until:
            return replace(self, position=Position.HALF_OPEN)
        return self

    def admits(self, in_flight: int) -> bool:
        """Whether one letter more may be tried now."""
        if self.position is Position.CLOSED:
            return True
        return self.position is Position.HALF_OPEN and in_flight == 0
