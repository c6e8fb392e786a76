"""Takes a file into the component register: read, compare, write, and say which cases must move. Whole or nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from contracts.city.faults import Fault
from contracts.messages import CoordinateSystem
from contracts.problem import Problem, Violation
from hub.clock import CityClock
from hub.register.changes import Change, Difference, Kind, difference, rewriting
from hub.register.columns import bare_name
from hub.register.moves import Move, cases_to_move
from hub.register.reading import Given, Read, read_file
from hub.registry import Registry
from hub.store import register as store
from hub.store import registry as registry_store
from hub.store.pool import Pool
from hub.store.register import OfferedFile

FAULTS_SHOWN = 200

STRAYED_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """What importing a file came to; without ``import_id`` it was only tried.

    ``moved`` are the components with another owner; ``moves`` the cases that are with the former one.
    """

    import_id: int | None
    file_name: str
    effective_from: date
    counts: dict[Kind, int]
    moved: tuple[Change, ...]
    moves: tuple[Move, ...]
    not_read: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many lines the file has."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Registering:
    """Imports, and the search for cases that are with a former owner."""

    pool: Pool
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]

    async def take(
        self,
        raw: bytes,
        file_name: str,
        by: str,
        *,
        effective_from: date | None = None,
        system: CoordinateSystem = CoordinateSystem.WGS84,
        only_try: bool = False,
    ) -> Imported:
        """Import a file, or only try it. Raises ``Problem`` with every fault; then nothing of it was taken."""
        now = self.clock().now()
        name = bare_name(file_name)
        first = effective_from or self._day(now)
        directory = self.registry().city.at(first)
        # Tens of thousands of lines take seconds to read, and the loop has cases to decide.
        read = await asyncio.to_thread(read_file, raw, name, Given(directory, first, system))
        if read.faults:
            if not only_try:
                async with self.pool.acquire() as conn:
                    await store.add_import(conn, _offered(raw, name, first, read, None, by, now))
            raise refusal(name, read.rows, read.faults)
        async with self.pool.acquire() as conn, conn.transaction():
            await store.lock_imports(conn)
            known = await store.believed(conn, [line.component_code for line in read.lines])
            found = await asyncio.to_thread(difference, read.lines, known)
            number = None
            if not only_try:
                number = await store.add_import(conn, _offered(raw, name, first, read, found, by, now))
                written = rewriting(found, number, name, now)
                await store.rewrite(conn, number, written.ended, written.begun)
                await registry_store.add_operation(conn, by, "register.import", name, f"import {number}")
        moved = found.of(Kind.CHANGED_OWNER)
        moves = await self._moves_if(found, name, now) if only_try else await self._moves_of(moved)
        return Imported(number, name, first, found.counts(), moved, moves, read.not_read)

    async def strayed(self) -> tuple[Move, ...]:
        """Every case that is with a former owner as of today, whichever import, or whichever day, made it so."""
        moves: list[Move] = []
        after = 0
        while True:
            day = self._day(self.clock().now())
            async with self.pool.acquire() as conn, conn.transaction():
                cases = await store.strayed(conn, day, after, STRAYED_PAGE)
                codes = {case.reported.component_code or "" for case in cases}
                entries = await store.in_force(conn, codes, day) if codes else {}
            components = {code: entry.component() for code, entry in entries.items()}
            moves.extend(cases_to_move(cases, components, self.registry().zone))
            if len(cases) < STRAYED_PAGE:
                return tuple(moves)
            after = cases[-1].case_id

    async def _moves_of(self, moved: Sequence[Change]) -> tuple[Move, ...]:
        """The cases of components whose owner changed, after the change is committed.

        A batch that read the register before may still be sending a case to the former owner: it is waited for.
        """
        if not moved:
            return ()
        codes = [change.line.component_code for change in moved]
        async with self.pool.acquire() as conn, conn.transaction():
            await store.wait_for_deciding(conn)
            cases = await store.movable_cases(conn, codes)
            entries = await store.in_force(conn, codes, self._day(self.clock().now()))
        components = {code: entry.component() for code, entry in entries.items()}
        return cases_to_move(cases, components, self.registry().zone)

    async def _moves_if(self, found: Difference, name: str, now: datetime) -> tuple[Move, ...]:
        """The moves that there would be."""
        day = self._day(now)
        codes = {change.line.component_code for change in found.of(Kind.CHANGED_OWNER)}
        begun = rewriting(found, 0, name, now).begun
        components = {
            entry.component_code: entry.component()
            for entry in begun
            if entry.component_code in codes and entry.in_force(day)
        }
        async with self.pool.acquire() as conn:
            cases = await store.movable_cases(conn, components)
        return cases_to_move(cases, components, self.registry().zone)

    def _day(self, now: datetime) -> date:
        return now.astimezone(self.registry().zone).date()


def refusal(file: str, rows: int, faults: Sequence[Fault]) -> Problem:
    """The refusal of a whole file, with its first faults by line and column."""
    violations = tuple(
        Violation(f"#/{fault.row}/{fault.column}".rstrip("/"), _at(fault, fault.zh, "行"), _at(fault, fault.en, "line"))
        for fault in faults[:FAULTS_SHOWN]
    )
    return Problem(
        "register_invalid",
        f"{file} 有 {len(faults)} 处错误,未导入任何内容;更正后请重新导入整个文件。",
        f"{file} has {len(faults)} faults and nothing of it was imported; mend them and import the whole file again.",
        violations,
        {"rows": rows, "faults": len(faults)},
    )


def _at(fault: Fault, said: str, word: str) -> str:
    if not fault.row:
        return said
    place = f"第 {fault.row} {word}" if word == "行" else f"{word} {fault.row}"
    return f"{place} {fault.column}: {said}" if fault.column else f"{place}: {said}"


def _offered(
    raw: bytes, name: str, first: date, read: Read, found: Difference | None, by: str, now: datetime
) -> OfferedFile:
    counts = found.counts() if found else dict.fromkeys(Kind, 0)
    return OfferedFile(
        file_name=name,
        sha256=hashlib.sha256(raw).digest(),
        effective_from=first,
        rows=read.rows,
        added=counts[Kind.ADDED],
        changed_owner=counts[Kind.CHANGED_OWNER],
        changed=counts[Kind.CHANGED],
        unchanged=counts[Kind.UNCHANGED],
        refused=read.refused,
        imported_by=by,
        known_at=now,
    )
