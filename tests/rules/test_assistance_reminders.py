"""Assisting units are reminded of limits of their own (协助催办); only the lead comes under supervision."""

from __future__ import annotations

from datetime import datetime

from contracts.bends import AssistanceRequest
from hub.awaiting import next_reminder, waits
from hub.facts import Reminded, Wait
from hub.life_cycle import Step
from hub.ticking import tick_of
from tests.builders import a_context, decided, verification
from tests.holding import hold
from tests.journeys import DONE, SAME_DAY, Journey, directory_at, local

ENFORCER = "urban_enforcement"


def helped() -> Journey:
    """Two units assist from ten till noon of the same Monday."""
    journey = Journey.begun("2026-11-23 09:00", SAME_DAY)
    for unit in ("power", "telecom"):
        asked = AssistanceRequest(unit_id=unit, reason="配合断电", due_at=local("2026-11-23 12:00"))
        journey.centre("2026-11-23 10:00", asked)
    return journey


def heard(journey: Journey, until: str) -> list[tuple[Step, str, datetime]]:
    found = []
    while (reminder := next_reminder(journey.case, a_context().moments)) is not None and reminder[0] <= local(until):
        case = journey.case
        tick = tick_of(case.case_id, case.version, case.mode, reminder[0])
        decision = decided(tick, case, a_context(now=reminder[0]))
        for entry in decision.entries:
            if isinstance(entry.fact, Reminded) and entry.fact.wait is Wait.ASSISTANCE:
                found.append((entry.step, entry.fact.unit_id, entry.known_at))
        journey.case, journey.now = decision.case, reminder[0]
        journey.log += decision.entries
    hold(journey.case, journey.log, directory_at(journey.now))
    return found


def test_each_is_warned_and_reminded_once() -> None:
    assert heard(helped(), "2026-11-27 09:00") == [
        (Step.WARN, "power", local("2026-11-23 11:30")),
        (Step.WARN, "telecom", local("2026-11-23 11:30")),
        (Step.REMIND, "power", local("2026-11-23 12:00")),
        (Step.REMIND, "telecom", local("2026-11-23 12:00")),
    ]


def test_who_has_answered_is_left_alone() -> None:
    journey = helped().unit("2026-11-23 11:00", DONE, "power")
    assert {unit for _, unit, _ in heard(journey, "2026-11-27 09:00")} == {"telecom"}


def test_the_lead_comes_first_among_whom_a_case_waits_for() -> None:
    first, *others = waits(helped().case)
    assert (first.wait, first.unit_id) == (Wait.HANDLING, ENFORCER)
    assert [each.unit_id for each in others if each.wait is Wait.ASSISTANCE] == ["power", "telecom"]


def test_it_goes_on_while_the_lead_has_answered_and_ends_with_the_case() -> None:
    journey = helped().unit("2026-11-23 11:00", DONE, ENFORCER)
    assert Wait.ASSISTANCE in {each.wait for each in waits(journey.case)}
    journey.then("2026-11-23 11:10", verification)
    assert waits(journey.case) == ()
