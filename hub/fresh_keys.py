"""Keys as the doors check them: one that this process does not know yet is looked for in the database at once.

Another process may have issued it a moment ago, and its notification is still on the way. Whoever guesses at keys makes
no work: they are read again at most once a second, however many ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from auth.api_keys import CredentialRow, KeyCheck
from auth.principal import Fault, NotAuthenticated, Principal
from hub.say import Say
from hub.store.pool import LOST

AGAIN_SECONDS = 1.0
READ_SECONDS = 2.0


@dataclass(slots=True)
class FreshKeys:
    """Checks keys in memory; ``read`` gives all rows anew."""

    keys: KeyCheck
    read: Callable[[], Awaitable[Iterable[CredentialRow]]]
    say: Say
    now: Callable[[], float] = monotonic
    _next: float = 0.0
    _reading: asyncio.Task[None] | None = field(default=None, repr=False)

    async def check(self, header_value: str) -> Principal:
        """The principal of a key. Raises ``NotAuthenticated``."""
        return await self._sought(self.keys.check, header_value)

    async def principal_of(self, key_id: str) -> Principal:
        """The principal of a key that was checked before, by whatever process. Raises ``NotAuthenticated``."""
        return await self._sought(self.keys.principal_of, key_id)

    async def _sought(self, look: Callable[[str], Principal], shown: str) -> Principal:
        try:
            return look(shown)
        except NotAuthenticated as refusal:
            if refusal.fault is not Fault.UNKNOWN:
                raise
        await self._read_again()
        return look(shown)

    async def _read_again(self) -> None:
        if self._reading is None or self._reading.done():
            if self.now() < self._next:
                return
            self._next = self.now() + AGAIN_SECONDS
            self._reading = asyncio.create_task(self._renewed(), name="keys")
        # Who hangs up while others wait for the same reading does not end it.
        await asyncio.shield(self._reading)

    async def _renewed(self) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                self.keys.refresh(await self.read())
        except LOST as fault:
            self.say("store.troubled", reason=type(fault).__name__)
