"""The hub's safe: sealed secrets in the database, opened for the moment of use; implements ``auth.port.Secrets``."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from time import monotonic

from auth.port import SigningSecrets
from auth.redaction import Secret
from auth.sealing import SealBroken, Sealer
from auth.signing_secrets import gather
from hub.store import registry as store
from hub.store.pool import LOST, Pool

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
    _named: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict, repr=False)
    _renewing: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    async def signing(self, connection_id: str) -> SigningSecrets:
        """The signing secrets in force, newest first; answered from a short cache."""
        known = self._opened.get(connection_id)
        if known is None:
            return await self._open(connection_id)
        if monotonic() >= known[0]:
            # The old ones serve while one task looks: no letter waits for, or fails with, the database.
            self._opened[connection_id] = (monotonic() + CACHED_SECONDS, known[1])
            task = asyncio.create_task(self._renewed(connection_id))
            self._renewing.add(task)
            task.add_done_callback(self._renewing.discard)
        return known[1]

    async def _open(self, connection_id: str) -> SigningSecrets:
        texts = [
            self.sealer.open(_name(connection_id, name), sealed).decode()
            for name, _, sealed in await self._sealed(connection_id)
            if name.startswith(SIGNING)
        ]
        found = gather(texts)
        self._opened[connection_id] = (monotonic() + CACHED_SECONDS, found)
        return found

    async def _renewed(self, connection_id: str) -> None:
        with contextlib.suppress(*LOST):
            await self._open(connection_id)

    async def named(self, unit_id: str, name: str) -> str:
        """A unit's secret by its name; answered from a short cache. Raises ``KeyError``."""
        known = self._named.get((unit_id, name))
        if known is not None and monotonic() < known[0]:
            return known[1]
        for kept, _, sealed in await self._sealed(unit_id):
            if kept == name:
                text = self.sealer.open(_name(unit_id, name), sealed).decode()
                self._named[unit_id, name] = (monotonic() + CACHED_SECONDS, text)
                return text
        raise KeyError(name)

    async def versions(self, name: str) -> dict[str, list[tuple[int, str]]]:
        """Owner → every live version of the secret of this name with its number, newest first; two in a rotation."""
        async with self.pool.acquire() as conn:
            kept = await store.secrets_named(conn, name)
        found: dict[str, list[tuple[int, str]]] = {}
        for owner, version, sealed in kept:
            found.setdefault(owner, []).append((version, self.sealer.open(_name(owner, name), sealed).decode()))
        return found

    async def put(self, owner: str, name: str, secret: Secret, overlap_seconds: float = OVERLAP_SECONDS) -> int:
        """Keep a new version of a secret; the one before stays valid for the overlap."""
        sealed = self.sealer.seal(_name(owner, name), secret.reveal().encode())
        async with self.pool.acquire() as conn, conn.transaction():
            version = await store.add_secret(conn, owner, name, sealed, overlap_seconds)
        self._opened.pop(owner, None)
        self._named.pop((owner, name), None)
        return version

    async def put_named(self, unit_id: str, name: str, secret: Secret, by: str) -> int:
        """Keep a new version of a secret that profiles name; it is in force at once, and who put it is kept with it."""
        sealed = self.sealer.seal(_name(unit_id, name), secret.reveal().encode())
        async with self.pool.acquire() as conn, conn.transaction():
            version = await store.add_secret(conn, unit_id, name, sealed, OVERLAP_SECONDS)
            await store.add_operation(conn, by, "secrets.put", f"{unit_id}/{name}", f"version {version}")
        self._named.pop((unit_id, name), None)
        return version

    async def broken(self) -> list[str]:
        """The names of the live secrets that do not open: sealed with a master key that is not here."""
        async with self.pool.acquire() as conn:
            kept = await store.all_secrets(conn)
        found = []
        for owner, name, sealed in kept:
            try:
                self.sealer.open(_name(owner, name), sealed)
            except SealBroken:
                found.append(_name(owner, name))
        return found

    def forget(self) -> None:
        """Open everything anew with its next use: the registry changed."""
        self._opened = {name: (0.0, kept) for name, (_, kept) in self._opened.items()}
        self._named.clear()

    async def _sealed(self, owner: str) -> list[tuple[str, int, str]]:
        async with self.pool.acquire() as conn:
            return await store.secrets(conn, owner)


def _name(owner: str, name: str) -> str:
    return f"{owner}/{name}"
