"""Orders (派遣): to whom, until when, why; by a rule or by the command centre's hand. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from contracts.city import Facts
from contracts.messages import DispatchRequest
from contracts.problem import Problem, Violation
from hub.cases import Case
from hub.decide.course import Course
from hub.facts import AwaitingDecision, Brief, Dispatched, Order
from hub.life_cycle import Step
from hub.responsibility import Because, Clear, choose_unit


def dispatch_by_rule(course: Course) -> None:
    """五(三)派遣: what is clear goes straight to its unit; what is not waits for the command centre."""
    case, context = course.known, course.context
    reported = case.reported
    facts = Facts(
        category_code=reported.category_code,
        area_id=reported.location.area_id,
        component_code=reported.component_code,
        attributes=dict(reported.attributes),
    )
    chosen = choose_unit(context.directory, facts)
    if isinstance(chosen, Clear):
        order = _order(course, chosen.unit_id, chosen.because, assisting=chosen.assisting)
        course.take(Step.DISPATCH, Dispatched(order, brief_of(case)), by_rule=True)
        return
    because = chosen.because
    course.take(
        Step.AWAIT_DECISION, AwaitingDecision(because.zh, because.en, chosen.candidates, because.rule), by_rule=True
    )


def dispatch_by_hand(course: Course) -> None:
    """The command centre names the unit (人工派遣)."""
    body, context = cast(DispatchRequest, course.message.body), course.context
    if body.unit_id not in context.directory.units:
        said = Violation("#/unit_id", f"没有单位 {body.unit_id}", f"there is no unit {body.unit_id}", "unit")
        raise Problem("unit_unknown", violations=(said,))
    if body.due_at is not None and body.due_at <= context.now:
        said = Violation("#/due_at", "时限应在将来", "the deadline must lie ahead", "future")
        raise Problem("moment_impossible", violations=(said,))
    course.refuse_unless(Step.DISPATCH)
    because = Because(
        "by_hand", f"指挥中心决定:{body.reason}"[:4000], f"the command centre decided: {body.reason}"[:4000]
    )
    order = _order(course, body.unit_id, because, due_at=body.due_at)
    course.take(Step.DISPATCH, Dispatched(order, brief_of(course.known), by_hand=True))


def next_order(course: Course, unit_id: str, *, rework: bool = False) -> Order:
    """The order for rework (返工): the same unit, the same number, one round more, a new limit."""
    last = course.known.dispatches[-1].order
    because = Because("rework", "核查未通过,返工", "verification failed: rework", ())
    return _order(course, unit_id, because, number=last.number, round=last.round + 1 if rework else 1)


def brief_of(case: Case, finding: str | None = None) -> Brief:
    """What the receiver of an order must know of the problem."""
    told = case.reported
    return Brief(
        category_code=told.category_code,
        category_name=told.category_name,
        description=told.description,
        location=told.location,
        component_code=told.component_code,
        photos=told.photos,
        finding=finding,
    )


def _order(
    course: Course,
    unit_id: str,
    because: Because,
    *,
    number: int | None = None,
    round: int = 1,
    due_at: datetime | None = None,
    assisting: tuple[str, ...] = (),
) -> Order:
    case, context = course.known, course.context
    limits = context.limits(case.reported.tier)
    by_hand = due_at is not None
    due = due_at or limits.handle.due_at
    highest = max((each.order.number for each in case.dispatches), default=0)
    return Order(
        number=number or highest + 1,
        unit_id=unit_id,
        round=round,
        dispatched_at=context.now,
        acknowledge_by=min(limits.acknowledge.due_at, due),
        due_at=due,
        tier=case.reported.tier,
        reckoned="指挥中心指定 set by the command centre" if by_hand else limits.handle.reckoned,
        provisional=limits.handle.provisional and not by_hand,
        because_zh=because.zh,
        because_en=because.en,
        rule=because.rule,
        sources=because.sources,
        assisting=assisting,
    )
