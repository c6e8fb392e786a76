"""All sources of a process: connections that the hub collects messages from, each by lease in one process of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from contracts.nouns import Connection
from contracts.port import DeliveryFailed, LeaseLost, Reception, Source, Unavailable
from hub.delivery.windows import Rest
from hub.registry import Registry
from hub.say import Say
from hub.store import sources as store
from hub.store.pool import CLASHED, LOST, Pool, heed_end
from hub.store.sources import SourceLease

TICK_SECONDS = 1.0
LEASE_SECONDS = 30.0
PAUSES_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""How long a source rests after each failure in a row."""


def never_rests(_: Connection) -> None:
    """A source that is always asked."""


@dataclass(slots=True)
class Held:
    """A source in hand; implements ``contracts.port.Bookmark``."""

    pool: Pool
    lease: SourceLease
    text: str
    lost: bool = False
    moved: bool = False

    async def move(self, text: str) -> None:
        """Everything up to here is committed. Raises ``LeaseLost`` where another process collects by now."""
        if self.lost or not await store.move(self.pool, self.lease.connection_id, self.lease.fencing, text):
            raise LeaseLost(self.lease.connection_id)
        self.text, self.moved = text, True


@dataclass(slots=True)
class Sources:
    """Acquires sources, runs them and renews their leases. ``kinds`` are the adapters by ``Connection.source``."""

    pool: Pool
    registry: Callable[[], Registry]
    kinds: Mapping[str, Source]
    reception: Reception
    holder: str
    say: Say
    resting: Callable[[Connection], Rest | None] = never_rests
    _running: dict[str, tuple[Held, Connection, asyncio.Task[None]]] = field(default_factory=dict)
    _soon: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self) -> None:
        """Something about connections changed: look at once."""
        self._soon.set()

    async def run(self) -> None:
        """Until cancelled; then collecting stops and leases are given back."""
        try:
            while True:
                try:
                    await self._tick()
                except (*LOST, *CLASHED) as fault:
                    heed_end()
                    self.say("sources.troubled", reason=type(fault).__name__)
                try:
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._soon.wait()
                except TimeoutError:
                    pass
                self._soon.clear()
        finally:
            leases = [(name, held.lease.fencing) for name, (held, _, _) in self._running.items()]
            await self._stop(list(self._running))
            await self._release(leases)

    async def _tick(self) -> None:
        wanted = {
            connection.connection_id: connection
            for connection in self.registry().connections.values()
            # A unit in its maintenance window is not asked: it would only fail.
            if connection.source in self.kinds and not ((rest := self.resting(connection)) and rest.urgent)
        }
        await self._renew()
        gone = [
            name
            for name, (held, connection, task) in self._running.items()
            if held.lost or task.done() or wanted.get(name) != connection
        ]
        leases = [(name, self._running[name][0].lease.fencing) for name in gone if not self._running[name][0].lost]
        await self._stop(gone)
        if leases:
            await self._release(leases)
        missing = [name for name in wanted if name not in self._running]
        if not missing:
            return
        async with self.pool.acquire() as conn:
            await store.ensure_sources(conn, [(name, wanted[name].unit_id) for name in missing])
            taken = await store.acquire(conn, missing, self.holder, LEASE_SECONDS)
        for lease in taken:
            self._start(lease, wanted[lease.connection_id])

    def _start(self, lease: SourceLease, connection: Connection) -> None:
        held = Held(self.pool, lease, lease.bookmark)
        task = asyncio.create_task(self._collect(held, connection), name=f"source {lease.connection_id}")
        self._running[lease.connection_id] = (held, connection, task)
        self.say("source.acquired", connection_id=lease.connection_id, fencing=lease.fencing)

    async def _collect(self, held: Held, connection: Connection) -> None:
        """Collect for as long as the lease is ours; a source that fails rests, each time longer."""
        failures, name = 0, connection.connection_id
        while not held.lost:
            held.moved, rest_seconds = False, 0.0
            try:
                await self.kinds[connection.source or ""].collect(connection, held, self.reception)
                return
            except LeaseLost:
                held.lost = True
                return
            except DeliveryFailed as failure:
                reason = failure.reason
                # A unit that names the time to come back is not asked before.
                if isinstance(failure, Unavailable):
                    rest_seconds = failure.retry_after_seconds or 0.0
            except (*LOST, *CLASHED) as fault:
                reason = type(fault).__name__
            except Exception as bug:
                self.say("adapter.failed", connection_id=name, fault=bug)
                reason = f"the hub's own fault: {type(bug).__name__}"
            heed_end()
            failures = 1 if held.moved else failures + 1
            self.say("source.troubled", connection_id=name, unit_id=connection.unit_id, reason=reason[:500])
            # It is said already; the row only tells the administrator's page.
            try:
                await store.trouble(self.pool, name, held.lease.fencing, reason)
            except LOST:
                heed_end()
            await asyncio.sleep(max(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS)) - 1], rest_seconds))

    async def _renew(self) -> None:
        if not self._running:
            return
        leases = [(name, held.lease.fencing) for name, (held, _, _) in self._running.items()]
        async with self.pool.acquire() as conn:
            ours = await store.renew(conn, leases, LEASE_SECONDS)
        for name, (held, _, _) in self._running.items():
            if name not in ours:
                held.lost = True
                self.say("source.lost", connection_id=name)

    async def _stop(self, names: list[str]) -> None:
        stopped = [self._running.pop(name) for name in names]
        for _, _, task in stopped:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in stopped), return_exceptions=True)

    async def _release(self, leases: list[tuple[str, int]]) -> None:
        try:
            async with self.pool.acquire() as conn:
                await store.release(conn, leases)
        except LOST:
            pass  # the leases run out by themselves
