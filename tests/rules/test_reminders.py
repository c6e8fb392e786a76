"""Reminders of everything that is due (到期提醒、催办、督办): 75 % of the time, lateness, twice the limit."""

from __future__ import annotations

from datetime import datetime

import pytest

from contracts.messages import Finding, ReturnReason
from hub.awaiting import next_reminder
from hub.cases import Case
from hub.clocks import Standing, records
from hub.codec import fact_from, fact_text
from hub.facts import Fault, Reminded, Wait
from hub.lateness import Delivery
from hub.life_cycle import Step
from hub.registry import build
from hub.ticking import tick_of
from tests.builders import COLLECTOR, COMMAND, a_context, a_return, after, decided, feedback, quzhou, verification
from tests.builders import a_case as built
from tests.journeys import SAME_DAY, Journey, directory_at, local, tier_of
from tests.values import replace

TWO_DAYS = tier_of(directory_at(local("2026-11-23 09:00")), "C2")
MONDAY = "2026-11-23 09:00"


def a_case(category: str = SAME_DAY, at: str = MONDAY, **more: object) -> Case:
    return built(category, context=a_context(now=local(at)), **more)


def heard(case: Case, of: Wait, until: str = "2027-03-01 09:00") -> list[tuple[Step, str, datetime]]:
    """Which reminders of one thing somebody gets, and when, if nobody does anything."""
    found = []
    while (reminder := next_reminder(case, a_context().moments)) is not None and reminder[0] <= local(until):
        decision = decided(
            tick_of(case.case_id, case.version, case.mode, reminder[0]), case, a_context(now=reminder[0])
        )
        for entry in decision.entries:
            if isinstance(entry.fact, Reminded) and entry.fact.wait is of:
                found.append((entry.step, entry.fact.unit_id, entry.known_at))
        case = decision.case
    return found


def test_of_days_supervision_begins_after_as_many_more_days() -> None:
    # Two working days from Monday: Wednesday 17:30; twice as many: Friday 17:30. 22 hours of work lie between, three
    # quarters of them are 16.5: 7 on Monday, 7.5 on Tuesday, 2 on Wednesday.
    assert heard(a_case(TWO_DAYS), Wait.HANDLING) == [
        (Step.WARN, "urban_enforcement", local("2026-11-25 10:30")),
        (Step.REMIND, "urban_enforcement", local("2026-11-25 17:30")),
        (Step.SUPERVISE, "urban_enforcement", local("2026-11-27 17:30")),
    ]


def test_of_hours_after_as_many_more_hours() -> None:
    # Eight working hours from Monday nine: 7 that day, 1 on Tuesday; sixteen end at 10:00 on Wednesday.
    steps = {step: when for step, _, when in heard(a_case(), Wait.HANDLING)}
    assert steps[Step.REMIND] == local("2026-11-24 09:30")
    assert steps[Step.SUPERVISE] == local("2026-11-25 10:00")


def test_a_verification_that_the_collector_forgets_comes_under_supervision() -> None:
    case = a_case()
    case = after(case, feedback(case, "urban_enforcement"), context=a_context(now=local(MONDAY)))
    assert heard(case, Wait.VERIFICATION) == [
        (Step.WARN, COLLECTOR, local("2026-11-23 16:30")),
        (Step.REMIND, COLLECTOR, local("2026-11-24 09:30")),
        (Step.SUPERVISE, COLLECTOR, local("2026-11-25 10:00")),
    ]


@pytest.mark.parametrize(
    ("wait", "hours"),
    # Two working hours to accept, one to dispatch.
    [
        (Wait.ACCEPTANCE, ("2026-11-23 10:30", "2026-11-23 11:00", "2026-11-23 14:30")),
        (Wait.DISPATCHING, ("2026-11-23 09:45", "2026-11-23 10:00", "2026-11-23 11:00")),
    ],
)
def test_so_does_what_the_command_centre_forgets(wait: Wait, hours: tuple[str, ...]) -> None:
    if wait is Wait.ACCEPTANCE:
        case = a_case(source="citizen")
    else:
        case = a_case()
        returned = a_return(case, "urban_enforcement", ReturnReason.NOT_FOUND)
        case = after(case, returned, context=a_context(now=local(MONDAY)))
    assert heard(case, wait) == [
        (step, COMMAND, local(at)) for step, at in zip((Step.WARN, Step.REMIND, Step.SUPERVISE), hours, strict=True)
    ]


def test_an_acknowledgement_is_asked_for_once_its_handling_goes_on_being_watched() -> None:
    assert [step for step, _, _ in heard(a_case(), Wait.ACKNOWLEDGEMENT)] == [Step.REMIND]


def test_a_tier_that_the_city_has_no_longer_stops_no_clock() -> None:
    """A new directory without the tier of an open case: its clocks go on, and rework gets a limit."""
    case = a_case(TWO_DAYS)
    city = quzhou()
    rows = tuple(replace(row, tier="C3") if row.tier == "C2" else row for row in city.categories)
    other = build(replace(city, categories=rows, tiers=tuple(row for row in city.tiers if row.tier != "C2")), 2, {}, 1)
    now = local("2026-11-25 18:00")
    decision = decided(tick_of(case.case_id, case.version, case.mode, now), case, a_context(other, now))
    assert [entry.step for entry in decision.entries][-1] is Step.REMIND
    answered = after(decision.case, feedback(decision.case, "urban_enforcement"), context=a_context(other, now))
    again = after(answered, verification(answered, Finding.FAILED), context=a_context(other, now))
    assert again.lead is not None and again.lead.order.round == 2 and again.lead.due_at > now


class TestAnOpenCaseThatCameLate:
    """What the hub or the network lost is not the unit's, and the log says so before anybody has answered."""

    def reminded(self, delivery: Delivery | None) -> Journey:
        """Dispatched on Monday at nine with eight working hours; on Tuesday at half past nine its time is over."""
        journey, now = Journey.begun(MONDAY, SAME_DAY), local("2026-11-24 09:30")
        known = {} if delivery is None else {"deliveries": {journey.case.case_id: delivery}}
        return journey.then(now, tick_of(journey.case.case_id, journey.case.version, journey.case.mode, now), **known)

    def standing(self, journey: Journey, at: str) -> Standing:
        (record,) = records(journey.log, directory_at(journey.now), local(at))
        return record.standing(local(at))

    def test_it_is_not_overdue_by_as_much_as_was_lost(self) -> None:
        # Tried at once, heard of at 14:30: four working hours of the eight were the network's.
        nine = local(MONDAY)
        journey = self.reminded(Delivery(nine, nine, nine, local("2026-11-23 14:30")))
        last = [entry.fact for entry in journey.log if isinstance(entry.fact, Reminded)][-1]
        assert [each.fault for each in last.lost] == [Fault.NETWORK]
        # 09:30 and four hours: 12:00 (2.5), 15:00.
        assert self.standing(journey, "2026-11-24 14:59") is Standing.RUNNING
        assert self.standing(journey, "2026-11-24 15:01") is Standing.OVERDUE

    def test_what_came_in_time_is_overdue_at_its_time(self) -> None:
        journey = self.reminded(None)
        assert self.standing(journey, "2026-11-24 09:31") is Standing.OVERDUE

    def test_it_comes_back_from_its_text(self) -> None:
        nine = local(MONDAY)
        for entry in self.reminded(Delivery(nine, nine, nine, local("2026-11-23 14:30"))).log:
            assert fact_from(entry.step, fact_text(entry.fact)) == entry.fact
