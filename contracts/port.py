"""The adapter's port: what the hub asks of a transport, and the three errors that a transport knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from contracts.nouns import Connection, Delivered, RenderedLetter


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class DeliveryFailed(Exception):
    """A try at a letter did not succeed. ``answer`` is what the unit said, bounded; never a secret."""

    reason: str
    status: int | None = None
    answer: bytes = b""

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class Unavailable(DeliveryFailed):
    """The same letter may pass later: retry, not before ``retry_after_seconds`` where the unit named it."""

    retry_after_seconds: float | None = None
    in_doubt: bool = False


@dataclass(eq=False)
class Refused(DeliveryFailed):
    """The unit read the letter and said no: it is a dead letter now."""


@dataclass(eq=False)
class Unauthorised(DeliveryFailed):
    """Every letter would fail alike (credentials, certificate, a gone endpoint): pause the lane, call a person."""


class Adapter(Protocol):
    """One transport. It knows no unit by name, keeps no letter and never retries."""

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``.

        Raises ``Unavailable``, ``Refused`` or ``Unauthorised``; anything else is a bug of the adapter.
        """
        ...

    async def close(self) -> None:
        """Let go of sockets and pools."""
        ...
