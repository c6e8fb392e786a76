"""Retention (保存期): a month of cases goes once all of it has come to rest long ago, and it is kept that it went.

The log below the highest position that went has gaps from then on: no cursor leads on from there, and no period that a
case of the month may concern is evaluated any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from contracts.problem import Problem, Violation
from hub.case_numbers import SERIALS_PER_DAY
from hub.clock import CityClock
from hub.registry import Registry
from hub.store import registry as registry_store
from hub.store import retention as store
from hub.store.pool import CLASHED, Connection, Pool
from hub.store.retention import Ids, MonthContent

KEEP_MONTHS, KEEP_MONTHS_MIN = 36, 15
"""For so many months after its last change a month is kept. Fewer than the least would take cases from the evaluation
of the month that has just ended: it looks a year back."""

TRIES, PAUSE_SECONDS = 60, 0.5
BUSY: tuple[type[Exception], ...] = (asyncpg.LockNotAvailableError, *CLASHED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of cases, and what holds it back."""

    month: int
    size_bytes: int
    content: MonthContent
    held_back: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """Tells of months and drops them."""

    pool: Pool
    registry: Callable[[], Registry]
    clock: Callable[[], CityClock]
    keep_months: int = KEEP_MONTHS

    async def months(self) -> list[Month]:
        """Every month that is kept, oldest first."""
        async with self.pool.acquire() as conn:
            return [await self._look(conn, month, size) for month, size in await store.months(conn)]

    async def look(self, month: int) -> Month:
        """A month and what holds it back. Raises ``Problem`` where nothing of it is kept."""
        async with self.pool.acquire() as conn:
            sizes = dict(await store.months(conn))
            if month not in sizes:
                raise Problem("not_found", f"没有 {month} 的案件数据。", f"There is no case data of {month}.")
            return await self._look(conn, month, sizes[month])

    async def drop(self, month: int, by: str, reason: str) -> Month:
        """Drop a month, whole or not at all; what went. Raises ``Problem`` with everything that holds it back."""
        found = await self.look(month)
        if found.held_back:
            raise Problem("month_kept", violations=found.held_back)
        for _ in range(TRIES):
            try:
                await self._dropped(found, by, reason)
                break
            except BUSY:
                await asyncio.sleep(PAUSE_SECONDS)
        else:
            raise Problem(
                "overloaded", "案件数据一直有人在用,请稍后再试。", "Case data is in use all the time; try again later."
            )
        seen = found.content
        log.warning(
            "partition.dropped",
            month=month,
            cases=seen.cases,
            entries=seen.entries,
            letters=seen.letters,
            last_position=seen.last_position,
            by=by,
        )
        return found

    async def _dropped(self, found: Month, by: str, reason: str) -> None:
        ids = ids_of(found.month)
        async with self.pool.acquire() as conn, conn.transaction():
            await store.lock(conn)
            if await store.moved(conn, ids, found.content):
                raise Problem("month_kept", "该月刚有变化。", "Something has just happened in the month.")
            await store.drop(conn, found.month, ids, found.content, by, reason)
            await registry_store.add_operation(conn, by, "retention.drop", str(found.month), reason)

    async def _look(self, conn: Connection, month: int, size_bytes: int) -> Month:
        registry = self.registry()
        pushed = [name for name in registry.connections if name not in registry.fetched]
        seen = await store.content(conn, ids_of(month), pushed)
        return Month(
            month, size_bytes, seen, held_back(month, seen, self.clock().now(), registry.zone, self.keep_months)
        )


def ids_of(month: int) -> Ids:
    """The case ids of a month."""
    return Ids(month * 100 * SERIALS_PER_DAY, _after(month, 1) * 100 * SERIALS_PER_DAY)


def held_back(month: int, seen: MonthContent, now: datetime, zone: ZoneInfo, keep_months: int) -> tuple[Violation, ...]:
    """Why a month is kept: open cases, letters on their way, or its rest is not long enough yet. Pure."""
    found = []
    if seen.open:
        found.append(Violation("#/open", f"还有 {seen.open} 件未结案件", f"{seen.open} cases are open", "open"))
    if seen.waiting:
        found.append(
            Violation(
                "#/waiting",
                f"还有 {seen.waiting} 封信件未送达,请先重投或取消(letters list)",
                f"{seen.waiting} letters are not delivered: replay or cancel them first (letters list)",
                "waiting",
            )
        )
    rested = seen.last_changed_at.astimezone(zone) if seen.last_changed_at else None
    last = max(month, rested.year * 100 + rested.month if rested else month)
    today = now.astimezone(zone)
    goes = _after(last, keep_months + 1)
    if goes > today.year * 100 + today.month:
        found.append(
            Violation(
                "#/rest",
                f"最后的变化在 {last},保存 {keep_months} 个月,{goes} 起可删",
                f"its last change was in {last}; kept for {keep_months} months, it may go from {goes} on",
                "rest",
            )
        )
    return tuple(found)


def _after(month: int, months: int) -> int:
    year, index = divmod(month // 100 * 12 + month % 100 - 1 + months, 12)
    return year * 100 + index + 1
