"""Evaluates a period over the stored logs (评价考核): reads them in batches, reckons away from the loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson

from contracts.city import City, Directory
from contracts.problem import Problem
from hub.case_numbers import case_id, day_of
from hub.evaluation import By, CaseLog, Evaluation, Observation, Period, observe, summed
from hub.evaluation.evaluating import known_by, moment_of
from hub.spans import Span
from hub.store import evaluating
from hub.store import registry as registry_store
from hub.store.pool import Connection, Pool

LOOK_BACK = timedelta(days=366)
"""How long before a period a case may have been registered whose deadline, though it is over, falls into it."""

DAYS_MAX = 731
"""The longest period."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a period, by what, and perhaps as it was known at a commit position or at a moment."""

    period: Period
    by: By = By.UNIT
    known: int | datetime | None = None


async def evaluated(pool: Pool, city: City, version: int, now: datetime, question: Question) -> Evaluation:
    """The figures, by the directory in force now or, for an earlier time, by the one in force then.

    Raises ``Problem`` where the period is too long, or the city had no formula for it.
    """
    period = question.period
    if (period.until - period.since).days > DAYS_MAX:
        raise Problem("query_invalid", f"考核期最长 {DAYS_MAX} 天。", f"A period is at most {DAYS_MAX} days long.")
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        position, moment = None, now
        if question.known is not None:
            known = await _known(conn, question.known)
            position, moment = known.position, known.known_at
            if isinstance(question.known, datetime):
                moment = min(question.known, now)
            city = await _city(conn, known.directory_version, version, city)
        return await _reckoned(conn, city, period, question.by, moment, position)


async def _reckoned(
    conn: Connection, city: City, period: Period, by: By, moment: datetime, position: int | None
) -> Evaluation:
    formula = city.formula(period.until)
    if formula is None:
        raise Problem(
            "not_found",
            "城市数据中没有该期的考核办法(evaluation/*.toml);请补充后重新载入城市数据。",
            "The city's folder has no formula for that period (evaluation/*.toml): add one and load the city again.",
        )
    directory = city.at(period.until)
    zone = ZoneInfo(city.rules.time_zone)
    span, at = period.span(zone), moment_of(period, zone, moment)
    wanted = evaluating.Wanted(
        from_case=case_id(day_of(span.since - LOOK_BACK, zone), 0),
        before_case=case_id(day_of(span.until, zone), 0),
        begin=span.since,
        end=span.until,
        position=position,
    )
    seen: list[Observation] = []
    async for rows in evaluating.concerned_rows(conn, wanted):
        logs = await asyncio.to_thread(evaluating.logs_of, rows, city.rules.division_code)
        seen += await asyncio.to_thread(_observed, logs, directory, span, at, moment)
    return await asyncio.to_thread(summed, seen, period, formula, by=by, at=at)


def _observed(
    logs: list[CaseLog], directory: Directory, span: Span, at: datetime, moment: datetime
) -> list[Observation]:
    return [
        each for log in logs for each in observe(log.case_number, known_by(log.entries, moment), directory, span, at)
    ]


async def _known(conn: Connection, known: int | datetime) -> evaluating.Known:
    if isinstance(known, datetime):
        found = await evaluating.known_by_moment(conn, known)
    else:
        found = await evaluating.known_by_position(conn, known)
    if found is None:
        raise Problem("query_invalid", "那时还没有任何案件。", "Nothing was known of any case by then.")
    return found


async def _city(conn: Connection, wanted: int, version: int, city: City) -> City:
    if wanted == version:
        return city
    kept = await registry_store.directory(conn, wanted)
    return City.from_document(orjson.loads(kept.document)) if kept else city
