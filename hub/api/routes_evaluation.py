"""Reading what was reckoned: a case's clocks, a period's evaluation. A unit sees its own, and its group's ranks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from contracts.cursor import read_cursor
from contracts.nouns import Role
from contracts.problem import Problem
from hub.api.clock_views import clock_document, evaluation_document, rank_document
from hub.api.deps import Caller, Known, answer, services_of
from hub.api.speaker import charge
from hub.api.turns import in_turn, notice_of
from hub.case_numbers import parse
from hub.clocks import Interval, Record, intervals, records
from hub.evaluation import By, Evaluation, Period
from hub.evaluation.period import YEAR_MAX, YEAR_MIN
from hub.evaluator import Question, evaluated
from hub.life_cycle import WITH_A_UNIT
from hub.notice_pdf import pdf
from hub.sheets import as_csv, as_xlsx, cases_of, names_of, sheet
from hub.store import batches, reading

router = APIRouter(prefix="/api/v1")


class Form(StrEnum):
    """How an evaluation is written."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

ENTRIES_MAX = 5000
COST = 50.0
"""An evaluation reads a month of cases: it weighs as much as so many requests."""


@router.get("/cases/{number}/clock", tags=["cases"], summary="案件计时 / whose time it was")
async def case_clock(
    request: Request,
    caller: Caller,
    number: Annotated[str, Path(max_length=64, description="案件号 / case number, 330800-20261123-000042")],
) -> Response:
    """Every dispatch with its unit's own time and standing, and every stretch of the case with its owner.

    A unit whose sight of the case has ended gets its own part, as it then was.
    """
    services = services_of(request)
    registry, clock, unit = services.registry(), services.clock(), caller.only_unit
    case_id = parse(number, registry.division_code)
    seen = await reading.case(services.pool, case_id, unit) if case_id is not None else None
    if case_id is None or seen is None or not seen.sees:
        raise Problem("case_unknown", f"没有案件 {number[:40]}。", f"There is no case {number[:40]}.")
    log = await reading.entries(services.pool, case_id, None, 0, ENTRIES_MAX)
    now, delivery = clock.now(), None
    if seen.until_position is not None:
        log = [entry for entry in log if (entry.position or 0) <= seen.until_position]
        now = log[-1].known_at
    elif seen.case.state in WITH_A_UNIT and seen.case.lead_unit_id is not None:
        async with services.pool.acquire() as conn:
            leads = {case_id: seen.case.lead_unit_id}
            found = await batches.deliveries(conn, leads, registry.fetched, clock)
        delivery = found.get(case_id)
    directory = registry.directory(now)
    told, stretches = records(log, directory, now, delivery), intervals(log, directory, now, delivery)
    if seen.until_position is not None and unit is not None:
        told, stretches = _own(told, stretches, unit)
    return answer({"case_number": seen.case.case_number, **clock_document(told, stretches, now)})


def _own(
    told: tuple[Record, ...], stretches: tuple[Interval, ...], unit: str
) -> tuple[tuple[Record, ...], tuple[Interval, ...]]:
    own = tuple(each for each in told if unit in (each.unit_id, each.platform))
    return own, tuple(each for each in stretches if each.unit_id == unit)


@router.get("/evaluation", tags=["evaluation"], summary="评价考核 / the figures of a period")
async def evaluation(
    request: Request,
    caller: Caller,
    since: Annotated[date | None, Query(alias="from", description="起日 / first day")] = None,
    until: Annotated[date | None, Query(description="止日(含) / last day, included")] = None,
    period: Annotated[
        str | None, Query(max_length=7, description="2026-11、2026-Q4、2026;默认本月 / this month unless told")
    ] = None,
    by: By = By.UNIT,
    group: Annotated[str | None, Query(max_length=64, description="组别 / only this group of units")] = None,
    known_at: Annotated[
        str | None,
        Query(max_length=40, description="按当时所知:时刻或变更流游标 / as known at a moment or at a feed cursor"),
    ] = None,
    cases: Annotated[
        str | None, Query(max_length=64, description="列出该指标的案件 / list the cases of this indicator")
    ] = None,
    form: Annotated[
        Form, Query(alias="format", description="csv、xlsx 供 Excel,仅限看得到全部的 / for Excel, to who sees all")
    ] = Form.JSON,
) -> Response:
    """Each figure with numerator, denominator and the formula's version, in total and by unit, area, category or
    collector; ``cases`` opens one indicator down to its cases.

    The command centre and the city government see all. A unit sees its own row, and the ranks of its group.
    """
    services = services_of(request)
    charge(services, caller.principal, COST)
    registry, now = services.registry(), services.clock().now()
    sees_all = caller.only_unit is None or Role.CITY_GOVERNMENT in registry.roles(caller.only_unit, now)
    if not sees_all and by in (By.AREA, By.CATEGORY):
        raise Problem(
            "forbidden",
            "单位只能查看自己的考核(by=unit、department、collector)。",
            "A unit sees its own figures: by=unit, department or collector.",
        )
    if not sees_all and form is not Form.JSON:
        raise Problem("forbidden", "单位请用 JSON 查看。", "A unit reads its figures as JSON.")
    today = now.astimezone(registry.zone).date()
    asked = Question(_period(since, until, period, today), by, _known(known_at, registry.epoch))
    city, version = registry.city, registry.directory_version
    found = await in_turn(services, lambda: evaluated(services.pool, city, version, now, asked))
    if cases is not None and cases not in {each.indicator_id for each in found.formula.indicators}:
        raise Problem("query_invalid", f"没有指标 {cases}。", f"There is no indicator {cases}.")
    if group is not None and group not in {each.group_id for each in found.formula.groups}:
        raise Problem("query_invalid", f"没有组别 {group}。", f"There is no group {group}.")
    names = names_of(registry.city, by)
    if form is not Form.JSON:
        if group is not None:
            found = replace(found, rows=tuple(row for row in found.rows if row.group_id == group))
        return await asyncio.to_thread(_file, found, names, cases, form)
    document = evaluation_document(found, names, cases)
    if not sees_all:
        document |= _part(found, caller, names, document["items"])
        del document["total"]
    if group is not None:
        document["items"] = [each for each in document["items"] if each.get("group") == group]
    return answer(document)


def _file(found: Evaluation, names: dict[str, str], cases: str | None, form: Form) -> Response:
    """The figures as a file; with ``cases`` the indicator's cases: in CSV alone, in a workbook on a second sheet."""
    opened = cases_of(found, names, cases) if cases is not None else None
    made = sheet(found, names)
    body = as_csv(opened or made) if form is Form.CSV else as_xlsx(made, opened)
    name = f"evaluation-{found.period.since}-{found.period.until}-{found.by.value}.{form.value}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(body, 200, headers, MEDIA[form])


@router.get(
    "/notices/{month}.pdf",
    tags=["evaluation"],
    summary="月度通报 / a month's notice",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def monthly_notice(
    request: Request,
    caller: Caller,
    month: Annotated[str, Path(max_length=7, description="2026-11")],
    known_at: Annotated[
        datetime | None, Query(description="按当时所知;默认现在 / as known at a moment, now unless told")
    ] = None,
) -> Response:
    """The notice as PDF, in Chinese: totals, each group's table, cases of note, collectors, how to make it again.

    For the command centre and the city government.
    """
    services = services_of(request)
    charge(services, caller.principal, COST)
    now = services.clock().now()
    if caller.only_unit is not None and Role.CITY_GOVERNMENT not in services.registry().roles(caller.only_unit, now):
        raise Problem("forbidden", "通报由指挥中心、市政府查看。", "For the command centre and the city government.")
    made = await notice_of(services, month, known_at)
    body = await asyncio.to_thread(pdf, made)
    headers = {"content-disposition": f'attachment; filename="notice-{month}.pdf"', "cache-control": "no-store"}
    return Response(body, 200, headers, "application/pdf")


def _part(found: Evaluation, caller: Known, names: dict[str, str], items: list[dict[str, object]]) -> dict[str, object]:
    """A unit's own rows, and where its group stands."""
    unit = caller.only_unit or ""
    own = [each for each in items if str(each.get("key", "")).split("/", 1)[0] == unit]
    group = found.formula.group_of(unit) if found.by is By.UNIT else None
    ranks = [rank_document(row, names) for row in found.rows if group is not None and row.key in group.units]
    return {"items": own, "ranks": ranks}


def _period(since: date | None, until: date | None, named: str | None, today: date) -> Period:
    try:
        if since is not None and until is not None and named is None:
            return Period(since, until)
        if since is None and until is None:
            return Period.named(named) if named else Period.month(today.year, today.month)
    except ValueError as fault:
        raise Problem("query_invalid", f"考核期有误:{fault}", f"The period is wrong: {fault}") from None
    raise Problem("query_invalid", "请给出 from 与 until,或 period。", "Give from and until together, or period.")


def _known(text: str | None, epoch: int) -> int | datetime | None:
    if text is None:
        return None
    cursor = read_cursor(text)
    if cursor is not None:
        if cursor[0] != epoch:
            raise Problem("cursor_gone", "游标早于一次恢复。", "The cursor is from before a restore.")
        return cursor[1]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise Problem(
            "query_invalid", "known_at 应为带时区的时刻或游标。", "known_at is a moment with its zone, or a cursor."
        )
    return moment
