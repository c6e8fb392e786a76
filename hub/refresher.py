"""Keeps the registry, the keys and the city clock of a process in step with the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from auth.api_keys import KeyCheck
from contracts.city import City, CityDocumentUnreadable
from contracts.nouns import Connection
from hub.clock import CityClock
from hub.delivery.windows import Rest, rest_of
from hub.registry import Registry, build
from hub.say import Say
from hub.store import registry as store
from hub.store.pool import LOST, Pool, heed_end
from hub.store.pool import Connection as StoreConnection
from hub.units_in_force import UnitsInForce

EVERY_SECONDS = 5.0
"""How late a change is seen at the most, where its notification was lost."""


class NoCity(Exception):
    """The database holds no directory yet."""


@dataclass(slots=True)
class Refresher:
    """The current registry, clock and keys; ``changed`` are called after each change, of secrets too."""

    pool: Pool
    keys: KeyCheck
    say: Say
    changed: list[Callable[[], None]] = field(default_factory=list)
    every_seconds: float = EVERY_SECONDS
    units: UnitsInForce = field(default_factory=UnitsInForce)
    _registry: Registry | None = None
    _clock: CityClock | None = None
    _city: tuple[int, City] | None = None
    _built_of: object = None
    _soon: asyncio.Event = field(default_factory=asyncio.Event)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _begun: int = 0
    _seen: int = 0

    def registry(self) -> Registry:
        """The registry in force."""
        if self._registry is None:
            raise NoCity
        return self._registry

    def clock(self) -> CityClock:
        """The city clock in force."""
        if self._clock is None:
            raise NoCity
        return self._clock

    def rest(self, connection: Connection) -> Rest | None:
        """Why letters to a connection wait now, by its unit's own profile; None where they go."""
        return rest_of(connection, self.registry(), self.clock().now())

    def soon(self, _payload: str = "") -> None:
        """Something changed: look now."""
        self._soon.set()

    async def load(self) -> None:
        """Be in step from now on, and tell whoever waits for changes. Raises ``NoCity``."""
        await self._look()
        self._tell()

    async def run(self) -> None:
        """Refresh on notice and every few seconds, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self.every_seconds):
                    await self._soon.wait()
            except TimeoutError:
                pass
            noticed = self._soon.is_set()
            self._soon.clear()
            try:
                # Most looks find everything as it was: what others made of it stays good.
                if await self._look() or noticed:
                    self._tell()
            except LOST as fault:
                heed_end()
                self.say("store.troubled", reason=type(fault).__name__)
            except CityDocumentUnreadable as fault:
                # Another program, of another version, wrote it: what is in force here goes on.
                self.say("directory.unreadable", fault=fault)

    async def _look(self) -> bool:
        """Be in step with what was committed before this was asked. Whether this very look found another registry.

        Looks follow each other: one that is held up must not bring back what was. Who waits while another look begins
        is served by that one.
        """
        asked = self._begun
        async with self._one_at_a_time:
            if self._seen > asked:
                return False
            self._begun = number = self._begun + 1
            changed = await self._read()
            self._seen = number
            return changed

    async def _read(self) -> bool:
        async with self.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            city = await self._in_force(conn)
            units = await self.units.look(conn)
            self.keys.refresh(await store.keys(conn))
            self._clock = await store.clock(conn)
            epoch = await store.epoch(conn)
        of = (city[0], units, epoch)
        if of == self._built_of:
            return False
        self._registry, self._built_of = build(city[1], city[0], units, epoch), of
        return True

    async def _in_force(self, conn: StoreConnection) -> tuple[int, City]:
        """The city by the newest directory, read once for each version."""
        version = await store.newest_directory(conn)
        if version is None:
            raise NoCity
        if self._city is None or self._city[0] != version:
            kept = await store.directory(conn, version)
            assert kept is not None
            self._city = (version, City.from_document(orjson.loads(kept.document)))
            self.say("directory.loaded", version=version)
        return self._city

    def _tell(self) -> None:
        for call in self.changed:
            call()
