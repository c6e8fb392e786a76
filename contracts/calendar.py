"""The Chinese working calendar (工作日历): which days are worked, with the shifted days (调休), and time reckoned in it.

Holidays come from the library ``chinesecalendar`` (the State Council's notices), over them the city's own rows. A year
that neither knows is provisional: weekends, and the holidays on fixed dates by law. Pure, microsecond exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""全国年节及纪念日放假办法: the statutory holidays on fixed dates of the solar calendar."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days and hours. ``off`` and ``on`` are the days that differ from the plain week, as ISO text."""

    time_zone: str
    periods: tuple[tuple[str, str], ...]
    off: frozenset[str]
    on: frozenset[str]
    known_years: tuple[int, ...]
    _days: dict[date, tuple[tuple[datetime, datetime], ...]] = field(
        default_factory=dict, compare=False, repr=False, init=False
    )

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked."""
        text = day.isoformat()
        if text in self.on:
            return True
        if text in self.off:
            return False
        if day.year not in self.known_years and (day.month, day.day) in FIXED_HOLIDAYS:
            return False
        return day.weekday() < 5

    def is_provisional(self, first: datetime, last: datetime) -> bool:
        """Whether a span touches a year whose shifted days are not known yet."""
        zone = ZoneInfo(self.time_zone)
        years = range(first.astimezone(zone).year, last.astimezone(zone).year + 1)
        return any(year not in self.known_years for year in years)

    def intervals(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The working periods of a day, in order."""
        known = self._days.get(day)
        if known is not None:
            return known
        made: tuple[tuple[datetime, datetime], ...] = ()
        if self.is_working_day(day):
            zone = ZoneInfo(self.time_zone)
            made = tuple(
                (
                    datetime.combine(day, time.fromisoformat(begin), zone),
                    datetime.combine(day, time.fromisoformat(end), zone),
                )
                for begin, end in self.periods
            )
        if len(self._days) > 2000:
            self._days.clear()
        self._days[day] = made
        return made

    def add_working(self, start: datetime, span: timedelta) -> datetime:
        """The moment at which ``span`` of working time has passed since ``start``."""
        if span < timedelta(0):
            raise ValueError("working time runs forward")
        at, left = start.astimezone(ZoneInfo(self.time_zone)), span
        day = at.date()
        while True:
            for begin, end in self.intervals(day):
                begin = max(begin, at)
                if begin < end:
                    if end - begin >= left:
                        return begin + left
                    left -= end - begin
            day += timedelta(days=1)

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """The end of the ``days``-th working day after the day of ``start`` (the day itself does not count)."""
        day, left = start.astimezone(ZoneInfo(self.time_zone)).date(), days
        while left > 0:
            day += timedelta(days=1)
            if self.is_working_day(day):
                left -= 1
        return self.intervals(day)[-1][1] if self.is_working_day(day) else start

    def working_between(self, first: datetime, last: datetime) -> timedelta:
        """How much working time lies between two moments; zero where the last is not after the first."""
        zone = ZoneInfo(self.time_zone)
        at, until = first.astimezone(zone), last.astimezone(zone)
        total, day = timedelta(0), at.date()
        while day <= until.date():
            for begin, end in self.intervals(day):
                span = min(end, until) - max(begin, at)
                if span > timedelta(0):
                    total += span
            day += timedelta(days=1)
        return total


def chinese_calendar(
    time_zone: str, periods: tuple[tuple[str, str], ...], own_off: frozenset[str], own_on: frozenset[str]
) -> Calendar:
    """The calendar of the library's years, with the city's own days over it."""
    from chinese_calendar import constants

    off = {day.isoformat() for day in constants.holidays}
    on = {day.isoformat() for day in constants.workdays}
    return Calendar(
        time_zone=time_zone,
        periods=periods,
        off=frozenset((off | own_off) - own_on),
        on=frozenset((on | own_on) - own_off),
        known_years=tuple(sorted({day.year for day in constants.holidays})),
    )
