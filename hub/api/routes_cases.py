"""Reading: cases, their entries and letters, units, the change feed. A unit sees only what is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from msgspec import structs
from pydantic import AwareDatetime

from contracts.cursor import cursor, read_cursor
from contracts.envelope import Mode
from contracts.problem import Problem
from hub.api.deps import Caller, answer, matches, paged, services_of
from hub.api.views import (
    attempt_document,
    case_document,
    entry_document,
    letter_document,
    present,
)
from hub.case_numbers import parse
from hub.history import as_it_was
from hub.letters import letter_id, position_of
from hub.life_cycle import STAGE_OF, Stage, State
from hub.store import reading
from hub.store.reading import CaseFilter, LetterRow, SeenCase

router = APIRouter(prefix="/api/v1")

WAIT_MAX_SECONDS = 60
SCAN_ENTRIES = 5000

Number = Annotated[str, Path(max_length=64, description="案件号 / case number, 330800-20261123-000042")]
Limit = Annotated[int, Query(ge=1, le=500)]
Unit = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
LetterId = Annotated[str | None, Query(max_length=32, description="信件号 / letter id, ltr_…")]


@router.get("/cases", tags=["cases"], summary="案件列表 / list cases, newest first")
async def list_cases(
    request: Request,
    caller: Caller,
    state: Annotated[list[State] | None, Query()] = None,
    stage: Stage | None = None,
    lead_unit_id: Unit = None,
    area_id: Unit = None,
    category_code: Unit = None,
    mode: Mode | None = None,
    before: Annotated[str | None, Query(max_length=64, description="案件号 / list those before this case")] = None,
    limit: Limit = 50,
) -> Response:
    """Cases that the caller may see, newest first; ``Link: rel="next"`` leads on."""
    services = services_of(request)
    states = tuple(state) if state else None
    if stage is not None:
        of_stage = tuple(each for each, its in STAGE_OF.items() if its is stage)
        states = tuple(each for each in states or of_stage if each in of_stage)
    start = _id(before, services.registry().division_code) if before else None
    wanted = CaseFilter(states, lead_unit_id, area_id, category_code, mode)
    found = await reading.cases(services.pool, caller.only_unit, wanted, start, limit)
    now = services.clock().now()
    documents = [case_document(each, now, caller.only_unit, services.registry().epoch) for each in found]
    after = found[-1].case.case_number if len(found) == limit else None
    return paged(request, documents, "before", after)


@router.get("/cases/{number}", tags=["cases"], summary="案件 / one case")
async def one_case(
    request: Request,
    caller: Caller,
    number: Number,
    as_of: Annotated[AwareDatetime | None, Query(description="当时的情形 / as it was then")] = None,
    known_at: Annotated[AwareDatetime | None, Query(description="当时已知的 / by what was known then")] = None,
) -> Response:
    """A case with its ETag; answers 304 to ``If-None-Match``. Of another moment, on either axis, it has none."""
    services = services_of(request)
    seen = await _seen(request, caller, number)
    if as_of is not None or known_at is not None:
        log = await reading.whole_log(services.pool, seen.case.case_id, seen.until_position)
        case = as_it_was(log, seen.case.case_number, as_of, known_at)
        if case is None:
            raise Problem("case_unknown", "当时还没有该案件。", "The case did not exist then.")
        then = replace(seen, case=structs.replace(case, letter_counts=seen.case.letter_counts))
        return answer(
            case_document(
                then, as_of or known_at or services.clock().now(), caller.only_unit, services.registry().epoch
            )
        )
    document = case_document(seen, services.clock().now(), caller.only_unit, services.registry().epoch)
    # Who lost a case reads no version: it would tell that the case goes on elsewhere.
    etag = f'"v{seen.case.version}"' if seen.until_position is None else f'"until-{seen.until_position}"'
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"etag": etag})
    return answer(document, headers={"etag": etag})


@router.get("/cases/{number}/entries", tags=["cases"], summary="案件日志 / the log of a case")
async def case_entries(
    request: Request,
    caller: Caller,
    number: Number,
    after: Annotated[int, Query(ge=0, le=1_000_000, description="sequence")] = 0,
    limit: Limit = 100,
) -> Response:
    """The entries of a case in order: all of them, or the caller's part."""
    services = services_of(request)
    seen = await _seen(request, caller, number)
    registry = services.registry()
    found = await reading.entries(services.pool, seen.case.case_id, caller.only_unit, after, limit)
    documents = [entry_document(each, registry.epoch, registry.division_code) for each in found]
    return paged(request, documents, "after", str(found[-1].sequence) if len(found) == limit else None)


@router.get("/cases/{number}/letters", tags=["letters"], summary="案件的信件 / the letters of a case")
async def case_letters(
    request: Request, caller: Caller, number: Number, before: LetterId = None, limit: Limit = 100
) -> Response:
    """Who was told what of this case, and when, newest first; a unit sees its own letters."""
    services = services_of(request)
    seen = await _seen(request, caller, number)
    rows = await reading.letters(
        services.pool,
        services.registry().division_code,
        unit_id=caller.only_unit,
        case_id=seen.case.case_id,
        before=_position_in("before", before),
        limit=limit,
    )
    return _letters_page(request, rows, "before", limit)


@router.get("/letters", tags=["letters"], summary="信件列表 / list letters, newest first")
async def list_letters(
    request: Request,
    caller: Caller,
    unit_id: Unit = None,
    dead: bool = False,
    before: LetterId = None,
    after: LetterId = None,
    limit: Limit = 50,
) -> Response:
    """Letters and what became of them, newest first, from ``before`` on.

    ``dead=true`` lists the dead-letter shelf, oldest letter first, from ``after`` on.
    """
    services = services_of(request)
    unit = caller.only_unit or unit_id
    division = services.registry().division_code
    if dead:
        reached = _position_in("after", after) or 0
        rows = await reading.dead_letters(services.pool, division, unit_id=unit, after=reached, limit=limit)
        return _letters_page(request, rows, "after", limit)
    start = _position_in("before", before)
    rows = await reading.letters(services.pool, division, unit_id=unit, case_id=None, before=start, limit=limit)
    return _letters_page(request, rows, "before", limit)


@router.get("/letters/{id}/attempts", tags=["letters"], summary="投递记录 / every try at a letter")
async def letter_attempts(request: Request, caller: Caller, id: Annotated[str, Path(max_length=32)]) -> Response:
    """Each attempt with what the unit answered."""
    services = services_of(request)
    position = position_of(id)
    found = await reading.letter(services.pool, services.registry().division_code, position) if position else None
    if found is None or (caller.only_unit and found.letter.unit_id != caller.only_unit):
        raise Problem("not_found", "没有该信件。", "There is no such letter.")
    rows = await reading.attempts(services.pool, found.letter.case_id, found.letter.position)
    return answer({"items": [attempt_document(row) for row in rows]})


@router.get("/units", tags=["units"], summary="单位名录 / the city's units")
async def list_units(request: Request, caller: Caller, after: Unit = None, limit: Limit = 200) -> Response:
    """Every unit of the directory in force by its id, with the state of its connection."""
    services = services_of(request)
    registry, now = services.registry(), services.clock().now()
    directory = registry.directory(now)
    items = [
        present(
            unit_id=unit.unit_id,
            name_zh=unit.name_zh,
            name_en=unit.name_en,
            roles=sorted(role.value for role in unit.roles),
            parent_unit_id=unit.parent_unit_id,
            state=registry.states[unit.unit_id].value if unit.unit_id in registry.states else "desk",
            connections=[
                {"connection_id": each.connection_id, "transport": each.transport.value}
                for each in registry.connections.values()
                if each.unit_id == unit.unit_id
            ]
            if caller.only_unit in (None, unit.unit_id)
            else None,
        )
        for unit in islice((each for name, each in sorted(directory.units.items()) if name > (after or "")), limit)
    ]
    following = str(items[-1]["unit_id"]) if len(items) == limit else None
    return paged(request, items, "after", following, directory_version=registry.directory_version)


@router.get("/changes", tags=["changes"], summary="变更流 / the change feed, in commit order")
async def changes(
    request: Request,
    caller: Caller,
    after: Annotated[
        str | None,
        Query(max_length=40, description="游标;不给则从无缺处起 / cursor; absent: from where nothing is missing"),
    ] = None,
    wait: Annotated[float, Query(ge=0, le=WAIT_MAX_SECONDS)] = 0,
    limit: Limit = 200,
) -> Response:
    """What the caller may see, after a cursor, never skipping; waits up to ``wait`` seconds for something new.

    ``cursor`` goes into the next call even where ``items`` is empty. A cursor from before a restore, or older than
    what is kept, gets 410 and the way to a snapshot.
    """
    services = services_of(request)
    registry = services.registry()
    position = await _position(request, after)
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        bell = services.entries_bell.waiter()
        found, reached, more = await reading.changes(
            services.pool, position, caller.only_unit, limit=limit, scan=SCAN_ENTRIES
        )
        left = deadline - asyncio.get_running_loop().time()
        if found or more or left <= 0:
            break
        position = reached
        try:
            async with asyncio.timeout(left):
                await bell.wait()
        except TimeoutError:
            break
    items = [entry_document(each, registry.epoch, registry.division_code) for each in found]
    return answer({"items": items, "cursor": cursor(registry.epoch, reached), "more": more})


@router.get("/clock", tags=["operations"], summary="城市时钟 / the city clock")
async def city_clock(request: Request, caller: Caller) -> Response:
    """City time now, and how much faster than real time it runs."""
    clock = services_of(request).clock()
    return answer({"now": clock.now(), "rate": clock.rate})


async def _position(request: Request, after: str | None) -> int:
    services = services_of(request)
    bounds = await reading.log_bounds(services.pool)
    if after is None:
        # From where on nothing is missing: what months that were dropped had in between nobody can be told.
        return bounds.floor
    parsed = read_cursor(after)
    if parsed is None:
        raise Problem("query_invalid", "after 应为游标 <epoch>-<position>。", "after is a cursor, <epoch>-<position>.")
    epoch, position = parsed
    gone = position < bounds.floor or (position and position < bounds.whole_after)
    if epoch != services.registry().epoch or gone or position > bounds.newest + 10**12:
        raise Problem(
            "cursor_gone",
            "游标早于保留范围,或系统已从备份恢复。请用 GET /api/v1/cases 取快照,再从 cursor 继续。",
            "The cursor is older than what is kept, or the hub was restored. Take a snapshot with GET /api/v1/cases, "
            "then go on from cursor.",
            fields={
                "snapshot": "/api/v1/cases",
                "cursor": cursor(services.registry().epoch, bounds.newest),
            },
        )
    return position


def _position_in(name: str, letter: str | None) -> int | None:
    if letter is None:
        return None
    position = position_of(letter)
    if position is None:
        raise Problem("query_invalid", f"{name} 应为信件号 ltr_…。", f"{name} is a letter id, ltr_….")
    return position


def _letters_page(request: Request, rows: Sequence[LetterRow], name: str, limit: int) -> Response:
    following = letter_id(rows[-1].letter.position) if len(rows) == limit else None
    return paged(request, [letter_document(row) for row in rows], name, following)


def _id(number: str, division: str) -> int:
    made = parse(number, division)
    if made is None:
        raise Problem("case_unknown", f"没有案件 {number[:40]}。", f"There is no case {number[:40]}.")
    return made


async def _seen(request: Request, caller: Caller, number: str) -> SeenCase:
    services = services_of(request)
    seen = await reading.case(services.pool, _id(number, services.registry().division_code), caller.only_unit)
    if seen is None or not seen.sees:
        raise Problem("case_unknown", f"没有案件 {number}。", f"There is no case {number}.")
    return seen
