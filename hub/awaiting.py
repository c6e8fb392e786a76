"""Whom an open case waits for, what is due until when, and when to remind of it next. Pure.

Every open case waits for somebody; a case of which that could not be said would be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.cases import Case
from hub.facts import Wait
from hub.life_cycle import LED, OVER, State

CENTRE = ""
"""Stands for the command centre, whichever unit that is in the directory."""

DUE_SOON, OVERDUE, SUPERVISION = 1, 2, 3
"""How loudly somebody was reminded."""

_NOT_WARNED_OF = frozenset({Wait.ACKNOWLEDGEMENT, Wait.DECISION, Wait.REVIEW})
"""These are short, or long away: they are reminded of when they are due."""

_NOT_SUPERVISED = frozenset({Wait.ACKNOWLEDGEMENT, Wait.DECISION, Wait.ASSISTANCE})
"""The lead's handling goes on being watched behind these."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """One thing that a case waits for: from whom (``CENTRE`` or a unit), since when, until when."""

    wait: Wait
    unit_id: str
    since: datetime
    due_at: datetime


class Moments(Protocol):
    """When a limit is due soon and when supervision begins, in the limit's own kind of time."""

    def __call__(self, awaited: Awaited, tier: str) -> tuple[datetime, datetime]: ...


def waits(case: Case) -> tuple[Awaited, ...]:
    """What the case waits for now, the chief thing first; nothing only when it is over."""
    return tuple(_waits(case)) if case.state not in OVER else ()


def _waits(case: Case) -> Iterator[Awaited]:
    lead = case.lead
    match case.state:
        case State.REPORTED:
            yield Awaited(Wait.ACCEPTANCE, CENTRE, case.since, case.reported.accept_by or case.since)
        case State.ACCEPTED | State.RETURNED:
            yield Awaited(Wait.DISPATCHING, CENTRE, case.since, case.dispatch_by or case.since)
        case State.IN_COORDINATION if case.coordination is not None:
            under_way = case.coordination
            yield Awaited(Wait.COORDINATION, under_way.coordinator, under_way.since, under_way.due_at)
        case State.ANSWERED:
            yield Awaited(Wait.VERIFICATION, CENTRE, case.since, case.verify_by or case.since)
        case State.IN_VERIFICATION:
            yield Awaited(Wait.VERIFICATION, case.verifier or CENTRE, case.since, case.verify_by or case.since)
    if lead is not None and case.state in (State.DISPATCHED, State.ACKNOWLEDGED):
        since = lead.order.dispatched_at
        if case.suspension is not None:
            yield Awaited(Wait.REVIEW, CENTRE, case.suspension.since, case.suspension.review_at)
        else:
            yield Awaited(Wait.HANDLING, lead.order.unit_id, since, lead.due_at)
            if case.state is State.DISPATCHED:
                yield Awaited(Wait.ACKNOWLEDGEMENT, lead.order.unit_id, since, lead.acknowledge_by)
    if case.pending and lead is not None:
        # An answer is of use only while the deadline is ahead.
        yield Awaited(Wait.DECISION, CENTRE, case.pending[0].asked_at, lead.due_at)
    if case.state in LED and case.suspension is None:
        for each in case.assists:
            if not each.over and each.answered_at is None:
                yield Awaited(Wait.ASSISTANCE, each.order.unit_id, each.order.dispatched_at, each.due_at)


def level_of(case: Case, awaited: Awaited) -> int:
    """How loudly it was reminded of this deadline so far."""
    for each in case.warnings:
        if each.of(awaited.wait, awaited.unit_id) and each.due_at == awaited.due_at:
            return each.level
    return 0


def next_reminder(case: Case, moments: Moments) -> tuple[datetime, Awaited, int] | None:
    """When to remind next, of what, and how loudly; None where nothing is left to remind of."""
    best: tuple[datetime, Awaited, int] | None = None
    for awaited in waits(case):
        reminder = _next(case, awaited, moments)
        if reminder is not None and (best is None or reminder[0] < best[0]):
            best = reminder
    return best


def _next(case: Case, awaited: Awaited, moments: Moments) -> tuple[datetime, Awaited, int] | None:
    level = level_of(case, awaited)
    if level == 0 and awaited.wait in _NOT_WARNED_OF:
        level = DUE_SOON
    if level == SUPERVISION or (level == OVERDUE and awaited.wait in _NOT_SUPERVISED):
        return None
    if level == DUE_SOON:
        return awaited.due_at, awaited, OVERDUE
    soon, supervision = moments(awaited, case.reported.tier)
    return (soon, awaited, DUE_SOON) if level == 0 else (supervision, awaited, SUPERVISION)
