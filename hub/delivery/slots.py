"""Who speaks to a unit next: so many at once, the urgent before those who have waited longer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Slots:
    """So many at a time. Within the urgent, and within the others, who came first goes first."""

    free: int
    _urgent: deque[asyncio.Future[None]] = field(default_factory=deque)
    _ordinary: deque[asyncio.Future[None]] = field(default_factory=deque)

    @asynccontextmanager
    async def slot(self, urgent: bool) -> AsyncIterator[None]:
        """Have a slot as long as the block runs."""
        await self._wait(urgent)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, urgent: bool) -> None:
        if self.free > 0:
            # Nobody waits then: who leaves hands the slot on.
            self.free -= 1
            return
        mine = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._ordinary).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                # Its turn had come at the same moment.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for waiting in (self._urgent, self._ordinary):
            while waiting:
                following = waiting.popleft()
                if not following.done():
                    following.set_result(None)
                    return
        self.free += 1
