"""Months of case data in the store: what each holds, dropping one, and what is on record of those that went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from hub.case_numbers import SERIALS_PER_DAY
from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("retention")

COUNT_SECONDS = 600.0
DROP_SECONDS = 60.0

Busy = asyncpg.LockNotAvailableError
"""Others hold what was to be locked, for longer than anybody should wait behind us."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a month holds. ``reaches_until`` is the last change or deadline of its cases, in city time."""

    cases: int
    open: int
    entries: int
    letters: int
    undelivered: int
    last_position: int
    reaches_until: datetime | None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A month that is kept no longer."""

    month: int
    cases: int
    entries: int
    letters: int
    last_position: int
    reached_until: datetime | None
    dropped_at: datetime
    by: str


async def months(conn: Connection) -> list[int]:
    """The months that are kept, oldest first."""
    return [row["month"] for row in await conn.fetch(SQL["months"])]


async def hold(conn: Connection, month: int) -> None:
    """Keep a month from being written until the transaction ends. Raises ``Busy``."""
    await conn.execute(SQL["hold"], month)


async def alone(conn: Connection) -> None:
    """Keep everybody off case data until the transaction ends, which should be soon. Raises ``Busy``."""
    await conn.execute(SQL["lock"])


async def content(conn: Connection, month: int) -> Content:
    """What a month holds."""
    low = month * 100 * SERIALS_PER_DAY
    row = await conn.fetchrow(SQL["content"], low, low + 100 * SERIALS_PER_DAY, timeout=COUNT_SECONDS)
    assert row is not None
    reaches = [each for each in (row["cases_until"], row["letters_until"]) if each is not None]
    return Content(
        row["cases"],
        row["open"],
        row["entries"],
        row["letters"],
        row["undelivered"],
        max(row["last_entry"], row["last_letter"]),
        max(reaches, default=None),
    )


async def drop(conn: Connection, month: int, went: Content, by: str) -> None:
    """Drop a month that is held. Raises ``Busy``."""
    values = went.cases, went.entries, went.letters, went.last_position, went.reaches_until
    await conn.execute(SQL["drop"], month, *values, by, timeout=DROP_SECONDS)


async def gone(conn: Connection, begin: datetime, last_month: int) -> int | None:
    """The newest dropped month whose cases count in a period from ``begin`` to ``last_month``."""
    found: int | None = await conn.fetchval(SQL["gone"], begin, last_month)
    return found


async def dropped(pool: Pool) -> list[Dropped]:
    """What was dropped, oldest month first."""
    return [Dropped(**dict(row)) for row in await pool.fetch(SQL["dropped"])]
