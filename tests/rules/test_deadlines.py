"""Deadlines on Quzhou's tiers: each kind of time, each link, warnings, and how a limit explains itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.city import City, Directory, TimeUnit, load_city
from hub.deadlines import (
    accept_limit,
    dispatch_limit,
    due_soon_at,
    limit_by_hand,
    limits_from,
    moved,
    supervision_at,
    verify_limit,
)
from tests.values import replace

FOLDER = Path(__file__).parents[2] / "contracts" / "cities" / "quzhou"
SHANGHAI = ZoneInfo("Asia/Shanghai")
TIERS = ("A", "B", "C2", "C3", "D")


@cache
def quzhou() -> City:
    """Quzhou as if 2026 were the last year announced, whatever the library knows by now."""
    city = load_city(FOLDER)
    years = tuple(year for year in city.calendar.announced_years if year <= 2026)
    days = tuple(each for each in city.calendar.special_days if each.day.year <= 2026)
    return replace(city, calendar=replace(city.calendar, announced_years=years, special_days=days))


@cache
def directory() -> Directory:
    return quzhou().at(date(2026, 11, 23))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("tier", "since", "acknowledge", "handle"),
    [
        ("A", "2026-11-28T03:00", "2026-11-28T04:00", "2026-11-28T07:00"),  # a Saturday night
        ("B", "2026-11-23T08:30", "2026-11-23T14:00", "2026-11-24T09:00"),  # a working day has seven and a half hours
        ("B", "2026-11-27T16:00", "2026-11-30T11:00", "2026-11-30T16:30"),
        ("C2", "2026-11-23T09:00", "2026-11-24T09:30", "2026-11-25T17:30"),
        ("C3", "2026-11-26T09:00", "2026-11-27T09:30", "2026-12-01T17:30"),
        ("C3", "2026-09-30T09:00", "2026-10-08T09:30", "2026-10-10T17:30"),  # over National Day, Saturday 10 worked
        ("D", "2026-02-13T09:00", "2026-02-24T10:00", "2026-03-12T17:30"),  # over Spring Festival
    ],
)
def test_the_limits_of_a_dispatch_as_reckoned_by_hand(tier: str, since: str, acknowledge: str, handle: str) -> None:
    limits = limits_from(directory(), tier, at(since))
    assert (limits.acknowledge.due_at, limits.handle.due_at) == (at(acknowledge), at(handle))


def test_the_links_run_in_working_hours_and_for_urgent_cases_in_natural_minutes() -> None:
    evening = at("2026-11-23T17:00")
    links = (accept_limit, dispatch_limit, verify_limit)
    assert [link(directory(), "C3", evening).due_at for link in links] == [
        at("2026-11-24T10:00"),
        at("2026-11-24T09:00"),
        at("2026-11-24T17:30"),
    ]
    assert [link(directory(), "A", evening).due_at - evening for link in links] == [
        timedelta(minutes=minutes) for minutes in (30, 15, 60)
    ]


def test_a_limit_explains_itself_in_both_languages() -> None:
    limits = limits_from(directory(), "C3", at("2026-11-26T09:00"))
    assert (limits.handle.tier, limits.handle.unit, limits.handle.amount) == ("C3", TimeUnit.WORKING_DAYS, 3)
    assert limits.handle.reckoned == "时限档 C3:3 个工作日 / tier C3: 3 working days"
    assert limits.acknowledge.unit is TimeUnit.WORKING_HOURS
    urgent = accept_limit(directory(), "A", at("2026-11-26T09:00"))
    assert urgent.reckoned == "时限档 A:30 分钟 / tier A: 30 minutes"
    assert len(limits_from(directory(), "D", at("2026-12-30T09:00")).handle.reckoned) <= 200


@pytest.mark.parametrize(
    ("tier", "since", "provisional"),
    [
        ("C3", "2026-11-26T09:00", False),
        ("D", "2026-12-15T09:00", True),
        ("B", "2026-12-31T16:00", True),
        ("A", "2026-12-31T23:00", False),  # natural time asks no calendar
    ],
)
def test_a_limit_in_a_year_that_is_not_announced_is_provisional_and_says_so(
    tier: str, since: str, provisional: bool
) -> None:
    limit = limits_from(directory(), tier, at(since)).handle
    assert limit.provisional is provisional
    assert ("暂计" in limit.zh) is provisional


@pytest.mark.parametrize(
    ("tier", "since", "soon", "supervised"),
    [
        ("A", "2026-11-28T00:00", "2026-11-28T03:00", "2026-11-28T08:00"),
        # Warnings keep office hours too: three quarters of eight hours from Friday afternoon is Monday.
        ("B", "2026-11-27T15:30", "2026-11-30T14:00", "2026-12-01T16:30"),
        ("C2", "2026-11-23T08:30", "2026-11-25T10:22:30", "2026-11-27T17:30"),
    ],
)
def test_warning_and_supervision_run_in_the_limits_own_time(tier: str, since: str, soon: str, supervised: str) -> None:
    limit = limits_from(directory(), tier, at(since)).handle
    assert due_soon_at(directory(), limit) == at(soon)
    assert supervision_at(directory(), limit) == at(supervised)


def test_a_limit_set_by_hand_has_its_warnings_in_the_tiers_time() -> None:
    limit = limit_by_hand(directory(), "C3", at("2026-11-27T15:30"), at("2026-11-30T14:30"))
    assert limit.reckoned == "指挥中心指定 / set by the command centre"
    assert due_soon_at(directory(), limit) == at("2026-11-30T11:22:30")
    assert supervision_at(directory(), limit) == at("2026-12-01T12:00")


def test_a_deadline_outside_office_hours_is_not_made_earlier_by_a_clock_that_stood() -> None:
    sunday = at("2026-11-29T12:00")
    assert moved(directory(), "B", sunday, at("2026-11-28T09:00"), at("2026-11-28T10:00")) == sunday


moments = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 1), timezones=st.just(SHANGHAI))  # noqa: DTZ001


@given(st.sampled_from(TIERS), moments)
def test_a_limit_lies_ahead_its_warning_before_it_and_supervision_after_it(tier: str, since: datetime) -> None:
    limits = limits_from(directory(), tier, since)
    for limit in (limits.acknowledge, limits.handle, verify_limit(directory(), tier, since)):
        assert since < limit.due_at
        assert since <= due_soon_at(directory(), limit) <= limit.due_at
        assert limit.due_at < supervision_at(directory(), limit)


@given(st.sampled_from(TIERS), moments, moments)
def test_who_is_dispatched_later_is_never_due_earlier(tier: str, one: datetime, two: datetime) -> None:
    first, last = sorted((one, two))
    earlier, later = limits_from(directory(), tier, first), limits_from(directory(), tier, last)
    assert earlier.handle.due_at <= later.handle.due_at
    assert earlier.acknowledge.due_at <= later.acknowledge.due_at
