"""What the command centre, the coordinators and the collectors of a simulated town do about what they hear."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.bends import (
    AssistanceRequest,
    CoordinationOutcome,
    CoordinationResult,
    DisputeDecision,
    ExtensionDecision,
    LateProofDecision,
    Recall,
    Resumption,
    SuspensionDecision,
    Void,
)
from contracts.messages import Acceptance, DispatchRequest, Finding, Rejection, Verification
from hub.cases import Case
from hub.facts import Question
from hub.life_cycle import WITH_A_UNIT, State
from hub.simulation.town import Town
from hub.simulation.units import STRANGERS

GOVERNMENT = "city_government"
GIVES_UP_SHARE = 0.05
THE_PLACES_OWN_SHARE = 0.35
"""This part of what nobody clearly answers for is found to be the place's own (属地)."""


def looks(town: Town, now: datetime, case: Case) -> None:
    """The command centre sees where a case stands, and puts its next word on the agenda."""
    tier, dice = case.reported.tier, town.dice
    match case.state:
        case State.REPORTED:
            town.at(town.after(tier, now, 3 + 130 * dice.random() ** 2), _accepts, case.case_id)
        case State.RETURNED | State.ACCEPTED:
            town.at(town.after(tier, now, 3 + 70 * dice.random()), _sends, case.case_id)
        case State.DISPATCHED if town.chance(0.02):
            town.at(town.after(tier, now, 10), _asks_assistance, case.case_id)
        case State.DISPATCHED if town.chance(0.005):
            town.at(town.after(tier, now, 20), _recalls, case.case_id)


def asked(town: Town, now: datetime, case: Case, question: Question) -> None:
    """A unit asks something of the command centre."""
    town.at(town.after(case.reported.tier, now, 20 + 200 * town.dice.random()), _decides, case.case_id, question)


def answered_late(town: Town, now: datetime, case: Case) -> None:
    """A late proof is looked at by a person, who overrules some."""
    if case.case_id in town.late_proof_of and town.chance(0.3):
        _overrules(town, now, case)


def coordinates(town: Town, now: datetime, case: Case, unit_id: str) -> None:
    """A coordinator takes its time; some let it go to the level above."""
    if unit_id != GOVERNMENT and town.chance(0.08):
        return
    town.at(town.after(case.reported.tier, now, 40 + 330 * town.dice.random()), _settles, case.case_id, unit_id)


def verifies(town: Town, now: datetime, case: Case, unit_id: str, due_at: datetime) -> None:
    """A collector goes to the spot, mostly in time."""
    share = town.dice.uniform(0.1, 0.95)
    if town.chance(0.05):
        share = town.dice.uniform(1.05, 2.0)
    at = town.part_of(case.reported.tier, now, due_at, share)
    town.at(at, _finds, case.case_id, unit_id, case.verifications)


def _accepts(town: Town, now: datetime, case_id: int) -> None:
    case = town.open_case(case_id)
    if case is None or case.state is not State.REPORTED:
        return
    if town.chance(0.04):
        town.say(now, town.centre, Rejection(reason="不符合立案条件"), case)
    else:
        town.say(now, town.centre, Acceptance(), case)


def _sends(town: Town, now: datetime, case_id: int) -> None:
    """A return is insisted on, followed or the end of it; a recalled case goes where it belongs."""
    case = town.open_case(case_id)
    if case is None or case.state not in (State.RETURNED, State.ACCEPTED):
        return
    returner = town.returner.get(case_id) if case.state is State.RETURNED else None
    if returner is not None and town.chance(0.3):
        town.say(now, town.centre, Void(reason="现场无此问题"), case)
        return
    unit = town.truth.get(case_id) or town.dice.choice(STRANGERS)
    if town.say(now, town.centre, DispatchRequest(unit_id=unit, reason="核实权属"), case) is not None:
        judged(town, case, unit)


def judged(town: Town, case: Case, unit_id: str) -> None:
    """Who returned it was right where another unit gets it."""
    returner = town.returner.pop(case.case_id, None)
    if returner is None or not town.counts(case):
        return
    book = town.tally(returner)
    if returner == unit_id:
        book.returned_unfounded += 1
    else:
        book.returned_founded += 1


def _settles(town: Town, now: datetime, case_id: int, unit_id: str) -> None:
    case = town.open_case(case_id)
    if case is None or case.coordination is None or case.coordination.coordinator != unit_id:
        return
    at_last = case.coordination.substitute
    if not at_last and town.chance(GIVES_UP_SHARE):
        town.say(now, unit_id, CoordinationResult(outcome=CoordinationOutcome.NOT_SETTLED, reason="各执一词"), case)
        return
    unit = town.truth.get(case_id) or _found(town, case)
    town.truth[case_id] = unit
    substitute = unit_id != GOVERNMENT and case_id not in town.returner and town.chance(0.1)
    outcome = CoordinationOutcome.SUBSTITUTE if substitute or at_last else CoordinationOutcome.ASSIGNED
    result = CoordinationResult(outcome=outcome, reason="现场会商", unit_id=unit)
    if town.say(now, unit_id, result, case) is not None:
        judged(town, case, unit)


def _found(town: Town, case: Case) -> str:
    """Who turns out to answer for what nobody clearly did: the place's own, or one of those it may fall to."""
    area = town.directory.governance.get(case.reported.location.area_id or "")
    if area is not None and town.chance(THE_PLACES_OWN_SHARE):
        return area.governed_by
    return town.dice.choice([each for each in case.candidates if each in town.directory.units] or list(STRANGERS))


def _decides(town: Town, now: datetime, case_id: int, question: Question) -> None:
    case = town.open_case(case_id)
    pending = case.pending_question(question) if case else None
    if case is None or pending is None:
        return
    yes = town.chance({Question.EXTENSION: 0.7, Question.SUSPENSION: 0.8, Question.DISPUTE: 0.4}[question])
    book = town.tally(pending.unit_id) if town.counts(case) else None
    if question is Question.EXTENSION:
        done = town.say(now, town.centre, ExtensionDecision(granted=yes, reason="核实"), case)
        if book and done:
            book.extensions += yes
    elif question is Question.DISPUTE:
        done = town.say(now, town.centre, DisputeDecision(upheld=yes, reason="复核"), case)
        if book and done:
            book.disputes += 1
    else:
        yes = yes and pending.until is not None and pending.until > now
        done = town.say(now, town.centre, SuspensionDecision(granted=yes, reason="核实"), case)
        if done and yes and pending.until is not None:
            town.at(pending.until, _resumes, case_id)
            if book:
                book.suspensions += 1


def _resumes(town: Town, now: datetime, case_id: int) -> None:
    """The review: mostly it goes on, sometimes it is put off to another day."""
    case = town.open_case(case_id)
    if case is None or case.suspension is None:
        return
    if town.chance(0.15):
        again = now + timedelta(days=5)
        town.say(now, town.centre, SuspensionDecision(granted=True, reason="仍不具备条件", review_at=again), case)
        town.at(again, _resumes, case_id)
        return
    town.say(now, town.centre, Resumption(reason="具备条件"), case)


def _asks_assistance(town: Town, now: datetime, case_id: int) -> None:
    case = town.open_case(case_id)
    if case is not None and case.state in WITH_A_UNIT and case.lead_unit_id != "public_security":
        town.say(now, town.centre, AssistanceRequest(unit_id="public_security", reason="疏导交通"), case)


def _recalls(town: Town, now: datetime, case_id: int) -> None:
    """The command centre sees that it was wrong before the unit says so."""
    case = town.open_case(case_id)
    if case is not None and case.state in WITH_A_UNIT and case.lead_unit_id is not None:
        others = [unit for unit in STRANGERS if unit != case.lead_unit_id]
        town.truth[case_id] = town.dice.choice(others)
        town.say(now, town.centre, Recall(reason="误派"), case)


def _finds(town: Town, now: datetime, case_id: int, unit_id: str, round: int) -> None:
    case = town.open_case(case_id)
    if case is None or case.verifier != unit_id or case.verifications != round:
        return
    bad = case_id in town.badly_done and town.chance(0.92)
    finding = Finding.FAILED if bad else Finding.PASSED
    town.say(now, unit_id, Verification(finding=finding, description="现场核查", collector="采集员 07"), case)


def _overrules(town: Town, now: datetime, case: Case) -> None:
    unit = town.late_proof_of.pop(case.case_id)
    current = town.desk.cases[case.case_id]
    told = town.say(now, town.centre, LateProofDecision(accepted=False, reason="当时网络正常"), current)
    if told is not None and town.counts(case):
        book = town.tally(unit)
        book.late_proofs -= 1
        book.in_time -= 1
        book.late += 1
