"""A unit's own limit of letters a second: a bucket of one second's letters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Allowance:
    """Whoever speaks to the unit takes one letter's worth first."""

    per_second: float
    _left: float = field(init=False)
    _at: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self._left = max(1.0, self.per_second)

    async def spend(self) -> None:
        """Wait until one letter more may go."""
        while True:
            now = monotonic()
            self._left = min(max(1.0, self.per_second), self._left + (now - self._at) * self.per_second)
            self._at = now
            if self._left >= 1:
                self._left -= 1
                return
            await asyncio.sleep((1 - self._left) / self.per_second)
