"""Keeps the registry, the keys and the city clock of a process in step with the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from auth.api_keys import KeyCheck
from contracts.city import City, CityDocumentUnreadable
from contracts.nouns import Connection, UnitState
from contracts.profile import Profile
from hub.clock import CityClock
from hub.delivery.windows import Rest, rest_of
from hub.registry import Registry, build
from hub.say import Say
from hub.store import registry as store
from hub.store.pool import LOST, Pool

EVERY_SECONDS = 5.0
"""How late a change is seen at the most, where its notification was lost."""


class NoCity(Exception):
    """The database holds no directory yet."""


@dataclass(slots=True)
class Refresher:
    """The current registry, clock and keys; ``changed`` are called after each change."""

    pool: Pool
    keys: KeyCheck
    say: Say
    changed: list[Callable[[], None]] = field(default_factory=list)
    _registry: Registry | None = None
    _clock: CityClock | None = None
    _city: tuple[int, City] | None = None
    _soon: asyncio.Event = field(default_factory=asyncio.Event)
    # What was read later is never overwritten by what was read before it.
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        """Read everything anew. Raises ``NoCity``."""
        async with self._reading:
            await self._load()

    async def load_keys(self) -> None:
        """Read the keys alone anew."""
        async with self._reading, self.pool.acquire() as conn:
            self.keys.refresh(await store.keys(conn))

    async def _load(self) -> None:
        async with self.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            latest = await store.latest_directory(conn)
            if latest is None:
                raise NoCity
            if self._city is None or self._city[0] != latest.version:
                self._city = (latest.version, City.from_document(orjson.loads(latest.document)))
                self.say("directory.loaded", version=latest.version)
            profiles = {
                unit.unit_id: (Profile.model_validate_json(unit.document), unit.version, UnitState(unit.state))
                for unit in await store.unit_profiles(conn)
            }
            self.keys.refresh(await store.keys(conn))
            self._clock = await store.clock(conn)
            epoch = await store.epoch(conn)
        self._registry = build(self._city[1], latest.version, profiles, epoch)
        for call in self.changed:
            call()

    async def run(self) -> None:
        """Refresh on notice and every few seconds, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._soon.wait()
            except TimeoutError:
                pass
            self._soon.clear()
            try:
                await self.load()
            except LOST as fault:
                self.say("store.troubled", reason=type(fault).__name__)
            except CityDocumentUnreadable as fault:
                # Another program, of another version, wrote it: what is in force here goes on.
                self.say("directory.unreadable", fault=fault)
