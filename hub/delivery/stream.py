"""One stream of a lane, urgent or ordinary: how far it was taken, and how far all of it is settled or held."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stream:
    """Positions in order; ``done`` follows what is settled or held without a gap."""

    urgent: bool
    done: int
    taken: int
    exhausted: bool = False
    open: deque[int] = field(default_factory=deque)
    finished: set[int] = field(default_factory=set)

    def took(self, position: int) -> None:
        """A letter is in hand."""
        self.open.append(position)
        self.taken = max(self.taken, position)

    def finish(self, position: int) -> None:
        """A letter is settled or held."""
        self.finished.add(position)
        while self.open and self.open[0] in self.finished:
            self.done = max(self.done, self.open.popleft())
            self.finished.discard(self.done)
        if not self.open:
            self.done = self.taken
