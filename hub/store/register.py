"""The component register in the database, set-wise; a transaction is the caller's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.cases import Case
from hub.codec import case_from
from hub.register.entries import Entry, Told
from hub.store.pool import Connection
from hub.store.sql import statements

SQL = statements("register")

WRITE_SECONDS = 300.0

_COLUMNS = (
    *("component_code", "valid_from", "valid_to", "category_code", "owner_unit_id", "maintainer_unit_id"),
    *("department_unit_id", "longitude", "latitude", "area_id", "source", "import_id", "line", "known_from"),
)


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """One file that was offered to the register, and what came of it."""

    file_name: str
    sha256: bytes
    effective_from: date
    rows: int
    added: int
    changed_owner: int
    changed: int
    unchanged: int
    refused: int
    imported_by: str
    known_at: datetime
    import_id: int = 0


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to list. ``only_unit`` limits what the caller may see, ``unit_id`` what it asks for."""

    only_unit: str | None = None
    unit_id: str | None = None
    category_code: str | None = None


async def lock_imports(conn: Connection) -> None:
    """Let no other import in until the transaction ends."""
    await conn.execute(SQL["one_import_at_a_time"], timeout=WRITE_SECONDS)


async def believed(conn: Connection, codes: Collection[str]) -> dict[str, list[Entry]]:
    """Every interval of these codes as it is believed now, by code."""
    found: dict[str, list[Entry]] = {}
    for row in await conn.fetch(SQL["believed"], list(codes), timeout=WRITE_SECONDS):
        found.setdefault(row["component_code"], []).append(_entry(row))
    return found


async def in_force(conn: Connection, codes: Collection[str], day: date) -> dict[str, Entry]:
    """The entries in force on a day, by code."""
    return {row["component_code"]: _entry(row) for row in await conn.fetch(SQL["in_force"], list(codes), day)}


async def add_import(conn: Connection, offered: OfferedFile) -> int:
    """Keep what was offered; its number."""
    number: int = await conn.fetchval(
        SQL["add_import"],
        *(offered.file_name, offered.sha256, offered.effective_from, offered.rows),
        *(offered.added, offered.changed_owner, offered.changed, offered.unchanged, offered.refused),
        *(offered.imported_by, offered.known_at),
    )
    return number


async def rewrite(conn: Connection, import_id: int, ended: Sequence[Entry], begun: Sequence[Entry]) -> None:
    """End entries and begin others. Raises what the database says where two would say different things of one day."""
    if not begun:
        return
    moment = begun[0].known_from
    numbers = [entry.entry_id for entry in ended]
    done: str = await conn.execute(SQL["end_entries"], numbers, moment, import_id, timeout=WRITE_SECONDS)
    if int(done.rpartition(" ")[2]) != len(numbers):
        raise RuntimeError("an entry of the register was ended elsewhere")
    await conn.copy_records_to_table(
        "components",
        records=[_record(entry) for entry in begun],
        columns=_COLUMNS,
        schema_name="cityhub",
        timeout=WRITE_SECONDS,
    )


async def wait_for_deciding(conn: Connection) -> None:
    """Wait until every batch that read the register earlier is committed; later ones see what is committed by now."""
    await conn.execute(SQL["wait_for_deciding"], timeout=WRITE_SECONDS)


async def movable_cases(conn: Connection, codes: Collection[str]) -> list[Case]:
    """The cases on these components that a unit has in its hands, or has returned."""
    return [case_from(row["body"]) for row in await conn.fetch(SQL["movable"], list(codes))]


async def strayed(conn: Connection, day: date, after: int, limit: int) -> list[Case]:
    """Cases after this id that are with another unit than the owner on a day; a person may have sent them there."""
    return [case_from(row["body"]) for row in await conn.fetch(SQL["strayed"], day, after, limit)]


async def history(conn: Connection, code: str) -> list[Entry]:
    """Everything that was ever said of a component: what is believed first, then what no longer is."""
    return [_entry(row) for row in await conn.fetch(SQL["history"], code)]


async def of_live_cases(conn: Connection, from_case: int, before_case: int) -> dict[str, list[Entry]]:
    """All that was ever said of the components of live cases, by code; it waits for no import."""
    found: dict[str, list[Entry]] = {}
    for row in await conn.fetch(SQL["of_live_cases"], from_case, before_case):
        found.setdefault(row["component_code"], []).append(_entry(row))
    return found


async def page(conn: Connection, day: date, wanted: EntryFilter, after: str, limit: int) -> list[Entry]:
    """Entries in force on a day after a code, in the order of codes."""
    rows = await conn.fetch(SQL["page"], day, wanted.only_unit, wanted.unit_id, wanted.category_code, after, limit)
    return [_entry(row) for row in rows]


async def imports(conn: Connection, limit: int) -> list[OfferedFile]:
    """The files that were offered, newest first."""
    return [OfferedFile(**dict(row)) for row in await conn.fetch(SQL["imports"], limit)]


def _record(entry: Entry) -> tuple[Any, ...]:
    told = entry.told
    return (
        *(entry.component_code, entry.valid_from, entry.valid_to, told.category_code, told.owner_unit_id),
        *(told.maintainer_unit_id, told.department_unit_id, told.longitude, told.latitude, told.area_id),
        *(entry.source, entry.import_id, entry.line, entry.known_from),
    )


def _entry(row: Any) -> Entry:
    told = Told(
        row["category_code"],
        row["owner_unit_id"],
        row["maintainer_unit_id"],
        row["department_unit_id"],
        row["longitude"],
        row["latitude"],
        row["area_id"],
    )
    return Entry(
        component_code=row["component_code"],
        told=told,
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        source=row["source"],
        import_id=row["import_id"],
        file_name=row["file_name"],
        line=row["line"],
        known_from=row["known_from"],
        known_until=row["known_until"],
        entry_id=row["entry_id"],
    )
