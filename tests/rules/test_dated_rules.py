"""Rules are dated (规则有日期): a case is decided by those in force when it was dispatched, whatever comes after."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from contracts.bends import (
    Dispute,
    DisputeDecision,
    ExtensionDecision,
    ExtensionRequest,
    Resumption,
    SuspensionDecision,
)
from contracts.city import City, TimeUnit
from contracts.messages import Finding
from hub.cases import Case
from hub.decide import Context
from hub.facts import ReckonedAgain
from hub.registry import Registry, build
from hub.ticking import tick_of
from tests.builders import (
    COMMAND,
    a_context,
    a_message,
    a_report,
    after,
    decided,
    dispatch_to,
    feedback,
    quzhou,
    verification,
)
from tests.journeys import SAME_DAY, local
from tests.rules.test_calendar_by_hand import ENFORCEMENT, ILLEGAL_CONSTRUCTION, LATER, NOT_YET
from tests.values import replace

CHANGE = date(2026, 12, 1)
BEFORE, AFTER = "2026-11-30 09:00", "2026-12-01 09:00"


def from_the_first_of_december(city: City) -> Registry:
    """From 1 December tier B has two working hours instead of eight, and its category another lead."""
    until = CHANGE - timedelta(days=1)
    tiers, rows = [], []
    for tier in city.tiers:
        if tier.tier != "B":
            tiers.append(tier)
            continue
        tiers += [replace(tier, valid_to=until), replace(tier, handle_within=2.0, valid_from=CHANGE)]
    for row in city.responsibilities:
        if row.category_code != SAME_DAY:
            rows.append(row)
            continue
        rows += [replace(row, valid_to=until), replace(row, unit_id="water_resources", valid_from=CHANGE)]
    return build(replace(city, tiers=tuple(tiers), responsibilities=tuple(rows)), 2, {}, 1)


REGISTRY = from_the_first_of_december(quzhou())


def at(moment: str | datetime) -> Context:
    return a_context(REGISTRY, local(moment) if isinstance(moment, str) else moment)


def reported(moment: str) -> Case:
    return decided(a_report(SAME_DAY), None, at(moment)).case


def test_the_matrix_in_force_on_the_day_names_the_unit() -> None:
    assert reported(BEFORE).lead_unit_id == ENFORCEMENT
    assert reported(AFTER).lead_unit_id == "water_resources"


def test_so_does_the_limit() -> None:
    # Eight working hours from nine: 7 that day and one of the next. Two: till eleven.
    assert reported(BEFORE).due_at == local("2026-12-01 09:30")
    assert reported(AFTER).due_at == local("2026-12-01 11:00")


def test_what_was_dispatched_before_stays_where_it_is() -> None:
    case = reported(BEFORE)
    now = local("2026-12-01 09:00")
    case = decided(tick_of(case.case_id, case.version, case.mode, now), case, at(now)).case
    assert (case.lead_unit_id, case.due_at) == (ENFORCEMENT, local("2026-12-01 09:30"))


def test_rework_is_a_dispatch_of_its_own_day() -> None:
    case = reported(BEFORE)
    case = after(case, feedback(case, ENFORCEMENT), context=at("2026-12-01 09:10"))
    case = after(case, verification(case, Finding.FAILED), context=at("2026-12-02 09:00"))
    assert (case.lead_unit_id, case.due_at) == (ENFORCEMENT, local("2026-12-02 11:00"))


def test_an_entry_names_the_directory_that_decided_it() -> None:
    first = decided(a_report(SAME_DAY), None, a_context(build(quzhou(), 1, {}, 1), local(BEFORE)))
    second = decided(feedback(first.case, ENFORCEMENT), first.case, at(BEFORE))
    assert {entry.directory_version for entry in first.entries} == {1}
    assert {entry.directory_version for entry in second.entries} == {2}


def in_natural_time_from_december() -> Registry:
    """From 1 December tier B runs in natural hours: what was dispatched before still stands in working time."""
    city = quzhou()
    tiers = []
    for tier in city.tiers:
        if tier.tier == "B":
            tiers.append(replace(tier, valid_to=CHANGE - timedelta(days=1)))
            tier = replace(tier, unit=TimeUnit.NATURAL_HOURS, valid_from=CHANGE)
        tiers.append(tier)
    return build(replace(city, tiers=tuple(tiers)), 2, {}, 1)


def test_a_clock_that_stood_goes_on_in_the_time_of_its_own_rules() -> None:
    registry = in_natural_time_from_december()

    def then(moment: str) -> Context:
        return a_context(registry, local(moment))

    case = decided(a_report(SAME_DAY), None, then(BEFORE)).case
    suspended = SuspensionDecision(granted=True, reason="同意", review_at=local("2026-12-04 09:00"))
    case = after(case, a_message(suspended, COMMAND, case), context=then("2026-11-30 16:30"))
    case = after(case, a_message(Resumption(reason="到料"), COMMAND, case), context=then("2026-12-03 10:00"))
    # Two working hours were left at half past four, and are left at ten.
    assert case.due_at == local("2026-12-03 12:00")


def test_so_does_one_that_a_dispute_stopped() -> None:
    registry = in_natural_time_from_december()

    def then(moment: str) -> Context:
        return a_context(registry, local(moment))

    case = decided(a_report(SAME_DAY), None, then(BEFORE)).case
    case = after(case, a_message(Dispute(reason="点位不符"), ENFORCEMENT, case), context=then("2026-11-30 16:30"))
    upheld = DisputeDecision(upheld=True, reason="属实")
    case = after(case, a_message(upheld, COMMAND, case), context=then("2026-12-01 10:00"))
    assert case.due_at == local("2026-12-01 12:00")


def test_a_provisional_deadline_is_reckoned_again_by_the_limit_of_its_own_day() -> None:
    """The year is announced together with a shorter limit: the calendar counts, the limit does not."""
    shorter = []
    for tier in LATER.city.tiers:
        if tier.tier == "D":
            shorter.append(replace(tier, valid_to=date(2026, 12, 17)))
            tier = replace(tier, handle_within=5.0, valid_from=date(2026, 12, 18))
        shorter.append(tier)
    announced = build(replace(LATER.city, tiers=tuple(shorter)), 2, {}, 1)
    case = decided(a_report(ILLEGAL_CONSTRUCTION), None, a_context(NOT_YET, local("2026-12-15 09:00"))).case
    assert case.lead is not None and case.lead.order.provisional
    now = local("2026-12-20 10:00")
    decision = decided(tick_of(case.case_id, case.version, case.mode, now), case, a_context(announced, now))
    fact = decision.entries[0].fact
    # Fifteen days, with Monday 4 January off as well: 5 (13), 6 (14), 7 (15).
    assert isinstance(fact, ReckonedAgain) and fact.due_at == local("2027-01-07 17:30")


def test_another_units_extension_keeps_no_deadline_provisional() -> None:
    """A date granted stays as it was said; the next unit's own deadline is reckoned again all the same."""

    def then(moment: str) -> Context:
        return a_context(NOT_YET, local(moment))

    case = decided(a_report(ILLEGAL_CONSTRUCTION), None, then("2026-12-14 09:00")).case
    asked = a_message(ExtensionRequest(reason="听证", due_at=local("2027-01-20 12:00")), ENFORCEMENT, case)
    case = after(case, asked, context=then("2026-12-14 10:00"))
    granted = a_message(ExtensionDecision(granted=True, reason="属实"), COMMAND, case)
    case = after(case, granted, context=then("2026-12-14 11:00"))
    case = after(case, dispatch_to(case, "housing_construction"), context=then("2026-12-15 09:00"))
    assert case.due_at == local("2027-01-06 17:30")
    now = local("2026-12-20 10:00")
    case = decided(tick_of(case.case_id, case.version, case.mode, now), case, a_context(LATER, now)).case
    assert case.due_at == local("2027-01-07 17:30")
