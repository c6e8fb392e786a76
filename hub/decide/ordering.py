"""Orders (派遣): to whom, until when, why; by a rule or by the command centre's hand; assisting ones, recalls. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from contracts.bends import AssistanceRequest, Recall
from contracts.city import Facts
from contracts.messages import DispatchRequest, Duty
from contracts.problem import Problem, Violation
from hub.cases import Case
from hub.deadlines import limits_from, moved_by
from hub.decide.course import Context, Course, not_allowed, state_fields
from hub.facts import Assisted, Brief, Dispatched, Order, Recalled, ReckonedAgain
from hub.life_cycle import WITH_A_UNIT, State, Step
from hub.register.moves import move_of
from hub.responsibility import REWORK, Because, Clear, Unclear


def dispatch_by_rule(course: Course) -> Unclear | None:
    """五(三)派遣: what is clear goes straight to its unit, its assistants with it. What is not clear is returned."""
    case, context = course.known, course.context
    reported = case.reported
    facts = Facts(
        category_code=reported.category_code,
        area_id=reported.location.area_id,
        component_code=reported.component_code,
        component=context.components.get(reported.component_code or ""),
        attributes=dict(reported.attributes),
    )
    chosen = context.registry.responsible(context.now, facts)
    if not isinstance(chosen, Clear):
        return chosen
    order = order_to(course, chosen.unit_id, chosen.because, assisting=chosen.assisting)
    course.take(Step.DISPATCH, Dispatched(order, brief_of(case)), by_rule=True)
    assist(course, chosen.assisting, chosen.because, order.due_at, by_rule=True)
    return None


def dispatch_by_hand(course: Course) -> None:
    """The command centre names the unit (人工派遣); where another has it, that is a second dispatch (二次派遣)."""
    body = cast(DispatchRequest, course.message.body)
    known_unit(course, body.unit_id)
    for index, unit in enumerate(body.assisting):
        known_unit(course, unit, f"#/assisting/{index}")
    lies_ahead(course, body.due_at)
    case = course.known
    if case.state in WITH_A_UNIT and case.lead is not None:
        if case.lead.order.unit_id == body.unit_id:
            raise not_allowed(case, Step.DISPATCH, "该单位正在处置", "that unit has it already")
        _recall(course, body.reason, second=True)
    course.refuse_unless(Step.DISPATCH)
    because = Because(
        "by_hand", f"指挥中心决定:{body.reason}"[:4000], f"the command centre decided: {body.reason}"[:4000]
    )
    order = order_to(course, body.unit_id, because, due_at=body.due_at, assisting=body.assisting)
    course.take(Step.DISPATCH, Dispatched(order, brief_of(course.known), by_hand=True))
    assist(course, body.assisting, because, order.due_at, by_rule=False)


def recall(course: Course) -> None:
    """The command centre takes the dispatch back (撤回派遣); the case waits for its next word."""
    _recall(course, cast(Recall, course.message.body).reason, second=False)


def follow_owner(course: Course) -> Unclear | None:
    """A component changed hands: a case that the register's rule sent to its former owner goes to the present one.

    One that the former owner returned goes there without a recall; where the present owner cannot have it, it stays as
    it is.
    """
    case, context = course.known, course.context
    move = move_of(case, context.components.get(case.reported.component_code or ""), context.registry.zone)
    if move is None:
        return None
    if case.state not in WITH_A_UNIT:
        dispatch_by_rule(course)
        return None
    said = f"部件 {move.component_code} 权属变更:{move.from_unit_id} → {move.to_unit_id}({move.source})"
    _recall(course, said, second=True, by_rule=True)
    return dispatch_by_rule(course)


def assist_by_hand(course: Course) -> None:
    """The command centre orders a further unit to assist (协助派遣)."""
    body = cast(AssistanceRequest, course.message.body)
    known_unit(course, body.unit_id)
    lies_ahead(course, body.due_at)
    course.refuse_unless(Step.ASSIST)
    case = course.known
    if case.lead is None or body.unit_id == case.lead.order.unit_id or case.assisting(body.unit_id):
        raise not_allowed(case, Step.ASSIST, "该单位已在牵头或协助", "that unit leads or assists already")
    because = Because("by_hand", body.reason, body.reason)
    assist(course, (body.unit_id,), because, body.due_at or case.lead.due_at, by_rule=False)


def assist(course: Course, units: tuple[str, ...], because: Because, due_at: datetime | None, *, by_rule: bool) -> None:
    """An assisting order for each unit that does not assist yet; they do not close the case, the lead does."""
    for unit in units:
        case = course.known
        if unit == case.lead_unit_id or case.assisting(unit) is not None:
            continue
        order = order_to(course, unit, because, due_at=due_at, duty=Duty.ASSIST)
        course.take(Step.ASSIST, Assisted(order, brief_of(case)), by_rule=by_rule)


def rework(course: Course) -> Order:
    """The order for rework (返工): the same unit, the same number, one round more, a new limit."""
    last = course.known.dispatches[-1].order
    because = Because(REWORK, "核查未通过,返工", "verification failed: rework", ())
    return order_to(course, last.unit_id, because, number=last.number, round=last.round + 1)


def reckoned_again(case: Case, context: Context) -> ReckonedAgain | None:
    """A provisional deadline on the calendar as it is known now; None where nothing came of it.

    The limit is that of the day of the dispatch, and a date that the command centre granted stays.
    """
    if case.lead is None or not case.lead.order.provisional or case.state not in WITH_A_UNIT or case.lead.granted:
        return None
    order = case.lead.order
    directory = context.rules_of(order)
    limits = limits_from(directory, order.tier, order.dispatched_at)
    due = moved_by(directory, order.tier, limits.handle.due_at, case.lead.stood, ())
    if due < case.lead.due_at and due <= context.now:
        # A notice that came after its days makes nobody late.
        return None
    if due == case.lead.due_at and (limits.handle.provisional or case.lead.moved_to is not None):
        return None
    return ReckonedAgain(
        due,
        min(limits.acknowledge.due_at, due),
        limits.handle.reckoned,
        limits.handle.provisional,
    )


def order_to(
    course: Course,
    unit_id: str,
    because: Because,
    *,
    number: int | None = None,
    round: int = 1,
    due_at: datetime | None = None,
    assisting: tuple[str, ...] = (),
    substitute: bool = False,
    duty: Duty = Duty.LEAD,
) -> Order:
    """An order from now. To a unit whose return is overruled it is the old one: its clock never stood."""
    case, context = course.known, course.context
    limits = context.limits(case.reported.tier)
    by_hand = due_at is not None
    due = due_at or limits.handle.due_at
    highest = max((each.order.number for each in (*case.dispatches, *case.assists)), default=0)
    insisted = False
    provisional = limits.handle.provisional and not by_hand
    if duty is Duty.LEAD and case.state in (State.RETURNED, State.IN_COORDINATION) and case.dispatches:
        last = case.dispatches[-1]
        insisted = last.returned_at is not None and last.order.unit_id == unit_id
        if insisted:
            number, round = last.order.number, last.order.round
            due = due_at or last.due_at
            provisional = last.order.provisional and not by_hand
    return Order(
        number=number or highest + 1,
        unit_id=unit_id,
        round=round,
        dispatched_at=case.dispatches[-1].order.dispatched_at if insisted else context.now,
        acknowledge_by=min(limits.acknowledge.due_at, due),
        due_at=due,
        tier=case.reported.tier,
        reckoned=_reckoned(limits.handle.reckoned, by_hand=by_hand, insisted=insisted),
        provisional=provisional,
        because_zh=because.zh,
        because_en=because.en,
        rule=because.rule,
        sources=because.sources,
        duty=duty.value,
        assisting=assisting,
        substitute=substitute,
        insisted=insisted,
    )


def _reckoned(by_tier: str, *, by_hand: bool, insisted: bool) -> str:
    if by_hand:
        return "指挥中心指定 / set by the command centre"
    if insisted:
        return "退回不成立,原时限不变 / the return was overruled: the first deadline stands"
    return by_tier


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


def known_unit(course: Course, unit_id: str, pointer: str = "#/unit_id") -> None:
    """Raises ``Problem`` where the directory in force has no such unit."""
    if unit_id not in course.context.directory.units:
        said = Violation(pointer, f"没有单位 {unit_id}", f"there is no unit {unit_id}", "unit")
        raise Problem("unit_unknown", violations=(said,))


def lies_ahead(course: Course, moment: datetime | None, pointer: str = "#/due_at") -> None:
    """Raises ``Problem`` for a deadline in the past."""
    if moment is not None and moment <= course.context.now:
        said = Violation(pointer, "时限应在将来", "the deadline must lie ahead", "future")
        raise Problem("moment_impossible", violations=(said,), fields=state_fields(course.known))


def _recall(course: Course, reason: str, *, second: bool, by_rule: bool = False) -> None:
    course.refuse_unless(Step.RECALL)
    case = course.known
    if case.lead is None:
        raise not_allowed(case, Step.RECALL)
    order = case.lead.order
    dispatch_by = course.context.limits(case.reported.tier).dispatch.due_at
    course.take(Step.RECALL, Recalled(order.number, order.unit_id, reason, second, dispatch_by), by_rule=by_rule)
