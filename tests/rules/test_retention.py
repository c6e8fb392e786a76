"""What holds a month of cases back: an open case, a letter on its way, a rest that is too short."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hub.case_numbers import case_id, month_of
from hub.retention import held_back, ids_of
from hub.store.retention import MonthContent

ZONE = ZoneInfo("Asia/Shanghai")
AT_REST = MonthContent(
    cases=9,
    open=0,
    last_changed_at=datetime(2022, 10, 30, 1, tzinfo=UTC),
    entries=80,
    last_position=500,
    last_known_at=datetime(2022, 10, 30, 1, tzinfo=UTC),
    letters=30,
    waiting=0,
    unfetched=4,
)


def rules(seen: MonthContent, now: datetime, month: int = 202210, keep_months: int = 36) -> list[str]:
    return [each.rule for each in held_back(month, seen, now, ZONE, keep_months)]


@pytest.mark.parametrize(
    ("now", "found"),
    [
        # 36 whole months after October 2022: from November 2025 on, by the city's own calendar.
        ("2025-10-31T15:59:59+00:00", ["rest"]),
        ("2025-10-31T16:00:00+00:00", []),
    ],
)
def test_a_month_goes_when_it_has_been_at_rest_for_as_long_as_it_is_kept(now: str, found: list[str]) -> None:
    assert rules(AT_REST, datetime.fromisoformat(now)) == found


def test_the_last_change_counts_not_the_month_of_registration() -> None:
    late = replace(AT_REST, last_changed_at=datetime(2023, 2, 28, 16, tzinfo=UTC))
    (why,) = held_back(202210, late, datetime(2026, 3, 1, tzinfo=UTC), ZONE, 36)
    assert "202303" in why.en and "202604" in why.en and "202604" in why.zh
    assert rules(late, datetime(2026, 4, 1, tzinfo=UTC)) == []


def test_everything_that_holds_it_back_is_told_at_once() -> None:
    busy = replace(AT_REST, open=2, waiting=3)
    assert rules(busy, datetime(2023, 1, 1, tzinfo=UTC)) == ["open", "waiting", "rest"]


def test_an_empty_month_goes_by_its_own_name() -> None:
    empty = MonthContent(0, 0, None, 0, 0, None, 0, 0, 0)
    assert rules(empty, datetime(2025, 10, 30, tzinfo=UTC)) == ["rest"]
    assert rules(empty, datetime(2025, 11, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(("month", "first", "last"), [(202211, 20221101, 20221130), (202212, 20221201, 20221231)])
def test_the_ids_of_a_month_are_those_of_its_days(month: int, first: int, last: int) -> None:
    ids = ids_of(month)
    assert ids.first <= case_id(first, 1) and case_id(last, 10**8 - 1) < ids.following
    assert month_of(ids.first) == month < month_of(ids.following)
