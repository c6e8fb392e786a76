"""Runs other rules over the stored cases (推演): one reading, in a transaction that can write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from contracts.city import City, Component, Formula
from contracts.problem import Problem
from hub.evaluation import By, CaseLog, Period
from hub.evaluation.whatif import Rules, Seen, WhatIf, compared, weighed
from hub.evaluator import Question, case_ids, framed, over_logs
from hub.facts import Coordinated, Dispatched, Reported
from hub.register.entries import Entry
from hub.store import register
from hub.store.pool import Pool

REACH = timedelta(days=62)
"""How long before the period a deadline may have lain that other rules would move into it."""


async def asked_what_if(
    pool: Pool, city: City, version: int, now: datetime, period: Period, changed: City, formula: Formula | None = None
) -> WhatIf:
    """What a period would have come to under another city, or another formula. Nothing is written.

    Raises ``Problem`` where the period is too long or one of the cities has no formula for it.
    """
    judged = formula or changed.formula(period.until)
    if judged is None:
        raise Problem(
            "not_found", "该城市数据没有该期的考核办法。", "That city's folder has no formula for that period."
        )
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        frame = await framed(conn, city, version, now, Question(period, By.UNIT))
        base, other = Rules(frame.city, frame.formula), Rules(changed, judged)
        said = await register.of_live_cases(conn, *case_ids(frame, REACH))
        zone = ZoneInfo(city.rules.time_zone)

        def take(log: CaseLog) -> list[Seen]:
            return [weighed(log, base, other, period, frame.at, component_of(log, said, zone))]

        seen = await over_logs(conn, frame, take, REACH)
    return await asyncio.to_thread(compared, seen, base, other, period, frame.at)


def component_of(log: CaseLog, said: Mapping[str, Sequence[Entry]], zone: ZoneInfo) -> Component | None:
    """What the register knew of the reported component when the case was routed."""
    code = cast(Reported, log.entries[0].fact).component_code
    routed = next((each for each in log.entries if isinstance(each.fact, Dispatched | Coordinated)), None)
    if code is None or routed is None:
        return None
    at, day = routed.known_at, routed.known_at.astimezone(zone).date()
    for entry in said.get(code, ()):
        known = entry.known_from <= at and (entry.known_until is None or at < entry.known_until)
        if known and entry.valid_from <= day and (entry.valid_to is None or day <= entry.valid_to):
            return entry.component()
    return None
