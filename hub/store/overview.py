"""Reading for the console: one consistent picture of the day, the units and the shelf; the attempts of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.envelope import Mode
from hub.case_numbers import case_id
from hub.cases import Case
from hub.codec import case_from
from hub.life_cycle import State
from hub.store.pool import Pool
from hub.store.reading import BacklogRow
from hub.store.sql import statements

SQL = statements("overview")

LETTERS_BOUND = 1000
"""Letters of a connection are counted up to here: how long a backlog is matters less than that it is one."""

ATTEMPTS_MAX = 500


@dataclass(frozen=True, slots=True)
class Count:
    """Cases in one state, and how many of them are late."""

    cases: int = 0
    late: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.cases + other.cases, self.late + other.late)


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One way to a unit: its lane's condition and the letters on it."""

    connection_id: str
    unit_id: str
    breaker: str
    paused_at: datetime | None
    paused_reason: str | None
    running: bool
    waiting: int
    held: int
    dead: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the first page shows, as it was at one moment."""

    day: Mapping[State, Count]
    earlier: Mapping[State, Count]
    backlog: Sequence[BacklogRow]
    connections: Sequence[ConnectionRow]
    awaiting: Sequence[Case]
    pressing: Sequence[Case]


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One try at a letter, as a page tells it."""

    position: int
    attempt: int
    outcome: str
    status: int | None
    reason: str
    answer: bytes
    sent_at: datetime
    ended_at: datetime


async def picture(
    pool: Pool, *, day: int, now: datetime, mode: Mode, connections: Mapping[str, str], limit: int
) -> Picture:
    """The city at ``now`` and the cases of ``day`` (YYYYMMDD).

    ``connections`` names the unit of each connection that may have letters; ``limit`` bounds the lists of cases.
    """
    first, after = case_id(day, 0), case_id(day + 1, 0)
    # One connection in one snapshot: the numbers agree with each other, and the intake keeps the rest of the pool.
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        of_day = await conn.fetch(SQL["day_stages"], first, after, now, mode)
        earlier = await conn.fetch(SQL["earlier_open"], first, now, mode)
        backlog = await conn.fetch(SQL["backlog"], now, mode)
        lines = await conn.fetch(SQL["connections"], list(connections), list(connections.values()), LETTERS_BOUND)
        awaiting = await conn.fetch(SQL["awaiting"], mode, limit)
        pressing = await conn.fetch(SQL["pressing"], mode, limit)
    return Picture(
        day={State(row["state"]): Count(row["cases"], row["late"]) for row in of_day},
        earlier={State(row["state"]): Count(row["cases"], row["late"]) for row in earlier},
        backlog=[BacklogRow(**dict(row)) for row in backlog],
        connections=[ConnectionRow(**dict(row)) for row in lines],
        awaiting=[case_from(row["body"]) for row in awaiting],
        pressing=[case_from(row["body"]) for row in pressing],
    )


async def case_attempts(pool: Pool, case_id: int) -> list[AttemptLine]:
    """Every try at every letter of a case."""
    rows = await pool.fetch(SQL["case_attempts"], case_id, ATTEMPTS_MAX)
    return [AttemptLine(**{**dict(row), "answer": bytes(row["answer"])}) for row in rows]
