"""The working calendar: reckoned by hand around shifted days, then by properties against a slow, plain count."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calendar import (
    Calendar,
    CalendarData,
    DayKind,
    SpecialDay,
    WorkingHours,
    announced_days,
    calendar_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
UTC = ZoneInfo("UTC")
HOURS = ((time(8, 30), time(12, 0)), (time(13, 30), time(17, 30)))
DAYS, YEARS = announced_days()
DATA = CalendarData("Asia/Shanghai", (WorkingHours(HOURS),), DAYS, YEARS)


@cache
def a_calendar() -> Calendar:
    return calendar_of(DATA)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


# -- reckoned by hand; a working day has seven and a half hours ------------------------------


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        ("2026-11-23T09:00", 2, "2026-11-23T11:00"),
        ("2026-11-23T11:00", 2, "2026-11-23T14:30"),  # over noon
        ("2026-11-23T12:30", 1, "2026-11-23T14:30"),  # begins within the noon break
        ("2026-11-23T10:00", 2, "2026-11-23T12:00"),  # ends with the morning, not at half past one
        ("2026-11-23T15:30", 2, "2026-11-23T17:30"),  # ends with the day
        ("2026-11-23T17:00", 1, "2026-11-24T09:00"),
        ("2026-11-27T16:30", 2, "2026-11-30T09:30"),  # over a weekend
        ("2026-11-28T10:00", 1, "2026-11-30T09:30"),  # begins on a Saturday
        # Spring Festival 2026: off 15 to 23 February; Saturday 14 and Saturday 28 are worked.
        ("2026-02-13T17:00", 8, "2026-02-14T17:30"),
        ("2026-02-14T17:00", 2, "2026-02-24T10:00"),
        ("2026-02-27T17:00", 2, "2026-02-28T10:00"),
        # Spring Festival 2025: off 28 January to 4 February; Sunday 26 January and Saturday 8 February are worked.
        ("2025-01-25T10:00", 1, "2025-01-26T09:30"),
        ("2025-01-27T17:00", 1, "2025-02-05T09:00"),
        ("2025-02-07T17:30", 1, "2025-02-08T09:30"),
        # National Day 2025: off 1 to 8 October; Sunday 28 September and Saturday 11 October are worked.
        ("2025-09-27T12:00", 8, "2025-09-29T09:00"),
        ("2025-09-30T16:30", 8, "2025-10-09T17:00"),
        # National Day 2026: off 1 to 7 October; Sunday 20 September and Saturday 10 October are worked.
        ("2026-09-19T12:00", 1, "2026-09-20T09:30"),
        ("2026-09-30T17:00", 1, "2026-10-08T09:00"),
        ("2026-10-09T17:00", 1, "2026-10-10T09:00"),
        # The turn of the year: 1 to 3 January 2026 off, Sunday 4 worked.
        ("2025-12-31T17:00", 1, "2026-01-04T09:00"),
    ],
)
def test_working_hours_as_reckoned_by_hand(start: str, span: float, due: str) -> None:
    assert a_calendar().add_working(at(start), hours(span)) == at(due)
    assert a_calendar().working_between(at(start), at(due)) == hours(span)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-11-23T09:00", 2, "2026-11-25T17:30"),
        ("2026-11-23T23:59", 2, "2026-11-25T17:30"),
        ("2026-11-28T10:00", 2, "2026-12-01T17:30"),
        ("2026-02-13T10:00", 3, "2026-02-25T17:30"),  # 14 (shifted), 24, 25
        ("2025-01-24T10:00", 3, "2025-02-05T17:30"),  # Sunday 26 (shifted), Monday 27, then 5 February
        ("2025-09-26T10:00", 5, "2025-10-10T17:30"),  # 28 (shifted), 29, 30, then 9, 10 October
        ("2025-12-31T10:00", 1, "2026-01-04T17:30"),
        ("2026-09-30T10:00", 15, "2026-10-27T17:30"),  # 8, 9, 10 (shifted), 12-16, 19-23, 26, 27
    ],
)
def test_working_days_end_at_closing_time_and_do_not_count_the_first(start: str, days: int, due: str) -> None:
    assert a_calendar().add_working_days(at(start), days) == at(due)


@pytest.mark.parametrize(
    ("day", "kind", "name"),
    [
        ("2026-02-14", DayKind.SHIFTED_WORKDAY, "春节"),
        ("2026-02-17", DayKind.HOLIDAY, "春节"),
        ("2026-10-01", DayKind.HOLIDAY, "国庆节"),
        ("2026-10-10", DayKind.SHIFTED_WORKDAY, "国庆节"),
        ("2026-10-11", DayKind.WEEKEND, "周末"),
        ("2026-11-23", DayKind.WORKDAY, "工作日"),
    ],
)
def test_a_day_says_why_it_is_worked_or_not(day: str, kind: DayKind, name: str) -> None:
    told = a_calendar().describe(date.fromisoformat(day))
    assert (told.kind, told.name_zh, told.provisional) == (kind, name, False)
    assert told.working is a_calendar().is_working_day(told.day)


def test_the_intervals_of_a_day_are_the_citys_periods() -> None:
    assert a_calendar().working_intervals(date(2026, 11, 23)) == (
        (at("2026-11-23T08:30"), at("2026-11-23T12:00")),
        (at("2026-11-23T13:30"), at("2026-11-23T17:30")),
    )
    assert a_calendar().working_intervals(date(2026, 11, 22)) == ()


# -- years that nobody announced yet -----------------------------------------------------------------------------------


def test_a_year_that_is_not_announced_has_weekends_and_the_fixed_holidays_and_says_so() -> None:
    unknown = max(YEARS) + 1
    told = [a_calendar().describe(date(unknown, month, day)) for month, day in [(1, 1), (5, 2), (10, 3)]]
    assert {each.kind for each in told} == {DayKind.HOLIDAY}
    assert all(each.provisional for each in told)


@pytest.mark.parametrize(
    ("first", "last", "provisional"),
    [
        ("2026-11-23T09:00", "2026-12-24T17:30", False),
        ("2026-11-23T09:00", "2026-12-28T17:30", True),  # the notice of 2027 may still shift it
        ("2026-12-31T17:00", "2027-01-04T09:00", True),
        ("2025-12-28T09:00", "2026-01-04T09:00", False),
        ("2003-12-01T09:00", "2004-02-01T09:00", True),
    ],
)
def test_a_span_is_provisional_where_a_notice_may_still_shift_its_days(
    first: str, last: str, provisional: bool
) -> None:
    until_2026 = calendar_of(replace(DATA, announced_years=tuple(year for year in YEARS if year <= 2026)))
    assert until_2026.is_provisional(at(first), at(last)) is provisional


def test_the_citys_own_rows_stand_over_the_announced_ones_and_over_the_plain_week() -> None:
    own = (
        SpecialDay(date(2026, 10, 10), False, "本市休息", "city day off", "notice"),
        SpecialDay(date(2026, 11, 24), False, "本市休息", "city day off", "notice"),
        SpecialDay(date(2026, 11, 28), True, "本市补班", "city workday", "notice"),
    )
    calendar = calendar_of(replace(DATA, special_days=DAYS + own))
    assert [calendar.is_working_day(each.day) for each in own] == [False, False, True]
    assert calendar.describe(date(2026, 11, 24)).name_zh == "本市休息"


def test_a_year_that_the_city_announces_whole_is_no_longer_provisional() -> None:
    year = max(YEARS) + 1
    own = (SpecialDay(date(year, 1, 1), False, "元旦", "New Year's Day", "notice"),)
    told = calendar_of(replace(DATA, special_days=DAYS + own, announced_years=(*YEARS, year)))
    assert not told.describe(date(year, 5, 3)).provisional
    assert told.is_working_day(date(year, 5, 1)) is (date(year, 5, 1).weekday() < 5)  # its rows are all there is


def test_summer_hours_are_a_second_row() -> None:
    late = ((time(8, 30), time(12, 0)), (time(14, 30), time(18, 0)))
    rows = (
        WorkingHours(HOURS, None, date(2026, 6, 30)),
        WorkingHours(late, date(2026, 7, 1), date(2026, 9, 30)),
        WorkingHours(HOURS, date(2026, 10, 1), None),
    )
    calendar = calendar_of(replace(DATA, hours=rows))
    assert calendar.add_working(at("2026-06-30T17:00"), hours(1)) == at("2026-07-01T09:00")
    assert calendar.add_working(at("2026-07-01T11:00"), hours(2)) == at("2026-07-01T15:30")
    assert calendar.add_working_days(at("2026-06-30T09:00"), 1) == at("2026-07-01T18:00")


def test_rows_of_a_calendar_have_a_validity_of_their_own() -> None:
    row = SpecialDay(date(2026, 11, 24), False, "休", "off", "notice", valid_from=date(2026, 11, 20))
    data = replace(DATA, special_days=(*DAYS, row))
    assert calendar_of(data.at(date(2026, 11, 19))).is_working_day(row.day)
    assert not calendar_of(data.at(date(2026, 11, 20))).is_working_day(row.day)


def test_hours_that_end_some_day_are_refused() -> None:
    with pytest.raises(ValueError, match="without an end"):
        calendar_of(replace(DATA, hours=(WorkingHours(HOURS, None, date(2026, 1, 1)),)))


@pytest.mark.parametrize("wrong", [hours(-1), timedelta(microseconds=-1)])
def test_working_time_does_not_run_backwards(wrong: timedelta) -> None:
    with pytest.raises(ValueError, match="forward"):
        a_calendar().add_working(at("2026-11-23T09:00"), wrong)


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = at("2026-11-23T09:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        a_calendar().add_working(naive, hours(1))
    with pytest.raises(ValueError, match="time zone"):
        a_calendar().add_working_days(naive, 1)


# -- properties --------------------------------------------------------------------------------------------------------

moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 6, 1), timezones=st.just(SHANGHAI))  # noqa: DTZ001
spans = st.timedeltas(timedelta(0), timedelta(hours=400))
few_spans = st.timedeltas(timedelta(0), timedelta(hours=40))


@given(moments, spans)
def test_what_is_added_lies_between(start: datetime, span: timedelta) -> None:
    calendar = a_calendar()
    assert calendar.working_between(start, calendar.add_working(start, span)) == span


@given(moments, moments)
def test_adding_what_lies_between_comes_no_later_and_loses_no_working_time(one: datetime, two: datetime) -> None:
    first, last = sorted((one, two))
    calendar = a_calendar()
    between = calendar.working_between(first, last)
    reached = calendar.add_working(first, between)
    assert reached <= last
    assert calendar.working_between(reached, last) == timedelta(0)


@given(moments, spans, spans)
def test_adding_is_additive(start: datetime, one: timedelta, two: timedelta) -> None:
    calendar = a_calendar()
    assert calendar.add_working(calendar.add_working(start, one), two) == calendar.add_working(start, one + two)


@given(moments, moments, spans)
def test_who_starts_later_is_never_due_earlier(one: datetime, two: datetime, span: timedelta) -> None:
    first, last = sorted((one, two))
    calendar = a_calendar()
    assert calendar.add_working(first, span) <= calendar.add_working(last, span)
    days = 1 + span.days
    assert calendar.add_working_days(first, days) <= calendar.add_working_days(last, days)


@given(moments, moments, moments)
def test_between_is_additive(one: datetime, two: datetime, three: datetime) -> None:
    a, b, c = sorted((one, two, three))
    between = a_calendar().working_between
    assert between(a, b) + between(b, c) == between(a, c)
    assert between(b, a) == timedelta(0) or a == b


@settings(max_examples=60)
@given(moments, few_spans)
def test_the_tables_agree_with_a_plain_count_of_intervals(start: datetime, span: timedelta) -> None:
    calendar = a_calendar()
    due = calendar.add_working(start, span)
    counted, day = timedelta(0), start.date()
    while day <= due.date():
        for begin, end in calendar.working_intervals(day):
            counted += max(min(end, due) - max(begin, start), timedelta(0))
        day += timedelta(days=1)
    assert counted == span


@given(moments, st.integers(1, 60))
def test_so_many_working_days_are_so_many_days_worked(start: datetime, days: int) -> None:
    calendar = a_calendar()
    due = calendar.add_working_days(start, days)
    later = [start.date() + timedelta(days=n + 1) for n in range((due.date() - start.date()).days)]
    assert sum(calendar.is_working_day(day) for day in later) == days
    assert due == calendar.working_intervals(due.date())[-1][1]


@given(moments, spans)
def test_the_senders_zone_does_not_matter(start: datetime, span: timedelta) -> None:
    calendar = a_calendar()
    due = calendar.add_working(start.astimezone(UTC), span)
    assert due == calendar.add_working(start, span)
    assert due.tzinfo is not None
    assert str(due.tzinfo) == "Asia/Shanghai"
