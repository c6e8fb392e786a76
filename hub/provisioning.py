"""Provisioning (开通): sees to it, at the start and whenever profiles change, that the broker has what units need.

One process of all does it at a time, held by a lock of its own database connection.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from contracts.port import DeliveryFailed, Provisioner
from hub.broker_access import grants_of
from hub.safe import Safe
from hub.say import Say
from hub.store import registry as store
from hub.store.pool import CLASHED, LOST, Connection, Pool, heed_end
from hub.units_in_force import UnitsInForce

EVERY_SECONDS = 30.0
AGAIN_SECONDS = 3.0
LOCK = 7242003


@dataclass(slots=True)
class Provisioning:
    """Looks every now and then, and at once when it is told."""

    pool: Pool
    safe: Safe
    units: UnitsInForce
    provisioner: Provisioner
    say: Say
    _soon: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self) -> None:
        """Something about connections changed: look at once."""
        self._soon.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            seconds = EVERY_SECONDS
            self._soon.clear()
            try:
                await self._once()
            except (*LOST, *CLASHED) as fault:
                heed_end()
                self.say("broker.troubled", reason=type(fault).__name__)
                seconds = AGAIN_SECONDS
            except DeliveryFailed as failure:
                self.say("broker.troubled", reason=failure.reason)
                seconds = AGAIN_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    await self._soon.wait()
            except TimeoutError:
                pass

    async def _once(self) -> None:
        async with self.pool.acquire() as conn:
            if not await conn.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                return
            try:
                await self._reconcile(conn)
            finally:
                await conn.execute("SELECT pg_advisory_unlock($1)", LOCK)

    async def _reconcile(self, conn: Connection) -> None:
        grants = await grants_of(self.safe, (await self.units.look(conn)).values())
        gone = await store.broker_connections(conn) - {grant.connection_id for grant in grants}
        if not grants and not gone:
            return
        for change in await self.provisioner.reconcile(grants, gone):
            if change.failed:
                self.say("broker.troubled", connection_id=change.connection_id, reason=change.what)
            else:
                self.say("broker.changed", connection_id=change.connection_id, what=change.what)
