"""Reading case logs for an evaluation: as a stream of batches, one snapshot, nothing held but the batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope import Mode
from hub.case_numbers import number_of
from hub.cases import Entry
from hub.codec import fact_from
from hub.evaluation import CaseLog
from hub.life_cycle import State, Step
from hub.store.pool import Connection
from hub.store.sql import statements

SQL = statements("evaluating")

ROWS = 4000
"""Entries that are read at once."""


@dataclass(frozen=True, slots=True)
class Known:
    """How far the log went at an earlier time: the last position, its moment, the directory then in force."""

    position: int
    known_at: datetime
    directory_version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which logs: of cases before ``before_case``, and back to ``from_case`` where they are over.

    ``begin`` and ``end`` are the period's; entries after ``position`` are left out.
    """

    from_case: int
    before_case: int
    begin: datetime
    end: datetime
    position: int | None = None


async def known_by_position(conn: Connection, position: int) -> Known | None:
    """What the hub knew at a commit position; None before the first entry."""
    return _known(await conn.fetchrow(SQL["known_by_position"], position))


async def known_by_moment(conn: Connection, moment: datetime) -> Known | None:
    """What the hub knew at a moment of city time; None before the first entry."""
    return _known(await conn.fetchrow(SQL["known_by_moment"], moment))


async def concerned_rows(conn: Connection, wanted: Wanted) -> AsyncIterator[list[Any]]:
    """The rows of every log that the period may concern, whole cases together, for ``logs_of``.

    The caller opens the transaction; it is read through before it ends.
    """
    values = (wanted.from_case, wanted.before_case, wanted.begin, wanted.end, wanted.position)
    cursor = await conn.cursor(SQL["concerned_logs"], *values)
    rest: list[Any] = []
    while rows := await cursor.fetch(ROWS):
        # The last case of a batch may go on in the next one.
        last = rows[-1]["case_id"]
        cut = next(index for index, row in enumerate(rows) if row["case_id"] == last)
        if cut:
            yield [*rest, *rows[:cut]]
            rest = rows[cut:]
        elif rest and rest[-1]["case_id"] != last:
            yield rest
            rest = rows
        else:
            rest += rows
    if rest:
        yield rest


def logs_of(rows: list[Any], division: str) -> list[CaseLog]:
    """The case logs of rows: work for the processor, done away from the loop."""
    found: dict[int, list[Entry]] = {}
    for row in rows:
        found.setdefault(row["case_id"], []).append(_entry(row))
    return [CaseLog(number_of(case_id, division), entries) for case_id, entries in found.items()]


def _known(row: Any) -> Known | None:
    return Known(row["position"], row["known_at"], row["directory_version"]) if row else None


def _entry(row: Any) -> Entry:
    step = Step(row["fact"])
    return Entry(
        case_id=row["case_id"],
        sequence=row["sequence"],
        step=step,
        state=State(row["state"]),
        mode=Mode(row["mode"]),
        unit_id=row["unit_id"],
        connection_id=row["connection_id"],
        effective_at=row["effective_at"],
        known_at=row["known_at"],
        directory_version=row["directory_version"],
        fact=fact_from(step, row["body"]),
        audience=(),
        actor=row["actor"],
        position=row["position"],
    )
