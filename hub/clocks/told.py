"""What a log tells of its dispatches (读取日志), read once for every reckoning of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import cast

from contracts.bends import SubDispatchStatus
from hub.assisting import after_standing, following
from hub.cases import Entry
from hub.facts import (
    Accepted,
    Answered,
    Asked,
    AssistantTold,
    Assisted,
    Coordinated,
    Decided,
    Dispatched,
    Fault,
    LateProofJudged,
    Lost,
    Order,
    Question,
    ReckonedAgain,
    Reminded,
    Reported,
    Resumed,
    Returned,
    SubDispatched,
    VerificationRequested,
    Verified,
)
from hub.lateness import Delivery, lost_time
from hub.life_cycle import OVER, State, Step
from hub.spans import Span, within, without

DEPARTMENT = "department"
"""The duty of a second-level platform's department: judged apart from its platform."""


class Ending(StrEnum):
    """How a dispatch ended. ``lapsed``: it was still open when what it belonged to was done."""

    OPEN = "open"
    ANSWERED = "answered"
    RETURNED = "returned"
    RECALLED = "recalled"
    VOIDED = "voided"
    LAPSED = "lapsed"


class Standing(StrEnum):
    """How a dispatch stands to its deadline. ``off``: it is not held against the unit at all."""

    RUNNING = "running"
    IN_TIME = "in_time"
    LATE = "late"
    OVERDUE = "overdue"
    OFF = "off"


class ProofJudged(StrEnum):
    """Whether a late proof (补传) counts."""

    ACCEPTED = "accepted"
    OVERRULED = "overruled"


@dataclass(frozen=True, slots=True)
class Return:
    """A return (退回). Followed, it was founded and stopped the clock; overruled, it stopped nothing."""

    at: datetime
    reason_code: str
    founded: bool | None = None
    decided_at: datetime | None = None


@dataclass(slots=True)
class Draft:
    """A dispatch while its entries are read."""

    unit_id: str
    number: int
    round: int
    duty: str
    tier: str
    dispatched_at: datetime
    due_at: datetime
    acknowledge_by: datetime | None = None
    acknowledged_at: datetime | None = None
    ending: Ending = Ending.OPEN
    ended_at: datetime | None = None
    effective_at: datetime | None = None
    second: bool = False
    substitute: bool = False
    insisted: bool = False
    returns: list[Return] = field(default_factory=list)
    asked: dict[Question, datetime] = field(default_factory=dict)
    waited: list[tuple[Question, Span]] = field(default_factory=list)
    suspended: list[Span] = field(default_factory=list)
    disputed: list[Span] = field(default_factory=list)
    suspended_since: datetime | None = None
    lost: tuple[Lost, ...] = ()
    late_proof: ProofJudged | None = None
    passed: bool | None = None
    verified_at: datetime | None = None
    platform: str | None = None
    name: str | None = None

    @property
    def over_at(self) -> datetime | None:
        """When it ended for the unit: the sender's time only where a late proof counts."""
        if self.late_proof is ProofJudged.ACCEPTED and self.effective_at is not None and self.ended_at is not None:
            return min(max(self.effective_at, self.dispatched_at), self.ended_at)
        return self.ended_at

    def stood(self, until: datetime) -> tuple[Span, ...]:
        """When its clock stood."""
        spans = [*self.suspended, *self.disputed]
        if self.suspended_since is not None:
            spans.append(Span(self.suspended_since, until))
        return within(spans, Span(self.dispatched_at, until))

    def lost_to(self, fault: Fault, until: datetime) -> tuple[Span, ...]:
        """What the hub or the network lost of it, besides when it stood; what both lost is the hub's."""
        spans = (Span(each.since, each.until) for each in self.lost if each.fault is fault)
        holes = list(self.stood(until))
        if fault is Fault.NETWORK:
            holes.extend(self.lost_to(Fault.HUB, until))
        return without(within(spans, Span(self.dispatched_at, until)), holes)

    def end(self, ending: Ending, at: datetime) -> None:
        """It is over; an open suspension stays open, so that its deadline still moves with it."""
        self.ending, self.ended_at = ending, at
        for question, asked_at in self.asked.items():
            self.waited.append((question, Span(asked_at, at)))
        self.asked.clear()


@dataclass(slots=True)
class Told:
    """What a log told, read once."""

    begun: datetime
    until: datetime
    tier: str
    leads: list[Draft] = field(default_factory=list)
    others: list[Draft] = field(default_factory=list)
    states: list[tuple[datetime, State]] = field(default_factory=list)
    holders: list[tuple[datetime, str | None]] = field(default_factory=list)

    @property
    def drafts(self) -> list[Draft]:
        """Every dispatch, in the order of its dispatching; a lead before those who assist it."""
        return sorted([*self.leads, *self.others], key=lambda draft: draft.dispatched_at)

    def assisting(self, number: int) -> Draft | None:
        """The assisting dispatch of a number."""
        return next((each for each in self.assistants if each.number == number), None)

    @property
    def assistants(self) -> list[Draft]:
        """Every assisting dispatch."""
        return [each for each in self.others if each.duty != DEPARTMENT]

    def department(self, name: str) -> Draft | None:
        """A department's open part of the present dispatch."""
        for each in reversed(self.others):
            if each.duty == DEPARTMENT and each.unit_id == name and each.ending is Ending.OPEN:
                return each
        return None


def tell(log: Sequence[Entry], now: datetime, delivery: Delivery | None) -> Told:
    at = log[0].known_at
    told = Told(at, at, cast(Reported, log[0].fact).tier)
    for entry in log:
        # Two processes' clocks may differ by a breath; time in a log does not run backwards.
        at = max(at, entry.known_at)
        _read(told, entry, at)
        told.states.append((at, entry.state))
    told.until = at if log[-1].state in OVER else max(at, now)
    last = told.leads[-1] if told.leads else None
    if last is not None and delivery is not None and not last.lost:
        last.lost = lost_time(delivery, last.ended_at or told.until, last.acknowledged_at)
    return told


def _read(told: Told, entry: Entry, at: datetime) -> None:
    """What one entry tells."""
    fact, lead = entry.fact, told.leads[-1] if told.leads else None
    match fact:
        case Accepted(tier=str(tier)):
            told.tier = tier
        case Dispatched(order=order):
            _ordered(told, order, at)
        case Assisted(order=order):
            told.others.append(_draft(order, at))
            if lead is not None and lead.ending is Ending.OPEN and lead.suspended_since is not None:
                _stand(told, lead, lead.suspended_since)
        case AssistantTold():
            _assistant(told, entry.step, fact, at)
        case Coordinated():
            told.holders.append((at, fact.coordinator))
        case VerificationRequested():
            told.holders.append((at, fact.unit_id))
    if lead is None:
        return
    match fact:
        case Returned():
            lead.returns.append(Return(at, fact.reason_code))
            _go_on(told, lead, at, fact.due_at)
            if fact.due_at is not None and lead.suspended_since is not None:
                lead.suspended.append(Span(lead.suspended_since, at))
                lead.suspended_since, lead.due_at = None, fact.due_at
            _over(told, lead, Ending.RETURNED, at)
        case Asked():
            lead.asked[fact.question] = at
        case Decided():
            _decided(told, lead, fact, at)
        case Resumed():
            _go_on(told, lead, at, fact.due_at)
            if lead.suspended_since is not None:
                lead.suspended.append(Span(lead.suspended_since, at))
            lead.suspended_since, lead.due_at = None, fact.due_at
        case ReckonedAgain():
            _follow(told, lead, fact.due_at)
            lead.due_at, lead.acknowledge_by = fact.due_at, fact.acknowledge_by
        case SubDispatched():
            _department(told, lead, fact, at)
        case Answered() if entry.step is Step.ANSWER:
            lead.effective_at, lead.lost = entry.effective_at, fact.lost
            lead.late_proof = ProofJudged.ACCEPTED if fact.late_proof else None
            _go_on(told, lead, at, None)
            _over(told, lead, Ending.ANSWERED, at)
            told.holders.append((at, None))
        case Reminded(lost=lost) if lost:
            lead.lost = lost
        case LateProofJudged():
            lead.late_proof = ProofJudged.ACCEPTED if fact.accepted else ProofJudged.OVERRULED
        case Verified():
            lead.passed, lead.verified_at = entry.step is Step.PASS, at
            if fact.rework is not None:
                told.leads.append(_draft(fact.rework, at))
        case _:
            _without_fact(told, lead, entry.step, at)


def _without_fact(told: Told, lead: Draft, step: Step, at: datetime) -> None:
    """Steps of which only the moment matters."""
    if step is Step.ACKNOWLEDGE:
        lead.acknowledged_at = lead.acknowledged_at or at
    elif step is Step.RECALL:
        _go_on(told, lead, at, None)
        _over(told, lead, Ending.RECALLED, at)
    elif step is Step.VOID or step is Step.CLOSE:
        for draft in (lead, *told.others):
            if draft.ending is Ending.OPEN:
                draft.end(Ending.VOIDED if step is Step.VOID else Ending.LAPSED, at)


def _draft(order: Order, at: datetime) -> Draft:
    return Draft(
        unit_id=order.unit_id,
        number=order.number,
        round=order.round,
        duty=order.duty,
        tier=order.tier,
        dispatched_at=at,
        due_at=order.due_at,
        acknowledge_by=order.acknowledge_by,
        substitute=order.substitute,
        insisted=order.insisted,
    )


def _ordered(told: Told, order: Order, at: datetime) -> None:
    """A dispatch judges the return before it: to the same unit again it was overruled, to another it was followed."""
    before = told.leads[-1] if told.leads else None
    if before is not None and before.ending is Ending.RETURNED:
        last = before.returns[-1]
        before.returns[-1] = Return(last.at, last.reason_code, not order.insisted, at)
        if order.insisted:
            before.ending, before.ended_at = Ending.OPEN, None
            _follow(told, before, order.due_at)
            before.due_at, before.insisted = order.due_at, True
            before.substitute = before.substitute or order.substitute
            if before.suspended_since is not None:
                before.suspended.append(Span(before.suspended_since, last.at))
                before.suspended_since = None
            return
    draft = _draft(order, at)
    draft.second = before is not None and before.unit_id != order.unit_id
    told.leads.append(draft)


def _assistant(told: Told, step: Step, fact: AssistantTold, at: datetime) -> None:
    draft = told.assisting(fact.number)
    if draft is None:
        return
    if step is Step.ACKNOWLEDGE_ASSISTING:
        draft.acknowledged_at = at
    elif step is Step.ANSWER_ASSISTING:
        draft.end(Ending.ANSWERED, at)
    else:
        # Nobody insists on assistance: who sends it back is let go.
        draft.returns.append(Return(at, fact.reason_code or "", founded=True, decided_at=at))
        draft.end(Ending.RETURNED, at)


def _department(told: Told, lead: Draft, fact: SubDispatched, at: datetime) -> None:
    draft = told.department(fact.department)
    if draft is None:
        draft = Draft(
            *(fact.department, lead.number, lead.round, DEPARTMENT, lead.tier, at),
            due_at=fact.due_at or lead.due_at,
            platform=lead.unit_id,
        )
        told.others.append(draft)
    elif fact.due_at is not None:
        draft.due_at = fact.due_at
    draft.name = fact.department_name or draft.name
    if fact.status == SubDispatchStatus.ACKNOWLEDGED:
        draft.acknowledged_at = draft.acknowledged_at or at
    elif fact.status == SubDispatchStatus.DONE:
        draft.end(Ending.ANSWERED, at)
    elif fact.status == SubDispatchStatus.RETURNED:
        draft.returns.append(Return(at, ""))
        draft.end(Ending.RETURNED, at)


def _follow(told: Told, lead: Draft, to: datetime) -> None:
    """The lead's deadline is about to be ``to``; those of who still assists go with it."""
    for each in told.assistants:
        if each.ending is Ending.OPEN:
            each.due_at = following(each.due_at, lead.due_at, to)


def _stand(told: Told, lead: Draft, since: datetime) -> None:
    """The whole case's time stands; of who did its part since, it stood until then and goes on no more."""
    for each in told.assistants:
        if each.suspended_since is None and (each.ended_at is None or each.ended_at > since):
            each.suspended_since = since if each.due_at == lead.due_at else max(since, each.dispatched_at)


def _dispute_upheld(told: Told, lead: Draft, stood: Span) -> None:
    """The lead's time stood, and with it theirs whose deadline is the lead's; of who did its part, until then."""
    for each in told.assistants:
        if each.due_at != lead.due_at:
            continue
        if each.ending is Ending.OPEN:
            each.disputed.append(stood)
        elif each.suspended_since is None and each.ended_at is not None and each.ended_at > stood.since:
            each.suspended_since = stood.since


def _go_on(told: Told, lead: Draft, at: datetime, to: datetime | None) -> None:
    """A suspension ends, if there was one, and the lead's deadline is about to be ``to``."""
    if lead.suspended_since is None:
        return
    for each in told.assistants:
        if each.ending is Ending.OPEN and each.suspended_since is not None:
            stood = Span(lead.suspended_since, at)
            each.due_at = after_standing(each.due_at, each.dispatched_at, stood, lead.due_at, to)
            each.suspended.append(Span(each.suspended_since, at))
            each.suspended_since = None


def _decided(told: Told, lead: Draft, fact: Decided, at: datetime) -> None:
    asked_at = lead.asked.pop(fact.question, None)
    if asked_at is not None:
        lead.waited.append((fact.question, Span(asked_at, at)))
    if not fact.granted:
        return
    if fact.question is Question.DISPUTE and asked_at is not None:
        lead.disputed.append(Span(asked_at, at))
        _dispute_upheld(told, lead, Span(asked_at, at))
    elif fact.question is Question.SUSPENSION:
        lead.suspended_since = lead.suspended_since or asked_at or at
        _stand(told, lead, lead.suspended_since)
    if fact.due_at is not None:
        _follow(told, lead, fact.due_at)
        lead.due_at = fact.due_at


def _over(told: Told, lead: Draft, ending: Ending, at: datetime) -> None:
    """The lead's part is over, and with it what its departments had not done."""
    lead.end(ending, at)
    for draft in told.others:
        if draft.duty == DEPARTMENT and draft.ending is Ending.OPEN:
            draft.end(Ending.LAPSED, at)
