"""Maintenance windows and calendars: when letters wait, the urgent too or not, and until when."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.live import CONTRACTS, ContractVersion
from contracts.pace import RETRY, Maintenance, Opening, Retry
from contracts.problem import Problem
from contracts.profile_text import read_profile
from contracts.yaml_text import read_yaml
from hub.delivery.retry import SCHEDULE_SECONDS, Bury, TryAgain, after_failure
from hub.delivery.windows import Rest, rest_at
from hub.facts import Fault
from hub.lateness import GRACE, Delivery, lost_time
from hub.registry import connections_of
from hub.spans import Span

ZONE = ZoneInfo("Asia/Shanghai")
HOLIDAY = date(2026, 10, 1)
"""A Thursday."""
SHIFTED = date(2026, 10, 10)
"""A Saturday that is worked."""


def worked(day: date) -> bool:
    return day == SHIFTED or (day.weekday() < 5 and day != HOLIDAY)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def maintenance(text: str) -> Maintenance:
    return Maintenance.model_validate_json(json.dumps(read_yaml(text)[0]))


def calendar(text: str) -> Opening:
    return Opening.model_validate_json(json.dumps(read_yaml(text)[0]))


def resting(moment: str, *, windows: str = "", opening: str = "") -> Rest | None:
    return rest_at(
        maintenance(windows) if windows else None, calendar(opening) if opening else None, at(moment), ZONE, worked
    )


ONCE = "dated: [{from: '2026-12-01T22:00:00+08:00', until: '2026-12-02T02:00:00+08:00', note: 核心系统升级}]"
WEEKLY = "weekly: [{days: [sat], from: '22:00', until: '02:00'}]"
OFFICE = "hours: [{from: '08:30', until: '12:00'}, {from: '13:30', until: '17:30'}]\nworking_days: true"


def test_without_windows_nothing_ever_waits() -> None:
    assert rest_at(None, None, at("2026-12-01T23:00"), ZONE, worked) is None


@pytest.mark.parametrize(
    ("moment", "rests"),
    [("2026-12-01T21:59", False), ("2026-12-01T22:00", True), ("2026-12-02T01:59", True), ("2026-12-02T02:00", False)],
)
def test_a_dated_window_holds_from_its_beginning_up_to_its_end(moment: str, rests: bool) -> None:
    assert (resting(moment, windows=ONCE) is not None) == rests


def test_a_window_holds_urgent_letters_too_unless_it_says_otherwise() -> None:
    held = resting("2026-12-01T23:00", windows=ONCE)
    assert held == Rest(at("2026-12-02T02:00"), True, "维护窗口: 核心系统升级", "maintenance window: 核心系统升级")
    lenient = resting("2026-12-01T23:00", windows=ONCE.replace("note:", "urgent: true, note:"))
    assert lenient is not None and not lenient.urgent


@pytest.mark.parametrize(
    ("moment", "rests"),
    [
        ("2026-11-28T23:00", True),
        ("2026-11-29T01:00", True),
        ("2026-11-29T02:00", False),
        ("2026-11-29T23:00", False),
        ("2026-11-27T23:00", False),
    ],
)
def test_a_weekly_window_runs_overnight(moment: str, rests: bool) -> None:
    assert (resting(moment, windows=WEEKLY) is not None) == rests


def test_of_two_windows_that_overlap_the_stricter_decides() -> None:
    both = (
        "dated:\n"
        "  - {from: '2026-12-01T22:00:00+08:00', until: '2026-12-02T06:00:00+08:00', urgent: true}\n"
        "  - {from: '2026-12-01T22:00:00+08:00', until: '2026-12-01T23:00:00+08:00'}\n"
    )
    first, then = resting("2026-12-01T22:30", windows=both), resting("2026-12-01T23:00", windows=both)
    assert first is not None and first.urgent and first.until == at("2026-12-01T23:00")
    assert then is not None and not then.urgent and then.until == at("2026-12-02T06:00")


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23T08:00", "2026-11-23T08:30"),
        ("2026-11-23T12:30", "2026-11-23T13:30"),
        ("2026-11-20T18:00", "2026-11-23T08:30"),
        ("2026-09-30T18:00", "2026-10-02T08:30"),
        ("2026-10-09T18:00", "2026-10-10T08:30"),
    ],
)
def test_outside_its_calendar_ordinary_letters_wait_for_the_next_opening(moment: str, opens: str) -> None:
    rest = resting(moment, opening=OFFICE)
    assert rest is not None and not rest.urgent and rest.until == at(opens)


@pytest.mark.parametrize("moment", ["2026-11-23T08:30", "2026-11-23T17:29", "2026-10-10T09:00"])
def test_within_its_calendar_letters_go(moment: str) -> None:
    assert resting(moment, opening=OFFICE) is None


def test_a_calendar_that_never_opens_is_asked_again_within_a_day() -> None:
    rest = rest_at(None, calendar(OFFICE), at("2026-11-23T10:00"), ZONE, lambda _: False)
    assert rest is not None and rest.until == at("2026-11-24T10:00")


HOURS = st.sampled_from(["00:00", "01:30", "08:30", "12:00", "17:30", "22:00", "23:59"])


@given(
    st.lists(st.tuples(HOURS, HOURS).filter(lambda each: each[0] != each[1]), min_size=1, max_size=4),
    st.booleans(),
    st.integers(0, 60 * 24 * 400),
)
def test_a_rest_ends_in_the_future_and_an_opening_is_open(
    hours: list[tuple[str, str]], working_days: bool, minutes: int
) -> None:
    said = [{"from": since, "until": until} for since, until in hours]
    opening = Opening.model_validate_json(json.dumps({"hours": said, "working_days": working_days}))
    now = at("2026-01-01T00:00") + timedelta(minutes=minutes)
    rest = rest_at(None, opening, now, ZONE, worked)
    if rest is not None:
        assert rest.until > now
        assert rest_at(None, opening, rest.until, ZONE, worked) is None


# -- whose time it is --------------------------------------------------------------------------------------------------


def test_a_wait_for_the_units_own_window_is_not_the_hubs_time() -> None:
    written, opened = at("2026-12-01T21:00"), at("2026-12-02T02:00")
    late = Delivery(written, tried_at=opened, received_at=opened)
    assert [(each.fault, each.since, each.until) for each in lost_time(late, opened)] == [(Fault.HUB, written, opened)]
    rested = Delivery(written, opened, None, opened, (Span(at("2026-12-01T22:00"), opened),))
    assert [(each.since, each.until) for each in lost_time(rested, opened)] == [(written, at("2026-12-01T22:00"))]
    whole = Delivery(written, opened, None, opened, (Span(written + GRACE, opened),))
    assert lost_time(whole, opened) == ()


def test_a_wait_in_the_middle_of_an_outage_is_not_the_networks_time() -> None:
    written = at("2026-12-01T21:00")
    rest = Span(at("2026-12-01T22:00"), at("2026-12-02T02:00"))
    cut = Delivery(written, written, written, at("2026-12-02T03:00"), (rest,))
    assert [(each.since, each.until) for each in lost_time(cut, at("2026-12-02T04:00"))] == [
        (written, rest.since),
        (rest.until, at("2026-12-02T03:00")),
    ]


# -- retry -------------------------------------------------------------------------------------------------------------


def pause(attempt: int, policy: Retry) -> float:
    wait = after_failure(attempt, slack_seconds=None, retry_after_seconds=None, chance=1.0, policy=policy)
    assert isinstance(wait, TryAgain)
    return wait.pause_seconds


def test_a_units_pauses_grow_from_its_first_to_its_longest() -> None:
    policy = Retry(first_pause_seconds=10.0, longest_pause_seconds=600.0)
    assert [pause(attempt, policy) for attempt in (1, 2, 3, 4, 9, 20)] == [10.0, 50.0, 300.0, 600.0, 600.0, 600.0]


def test_a_profile_that_says_nothing_keeps_the_schedule() -> None:
    assert [pause(attempt, RETRY) for attempt in range(1, 10)] == list(SCHEDULE_SECONDS)


def test_a_unit_says_after_how_many_tries_a_letter_is_dead() -> None:
    policy = Retry(attempts_max=3)
    assert isinstance(after_failure(2, slack_seconds=None, retry_after_seconds=None, chance=0, policy=policy), TryAgain)
    assert isinstance(after_failure(3, slack_seconds=None, retry_after_seconds=None, chance=0, policy=policy), Bury)


# -- the profile -------------------------------------------------------------------------------------------------------

PROFILE = """
unit: telecom
contacts:
  - {name: 值班室, role: duty, phone: 0570-8880001}
  - {name: 张工, role: technical, phone: "13800000000", mail: zhang@telecom.example}
contract_version: "1.0"
connections:
  - name: main
    transport: pull
    retry: {attempts_max: 5, first_pause_seconds: 2, longest_pause_seconds: 60}
    maintenance: {weekly: [{days: [sun], from: "00:00", until: "04:00", urgent: true, note: 备份}]}
    calendar: {hours: [{from: "08:30", until: "17:30"}], working_days: true}
"""


def test_what_a_profile_says_of_pace_reaches_the_connection_and_comes_out_again() -> None:
    profile, _ = read_profile(PROFILE)
    (connection,) = connections_of(profile, 1)
    assert connection.retry.attempts_max == 5
    assert connection.maintenance is not None and connection.maintenance.weekly[0].note == "备份"
    assert connection.calendar is not None and connection.calendar.working_days
    assert read_profile(profile.yaml())[0] == profile


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("phone: 0570-8880001", "note: x", 4),
        (', phone: "13800000000", mail: zhang@telecom.example', "", 5),
        ("mail: zhang@telecom.example", "mail: zhang", 5),
        ('contract_version: "1.0"', 'contract_version: "0.9"', 6),
        ("longest_pause_seconds: 60", "longest_pause_seconds: 1", 10),
        ('until: "04:00"', 'until: "00:00"', 11),
        ('until: "17:30"', 'until: "25:00"', 12),
        ("days: [sun]", "days: [sunday]", 11),
    ],
)
def test_what_is_wrong_is_told_with_its_line_in_both_languages(old: str, new: str, line: int) -> None:
    assert old in PROFILE
    with pytest.raises(Problem) as wrong:
        read_profile(PROFILE.replace(old, new))
    first: Any = wrong.value.violations[0]
    assert first.zh.startswith(f"第 {line} 行") and first.en.startswith(f"line {line}")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in first.zh.partition(":")[2])


def test_the_versions_that_a_profile_may_name_are_the_live_ones() -> None:
    assert {each.value for each in ContractVersion} == {name.rpartition("/")[2] for name in CONTRACTS}
