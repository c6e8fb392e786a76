"""The lanes' store: leases with fencing tokens, the heads of lanes, held letters, outcomes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from contracts.envelope import Mode
from contracts.nouns import Letter
from hub.case_numbers import number_of
from hub.letters import Told, WaitingLetter
from hub.life_cycle import State, Step
from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("lanes")


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane held until the lease runs out; ``fencing`` is checked by every write."""

    connection_id: str
    fencing: int
    done_urgent: int
    taken_urgent: int
    done_ordinary: int
    taken_ordinary: int
    paused_reason: str | None = None


class Tried(Struct, frozen=True):
    """One attempt, as it is kept for ever."""

    letter: Letter
    attempt: int
    outcome: str
    status: int | None
    digest: bytes
    answer: bytes
    reason: str
    taken_at: datetime
    sent_at: datetime
    ended_at: datetime


class Held(Struct, frozen=True):
    """A letter that must wait: until ``due_at``, behind an earlier one (None), or for a person (``buried``)."""

    letter: Letter
    due_at: datetime | None
    attempts: int
    reason: str
    buried: bool = False


@dataclass(slots=True)
class LaneReport:
    """What happened on one lane since its last report."""

    connection_id: str
    fencing: int
    done_urgent: int = 0
    done_ordinary: int = 0
    breaker: str = "closed"
    failures: int = 0
    paused: str | None = None
    tried: list[Tried] = field(default_factory=list)
    settled: list[tuple[int, int]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


async def ensure_lanes(conn: Connection, lanes: Sequence[tuple[str, str]]) -> None:
    """Make sure that each (connection, unit) has its lane."""
    await conn.execute(SQL["ensure_lanes"], [lane[0] for lane in lanes], [lane[1] for lane in lanes])


async def acquire(conn: Connection, wanted: Collection[str], holder: str, seconds: float, limit: int) -> list[Lease]:
    """Take up to ``limit`` free lanes of those wanted."""
    rows = await conn.fetch(SQL["acquire"], sorted(wanted), holder, seconds, limit)
    return [
        Lease(
            row["connection_id"],
            row["fencing"],
            row["done_urgent"],
            row["taken_urgent"],
            row["done_ordinary"],
            row["taken_ordinary"],
            (row["paused_reason"] or "paused") if row["paused_at"] else None,
        )
        for row in rows
    ]


async def renew(conn: Connection, leases: Collection[tuple[str, int]], seconds: float) -> dict[str, str | None]:
    """Renew leases; the lanes that are still ours, each with why it is paused, or None where it runs."""
    names, tokens = [lease[0] for lease in leases], [lease[1] for lease in leases]
    rows = await conn.fetch(SQL["renew"], names, tokens, seconds)
    return {row["connection_id"]: (row["paused_reason"] or "paused") if row["paused_at"] else None for row in rows}


async def release(conn: Connection, leases: Collection[tuple[str, int]]) -> None:
    """Give leases back, so far as they are still ours."""
    await conn.execute(SQL["release"], [lease[0] for lease in leases], [lease[1] for lease in leases])


async def take(
    pool: Pool, connection_id: str, fencing: int, *, urgent: bool, after: int, limit: int, division: str
) -> list[WaitingLetter]:
    """The next letters of a stream, marked as taken before any of them is tried; empty where the lease is lost."""
    rows = await pool.fetch(SQL["take_urgent" if urgent else "take_ordinary"], connection_id, fencing, after, limit)
    return [waiting(row, division) for row in rows]


async def in_doubt(
    pool: Pool, connection_id: str, *, urgent: bool, done: int, taken: int, division: str
) -> list[WaitingLetter]:
    """Letters that a former holder took and left without an outcome."""
    rows = await pool.fetch(SQL["in_doubt"], connection_id, urgent, done, taken)
    return [waiting(row, division) for row in rows]


async def due(
    pool: Pool, connection_id: str, in_hand: Collection[int], limit: int, division: str, *, urgent_only: bool = False
) -> list[WaitingLetter]:
    """Held letters whose time has come and that are not in hand already."""
    rows = await pool.fetch(SQL["due"], connection_id, list(in_hand), limit, urgent_only)
    return [
        waiting(row, division, attempts=row["attempts"], held=True, on_record=row["on_record"] or 0) for row in rows
    ]


async def next_due(
    pool: Pool, connection_id: str, in_hand: Collection[int], *, urgent_only: bool = False
) -> datetime | None:
    """When the next held letter is due."""
    at: datetime | None = await pool.fetchval(SQL["next_due"], connection_id, list(in_hand), urgent_only)
    return at


async def held_by_case(pool: Pool, connection_id: str) -> dict[int, int]:
    """How many letters of each case are held."""
    return {row["case_id"]: row["held"] for row in await pool.fetch(SQL["held_by_case"], connection_id)}


async def pins(pool: Pool, connection_id: str) -> list[tuple[bool, int, int, int]]:
    """(urgent, from position, profile version, renderer version), in order."""
    return [tuple(row) for row in await pool.fetch(SQL["pins"], connection_id)]


async def pin(pool: Pool, connection_id: str, urgent: bool, from_position: int, profile: int, renderer: int) -> None:
    """From this position on, letters of the stream are made by these versions."""
    await pool.execute(SQL["pin"], connection_id, urgent, from_position, profile, renderer)


async def write_outcomes(pool: Pool, reports: Sequence[LaneReport], holder: str) -> frozenset[str]:
    """Write the reports of several lanes, at most one of each; the lanes whose token still holds. Repeatable."""
    mine = await pool.fetchval(
        SQL["write_outcomes"],
        [
            (
                report.connection_id,
                report.fencing,
                report.done_urgent,
                report.done_ordinary,
                report.breaker,
                report.failures,
                report.paused,
            )
            for report in reports
        ],
        [_attempt_row(item) for report in reports for item in report.tried],
        [(report.connection_id, *item) for report in reports for item in report.settled],
        [_held_row(report.connection_id, item) for report in reports for item in report.held],
        holder,
    )
    return frozenset(mine)


def _attempt_row(item: Tried) -> tuple[object, ...]:
    return (
        item.letter.connection_id,
        item.letter.case_id,
        item.letter.position,
        item.attempt,
        item.outcome,
        item.status,
        item.digest,
        item.answer,
        item.reason,
        item.taken_at,
        item.sent_at,
        item.ended_at,
    )


def _held_row(connection_id: str, item: Held) -> tuple[object, ...]:
    return (
        connection_id,
        item.letter.case_id,
        item.letter.position,
        item.due_at,
        item.attempts,
        item.reason,
        item.buried,
    )


async def resume(conn: Connection, connection_id: str) -> bool:
    """Let a paused lane go on; false where it was not paused."""
    done: str = await conn.execute(SQL["resume"], connection_id)
    await conn.execute(SQL["hasten"], connection_id)
    return done.endswith("1")


def waiting(row: Any, division: str, *, attempts: int = 0, held: bool = False, on_record: int = 0) -> WaitingLetter:
    """The letter of a joined row of letters and entries."""
    step = Step(row["fact"])
    return WaitingLetter(
        Letter(
            position=row["position"],
            connection_id=row["connection_id"],
            unit_id=row["unit_id"],
            case_id=row["case_id"],
            case_number=number_of(row["case_id"], division),
            entry_sequence=row["entry_sequence"],
            contract=row["contract"],
            unit_sequence=row["unit_sequence"],
            urgent=row["urgent"],
            mode=Mode(row["mode"]),
            written_at=row["written_at"],
            due_at=row["due_at"],
            traceparent=row["traceparent"],
        ),
        Told(
            sequence=row["entry_sequence"],
            step=step,
            state=State(row["state"]),
            unit_id=row["acted_by"],
            effective_at=row["effective_at"],
            known_at=row["known_at"],
            body=row["body"],
            traceparent=row["traceparent"],
        ),
        attempts,
        held,
        on_record,
    )
