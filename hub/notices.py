"""Makes a month's notice (月度通报) of the stored logs: one reading for units, collectors and cases of note."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime

from contracts.city import City
from contracts.problem import Problem
from hub.evaluation import By, CaseLog, Observation, Period, observe, summed
from hub.evaluation.notable import Notable, notable
from hub.evaluation.notice import Material, Notice, counted, notice
from hub.evaluator import Question, framed, over_logs
from hub.store import evaluating
from hub.store.pool import Pool

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def month_named(text: str) -> Period:
    """The month of ``2026-11``. Raises ``ValueError``."""
    if not _MONTH.fullmatch(text):
        raise ValueError(f"{text!r} is not a month")
    return Period.named(text)


async def noticed(
    pool: Pool, city: City, version: int, now: datetime, month: Period, known: datetime | None = None
) -> Notice:
    """The notice of a month by what is known now or was known then, to the second: so it can be made again.

    Raises ``Problem`` where that moment is still to come, or the city has no formula for the month.
    """
    known = (known or now).replace(microsecond=0)
    if known > now:
        raise Problem("query_invalid", "known_at 不能晚于现在。", "known_at is not later than now.")
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        # A hub that knows no case yet has a notice too: of nothing.
        begun = await evaluating.known_by_moment(conn, known) is not None
        frame = await framed(conn, city, version, known, Question(month, By.UNIT, known if begun else None))
        chain = frame.city.rules.return_chain

        def take(log: CaseLog) -> list[tuple[list[Observation], list[Notable]]]:
            seen = observe(log.case_number, log.entries, frame.directory, frame.span, frame.at)
            return [(seen, notable(log, frame.span, frame.at, chain))]

        found = await over_logs(conn, frame, take)

    def made() -> Notice:
        formula = counted(frame.formula)
        seen = [each for observed, _ in found for each in observed]
        return notice(
            Material(
                city=frame.city,
                by_unit=summed(seen, month, formula, by=By.UNIT, at=frame.at),
                by_collector=summed(seen, month, formula, by=By.COLLECTOR, at=frame.at),
                notable=[each for _, named in found for each in named],
                known_at=known,
            )
        )

    return await asyncio.to_thread(made)
