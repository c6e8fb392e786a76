"""The hub's safe: sealed secrets in the database, opened for the moment of use; implements ``auth.port.Secrets``."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from auth.port import SigningSecrets
from auth.redaction import Secret
from auth.sealing import Sealer
from auth.signing_secrets import gather
from hub.store import registry as store
from hub.store.pool import Pool

CACHED_SECONDS = 30.0
OVERLAP_SECONDS = 24 * 3600.0
"""How long an old signing secret still signs beside the new one, so that a unit changes over without a gap."""

SIGNING = "signing"


@dataclass(slots=True)
class Safe:
    """Seals, opens and rotates secrets. ``owner`` is a connection id or a unit id."""

    pool: Pool
    sealer: Sealer
    _opened: dict[str, tuple[float, SigningSecrets]] = field(default_factory=dict, repr=False)

    async def signing(self, connection_id: str) -> SigningSecrets:
        """The signing secrets in force, newest first; answered from a short cache."""
        known = self._opened.get(connection_id)
        if known and monotonic() < known[0]:
            return known[1]
        texts = [
            self.sealer.open(_name(connection_id, name), sealed).decode()
            for name, _, sealed in await self._sealed(connection_id)
            if name.startswith(SIGNING)
        ]
        found = gather(texts)
        self._opened[connection_id] = (monotonic() + CACHED_SECONDS, found)
        return found

    async def named(self, unit_id: str, name: str) -> str:
        """A unit's secret by its name. Raises ``KeyError``."""
        for kept, _, sealed in await self._sealed(unit_id):
            if kept == name:
                return self.sealer.open(_name(unit_id, name), sealed).decode()
        raise KeyError(name)

    async def put(self, owner: str, name: str, secret: Secret, overlap_seconds: float = OVERLAP_SECONDS) -> int:
        """Keep a new version of a secret; the one before stays valid for the overlap."""
        sealed = self.sealer.seal(_name(owner, name), secret.reveal().encode())
        async with self.pool.acquire() as conn, conn.transaction():
            version = await store.add_secret(conn, owner, name, sealed, overlap_seconds)
        self.forget()
        return version

    def forget(self) -> None:
        """Open everything anew: the registry changed."""
        self._opened.clear()

    async def _sealed(self, owner: str) -> list[tuple[str, int, str]]:
        async with self.pool.acquire() as conn:
            return await store.secrets(conn, owner)


def _name(owner: str, name: str) -> str:
    return f"{owner}/{name}"
