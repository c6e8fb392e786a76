"""The refused shelf (拒收架): what was refused lies there raw, once, until an operator has dealt with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("shelf")

NO_BOUND = 2**62


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A refused message on the shelf; ``body`` only where one was asked for."""

    refused_id: int
    received_at: datetime
    unit_id: str
    credential_id: str
    door: str
    content_type: str
    kind: str
    problem: str
    settled_at: datetime | None
    settled_by: str | None
    body: bytes | None = None
    size_bytes: int = 0
    connection_id: str = ""
    settled_as: str | None = None


class ShelfRow(NamedTuple):
    """A refused message as it is laid on the shelf; ``content_key`` tells it from others."""

    unit_id: str
    credential_id: str
    door: str
    content_type: str
    kind: str
    problem: str
    body: bytes
    connection_id: str
    content_key: UUID


async def keep(pool: Pool, rows: Sequence[ShelfRow]) -> list[ShelfRow]:
    """Keep refused messages, each once: those that did not lie there before."""
    by_key = {row.content_key: row for row in rows}
    # Sorted: two processes that shelve the same ones never wait for each other in a circle.
    kept = await pool.fetch(SQL["keep"], *zip(*(by_key[key] for key in sorted(by_key)), strict=True))
    return [by_key[row["content_key"]] for row in kept if row["is_new"]]


async def listed(pool: Pool, *, unit_id: str | None, before: int | None, settled: bool, limit: int) -> list[RefusedRow]:
    """The refused shelf, newest first."""
    rows = await pool.fetch(SQL["listed"], before or NO_BOUND, unit_id, settled, limit)
    return [RefusedRow(**dict(row)) for row in rows]


async def one(pool: Pool, refused_id: int) -> RefusedRow | None:
    """One refused message with its raw bytes."""
    row = await pool.fetchrow(SQL["one"], refused_id)
    return RefusedRow(**dict(row), size_bytes=len(row["body"])) if row else None


async def open_ids(pool: Pool, kind: str, unit_id: str | None, after: int, limit: int) -> list[int]:
    """The ids of what waits on the shelf, oldest first."""
    return [row["refused_id"] for row in await pool.fetch(SQL["open_ids"], after, kind, unit_id, limit)]


async def settle(conn: Connection, refused_id: int, by: str, how: str | None = None) -> bool:
    """Take a message off the shelf's open list; ``how`` says what became of it."""
    done: str = await conn.execute(SQL["settle"], refused_id, by, how)
    return done.endswith("1")
