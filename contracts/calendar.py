"""The Chinese working calendar (工作日历): which days are worked, shifted days (调休) too, and time reckoned in it.

``CalendarData`` is what a directory keeps: plain dated rows, so that a deadline can be reckoned again years later.
``Calendar`` reckons with them. Pure, exact to the microsecond; moments are aware, answers in the city's zone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

STATUTORY = {
    (1, 1): ("元旦", "New Year's Day"),
    (5, 1): ("劳动节", "Labour Day"),
    (5, 2): ("劳动节", "Labour Day"),
    (10, 1): ("国庆节", "National Day"),
    (10, 2): ("国庆节", "National Day"),
    (10, 3): ("国庆节", "National Day"),
}
"""全国年节及纪念日放假办法, as in force since 2025: the holidays on fixed dates; the others move."""

STATUTORY_SOURCE = "全国年节及纪念日放假办法"
NOTICE_REACHES_BACK_TO = (12, 25)
"""A year's notice may shift the last days of the December before (2018-12-29 was worked for 2019's New Year)."""

_DAY_MICROSECONDS = 86_400_000_000


class DayKind(StrEnum):
    """Why a day is worked or not."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    SHIFTED_WORKDAY = "shifted_workday"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that differs from the plain week: a holiday, or a weekend day worked in exchange (调休)."""

    day: date
    working: bool
    name_zh: str
    name_en: str
    source: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """The working periods of each day between two dates (both included, None is open); summer hours are another row."""

    periods: tuple[tuple[time, time], ...]
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class CalendarData:
    """All that a calendar is made of. Of two special days on one date the later row wins: the city's own stand last."""

    time_zone: str
    hours: tuple[WorkingHours, ...]
    special_days: tuple[SpecialDay, ...]
    announced_years: tuple[int, ...]

    def at(self, day: date) -> CalendarData:
        """The rows in force on a day; the same value where none is dated."""
        if not any(each.valid_from or each.valid_to for each in self.special_days):
            return self
        kept = tuple(
            each for each in self.special_days if (each.valid_from or date.min) <= day <= (each.valid_to or date.max)
        )
        return replace(self, special_days=kept)


@dataclass(frozen=True, slots=True)
class DayTold:
    """A day explained: worked or not, why, on whose word. ``provisional`` where its year is not announced yet."""

    day: date
    kind: DayKind
    name_zh: str
    name_en: str
    source: str
    provisional: bool

    @property
    def working(self) -> bool:
        """Whether the day is worked."""
        return self.kind in (DayKind.WORKDAY, DayKind.SHIFTED_WORKDAY)


@dataclass(frozen=True, slots=True)
class _Year:
    """A year's working periods as microseconds of wall time since its first midnight, and what was worked before."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]
    through: tuple[int, ...]
    total: int
    days: tuple[int, ...]

    def worked_until(self, wall: int) -> int:
        """Working time of the year before a moment of wall time."""
        at = bisect_right(self.begins, wall) - 1
        if at < 0:
            return 0
        return self.before[at] + min(wall, self.ends[at]) - self.begins[at]

    def wall_of(self, worked: int) -> int:
        """The first moment at which so much of the year's working time has passed."""
        at = bisect_left(self.through, worked)
        return self.begins[at] + worked - self.before[at]


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Reckons in working time. Made by ``calendar_of``; years are tabulated when first asked for."""

    data: CalendarData
    zone: ZoneInfo
    _special: Mapping[date, SpecialDay] = field(repr=False)
    _years: dict[int, _Year] = field(default_factory=dict, repr=False)

    def describe(self, day: date) -> DayTold:
        """Why a day is worked or not."""
        provisional = self._open(day)
        special = self._special.get(day)
        if special is not None:
            # A holiday that falls on a weekend is still a holiday; a "worked" plain weekday is only a weekday.
            worked = DayKind.SHIFTED_WORKDAY if day.weekday() > 4 else DayKind.WORKDAY
            kind = worked if special.working else DayKind.HOLIDAY
            return DayTold(day, kind, special.name_zh, special.name_en, special.source, provisional)
        if day.year not in self.data.announced_years and (day.month, day.day) in STATUTORY:
            zh, en = STATUTORY[day.month, day.day]
            return DayTold(day, DayKind.HOLIDAY, zh, en, STATUTORY_SOURCE, provisional)
        if day.weekday() > 4:
            return DayTold(day, DayKind.WEEKEND, "周末", "weekend", "", provisional)
        return DayTold(day, DayKind.WORKDAY, "工作日", "working day", "", provisional)

    def is_working_day(self, day: date) -> bool:
        """Whether a day is worked."""
        days = self._year(day.year).days
        at = bisect_left(days, day.toordinal())
        return at < len(days) and days[at] == day.toordinal()

    def working_intervals(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The working periods of a day, in order; none where it is not worked."""
        if not self.is_working_day(day):
            return ()
        return tuple(
            (datetime.combine(day, begin, self.zone), datetime.combine(day, end, self.zone))
            for begin, end in self._periods(day)
        )

    def working_between(self, first: datetime, last: datetime) -> timedelta:
        """How much working time lies between two moments; zero where the last is not after the first."""
        if last <= first:
            return timedelta(0)
        (year, from_), (last_year, until) = self._wall(first), self._wall(last)
        worked = -self._year(year).worked_until(from_)
        while year < last_year:
            worked += self._year(year).total
            year += 1
        return timedelta(microseconds=worked + self._year(last_year).worked_until(until))

    def add_working(self, start: datetime, span: timedelta) -> datetime:
        """The first moment by which ``span`` of working time has passed since ``start``.

        No span at all is the start itself; one that ends with a day's work ends at closing time, not next morning.
        """
        if span < timedelta(0):
            raise ValueError("working time runs forward")
        year, wall = self._wall(start)
        if not span:
            return start.astimezone(self.zone)
        worked = self._year(year).worked_until(wall) + span // timedelta(microseconds=1)
        while worked > self._year(year).total:
            worked -= self._year(year).total
            year += 1
        return self._moment(year, self._year(year).wall_of(worked))

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """The closing time of the ``days``-th working day after the day of ``start``.

        民法典第二百〇一条、第二百〇三条: the day on which a period begins does not count, and a period of days ends
        when business closes on its last one.
        """
        if days < 1:
            raise ValueError("a period of working days has at least one")
        self._wall(start)
        day = start.astimezone(self.zone).date()
        year, ordinals = day.year, self._year(day.year).days
        at = bisect_right(ordinals, day.toordinal()) + days - 1
        while at >= len(ordinals):
            at -= len(ordinals)
            year += 1
            ordinals = self._year(year).days
        last = date.fromordinal(ordinals[at])
        return datetime.combine(last, self._periods(last)[-1][1], self.zone)

    def is_provisional(self, first: datetime, last: datetime) -> bool:
        """Whether a span touches days that a notice yet to come may shift."""
        day, until = first.astimezone(self.zone).date(), last.astimezone(self.zone).date()
        announced = self.data.announced_years
        return self._open(until) or any(year not in announced for year in range(day.year, until.year))

    def _open(self, day: date) -> bool:
        announced = self.data.announced_years
        if day.year not in announced:
            return True
        return (day.month, day.day) >= NOTICE_REACHES_BACK_TO and day.year + 1 not in announced

    def _periods(self, day: date) -> tuple[tuple[time, time], ...]:
        for row in self.data.hours:
            if (row.valid_from or date.min) <= day <= (row.valid_to or date.max):
                return row.periods
        raise ValueError(f"no working hours are set for {day}")

    def _wall(self, moment: datetime) -> tuple[int, int]:
        """A moment as its year and the wall time in it."""
        if moment.tzinfo is None:
            raise ValueError("a moment has a time zone")
        local = moment.astimezone(self.zone)
        since = local.replace(tzinfo=None) - datetime(local.year, 1, 1)  # noqa: DTZ001 - wall time, on purpose
        return local.year, since.days * _DAY_MICROSECONDS + since.seconds * 1_000_000 + since.microseconds

    def _moment(self, year: int, wall: int) -> datetime:
        return datetime(year, 1, 1, tzinfo=self.zone) + timedelta(microseconds=wall)

    def _year(self, year: int) -> _Year:
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._tabulate(year)
        return known

    def _tabulate(self, year: int) -> _Year:
        first = date(year, 1, 1)
        days = [date.fromordinal(first.toordinal() + n) for n in range((date(year, 12, 31) - first).days + 1)]
        worked = [day for day in days if self.describe(day).working]
        begins: list[int] = []
        ends: list[int] = []
        for day in worked:
            midnight = (day - first).days * _DAY_MICROSECONDS
            for begin, end in self._periods(day):
                begins.append(midnight + _microseconds(begin))
                ends.append(midnight + _microseconds(end))
        before, total = [], 0
        for begin_at, end_at in zip(begins, ends, strict=True):
            before.append(total)
            total += end_at - begin_at
        through = (*before[1:], total) if before else ()
        return _Year(
            tuple(begins), tuple(ends), tuple(before), through, total, tuple(day.toordinal() for day in worked)
        )


def calendar_of(data: CalendarData) -> Calendar:
    """The calendar that reckons with these rows. Raises ``ValueError`` where its hours do not go on for ever."""
    if not any(row.valid_to is None and row.periods for row in data.hours):
        raise ValueError("working hours need a last row without an end")
    return Calendar(data, ZoneInfo(data.time_zone), {each.day: each for each in data.special_days})


def announced_days() -> tuple[tuple[SpecialDay, ...], tuple[int, ...]]:
    """The special days that the State Council announced, and their years, as ``chinesecalendar`` knows them."""
    from chinese_calendar import constants

    zh_of = {holiday.value: holiday.chinese for holiday in constants.Holiday}
    told = [(day, False, name) for day, name in constants.holidays.items()]
    told += [(day, True, name) for day, name in constants.workdays.items()]
    days = tuple(
        SpecialDay(day, working, zh_of[name], name, "国务院办公厅通知 (chinesecalendar)")
        for day, working, name in sorted(told)
    )
    return days, tuple(sorted({day.year for day in constants.holidays}))


def _microseconds(at: time) -> int:
    return ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond
