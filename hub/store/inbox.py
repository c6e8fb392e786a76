"""The pull inbox's store: leases on letters, and settling them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from hub.letters import WaitingLetter
from hub.store.lanes import waiting
from hub.store.pool import Connection
from hub.store.sql import statements

SQL = statements("inbox")


async def lock_lane(conn: Connection, connection_id: str, unit_id: str) -> tuple[int, int]:
    """One puller at a time: lock the lane until the transaction ends; its cursors (urgent, ordinary)."""
    row = await conn.fetchrow(SQL["lock_lane"], connection_id, unit_id)
    assert row is not None
    return row["done_urgent"], row["done_ordinary"]


async def lease(
    conn: Connection,
    connection_id: str,
    cursors: tuple[int, int],
    lease_id: UUID,
    *,
    limit: int,
    seconds: float,
    division: str,
) -> list[tuple[WaitingLetter, int]]:
    """Lease up to ``limit`` letters for ``seconds`` of machine time; each with how often it was handed out."""
    rows = await conn.fetch(SQL["lease"], connection_id, *cursors, limit, lease_id, seconds)
    return [(waiting(row, division), row["leases"]) for row in rows]


async def letters(
    conn: Connection, connection_id: str, positions: Collection[int], division: str
) -> list[WaitingLetter]:
    """Letters of a connection by their positions; unknown ones are left out."""
    rows = await conn.fetch(SQL["rendered"], connection_id, list(positions))
    return [waiting(row, division) for row in rows]


async def settle(
    conn: Connection, connection_id: str, lease_id: UUID, digests: Mapping[int, bytes], holder: str
) -> frozenset[int]:
    """Settle the letters that are still leased to ``lease_id``; those settled now."""
    positions = sorted(digests)
    rows = await conn.fetch(
        SQL["acknowledge"], connection_id, positions, lease_id, [digests[position] for position in positions], holder
    )
    return frozenset(row["position"] for row in rows)


async def settled_among(conn: Connection, connection_id: str, positions: Collection[int]) -> frozenset[int]:
    """Which of these letters were settled at some time."""
    return frozenset(row["position"] for row in await conn.fetch(SQL["settled_among"], connection_id, list(positions)))


async def advance(conn: Connection, connection_id: str, cursors: tuple[int, int]) -> None:
    """Move the lane's cursors over what is settled or held, and make due what was held behind it."""
    await conn.execute(SQL["advance"], connection_id, *cursors)
    await conn.execute(SQL["promote"], connection_id)
