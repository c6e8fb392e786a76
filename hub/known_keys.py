"""The keys that this process knows; one that it does not know may have been issued a moment ago by another process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

from auth.api_keys import KeyCheck
from auth.principal import Fault, NotAuthenticated, Principal
from hub.say import Say
from hub.store.pool import LOST

EVERY_SECONDS = 1.0
"""How often keys are read for an unknown one, in a process, at the most: whoever guesses costs no more than this."""

PATIENCE_SECONDS = 2.0


@dataclass(slots=True)
class KnownKeys:
    """Checks keys in memory; before a whole key is refused as unknown, all are read anew, once."""

    keys: KeyCheck
    read_anew: Callable[[], Awaitable[None]]
    say: Say
    seconds: Callable[[], float] = monotonic
    _read_at: float = float("-inf")
    _reading: asyncio.Task[None] | None = field(default=None)

    async def check(self, header_value: str) -> Principal:
        """The principal of a key, as ``KeyCheck.check`` says. Raises ``NotAuthenticated``."""
        return await self._known(self.keys.check, header_value)

    async def principal_of(self, key_id: str) -> Principal:
        """The principal of a key that was checked before. Raises ``NotAuthenticated``."""
        return await self._known(self.keys.principal_of, key_id)

    async def _known(self, look: Callable[[str], Principal], asked: str) -> Principal:
        try:
            return look(asked)
        except NotAuthenticated as refusal:
            if refusal.fault is not Fault.UNKNOWN or not await self._anew():
                raise
        return look(asked)

    async def _anew(self) -> bool:
        """Whether the keys were read, for this caller or for one who came with it."""
        if self._reading is None:
            if self.seconds() - self._read_at < EVERY_SECONDS:
                return False
            self._read_at = self.seconds()
            self._reading = asyncio.create_task(self._read(), name="keys")
        await asyncio.shield(self._reading)
        return True

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.read_anew()
        except LOST as fault:
            self.say("store.troubled", reason=type(fault).__name__)
        finally:
            self._reading = None
