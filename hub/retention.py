"""Retention (保存期): which months of case data may go, and letting one go, whole or not at all.

A month goes when its time is over, all its cases are, and every letter has arrived or was cancelled. What went, and how
far it reached, stays on record: an old cursor of the change feed and figures of a period that needs it are refused.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from contracts.problem import Problem, Violation
from hub.case_numbers import dashed, day_of
from hub.store import registry as registry_store
from hub.store import retention as store
from hub.store.pool import Pool
from hub.store.retention import Content

KEEP_MONTHS = 36
KEEP_MONTHS_MIN = 13
"""The figures of this month look back a year for cases that end in it."""

TRIES, PAUSE_SECONDS = 8, 0.5
"""How often it is tried while others hold what must be locked, and how long they are left alone in between."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A month, what it holds, and why it may not go; it may where there is no reason."""

    month: int
    content: Content
    reasons: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """Looks at months and drops them. ``now`` is city time."""

    pool: Pool
    zone: ZoneInfo
    now: datetime
    keep_months: int = KEEP_MONTHS

    async def verdicts(self) -> list[Verdict]:
        """Every month that is kept, oldest first."""
        async with self.pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            return [self._judged(month, await store.content(conn, month)) for month in await store.months(conn)]

    async def drop(self, month: int, by: str, reason: str, *, dry_run: bool = False) -> Verdict:
        """Let a month go, in one transaction. Raises ``Problem`` with every reason where it must stay."""
        for _ in range(TRIES):
            try:
                verdict = await self._once(month, by, reason, dry_run)
                break
            except store.Busy:
                await asyncio.sleep(PAUSE_SECONDS)
        else:
            raise Problem("overloaded", "数据库正忙,请稍后再试。", "The database is busy, try again later.")
        if not dry_run:
            went = verdict.content
            log.warning(
                "month.dropped",
                month=month,
                cases=went.cases,
                entries=went.entries,
                letters=went.letters,
                last_position=went.last_position,
                by=by,
            )
        return verdict

    async def _once(self, month: int, by: str, reason: str, dry_run: bool) -> Verdict:
        async with self.pool.acquire() as conn, conn.transaction():
            if month not in await store.months(conn):
                raise Problem("not_found", f"没有 {dashed(month)} 的数据。", f"There is nothing of {dashed(month)}.")
            if not dry_run:
                await store.hold(conn, month)
            verdict = self._judged(month, await store.content(conn, month))
            if verdict.reasons:
                raise Problem("month_kept", violations=verdict.reasons)
            if not dry_run:
                await store.alone(conn)
                await store.drop(conn, month, verdict.content, by)
                await registry_store.add_operation(conn, by, "retention.drop", dashed(month), reason)
            return verdict

    def _judged(self, month: int, content: Content) -> Verdict:
        reached = month_at(content.reaches_until, self.zone) if content.reaches_until else month
        this_month = month_at(self.now, self.zone)
        return Verdict(month, content, reasons(month, content, this_month, self.keep_months, reached))


def month_at(moment: datetime, zone: ZoneInfo) -> int:
    """The month of a moment, as YYYYMM."""
    return day_of(moment, zone) // 100


def reasons(
    month: int, content: Content, this_month: int, keep_months: int, reached_month: int | None = None
) -> tuple[Violation, ...]:
    """Why a month may not go; ``reached_month`` is that of the last change or deadline of its cases. Pure."""
    found: list[Violation] = []
    if _counted(this_month) - _counted(month) <= keep_months:
        zh, en = f"还在保存期内({keep_months} 个月)", f"it is kept for {keep_months} months yet"
        found.append(Violation("#/month", zh, en, "kept"))
    elif reached_month is not None and _counted(this_month) - _counted(reached_month) < KEEP_MONTHS_MIN:
        # The figures of the whole city for that month and its year would go with it.
        when = dashed(reached_month)
        zh = f"其中案件的变化或时限到 {when},那时的考核还要用"
        en = f"changes or deadlines of its cases lie as late as {when}, whose figures need them"
        found.append(Violation("#/month", zh, en, "changed"))
    if content.open:
        zh, en = f"还有 {content.open} 件案件未结束", f"{content.open} of its cases are still open"
        found.append(Violation("#/cases", zh, en, "open"))
    if content.undelivered:
        zh = f"还有 {content.undelivered} 封信件没有送达,也没有取消(letters list、letters cancel)"
        en = f"{content.undelivered} of its letters are neither delivered nor cancelled (letters list, letters cancel)"
        found.append(Violation("#/letters", zh, en, "undelivered"))
    return tuple(found)


def _counted(month: int) -> int:
    return month // 100 * 12 + month % 100
