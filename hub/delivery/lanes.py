"""All lanes of a process: which it holds, kept by lease, so that any process may die at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from contracts.nouns import Connection, Transport
from contracts.port import Adapter
from hub.clock import CityClock
from hub.delivery.lane import Lane
from hub.delivery.outcomes import Outcomes
from hub.delivery.windows import Rest, rest_of
from hub.registry import Registry
from hub.say import Say
from hub.store import lanes as store
from hub.store.lanes import Lease
from hub.store.pool import CLASHED, LOST, Pool, heed_end

TICK_SECONDS = 1.0
LEASE_MARGIN_SECONDS = 15.0
"""A lease outlives the longest call on its lane by this much, so a stalled holder cannot speak after the next one."""

LANES_MAX = 500


@dataclass(slots=True)
class Lanes:
    """Acquires lanes, runs them and renews their leases. ``takes`` is a pool that does not wait for the disk."""

    pool: Pool
    takes: Pool
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]
    adapters: Mapping[Transport, Adapter]
    holder: str
    say: Say
    _running: dict[str, tuple[Lane, asyncio.Task[None]]] = field(default_factory=dict)
    _outcomes: Outcomes = field(init=False)
    _soon: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._outcomes = Outcomes(self.pool, self.holder, self.say)

    def wake(self, news: list[str]) -> None:
        """New letters were committed: ``u/<connection>`` urgent ones, ``o/<connection>`` others."""
        for each in news:
            running = self._running.get(each[2:])
            if running:
                running[0].wake(urgent=each[0] == "u")
            else:
                self._soon.set()

    def held_changed(self, connection_id: str) -> None:
        """An operator replayed or cancelled a held letter of this connection."""
        running = self._running.get(connection_id)
        if running:
            running[0].held_changed()

    def look(self) -> None:
        """Something about connections changed: look at once."""
        self._soon.set()

    async def run(self) -> None:
        """Until cancelled; then lanes finish what is on the wire and leases are given back."""
        writing = asyncio.create_task(self._outcomes.run(), name="outcomes")
        try:
            while not writing.done():
                try:
                    await self._tick()
                except (*LOST, *CLASHED) as fault:
                    heed_end()
                    self.say("lanes.troubled", reason=type(fault).__name__)
                try:
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._soon.wait()
                except TimeoutError:
                    pass
                self._soon.clear()
            # Without it no letter is ever settled: its death is the death of the lanes.
            writing.result()
        finally:
            leases = [(name, lane.lease.fencing) for name, (lane, _) in self._running.items()]
            await self._stop(list(self._running))
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await self._release(leases)

    async def _tick(self) -> None:
        wanted = {
            connection.connection_id: connection
            for connection in self.registry().connections.values()
            if connection.transport in self.adapters
        }
        await self._renew()
        await self._stop(
            [
                name
                for name, (lane, task) in self._running.items()
                if lane.lost or task.done() or wanted.get(name) != lane.connection
            ]
        )
        missing = [name for name in wanted if name not in self._running]
        if not missing:
            return
        seconds = LEASE_MARGIN_SECONDS + max(wanted[name].timeout_seconds for name in missing)
        async with self.pool.acquire() as conn:
            await store.ensure_lanes(conn, [(name, wanted[name].unit_id) for name in missing])
            leases = await store.acquire(conn, missing, self.holder, seconds, LANES_MAX - len(self._running))
        for lease in leases:
            self._start(lease, wanted[lease.connection_id])

    def _start(self, lease: Lease, connection: Connection) -> None:
        lane = Lane(
            lease=lease,
            connection=connection,
            adapter=self.adapters[connection.transport],
            pool=self.pool,
            takes=self.takes,
            outcomes=self._outcomes,
            clock=self.clock,
            division=self.registry().division_code,
            say=self.say,
            resting=partial(self._rest, connection),
        )
        task = asyncio.create_task(self._guarded(lane), name=f"lane {lease.connection_id}")
        self._running[lease.connection_id] = (lane, task)
        self.say("lane.acquired", connection_id=lease.connection_id, fencing=lease.fencing)

    def _rest(self, connection: Connection) -> Rest | None:
        return rest_of(connection, self.registry(), self.clock().now())

    async def _guarded(self, lane: Lane) -> None:
        try:
            await lane.run()
        except (*LOST, *CLASHED) as fault:
            self.say("lane.troubled", connection_id=lane.connection.connection_id, reason=type(fault).__name__)
        except Exception as bug:
            self.say("task.died", task=f"lane {lane.connection.connection_id}", fault=bug)
            await asyncio.sleep(TICK_SECONDS)

    async def _renew(self) -> None:
        if not self._running:
            return
        lanes = [lane for lane, _ in self._running.values()]
        seconds = LEASE_MARGIN_SECONDS + max(lane.connection.timeout_seconds for lane in lanes)
        async with self.pool.acquire() as conn:
            ours = await store.renew(
                conn, [(lane.connection.connection_id, lane.lease.fencing) for lane in lanes], seconds
            )
        for lane in lanes:
            name = lane.connection.connection_id
            if name not in ours:
                lane.lost = True
                self.say("lane.lost", connection_id=name)
            elif lane.paused and ours[name] is None and not lane.pausing:
                lane.resume()
                self.say("lane.resumed", connection_id=name)
            elif ours[name] is not None:
                lane.paused = ours[name]

    async def _stop(self, names: list[str]) -> None:
        stopped = [self._running.pop(name) for name in names]
        for _, task in stopped:
            task.cancel()
        await asyncio.gather(*(task for _, task in stopped), return_exceptions=True)

    async def _release(self, leases: list[tuple[str, int]]) -> None:
        try:
            async with self.pool.acquire() as conn:
                await store.release(conn, leases)
        except LOST:
            pass  # the leases run out by themselves
