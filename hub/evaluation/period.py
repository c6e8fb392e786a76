"""The period that is evaluated (考核期): from a city day to another, both included. Pure."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.spans import Span

_NAMED = re.compile(r"([0-9]{4})(?:-(?:Q([1-4])|([0-9]{2})))?")

YEAR_MIN, YEAR_MAX = 2000, 2999


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the city, the first and the last included. Raises ``ValueError`` for others than such a city may have."""

    since: date
    until: date

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise ValueError("a period's last day is not before its first")
        if self.since.year < YEAR_MIN or self.until.year > YEAR_MAX:
            raise ValueError(f"a period lies in the years {YEAR_MIN} to {YEAR_MAX}")

    @staticmethod
    def month(year: int, month: int) -> Period:
        """A month (月)."""
        return Period(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))

    @staticmethod
    def quarter(year: int, quarter: int) -> Period:
        """A quarter (季度), 1 to 4."""
        return Period(Period.month(year, quarter * 3 - 2).since, Period.month(year, quarter * 3).until)

    @staticmethod
    def year(year: int) -> Period:
        """A year (年度)."""
        return Period(date(year, 1, 1), date(year, 12, 31))

    @staticmethod
    def named(text: str) -> Period:
        """The period of ``2026-11``, ``2026-Q4`` or ``2026``. Raises ``ValueError``."""
        match = _NAMED.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a month, a quarter or a year")
        year, quarter, month = int(match[1]), match[2], match[3]
        if quarter:
            return Period.quarter(year, int(quarter))
        return Period.month(year, int(month)) if month else Period.year(year)

    def span(self, zone: ZoneInfo) -> Span:
        """Its moments: from the first midnight up to the one after its last day."""
        return Span(_midnight(self.since, zone), _midnight(self.until + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
