"""Months of cases: what lies in each, what holds it back, and dropping one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.store.pool import Connection
from hub.store.sql import statements

SQL = statements("retention")


@dataclass(frozen=True, slots=True)
class MonthContent:
    """What lies in a month. ``waiting`` letters are still to be delivered, ``unfetched`` ones no unit came for."""

    cases: int
    open: int
    last_changed_at: datetime | None
    entries: int
    last_position: int
    last_known_at: datetime | None
    letters: int
    waiting: int
    unfetched: int


@dataclass(frozen=True, slots=True)
class DroppedMonth:
    """A month that went."""

    month: int
    dropped_at: datetime
    dropped_by: str
    reason: str
    cases: int
    entries: int
    letters: int
    last_position: int


@dataclass(frozen=True, slots=True)
class Ids:
    """The case ids of a month: from ``first``, before ``following``."""

    first: int
    following: int


async def months(conn: Connection) -> list[tuple[int, int]]:
    """(month, bytes) of every month that has partitions, oldest first."""
    return [tuple(row) for row in await conn.fetch(SQL["months"])]


async def content(conn: Connection, ids: Ids, pushed: Sequence[str]) -> MonthContent:
    """What lies in a month; ``pushed`` are the connections that the hub itself delivers to."""
    row = await conn.fetchrow(SQL["content"], ids.first, ids.following, pushed)
    assert row is not None
    return MonthContent(**dict(row))


async def lock(conn: Connection) -> None:
    """Keep everybody off case data until the transaction ends. Raises ``asyncpg.LockNotAvailableError`` soon."""
    await conn.execute(SQL["patience"])
    await conn.execute(SQL["lock"])


async def moved(conn: Connection, ids: Ids, seen: MonthContent) -> bool:
    """Whether something happened in a month since it was looked at."""
    return bool(await conn.fetchval(SQL["moved"], ids.first, ids.following, seen.last_changed_at, seen.last_position))


async def drop(conn: Connection, month: int, ids: Ids, seen: MonthContent, by: str, reason: str) -> None:
    """The month's partitions go, and it is kept that they went. The caller opened the transaction and locked."""
    told = (seen.cases, seen.entries, seen.letters, seen.last_position, seen.last_known_at, seen.last_changed_at)
    await conn.execute(SQL["record"], month, by, reason, *told)
    await conn.execute(SQL["forget_leases"], ids.first, ids.following)
    await conn.execute(SQL["drop"], month)


async def dropped(conn: Connection) -> list[DroppedMonth]:
    """The months that went, oldest first."""
    return [DroppedMonth(**dict(row)) for row in await conn.fetch(SQL["dropped"])]
