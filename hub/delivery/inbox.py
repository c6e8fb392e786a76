"""The inbox of a unit that pulls: letters under a lease, in order per case, until it acknowledges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import uuid_utils.compat as uuids

from contracts.nouns import Connection, RenderedLetter
from hub.delivery.render import render
from hub.store import inbox as store
from hub.store.pool import Pool


@dataclass(frozen=True, slots=True)
class Handout:
    """Letters handed out under one lease."""

    lease_id: UUID
    seconds: float
    letters: tuple[tuple[RenderedLetter, int], ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement came to: settled now, settled before, and those whose lease is lost."""

    settled: frozenset[int]
    before: frozenset[int]
    lost: frozenset[int]


async def hand_out(pool: Pool, connection: Connection, *, limit: int, seconds: float, division: str) -> Handout:
    """Lease the next letters of a connection."""
    lease_id = uuids.uuid7()
    async with pool.acquire() as conn, conn.transaction():
        cursors = await store.lock_lane(conn, connection.connection_id, connection.unit_id)
        leased = await store.lease(
            conn, connection.connection_id, cursors, lease_id, limit=limit, seconds=seconds, division=division
        )
    return Handout(lease_id, seconds, tuple((render(item.letter, item.told), leases) for item, leases in leased))


async def acknowledge(
    pool: Pool, connection: Connection, lease_id: UUID, positions: Sequence[int], *, division: str
) -> Acknowledged:
    """Settle letters of a lease; acknowledging one twice is no fault."""
    asked = frozenset(positions)
    async with pool.acquire() as conn, conn.transaction():
        cursors = await store.lock_lane(conn, connection.connection_id, connection.unit_id)
        letters = await store.letters(conn, connection.connection_id, asked, division)
        digests = {item.letter.position: render(item.letter, item.told).digest for item in letters}
        settled = await store.settle(conn, connection.connection_id, lease_id, digests, f"pull {connection.unit_id}")
        before = await store.settled_among(conn, connection.connection_id, asked) - settled
        if settled:
            await store.advance(conn, connection.connection_id, cursors)
    return Acknowledged(settled, before, asked - settled - before)
