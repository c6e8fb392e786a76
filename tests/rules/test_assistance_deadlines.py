"""An assisting unit's deadline follows its lead's, and stands with the whole case (协助时限)."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.bends import (
    AssistanceRequest,
    Dispute,
    DisputeDecision,
    ExtensionDecision,
    ExtensionRequest,
    Recall,
    Resumption,
    SuspensionDecision,
    SuspensionRequest,
)
from contracts.messages import DispatchRequest, Duty, Return, ReturnReason
from contracts.problem import Problem
from hub.awaiting import OVERDUE, waits
from hub.cases import Dispatch
from hub.clocks import Record, Standing, records
from hub.facts import Wait
from hub.history import fold
from hub.ticking import tick_of
from tests.builders import COMMAND, a_context, a_message, a_report, after, decided
from tests.holding import hold
from tests.journeys import DONE, ENFORCER, SAME_DAY, ZONE, Journey, a_step, directory_at, local
from tests.rules.test_calendar_by_hand import ILLEGAL_CONSTRUCTION, LATER, NOT_YET

DUE = "2026-11-24 09:30"
"""The lead's: eight working hours from Monday nine."""
HELP = AssistanceRequest(unit_id="power", reason="配合断电")
BY_NOON = AssistanceRequest(unit_id="power", reason="配合断电", due_at=local("2026-11-24 12:00"))


def helped(request: AssistanceRequest = HELP) -> Journey:
    return Journey.begun("2026-11-23 09:00", SAME_DAY).centre("2026-11-23 10:00", request)


def suspended(journey: Journey) -> Journey:
    """Asked on Monday at eleven, granted at two."""
    journey.unit("2026-11-23 11:00", SuspensionRequest(reason="待料", review_at=local("2026-12-07 09:00")), ENFORCER)
    return journey.centre("2026-11-23 14:00", SuspensionDecision(granted=True, reason="同意"))


def resumed(journey: Journey) -> Journey:
    return journey.centre("2026-11-26 11:00", Resumption(reason="到料"))


def assist(journey: Journey) -> Dispatch:
    (found,) = journey.case.assists
    return found


def clock(journey: Journey, now: str | None = None) -> Record:
    moment = local(now) if now else journey.now
    (found,) = [each for each in records(journey.log, directory_at(moment), moment) if each.duty == Duty.ASSIST]
    return found


def due(journey: Journey) -> str:
    """The assistant's deadline, which the case, its log and its clock must tell alike."""
    hold(journey.case, journey.log, directory_at(journey.now))
    assert fold(journey.log, journey.case.case_number).assists == journey.case.assists
    assert clock(journey).due_at == assist(journey).due_at
    return f"{assist(journey).due_at.astimezone(ZONE):%Y-%m-%d %H:%M}"


def test_it_is_the_leads_where_no_other_was_set() -> None:
    assert due(helped()) == DUE


def test_it_follows_an_extension() -> None:
    journey = helped()
    journey.unit("2026-11-23 11:00", ExtensionRequest(reason="待料", due_at=local("2026-11-25 17:00")), ENFORCER)
    assert due(journey.centre("2026-11-23 14:00", ExtensionDecision(granted=True, reason="同意"))) == "2026-11-25 17:00"


def test_it_follows_a_resumption_and_nobody_is_reminded_at_once() -> None:
    journey = resumed(suspended(helped()))
    assert due(journey) == "2026-11-27 09:30"
    assert assist(journey).due_at == journey.case.due_at
    record = clock(journey)
    assert (record.limit, record.spent) == (timedelta(hours=7), timedelta(hours=1))
    tick = tick_of(journey.case.case_id, journey.case.version, journey.case.mode, journey.now)
    case = decided(tick, journey.case, a_context(now=journey.now)).case
    assert not [each for each in case.warnings if each.wait is Wait.ASSISTANCE and each.level == OVERDUE]


def test_while_suspended_nobody_waits_for_it_and_its_deadline_recedes_as_the_leads() -> None:
    journey = suspended(helped())
    assert Wait.ASSISTANCE not in {each.wait for each in waits(journey.case)}
    lead, helper = records(journey.log, directory_at(journey.now), local("2026-11-25 11:00"))
    assert helper.due_at == lead.due_at == local("2026-11-26 09:30")
    assert helper.standing(local("2026-11-25 11:00")) is Standing.RUNNING


def test_it_follows_a_dispute_that_is_upheld() -> None:
    journey = helped().unit("2026-11-23 11:00", Dispute(reason="点位不符"), ENFORCER)
    journey.centre("2026-11-24 11:00", DisputeDecision(upheld=True, reason="属实"))
    assert due(journey) == "2026-11-25 09:30"
    assert clock(journey).spent == timedelta(hours=1)


def test_and_stays_after_one_that_is_dismissed() -> None:
    journey = helped().unit("2026-11-23 11:00", Dispute(reason="点位不符"), ENFORCER)
    assert due(journey.centre("2026-11-24 11:00", DisputeDecision(upheld=False, reason="不属实"))) == DUE


def test_it_follows_a_provisional_deadline_that_is_reckoned_again() -> None:
    case = decided(a_report(ILLEGAL_CONSTRUCTION), None, a_context(NOT_YET, local("2026-12-15 09:00"))).case
    case = after(case, a_message(HELP, COMMAND, case), context=a_context(NOT_YET, local("2026-12-15 10:00")))
    (helper,) = case.assists
    assert helper.due_at == case.due_at == local("2027-01-06 17:30")
    now = local("2026-12-20 10:00")
    case = decided(tick_of(case.case_id, case.version, case.mode, now), case, a_context(LATER, now)).case
    (helper,) = case.assists
    assert helper.due_at == case.due_at == local("2027-01-07 17:30")


def test_it_follows_a_lead_that_is_insisted_on_with_another_date() -> None:
    journey = helped().unit("2026-11-23 11:00", Return(reason_code=ReturnReason.OTHER, reason="x"), ENFORCER)
    again = DispatchRequest(unit_id=ENFORCER, reason="维持", due_at=local("2026-11-25 12:00"))
    assert due(journey.centre("2026-11-23 12:00", again)) == "2026-11-25 12:00"


def test_it_follows_a_lead_whose_return_ended_a_suspension() -> None:
    journey = suspended(helped())
    journey.unit("2026-11-25 11:00", Return(reason_code=ReturnReason.OTHER, reason="x"), ENFORCER)
    journey.centre("2026-11-25 12:00", DispatchRequest(unit_id=ENFORCER, reason="维持原派遣"))
    assert due(journey) == "2026-11-26 09:30"


def test_one_set_by_hand_keeps_its_own() -> None:
    journey = helped(BY_NOON)
    journey.unit("2026-11-23 11:00", ExtensionRequest(reason="待料", due_at=local("2026-11-25 17:00")), ENFORCER)
    assert due(journey.centre("2026-11-23 14:00", ExtensionDecision(granted=True, reason="同意"))) == "2026-11-24 12:00"


def test_but_over_a_suspension_it_moves_by_as_much_as_the_leads() -> None:
    assert due(resumed(suspended(helped(BY_NOON)))) == "2026-11-27 12:00"


def test_one_set_by_hand_that_had_passed_before_stays_passed() -> None:
    soon = AssistanceRequest(unit_id="power", reason="x", due_at=local("2026-11-23 10:30"))
    assert due(resumed(suspended(helped(soon)))) == "2026-11-23 10:30"


def test_one_set_by_hand_during_a_suspension_has_its_own_time_left_when_it_ends() -> None:
    journey = suspended(Journey.begun("2026-11-23 09:00", SAME_DAY)).centre("2026-11-24 11:00", BY_NOON)
    assert due(resumed(journey)) == "2026-11-26 12:00"


def test_one_ordered_for_the_leads_date_during_a_suspension_follows_too() -> None:
    journey = suspended(Journey.begun("2026-11-23 09:00", SAME_DAY)).centre("2026-11-25 11:00", HELP)
    assert due(resumed(journey)) == "2026-11-27 09:30"


def test_a_lead_that_answers_while_suspended_leaves_the_others_what_was_left() -> None:
    assert due(suspended(helped()).unit("2026-11-26 11:00", DONE, ENFORCER)) == "2026-11-27 09:30"


def test_so_does_one_from_whom_it_is_taken_back() -> None:
    assert due(suspended(helped()).centre("2026-11-26 11:00", Recall(reason="x"))) == "2026-11-27 09:30"


def test_who_did_its_part_while_the_clock_stood_is_in_time() -> None:
    journey = resumed(suspended(helped()).unit("2026-11-25 10:00", DONE, "power"))
    assert clock(journey).standing(journey.now) is Standing.IN_TIME
    journey = helped().unit("2026-11-23 11:00", Dispute(reason="点位不符"), ENFORCER)
    journey.unit("2026-11-24 10:00", DONE, "power")
    assert clock(journey).standing(journey.now) is Standing.LATE
    journey.centre("2026-11-24 11:00", DisputeDecision(upheld=True, reason="属实"))
    assert clock(journey).standing(journey.now) is Standing.IN_TIME


def test_who_had_done_its_part_before_keeps_its_deadline() -> None:
    journey = helped().unit("2026-11-23 10:30", DONE, "power")
    assert due(resumed(suspended(journey))) == DUE


TURNS = st.sampled_from(
    [
        *("suspend", "extend", "dispute", "decide", "decide", "decide", "resume", "resume"),
        *("assist", "assisted", "return", "insist", "answer", "fail", "recall", "dispatch"),
    ]
)


@given(st.lists(TURNS, min_size=4, max_size=14), st.integers(0, 2**32), st.booleans())
def test_whatever_happens_the_clock_tells_the_deadlines_of_those_who_still_assist(
    turns: list[str], seed: int, by_hand: bool
) -> None:
    chance = random.Random(seed)
    journey = helped(BY_NOON if by_hand else HELP)
    for turn in turns:
        at = journey.now + timedelta(minutes=chance.choice([0, 55, 200, 1000, 4000]))
        with suppress(Problem):
            journey.then(at, a_step(turn, journey.case, chance, at))
    still = {
        each.order.number: each.due_at for each in journey.case.assists if not each.over and each.answered_at is None
    }
    told = {each.number: each for each in records(journey.log, directory_at(journey.now), journey.now)}
    if journey.case.suspension is None:
        assert still == {number: told[number].due_at for number in still}
    hold(journey.case, journey.log, directory_at(journey.now))
