"""Loading and writing one intake batch: a call each, set-wise.

Nothing is locked in between: what a batch was decided on goes back with it, and it is written only if that still holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import asyncpg
from asyncpg.pgproto.pgproto import UUID

from contracts.arrival import Answer
from contracts.envelope import Mode
from hub.case_numbers import number_of
from hub.cases import Case, Entry
from hub.clock import CityClock
from hub.codec import case_from, case_text, fact_text
from hub.decision import LetterOrder, Outbox, Remembered
from hub.lateness import Delivery, Outage
from hub.life_cycle import State
from hub.nearby import Open, Stretch, stretches
from hub.spans import Span
from hub.store.pool import Connection
from hub.store.sql import statements

SQL = statements("batches")


class Overtaken(Exception):
    """Something that the batch was decided on is otherwise by now: load and decide again."""


@dataclass(slots=True)
class Grounds:
    """What a batch is decided on, and what must still be so when it is written.

    The versions of the cases that were looked at. The open cases known near its reports, sought from a moment and a
    case id on, and the reports that repeat none of them within so many metres. The register's entries found in force on
    a day for the components that were asked for.
    """

    near_since: datetime
    near_from: int
    day: date
    versions: Mapping[int, int] = field(default_factory=dict)
    near: Collection[int] = ()
    alone: Sequence[tuple[Open, tuple[str, ...]]] = ()
    metres: float = 0.0
    components: Collection[str] = ()
    entry_ids: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a batch must know before it is decided: open cases near its reports, first answers by key, its own cases."""

    near: Sequence[tuple[str, Open]]
    remembered: Mapping[bytes, Remembered]
    cases: Mapping[int, Case]


async def load(
    conn: Connection,
    keys: Collection[bytes],
    ids: Collection[int],
    near: Sequence[Stretch],
    since: datetime,
    from_case: int,
    division: str,
    *,
    hold: bool = False,
) -> Found:
    """Look everything up. With ``hold`` the cases are locked, sorted, until the caller's transaction ends.

    What is found near is (cell, case) of the open cases in these stretches, none registered before ``since``.
    Keys and cases that are unknown are left out.
    """
    row = await conn.fetchrow(
        SQL["load_batch"],
        [UUID(key) for key in keys],
        sorted(ids),
        near,
        since,
        from_case,
        hold,
    )
    assert row is not None
    return Found(
        [(each["grid_cell"], _open(each, division)) for each in row["near"] or ()],
        {each["key"].bytes: _remembered(each, division) for each in row["seen"] or ()},
        {each["case_id"]: case_from(each["body"]) for each in row["known"] or ()},
    )


async def known_attachments(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    """Attachment id → the unit that sent it, for those that exist."""
    rows = await conn.fetch(SQL["known_attachments"], list(ids))
    return {row["attachment_id"]: row["unit_id"] for row in rows}


def _open(row: Any, division: str) -> Open:
    return Open(
        case_id=row["case_id"],
        case_number=number_of(row["case_id"], division),
        category_code=row["category_code"],
        component_code=row["component_code"],
        longitude=row["longitude"],
        latitude=row["latitude"],
        registered_at=row["registered_at"],
        mode=Mode(row["mode"]),
    )


async def deliveries(
    conn: Connection, leads: Mapping[int, str], fetched: Collection[str], clock: CityClock
) -> dict[int, Delivery]:
    """How each case's last dispatch was brought to its lead unit, in city time.

    Nothing of letters that wait for their unit: ``fetched`` are the connections whose units fetch.
    """
    rows = await conn.fetch(SQL["dispatch_deliveries"], list(leads), list(leads.values()), list(fetched))
    return {row["case_id"]: _delivery(row, clock) for row in rows}


def _delivery(row: Any, clock: CityClock) -> Delivery:
    def moment(name: str) -> datetime | None:
        return clock.at(row[name]) if row[name] else None

    rests = zip(row["rests_since"], row["rests_until"], strict=True)
    return Delivery(
        clock.at(row["written_at"]),
        moment("tried_at"),
        moment("cut_off_at"),
        moment("received_at"),
        tuple(Span(clock.at(since), clock.at(until)) for since, until in rests),
    )


async def outages(
    conn: Connection, units: Collection[str], since: datetime, clock: CityClock
) -> dict[str, list[Outage]]:
    """When units were cut off, in city time; outages that ended before ``since`` (machine time) are left out."""
    found: dict[str, list[Outage]] = {}
    for row in await conn.fetch(SQL["outages"], list(units), since):
        until = clock.at(row["until"]) if row["until"] else None
        found.setdefault(row["unit_id"], []).append(Outage(row["connection_id"], clock.at(row["since"]), until))
    return found


async def due_alarms(conn: Connection, now: datetime, limit: int) -> list[Case]:
    """The cases that time alone does something to now, the longest overdue first."""
    return [case_from(row["body"]) for row in await conn.fetch(SQL["due_alarms"], now, limit)]


async def cases_of(conn: Connection, ids: Collection[int]) -> list[Case]:
    """Cases as they are now, not locked."""
    return [case_from(row["body"]) for row in await conn.fetch(SQL["cases_of"], list(ids))]


async def set_alarms(conn: Connection, alarms: Sequence[tuple[int, int, datetime | None]]) -> None:
    """(case, version, when to look again): a case that moved on meanwhile has its own alarm."""
    await conn.execute(SQL["set_alarms"], *_columns(3, alarms))


async def look_at_provisional(conn: Connection, now: datetime) -> None:
    """The calendar changed: look now at every deadline that rests on a provisional one."""
    await conn.execute(SQL["look_at_provisional"], now)


async def take_numbers(conn: Connection, day: int, wanted: int) -> int:
    """The first serial of a block of ``wanted`` serials of a day."""
    first: int = await conn.fetchval(SQL["take_numbers"], day, wanted)
    return first


async def ensure_month(conn: Connection, month: int) -> bool:
    """Make the partitions of a month (YYYYMM) outside any transaction; true where they were missing."""
    try:
        made: bool = await conn.fetchval(SQL["ensure_month"], month)
    except asyncpg.DuplicateTableError:
        # Another made them while this call waited for its turn: a server process remembers that it saw no such table.
        return False
    return made


async def write(
    conn: Connection, outbox: Outbox, grounds: Grounds, now: datetime, machine: datetime, directory_version: int
) -> int:
    """Write everything; returns the first commit position (0 where the batch has no entry).

    Entry ``i`` gets position ``base + i``, letters follow. Raises ``Overtaken``, and then nothing was written.
    """
    order = {(entry.case_id, entry.sequence): index for index, entry in enumerate(outbox.entries)}
    try:
        base: int = await conn.fetchval(
            SQL["write_batch"],
            list(grounds.versions),
            list(grounds.versions.values()),
            list(_compared(grounds)),
            [*grounds.near, *(case.case_id for case, _ in grounds.alone)],
            grounds.near_since,
            grounds.near_from,
            list(grounds.components),
            grounds.day,
            sorted(grounds.entry_ids),
            [_case_row(case, outbox.alarms.get(case.case_id)) for _, case in sorted(outbox.cases.items())],
            sorted(outbox.keys, key=lambda row: row[0].bytes),
            outbox.raw,
            [(case_id, item.personal_id, item.body) for case_id, item in outbox.personal],
            [_entry_row(entry, before) for entry, before in zip(outbox.entries, outbox.befores, strict=True)],
            [
                (sight.unit_id, sight.case_id, order[sight.case_id, sight.entry_sequence], sight.open)
                for sight in _last_sights(outbox)
            ],
            [_letter_row(letter) for letter in outbox.letters],
            now,
            machine,
            directory_version,
        )
    except asyncpg.PostgresError as fault:
        if fault.sqlstate == "CH002":
            raise Overtaken(fault.args[0]) from fault
        raise
    return base


def _compared(grounds: Grounds) -> Iterator[Stretch]:
    for case, cells in grounds.alone:
        yield from stretches(case.category_code, case.longitude, case.latitude, cells, grounds.metres)


def _case_row(case: Case, alarm_at: datetime | None) -> tuple[object, ...]:
    told, lead = case.reported, case.lead
    return (
        case.case_id,
        case.version,
        case.state,
        case.mode,
        told.category_code,
        told.location.area_id,
        told.location.grid_cell,
        told.location.longitude,
        told.location.latitude,
        case.reported_by,
        case.lead_unit_id,
        told.tier,
        case.registered_at,
        case.due_at,
        alarm_at,
        lead is not None and lead.order.provisional,
        told.component_code,
        case_text(case),
    )


def _entry_row(entry: Entry, before: State | None) -> tuple[object, ...]:
    return (
        entry.case_id,
        entry.sequence,
        entry.step,
        before,
        entry.state,
        entry.mode,
        entry.unit_id,
        entry.connection_id,
        entry.actor,
        entry.on_behalf_of,
        UUID(entry.message_key) if entry.message_key else None,
        entry.message_digest,
        UUID(entry.personal_id) if entry.personal_id else None,
        entry.effective_at,
        entry.traceparent,
        " ".join(entry.audience),
        fact_text(entry.fact),
    )


def _letter_row(letter: LetterOrder) -> tuple[object, ...]:
    return (
        letter.case_id,
        letter.connection_id,
        letter.unit_id,
        letter.entry_sequence,
        letter.contract,
        letter.unit_sequence,
        letter.urgent,
        letter.mode,
        letter.due_at,
    )


def _columns(width: int, rows: Sequence[tuple[Any, ...]]) -> tuple[Sequence[Any], ...]:
    return tuple(zip(*rows, strict=True)) if rows else ((),) * width


def _last_sights(outbox: Outbox) -> list[Any]:
    # One statement may touch a row once: where a batch opens and closes the same sight, the last one counts.
    return list({(sight.unit_id, sight.case_id): sight for sight in outbox.sights}.values())


def _remembered(row: Any, division: str) -> Remembered:
    answer = None
    if row["refusal"] is None and row["position"] is None:
        return Remembered(bytes(row["fingerprint"]), None, gone=number_of(row["case_id"], division))
    if row["refusal"] is None:
        answer = Answer(
            case_id=row["case_id"],
            case_number=number_of(row["case_id"], division),
            version=row["version"],
            state=row["state"],
            position=row["position"],
            repeated=True,
        )
    return Remembered(bytes(row["fingerprint"]), answer, row["refusal"])
