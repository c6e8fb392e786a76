"""How a case comes of its entries: each changes it by one step. Pure: ``fold`` rebuilds any state from the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

from msgspec.structs import replace

from hub.assisting import after_standing, following
from hub.cases import Case, Coordination, Dispatch, Entry, Pending, SubDispatch, Suspension, Warning
from hub.facts import (
    Accepted,
    Answered,
    Asked,
    AssistantTold,
    Assisted,
    Coordinated,
    Decided,
    Dispatched,
    Fact,
    LinkedDuplicate,
    Order,
    Question,
    Recalled,
    ReckonedAgain,
    Reminded,
    Reported,
    Resumed,
    Returned,
    SubDispatched,
    VerificationRequested,
    Verified,
    Voided,
)
from hub.life_cycle import WITH_A_UNIT, Step, StepNotAllowed, after
from hub.spans import Span


def opened(entry: Entry, case_number: str) -> Case:
    """The case that a report opens."""
    return Case(
        case_id=entry.case_id,
        case_number=case_number,
        version=1,
        state=after(None, entry.step),
        mode=entry.mode,
        reported=cast(Reported, entry.fact),
        reported_by=entry.unit_id,
        registered_at=entry.known_at,
        changed_at=entry.known_at,
        since=entry.known_at,
        standing=entry.audience,
        traceparent=entry.traceparent,
    )


def apply(case: Case, entry: Entry) -> Case:
    """The case after one entry more. Raises ``StepNotAllowed`` where the life cycle does not know the step."""
    return advance(case, entry.step, entry.fact, entry.effective_at, entry.known_at, entry.unit_id)


def advance(case: Case, step: Step, fact: Fact, at: datetime, known_at: datetime, by: str) -> Case:
    """The case after one step more; ``at`` is when it was so, ``known_at`` when the hub knew, ``by`` who took it."""
    state = after(case.state, step)
    changes: dict[str, Any] = {"version": case.version + 1, "state": state, "changed_at": known_at}
    if state is not case.state:
        changes["since"] = known_at
    change = _CHANGES.get(step)
    if change is not None:
        # A question stops a clock from when the hub knew of it, until it knew the answer: nobody asks in the past.
        changes |= change(case, fact, known_at if isinstance(fact, Asked | Decided | Resumed) else at, by)
    if state not in WITH_A_UNIT and case.state in WITH_A_UNIT:
        # What was asked of the unit's own time ends with it.
        changes |= {"pending": (), "suspension": None}
        if case.suspension is not None:
            # Its assistants go on, and so does their time.
            to = fact.due_at if isinstance(fact, Returned) else None
            changes["assists"] = _stood(case, Span(case.suspension.since, known_at), to)
    return replace(case, **changes)


def fold(entries: Iterable[Entry], case_number: str) -> Case:
    """The state that the log says, from nothing. Letter counts are delivery's, not the log's."""
    steps = iter(entries)
    case = opened(next(steps), case_number)
    for entry in steps:
        case = apply(case, entry)
    return case


def as_it_was(
    entries: Iterable[Entry], case_number: str, as_of: datetime | None = None, known_at: datetime | None = None
) -> Case | None:
    """The case as it was at a moment (``as_of``), by what was known at another (``known_at``); None before its report.

    What happened later, or came to be known later, is left out. Where the senders' times disagree with the order in
    which the hub learned of things, a step that could not have been taken yet is left out as well.
    """
    case: Case | None = None
    for entry in entries:
        if (as_of and entry.effective_at > as_of) or (known_at and entry.known_at > known_at):
            continue
        if case is None:
            case = opened(entry, case_number) if entry.step is Step.REPORT else None
            continue
        with suppress(StepNotAllowed):
            case = apply(case, entry)
    return case


Changes = dict[str, Any]


def _accepted(case: Case, fact: Accepted, at: datetime, by: str) -> Changes:
    reported = case.reported
    if fact.category_code is not None:
        reported = replace(
            reported,
            category_code=fact.category_code,
            category_name=fact.category_name or reported.category_name,
            tier=fact.tier or reported.tier,
        )
    return {"reported": reported, "dispatch_by": fact.dispatch_by}


def _linked(case: Case, fact: LinkedDuplicate, at: datetime, by: str) -> Changes:
    return {"duplicate_of": fact.original}


def _dispatched(case: Case, fact: Dispatched, at: datetime, by: str) -> Changes:
    # To a unit whose return is overruled it is the old order, with what stood of its time.
    last = case.dispatches[-1] if fact.order.insisted else None
    given = Dispatch(fact.order, stood=last.stood, granted=last.granted) if last else Dispatch(fact.order)
    changes: Changes = {"dispatches": (*case.dispatches, given), "candidates": (), "coordination": None}
    if last is not None:
        changes["assists"] = _follow(case, fact.order.due_at)
    return changes


def _assisted(case: Case, fact: Assisted, at: datetime, by: str) -> Changes:
    return {"assists": (*case.assists, Dispatch(fact.order))}


def _assistant(case: Case, fact: AssistantTold, **what: Any) -> Changes:
    return {
        "assists": tuple(replace(each, **what) if each.order.number == fact.number else each for each in case.assists)
    }


def _coordinated(case: Case, fact: Coordinated, at: datetime, by: str) -> Changes:
    opened = Coordination(fact.level, fact.coordinator, at, fact.due_at, fact.substitute)
    return {"coordination": opened, "last_level": fact.level, "candidates": fact.candidates}


def _returned(case: Case, fact: Returned, at: datetime, by: str) -> Changes:
    moved: Changes = {}
    if case.suspension is not None and fact.due_at is not None:
        stood = Span(case.suspension.since, max(at, case.suspension.since))
        moved = {"moved_to": fact.due_at, "stood": (*case.dispatches[-1].stood, stood)}
    return {
        "dispatches": _lead_changed(case, returned_at=at, **moved),
        "returns": case.returns + 1,
        "dispatch_by": fact.decide_by,
    }


def _recalled(case: Case, fact: Recalled, at: datetime, by: str) -> Changes:
    return {"dispatches": _lead_changed(case, recalled_at=at), "dispatch_by": fact.dispatch_by}


def _sub_dispatched(case: Case, fact: SubDispatched, at: datetime, by: str) -> Changes:
    others = tuple(each for each in case.sub_dispatches if each.department != fact.department)
    return {"sub_dispatches": (*others, SubDispatch(fact.department, fact.status, at, fact.due_at))}


def _asked(case: Case, fact: Asked, at: datetime, by: str) -> Changes:
    return {"pending": (*case.pending, Pending(fact.question, by, at, fact.until))}


def _decided(case: Case, fact: Decided, at: datetime, by: str) -> Changes:
    changes: Changes = {"pending": tuple(each for each in case.pending if each.question is not fact.question)}
    asked = case.pending_question(fact.question)
    if fact.granted and fact.due_at is not None:
        stood = Span(asked.asked_at, at) if asked and fact.question is Question.DISPUTE else None
        changes["dispatches"] = _moved(case, fact.due_at, stood, granted=fact.question is Question.EXTENSION)
        changes["assists"] = _follow(case, fact.due_at)
    if fact.granted and fact.question is Question.EXTENSION:
        changes["extensions"] = case.extensions + 1
    if fact.granted and fact.question is Question.SUSPENSION and fact.review_at is not None:
        # Rightly raised: the clock stood from when the unit asked. Put off at its review, it stands on.
        since = case.suspension.since if case.suspension else asked.asked_at if asked else at
        changes["suspension"] = Suspension(since, fact.review_at)
    return changes


def _resumed(case: Case, fact: Resumed, at: datetime, by: str) -> Changes:
    stood = Span(case.suspension.since, at) if case.suspension else None
    assists = _stood(case, stood, fact.due_at) if stood else _follow(case, fact.due_at)
    return {"suspension": None, "dispatches": _moved(case, fact.due_at, stood), "assists": assists}


def _reckoned_again(case: Case, fact: ReckonedAgain, at: datetime, by: str) -> Changes:
    return {
        "dispatches": _lead_changed(case, moved_to=fact.due_at, acknowledge_moved_to=fact.acknowledge_by),
        "assists": _follow(case, fact.due_at),
    }


def _answered(case: Case, fact: Answered, at: datetime, by: str) -> Changes:
    return {
        "dispatches": _lead_changed(case, answered_at=at),
        "answer": fact.description,
        "photos_after": fact.photos,
        "verify_by": fact.verify_by,
        "late_proof": fact.late_proof,
        "late_proof_accepted": None if fact.late_proof is None else True,
    }


def _verification_requested(case: Case, fact: VerificationRequested, at: datetime, by: str) -> Changes:
    return {"verifier": fact.unit_id, "verify_by": fact.due_at}


def _failed(case: Case, fact: Verified, at: datetime, by: str) -> Changes:
    return {
        "verifications": case.verifications + 1,
        "failed_verifications": case.failed_verifications + 1,
        "verifier": None,
        "verify_by": None,
        "dispatches": (*case.dispatches, Dispatch(cast(Order, fact.rework))),
    }


def _reminded(level: int) -> Callable[[Case, Any, datetime, str], Changes]:
    def changes(case: Case, fact: Reminded, at: datetime, by: str) -> Changes:
        others = tuple(each for each in case.warnings if not each.of(fact.wait, fact.unit_id))
        return {"warnings": (*others, Warning(fact.wait, fact.due_at, level, fact.unit_id))}

    return changes


_CHANGES: Mapping[Step, Callable[[Case, Any, datetime, str], Changes]] = {
    Step.ACCEPT: _accepted,
    Step.LINK_DUPLICATE: _linked,
    Step.DISPATCH: _dispatched,
    Step.ASSIST: _assisted,
    Step.RECALL: _recalled,
    Step.COORDINATE: _coordinated,
    Step.ESCALATE: _coordinated,
    Step.ACKNOWLEDGE: lambda case, fact, at, by: {"dispatches": _lead_changed(case, acknowledged_at=at)},
    Step.RETURN: _returned,
    Step.SUB_DISPATCH: _sub_dispatched,
    Step.REQUEST_EXTENSION: _asked,
    Step.EXTEND: _decided,
    Step.REFUSE_EXTENSION: _decided,
    Step.REQUEST_SUSPENSION: _asked,
    Step.SUSPEND: _decided,
    Step.REFUSE_SUSPENSION: _decided,
    Step.RESUME: _resumed,
    Step.DISPUTE: _asked,
    Step.UPHOLD_DISPUTE: _decided,
    Step.DISMISS_DISPUTE: _decided,
    Step.RECKON_AGAIN: _reckoned_again,
    Step.ANSWER: _answered,
    Step.JUDGE_LATE_PROOF: lambda case, fact, at, by: {"late_proof_accepted": fact.accepted},
    Step.ACKNOWLEDGE_ASSISTING: lambda case, fact, at, by: _assistant(case, fact, acknowledged_at=at),
    Step.RETURN_ASSISTING: lambda case, fact, at, by: _assistant(case, fact, returned_at=at),
    Step.ANSWER_ASSISTING: lambda case, fact, at, by: _assistant(case, fact, answered_at=at),
    Step.REQUEST_VERIFICATION: _verification_requested,
    Step.PASS: lambda case, fact, at, by: {"verifications": case.verifications + 1},
    Step.FAIL: _failed,
    Step.CLOSE: lambda case, fact, at, by: {"closed_at": at},
    Step.VOID: lambda case, fact, at, by: {"duplicate_of": cast(Voided, fact).duplicate_of},
    Step.WARN: _reminded(1),
    Step.REMIND: _reminded(2),
    Step.SUPERVISE: _reminded(3),
}
"""What a step changes besides the state; those not named change nothing else."""


def _moved(case: Case, due_at: datetime, stood: Span | None, *, granted: bool = False) -> tuple[Dispatch, ...]:
    lead = case.dispatches[-1]
    stretches = (*lead.stood, stood) if stood else lead.stood
    return _lead_changed(case, moved_to=due_at, stood=stretches, granted=lead.granted or granted)


def _follow(case: Case, to: datetime) -> tuple[Dispatch, ...]:
    """The assisting dispatches once the lead's deadline is ``to``."""
    lead = case.dispatches[-1].due_at
    return _assists_due(case, lambda each: following(each.due_at, lead, to))


def _stood(case: Case, stood: Span, to: datetime | None) -> tuple[Dispatch, ...]:
    """The assisting dispatches after a suspension; ``to`` is the lead's deadline from here on, where it has one."""
    lead = case.dispatches[-1].due_at
    return _assists_due(case, lambda each: after_standing(each.due_at, each.order.dispatched_at, stood, lead, to))


def _assists_due(case: Case, due: Callable[[Dispatch], datetime]) -> tuple[Dispatch, ...]:
    """The assisting dispatches, those still open each with its deadline by now."""

    def by_now(each: Dispatch) -> Dispatch:
        due_at = each.due_at if each.over or each.answered_at is not None else due(each)
        return each if due_at == each.due_at else replace(each, moved_to=due_at)

    return tuple(by_now(each) for each in case.assists)


def _lead_changed(case: Case, **what: Any) -> tuple[Dispatch, ...]:
    *before, lead = case.dispatches
    return (*before, replace(lead, **what))
