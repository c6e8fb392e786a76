"""The sources' store: leases with fencing tokens, and bookmarks that only the holder moves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("sources")


@dataclass(frozen=True, slots=True)
class SourceLease:
    """A source held until the lease runs out, and how far it was read."""

    connection_id: str
    fencing: int
    bookmark: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as an administrator sees it."""

    connection_id: str
    unit_id: str
    holder: str | None
    held: bool
    bookmark: str
    moved_at: datetime | None
    troubled_at: datetime | None
    trouble: str | None


async def ensure_sources(conn: Connection, sources: Sequence[tuple[str, str]]) -> None:
    """Make sure that each (connection, unit) has its row."""
    await conn.execute(SQL["ensure_sources"], [each[0] for each in sources], [each[1] for each in sources])


async def acquire(conn: Connection, wanted: Collection[str], holder: str, seconds: float) -> list[SourceLease]:
    """Take the free ones of those wanted."""
    rows = await conn.fetch(SQL["acquire"], sorted(wanted), holder, seconds)
    return [SourceLease(row["connection_id"], row["fencing"], row["bookmark"]) for row in rows]


async def renew(conn: Connection, leases: Collection[tuple[str, int]], seconds: float) -> set[str]:
    """Renew leases; the sources that are still ours."""
    rows = await conn.fetch(SQL["renew"], [each[0] for each in leases], [each[1] for each in leases], seconds)
    return {row["connection_id"] for row in rows}


async def release(conn: Connection, leases: Collection[tuple[str, int]]) -> None:
    """Give leases back, so far as they are still ours."""
    await conn.execute(SQL["release"], [each[0] for each in leases], [each[1] for each in leases])


async def move(pool: Pool, connection_id: str, fencing: int, bookmark: str) -> bool:
    """Set the bookmark, so far as the lease is still ours."""
    return str(await pool.execute(SQL["move"], connection_id, fencing, bookmark)) == "UPDATE 1"


async def trouble(pool: Pool, connection_id: str, fencing: int, reason: str) -> None:
    """Note why nothing can be collected from a source now."""
    await pool.execute(SQL["trouble"], connection_id, fencing, reason.replace("\0", "")[:500])


async def all_sources(pool: Pool) -> list[SourceRow]:
    """Every source."""
    return [SourceRow(**dict(row)) for row in await pool.fetch(SQL["all"])]
