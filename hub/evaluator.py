"""Evaluates a period over the stored logs (评价考核): reads them in batches, reckons away from the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson

from contracts.city import City, Directory, Formula
from contracts.problem import Problem
from hub.case_numbers import case_id, dashed, day_of
from hub.evaluation import By, CaseLog, Evaluation, Period, observe, summed
from hub.evaluation.evaluating import known_by, moment_of
from hub.spans import Span
from hub.store import evaluating, retention
from hub.store import registry as registry_store
from hub.store.pool import Connection, Pool

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class Frame:
    """What a period is judged by: the city and formula in force, as of ``at``, by all that was known at ``moment``."""

    city: City
    directory: Directory
    formula: Formula
    period: Period
    span: Span
    at: datetime
    moment: datetime
    position: int | None = None


async def evaluated(pool: Pool, city: City, version: int, now: datetime, question: Question) -> Evaluation:
    """The figures, by the directory in force now or, for an earlier time, by the one in force then.

    Raises ``Problem`` where the period is too long, or the city had no formula for it.
    """
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        frame = await framed(conn, city, version, now, question)
        seen = await over_logs(
            conn,
            frame,
            lambda log: observe(log.case_number, log.entries, frame.directory, frame.span, frame.at),
        )
    return await asyncio.to_thread(summed, seen, question.period, frame.formula, by=question.by, at=frame.at)


async def framed(conn: Connection, city: City, version: int, now: datetime, question: Question) -> Frame:
    """The frame of a question. Raises ``Problem`` as ``evaluated`` does."""
    period = question.period
    if (period.until - period.since).days > DAYS_MAX:
        raise Problem("query_invalid", f"考核期最长 {DAYS_MAX} 天。", f"A period is at most {DAYS_MAX} days long.")
    position, moment = None, now
    if question.known is not None:
        known = await _known(conn, question.known)
        position, moment = known.position, known.known_at
        if isinstance(question.known, datetime):
            moment = min(question.known, now)
        city = await _city(conn, known.directory_version, version, city)
    formula = city.formula(period.until)
    if formula is None:
        raise Problem(
            "not_found",
            "城市数据中没有该期的考核办法(evaluation/*.toml);请补充后重新载入城市数据。",
            "The city's folder has no formula for that period (evaluation/*.toml): add one and load the city again.",
        )
    zone = ZoneInfo(city.rules.time_zone)
    span, at = period.span(zone), moment_of(period, zone, moment)
    return Frame(city, city.at(period.until), formula, period, span, at, moment, position)


async def over_logs(
    conn: Connection, frame: Frame, take: Callable[[CaseLog], list[T]], reach: timedelta = timedelta(0)
) -> list[T]:
    """What ``take`` finds in every log that the period, and ``reach`` before it, may concern, cut to what was known.

    The caller opens the transaction; ``take`` runs in a thread. Raises ``Problem`` where some are kept no longer.
    """
    begin = frame.span.since - reach
    await _whole(conn, frame, begin)
    first, before = case_ids(frame, reach)
    wanted = evaluating.Wanted(first, before, begin, frame.span.until, frame.position)
    found: list[T] = []
    async for rows in evaluating.concerned_rows(conn, wanted):
        found += await asyncio.to_thread(_taken, rows, frame, take)
    return found


async def _whole(conn: Connection, frame: Frame, begin: datetime) -> None:
    """Raises ``Problem`` where cases that count in the period are kept no longer: no figure is made of the rest."""
    last_day = day_of(frame.span.until - timedelta(seconds=1), ZoneInfo(frame.city.rules.time_zone))
    gone = await retention.gone(conn, begin, last_day // 100)
    if gone is not None:
        month = dashed(gone)
        raise Problem(
            "period_gone",
            f"该期所需的 {month} 案件已过保存期,不再计算;已公布的数字以当时的通报为准。",
            f"Cases of {month} that count in the period are past their retention: the figures as published stand.",
        )


def case_ids(frame: Frame, reach: timedelta = timedelta(0)) -> tuple[int, int]:
    """From which case on, and before which, the period is looked for."""
    zone, begin = ZoneInfo(frame.city.rules.time_zone), frame.span.since - reach
    return case_id(day_of(begin - LOOK_BACK, zone), 0), case_id(day_of(frame.span.until, zone), 0)


def _taken(rows: list[Any], frame: Frame, take: Callable[[CaseLog], list[T]]) -> list[T]:
    found: list[T] = []
    for log in evaluating.logs_of(rows, frame.city.rules.division_code):
        known = known_by(log.entries, frame.moment)
        if known:
            found += take(CaseLog(log.case_number, known))
    return found


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
