"""A case as its entries say it, and how one entry more changes it. Pure: ``fold`` rebuilds any state from the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from contracts.envelope import Mode
from hub.facts import (
    Accepted,
    Answered,
    AwaitingDecision,
    Dispatched,
    Fact,
    Order,
    Reported,
    VerificationRequested,
    Verified,
)
from hub.life_cycle import OVER, State, Step, after


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of a case, for ever: who, by which connection and message, when by both clocks, and what.

    ``effective_at`` is when it was so by the sender's clock, ``known_at`` when the hub knew, both city time.
    ``audience`` are the units, besides the command centre, that may read it.
    """

    case_id: int
    sequence: int
    step: Step
    state: State
    mode: Mode
    unit_id: str
    connection_id: str
    effective_at: datetime
    known_at: datetime
    directory_version: int
    fact: Fact
    audience: tuple[str, ...]
    actor: str | None = None
    on_behalf_of: str | None = None
    message_key: bytes | None = None
    message_digest: bytes | None = None
    personal_id: str | None = None
    traceparent: str | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A dispatch and what became of it; overdue is a fact about it, never a state."""

    order: Order
    acknowledged_at: datetime | None = None
    returned_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One problem from report to evaluation. ``version`` is the number of its entries."""

    case_id: int
    case_number: str
    version: int
    state: State
    mode: Mode
    reported: Reported
    reported_by: str
    registered_at: datetime
    changed_at: datetime
    dispatches: tuple[Dispatch, ...] = ()
    candidates: tuple[str, ...] = ()
    verifier: str | None = None
    verify_by: datetime | None = None
    verifications: int = 0
    failed_verifications: int = 0
    answer: str | None = None
    photos_after: tuple[str, ...] = ()
    closed_at: datetime | None = None
    standing: tuple[str, ...] = ()
    letter_counts: tuple[tuple[str, int], ...] = ()
    traceparent: str | None = None

    @property
    def lead(self) -> Dispatch | None:
        """The dispatch in force: the last one, unless it was returned."""
        if not self.dispatches or self.dispatches[-1].returned_at is not None:
            return None
        return self.dispatches[-1]

    @property
    def lead_unit_id(self) -> str | None:
        """The unit that leads, where one does."""
        lead = self.lead
        return lead.order.unit_id if lead else None

    @property
    def due_at(self) -> datetime | None:
        """Until when the lead unit must have handled it; None while nobody has it."""
        lead = self.lead
        return lead.order.due_at if lead and self.state not in OVER else None

    @property
    def watchers(self) -> frozenset[str]:
        """The units, besides the command centre, that see what happens now: those who stand by the case (its reporter,
        who governs its area), the unit that has or last had it, and the one asked to verify."""
        seen = set(self.standing)
        if self.dispatches:
            seen.add(self.dispatches[-1].order.unit_id)
        if self.verifier:
            seen.add(self.verifier)
        return frozenset(seen)

    @property
    def urgent(self) -> bool:
        """Tier A: its letters go before the backlog."""
        return self.reported.tier == "A"


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
        standing=entry.audience,
        traceparent=entry.traceparent,
    )


def apply(case: Case, entry: Entry) -> Case:
    """The case after one entry more. Raises ``StepNotAllowed`` where the life cycle does not know the step."""
    return advance(case, entry.step, entry.fact, entry.effective_at, entry.known_at)


def advance(case: Case, step: Step, fact: Fact, at: datetime, known_at: datetime) -> Case:
    """The case after one step more; ``at`` is when it was so, ``known_at`` when the hub knew."""
    changes: dict[str, Any] = {
        "version": case.version + 1,
        "state": after(case.state, step),
        "changed_at": known_at,
    }
    match step:
        case Step.ACCEPT:
            changes["reported"] = _reclassified(case.reported, cast(Accepted, fact))
        case Step.AWAIT_DECISION:
            changes["candidates"] = cast(AwaitingDecision, fact).candidates
        case Step.DISPATCH:
            changes["dispatches"] = (*case.dispatches, Dispatch(cast(Dispatched, fact).order))
            changes["candidates"] = ()
        case Step.ACKNOWLEDGE:
            changes["dispatches"] = _lead_changed(case, acknowledged_at=at)
        case Step.RETURN:
            changes["dispatches"] = _lead_changed(case, returned_at=at)
        case Step.ANSWER:
            told = cast(Answered, fact)
            changes["dispatches"] = _lead_changed(case, answered_at=at)
            changes |= {"answer": told.description, "photos_after": told.photos}
        case Step.REQUEST_VERIFICATION:
            asked = cast(VerificationRequested, fact)
            changes |= {"verifier": asked.unit_id, "verify_by": asked.due_at}
        case Step.PASS:
            changes["verifications"] = case.verifications + 1
        case Step.FAIL:
            rework = cast(Order, cast(Verified, fact).rework)
            changes |= {
                "verifications": case.verifications + 1,
                "failed_verifications": case.failed_verifications + 1,
                "verifier": None,
                "verify_by": None,
                "dispatches": (*case.dispatches, Dispatch(rework)),
            }
        case Step.CLOSE:
            changes["closed_at"] = at
    return replace(case, **changes)


def fold(entries: Iterable[Entry], case_number: str) -> Case:
    """The state that the log says, from nothing. Letter counts are delivery's, not the log's."""
    steps = iter(entries)
    case = opened(next(steps), case_number)
    for entry in steps:
        case = apply(case, entry)
    return case


def _reclassified(reported: Reported, fact: Accepted) -> Reported:
    if fact.category_code is None:
        return reported
    return replace(
        reported,
        category_code=fact.category_code,
        category_name=fact.category_name or reported.category_name,
        tier=fact.tier or reported.tier,
    )


def _lead_changed(
    case: Case,
    *,
    acknowledged_at: datetime | None = None,
    returned_at: datetime | None = None,
    answered_at: datetime | None = None,
) -> tuple[Dispatch, ...]:
    *before, lead = case.dispatches
    changed = replace(
        lead,
        acknowledged_at=acknowledged_at or lead.acknowledged_at,
        returned_at=returned_at or lead.returned_at,
        answered_at=answered_at or lead.answered_at,
    )
    return (*before, changed)
