"""Deadlines of Quzhou's tiers reckoned by hand over the notices of three years, and over a year that has none yet.

A working day has seven and a half hours, 08:30–12:00 and 13:30–17:30. The day on which a period of days begins does
not count. In the comments a number in brackets is the count of working days so far.
"""

from __future__ import annotations

import shutil
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contracts.bends import ExtensionDecision, ExtensionRequest, Resumption, SuspensionDecision
from contracts.calendar import SpecialDay, WorkingHours
from contracts.city import City, load_city
from contracts.messages import ReturnReason
from contracts.problem import Problem
from hub.cases import Case
from hub.deadlines import limits_from
from hub.decide import Context, something_is_due
from hub.facts import ReckonedAgain
from hub.registry import Registry, build
from hub.ticking import tick_of
from tests.builders import (
    COMMAND,
    QUZHOU,
    a_context,
    a_message,
    a_report,
    a_return,
    acknowledgement,
    after,
    decided,
    dispatch_to,
    feedback,
    quzhou,
)
from tests.values import replace

SHANGHAI = ZoneInfo("Asia/Shanghai")
ILLEGAL_CONSTRUCTION, ENFORCEMENT = "E0101", "urban_enforcement"
"""Tier D, fifteen working days, and its only lead."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def until_2026() -> City:
    """Quzhou as if 2026 were the last year announced, whatever the library knows by now."""
    city = quzhou()
    years = tuple(year for year in city.calendar.announced_years if year <= 2026)
    days = tuple(each for each in city.calendar.special_days if each.day.year <= 2026)
    return replace(city, calendar=replace(city.calendar, announced_years=years, special_days=days))


# -- the notices of three years ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "since", "acknowledge", "handle"),
    [
        # Spring Festival 2024: off 10 to 17 February; Sundays 4 and 18 are worked.
        # Friday 16:00–17:30 is 1.5 h; Sunday 18 takes 6.5 more: 3.5 till noon, 3 till 16:30. Four hours: 1.5 + 2.5.
        ("B", "2024-02-09T16:00", "2024-02-18T11:00", "2024-02-18T16:30"),
        # Friday 9 (1), Sunday 18 (2). Eight hours from Thursday 10:00: 6 h that day, 2 on Friday.
        ("C2", "2024-02-08T10:00", "2024-02-09T10:30", "2024-02-18T17:30"),
        # Natural hours know no festival.
        ("A", "2024-02-10T00:30", "2024-02-10T01:30", "2024-02-10T04:30"),
        # National Day 2024: off 1 to 7 October; Sunday 29 September and Saturday 12 October are worked.
        # Sunday 29 (1), Monday 30 (2), Tuesday 8 (3). Eight hours: 7.5 on Friday, 0.5 on Sunday.
        ("C3", "2024-09-27T08:30", "2024-09-29T09:00", "2024-10-08T17:30"),
        # 23–27 (5), 29 (6), 30 (7), 8–11 October (11), Saturday 12 (12), 14, 15, 16 (15). Sixteen hours: 7.5 + 7.5 + 1.
        ("D", "2024-09-20T08:30", "2024-09-24T09:30", "2024-10-16T17:30"),
        # Spring Festival 2025: off 28 January to 4 February; Sunday 26 January and Saturday 8 February are worked.
        # Monday 15:00–17:30 is 2.5 h; on 5 February 3.5 till noon and 2 till 15:30.
        ("B", "2025-01-27T15:00", "2025-02-05T10:00", "2025-02-05T15:30"),
        # Begun on a free Saturday: Sunday 26 (1), Monday 27 (2), 5 February (3).
        ("C3", "2025-01-25T09:00", "2025-01-27T09:00", "2025-02-05T17:30"),
        # 23, 24 (2), 26 (3), 27 (4), 5–7 February (7), Saturday 8 (8), 10–14 (13), 17, 18 (15).
        ("D", "2025-01-22T08:30", "2025-01-24T09:30", "2025-02-18T17:30"),
        # National Day 2025: off 1 to 8 October; Sunday 28 September and Saturday 11 October are worked.
        ("C2", "2025-09-27T12:00", "2025-09-29T09:00", "2025-09-29T17:30"),  # 28 (1), 29 (2)
        ("C3", "2025-09-30T16:30", "2025-10-09T17:00", "2025-10-11T17:30"),  # 9 (1), 10 (2), Saturday 11 (3)
        # Friday 16:30–17:30 is 1 h; Saturday 3.5 till noon and 3.5 till 17:00.
        ("B", "2025-10-10T16:30", "2025-10-11T11:30", "2025-10-11T17:00"),
        # The turn of 2026: off 1 to 3 January; Sunday 4 is worked. 3.5 h, then 3.5 till noon and 1 till 14:30.
        ("B", "2025-12-31T14:00", "2026-01-04T09:00", "2026-01-04T14:30"),
        # Spring Festival 2026: off 15 to 23 February; Saturdays 14 and 28 are worked.
        # Saturday 14 from 11:00: 1 h + 4 h; on Tuesday 24 three more.
        ("B", "2026-02-14T11:00", "2026-02-14T16:30", "2026-02-24T11:30"),
        ("C2", "2026-02-27T10:00", "2026-02-28T10:30", "2026-03-02T17:30"),  # Saturday 28 (1), Monday 2 (2)
        # Sunday 20 September 2026 is worked for National Day: 20 (1), 21 (2), 22 (3).
        ("C3", "2026-09-18T17:30", "2026-09-21T09:00", "2026-09-22T17:30"),
        # Mid-Autumn 25 to 27 September off; 28–30 (3), 8, 9 October (5), Saturday 10 (6), 12–16 (11), 19–22 (15).
        ("D", "2026-09-24T08:30", "2026-09-29T09:30", "2026-10-22T17:30"),
    ],
)
def test_the_limits_over_the_festivals(tier: str, since: str, acknowledge: str, handle: str) -> None:
    limits = limits_from(until_2026().at(date(2026, 1, 1)), tier, at(since))
    assert (limits.acknowledge.due_at, limits.handle.due_at) == (at(acknowledge), at(handle))
    assert not limits.handle.provisional


@pytest.mark.parametrize(
    ("since", "handle"),
    [
        ("2026-11-23T08:30:00", "2026-11-24T09:00"),  # 7.5 h that day, half an hour the next
        ("2026-11-23T08:29:59", "2026-11-24T09:00"),  # before the doors open nothing runs
        ("2026-11-23T12:00:00", "2026-11-24T14:00"),  # 4 h, then 3.5 till noon, then half an hour
        ("2026-11-23T13:30:00", "2026-11-24T14:00"),  # the noon break is nobody's time
        ("2026-11-23T17:30:00", "2026-11-25T09:00"),  # the day is over: 7.5 h on Tuesday, half an hour on Wednesday
        ("2026-11-23T17:29:00", "2026-11-25T08:59"),  # a minute of Monday counts
        ("2026-11-23T10:00:00", "2026-11-24T10:30"),  # 6 h, then 2
        ("2026-11-23T09:00:00", "2026-11-24T09:30"),
        ("2026-11-27T17:30:00", "2026-12-01T09:00"),  # over the weekend: Monday whole, half an hour of Tuesday
    ],
)
def test_the_edges_of_working_hours(since: str, handle: str) -> None:
    assert limits_from(until_2026().at(date(2026, 1, 1)), "B", at(since)).handle.due_at == at(handle)


def test_summer_hours_have_another_afternoon() -> None:
    summer = ((time(8, 30), time(12, 0)), (time(15, 0), time(18, 0)))
    winter = until_2026().calendar.hours[0].periods
    hours = (
        WorkingHours(winter, None, date(2026, 6, 30)),
        WorkingHours(summer, date(2026, 7, 1), date(2026, 8, 31)),
        WorkingHours(winter, date(2026, 9, 1), None),
    )
    city = replace(until_2026(), calendar=replace(until_2026().calendar, hours=hours))
    directory = city.at(date(2026, 7, 1))

    def due(tier: str, since: str) -> datetime:
        return limits_from(directory, tier, at(since)).handle.due_at

    # A summer day has six and a half hours. 30 June 16:30–17:30 is 1; 6.5 on 1 July; half an hour on 2 July.
    assert due("B", "2026-06-30T16:30") == at("2026-07-02T09:00")
    # From 14:00, in the longer noon break: 3 h that day, 3.5 next morning, 1.5 from 15:00.
    assert due("B", "2026-07-06T14:00") == at("2026-07-07T16:30")
    assert due("C2", "2026-06-29T09:00") == at("2026-07-01T18:00")  # days end with the hours of their last day
    # Monday 31 August 15:00–18:00 is 3; 1 September 3.5 and 1.5 from 13:30.
    assert due("B", "2026-08-31T15:00") == at("2026-09-01T15:00")


# -- into a year that nobody has announced: provisional, then reckoned again ------------------------------------------

REPORTED = at("2026-12-15T09:00")
PROVISIONAL = at("2027-01-06T17:30")
"""16–18 (3), 21–25 (8), 28–31 December (12); 1 January is free by law; Monday 4, 5, 6 (15)."""


def announced(*days: tuple[str, bool]) -> Registry:
    """The registry once the city has loaded 2027, with these days off (False) or worked (True)."""
    city = until_2026()
    told = tuple(SpecialDay(date.fromisoformat(day), worked, "元旦", "New Year", "notice") for day, worked in days)
    data = city.calendar
    return build(
        replace(
            city,
            calendar=replace(
                data, special_days=data.special_days + told, announced_years=(*data.announced_years, 2027)
            ),
        ),
        2,
        {},
        1,
    )


NOT_YET = build(until_2026(), 1, {}, 1)
LATER = announced(("2027-01-01", False), ("2027-01-04", False))
"""Monday 4 is off as well: 5 (13), 6 (14), 7 (15)."""
EARLIER = announced(("2027-01-01", False), ("2027-01-02", True))
"""Saturday 2 is worked: 2 (13), 4 (14), 5 (15)."""
ALIKE = announced(("2027-01-01", False))


def then(moment: str | datetime, registry: Registry) -> Context:
    return a_context(registry, at(moment) if isinstance(moment, str) else moment)


def provisional(*, acknowledged: bool = True) -> Case:
    """A case of fifteen working days over the turn of the year."""
    context = then(REPORTED, NOT_YET)
    case = decided(a_report(ILLEGAL_CONSTRUCTION), None, context).case
    assert case.lead is not None and case.lead.order.provisional and case.due_at == PROVISIONAL
    return after(case, acknowledgement(case, ENFORCEMENT), context=context) if acknowledged else case


def ticked(case: Case, context: Context) -> Case:
    """The case after a tick; the same where nothing is due."""
    try:
        return decided(tick_of(case.case_id, case.version, case.mode, context.now), case, context).case
    except Problem as problem:
        assert problem.kind == "nothing_due"
        return case


@pytest.mark.parametrize(
    ("registry", "due"), [(LATER, "2027-01-07T17:30"), (EARLIER, "2027-01-05T17:30"), (ALIKE, "2027-01-06T17:30")]
)
def test_a_provisional_deadline_is_reckoned_again_once_the_year_is_announced(registry: Registry, due: str) -> None:
    case = provisional()
    before = then("2026-12-20T10:00", NOT_YET)
    assert ticked(case, before) is case, "nothing is announced yet"
    context = then("2026-12-20T10:00", registry)
    decision = decided(tick_of(case.case_id, case.version, case.mode, context.now), case, context)
    fact = decision.entries[0].fact
    assert isinstance(fact, ReckonedAgain) and (fact.due_at, fact.provisional) == (at(due), False)
    assert decision.case.due_at == at(due)
    assert [(each.unit_id, each.contract) for each in decision.letters] == [(ENFORCEMENT, "case.decision_notice/1.0")]
    assert ticked(decision.case, context) is decision.case, "reckoned again twice"


def test_its_limit_for_acknowledging_is_reckoned_again_with_it() -> None:
    context = then("2026-12-31T16:00", NOT_YET)
    case = decided(a_report(ILLEGAL_CONSTRUCTION), None, context).case
    assert case.lead is not None
    # Sixteen hours: 1.5 on 31 December; the year's first Monday, 4 January, 7.5; 7 h of Tuesday 5: till 17:00.
    assert case.lead.acknowledge_by == at("2027-01-05T17:00")
    case = ticked(case, then("2026-12-31T17:00", LATER))
    # Monday 4 is off: Tuesday 5 whole, Wednesday 6 till 17:00.
    assert case.lead is not None and case.lead.acknowledge_by == at("2027-01-06T17:00")


def test_what_the_command_centre_fixed_stays_as_it_said() -> None:
    case = provisional()
    wanted = at("2027-01-20T12:00")
    asked = a_message(ExtensionRequest(reason="听证", due_at=wanted), ENFORCEMENT, case)
    case = after(
        case,
        asked,
        a_message(ExtensionDecision(granted=True, reason="属实"), COMMAND, case),
        context=then("2026-12-16T09:00", NOT_YET),
    )
    assert ticked(case, then("2026-12-20T10:00", LATER)).due_at == wanted


def test_a_day_set_by_hand_over_an_overruled_return_stays() -> None:
    case = provisional()
    context = then("2026-12-16T09:00", NOT_YET)
    case = after(case, a_return(case, ENFORCEMENT, ReturnReason.OTHER), context=context)
    fixed = at("2027-01-12T12:00")
    case = after(case, dispatch_to(case, ENFORCEMENT, due_at=fixed), context=context)
    assert ticked(case, then("2026-12-20T10:00", LATER)).due_at == fixed


def test_an_overruled_return_leaves_the_deadline_provisional_as_it_was() -> None:
    case = provisional()
    context = then("2026-12-16T09:00", NOT_YET)
    case = after(case, a_return(case, ENFORCEMENT, ReturnReason.OTHER), context=context)
    case = after(case, dispatch_to(case, ENFORCEMENT), context=context)
    assert ticked(case, then("2026-12-20T10:00", LATER)).due_at == at("2027-01-07T17:30")


def test_time_that_stood_is_still_given_when_the_deadline_is_reckoned_again() -> None:
    case = provisional()
    review = at("2026-12-18T09:00")
    suspended = SuspensionDecision(granted=True, reason="同意", review_at=review)
    case = after(case, a_message(suspended, COMMAND, case), context=then("2026-12-16T08:30", NOT_YET))
    case = after(case, a_message(Resumption(reason="具备条件"), COMMAND, case), context=then(review, NOT_YET))
    # Sixteenth and seventeenth stood whole and half an hour of the eighteenth: two days and half an hour more, from
    # the end of 6 January: 7 and 8, and the first half hour of Monday 11.
    assert case.due_at == at("2027-01-11T09:00")
    assert ticked(case, then("2026-12-20T10:00", NOT_YET)).due_at == case.due_at, "nothing is announced yet"
    # From the end of 7 January: Friday 8, Monday 11, and half an hour of Tuesday 12.
    assert ticked(case, then("2026-12-20T10:00", LATER)).due_at == at("2027-01-12T09:00")


def test_a_notice_that_comes_after_its_days_makes_nobody_late() -> None:
    case = provisional()
    # By the notice it was due on the evening of the fifth; on the sixth that is past.
    assert ticked(case, then("2027-01-06T09:00", EARLIER)).due_at == PROVISIONAL
    late = then("2027-01-08T09:00", EARLIER)
    assert ticked(case, late).due_at == PROVISIONAL


def test_what_is_answered_is_not_reckoned_again() -> None:
    case = provisional()
    case = after(case, feedback(case, ENFORCEMENT), context=then("2026-12-17T09:00", NOT_YET))
    assert not something_is_due(case, then("2026-12-17T10:00", LATER))


def test_a_city_announces_a_year_in_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "quzhou"
    shutil.copytree(QUZHOU, folder)
    rows = "2027-01-01,holiday,元旦,New Year's Day,,,notice\n2027-01-02,workday,元旦,New Year's Day,,,notice\n"
    with (folder / "calendar.csv").open("a", encoding="utf-8") as calendar:
        calendar.write(rows)
    settings = (folder / "city.toml").read_text(encoding="utf-8")
    (folder / "city.toml").write_text(settings.replace("announced_years = []", "announced_years = [2027]"), "utf-8")
    city = City.from_document(load_city(folder).to_document())
    context = then("2026-12-20T10:00", build(city, 2, {}, 1))
    case = ticked(provisional(), context)
    assert case.due_at == at("2027-01-05T17:30")
    assert case.due_at + timedelta(days=1) == PROVISIONAL
