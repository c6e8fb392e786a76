"""What other packages may ask of the safe: secrets by name, opened only for the moment of use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """The secrets that sign pushes on one connection, newest first.

    During a rotation two are live and both sign. ``symmetric`` holds raw HMAC keys, ``asymmetric`` raw Ed25519 seeds
    (32 bytes). Their text never shows in a log.
    """

    symmetric: tuple[bytes, ...] = field(default=(), repr=False)
    asymmetric: tuple[bytes, ...] = field(default=(), repr=False)


class Secrets(Protocol):
    """Where adapters get what they may not keep."""

    async def signing(self, connection_id: str) -> SigningSecrets:
        """The signing secrets in force for a connection; empty where it has none. Quick: answered from a cache."""
        ...

    async def named(self, unit_id: str, name: str) -> str:
        """The secret that the unit's profile refers to by name. Raises ``KeyError`` where there is none."""
        ...
