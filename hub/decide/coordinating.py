"""Coordination (协调), 五(四): opened by a return or by no clear answer, taken up by levels, ended by a unit. Pure."""

from __future__ import annotations

from typing import cast

from contracts.bends import CoordinationOutcome, CoordinationRequest, CoordinationResult, Level
from contracts.messages import ReturnReason
from contracts.nouns import Role
from contracts.problem import Problem, Violation
from hub import coordination
from hub.decide.course import Course, not_allowed, state_fields
from hub.decide.ordering import brief_of, known_unit, lies_ahead, order_to
from hub.facts import Coordinated, Dispatched, Returned
from hub.life_cycle import State, Step
from hub.responsibility import Because, Unclear


def coordinate_unclear(course: Course, unclear: Unclear) -> None:
    """No unit clearly leads: the district coordinates, or at once the command centre."""
    because = unclear.because
    level = coordination.first_level(course.context.directory, _area(course), unclear.candidates)
    _open(course, Step.COORDINATE, level, because, unclear.candidates)


def coordinate_return(course: Course, returned: Returned) -> None:
    """A unit says that it is not responsible: that is a dispute. Other returns wait for the command centre's word.

    Return chains (反复退回), whatever their reasons, begin a level above the one that could not hold them together.
    """
    case, directory = course.known, course.context.directory
    chain = case.returns >= directory.rules.return_chain
    if returned.reason_code != ReturnReason.NOT_RESPONSIBLE and not chain:
        return
    sender = case.dispatches[-1].order.unit_id
    named = (returned.responsible_unit_id,) if returned.responsible_unit_id else ()
    level = coordination.first_level(directory, _area(course), (sender, *named))
    zh, en = f"第 {case.returns} 次退回:{returned.reason}", f"return no. {case.returns}: {returned.reason}"
    if chain and case.last_level is not None:
        last = Level(case.last_level)
        level = coordination.highest(level, coordination.higher(last) or last)
        zh, en = f"{zh[:3900]}(反复退回,提级协调)", f"{en[:3900]} (returned again and again: a level up)"
    elif chain:
        zh, en = f"{zh[:3900]}(反复退回,提请协调)", f"{en[:3900]} (returned again and again: coordinated)"
    _open(course, Step.COORDINATE, level, Because("returned", zh[:4000], en[:4000]), named)


def request(course: Course) -> None:
    """The command centre opens a coordination by hand, or takes the one under way a level up."""
    body, case = cast(CoordinationRequest, course.message.body), course.known
    because = Because("by_hand", body.reason, body.reason)
    if case.state is not State.IN_COORDINATION or case.coordination is None:
        course.refuse_unless(Step.COORDINATE)
        level = body.level or coordination.first_level(course.context.directory, _area(course), case.candidates)
        _open(course, Step.COORDINATE, level, because, case.candidates, by_rule=False)
        return
    escalate(course, because, by_rule=False, to=body.level)


def escalate(course: Course, because: Because, *, by_rule: bool, to: Level | None = None) -> None:
    """Take the coordination under way a level up. Raises ``Problem`` above the last."""
    case = course.known
    if case.coordination is None:
        raise not_allowed(case, Step.ESCALATE)
    present = Level(case.coordination.level)
    level = to or coordination.higher(present)
    if level is None or coordination.highest(present, level) is present:
        raise Problem(
            "step_not_allowed",
            "已在最高协调层级;市政府协调未果(not_settled)的由所在区政府组织代整改,专业或紧急的由指挥中心指定。",
            "There is no higher level: what the city government reports as not settled goes to the district of the "
            "place for substitute handling; what is specialised or urgent the command centre names.",
            fields=state_fields(case),
        )
    _open(course, Step.ESCALATE, level, because, case.candidates, by_rule=by_rule)


def settle(course: Course) -> None:
    """The coordinator's result: a unit is fixed, one handles it in another's place, or it goes a level up."""
    body = cast(CoordinationResult, course.message.body)
    case = course.known
    if case.state is not State.IN_COORDINATION or case.coordination is None:
        raise not_allowed(case, Step.ESCALATE)
    if body.outcome is CoordinationOutcome.NOT_SETTLED:
        _not_settled(course, body.reason)
        return
    if body.unit_id is None:
        said = Violation("#/unit_id", "请指明单位", "name the unit", "required")
        raise Problem("contract_broken", violations=(said,))
    known_unit(course, body.unit_id)
    lies_ahead(course, body.due_at)
    substitute = body.outcome is CoordinationOutcome.SUBSTITUTE
    if substitute:
        _may_name_substitute(course)
    level_zh = LEVEL_WORDS[Level(case.coordination.level)]
    what_zh, what_en = ("代整改", "substitute handling") if substitute else ("协调确定", "settled in coordination")
    because = Because(
        SUBSTITUTE if substitute else "coordination",
        f"{level_zh}{what_zh}:{body.reason}"[:4000],
        f"{what_en} ({case.coordination.level}): {body.reason}"[:4000],
    )
    order = order_to(course, body.unit_id, because, due_at=body.due_at, substitute=substitute)
    course.take(Step.DISPATCH, Dispatched(order, brief_of(case), by_hand=True))


def _not_settled(course: Course, reason: str) -> None:
    """A level up; what the last one could not settle, the district of the place organises by substitute handling."""
    case = course.known
    under_way = case.coordination
    if under_way is None or coordination.higher(Level(under_way.level)) is not None:
        because = Because("not_settled", f"协调未果:{reason}"[:4000], f"not settled: {reason}"[:4000])
        escalate(course, because, by_rule=False)
        return
    if under_way.substitute:
        raise Problem(
            "step_not_allowed",
            "各级协调未果,已转代整改:请指定代整改单位(outcome=substitute)。",
            "Every level has tried, what is left is substitute handling: name the unit (outcome=substitute).",
            fields=state_fields(case),
        )
    because = Because(
        SUBSTITUTE,
        f"市政府协调未果,由所在区政府组织代整改:{reason}"[:4000],
        f"not settled by the city government: the district of the place is to organise substitute handling: {reason}"[
            :4000
        ],
    )
    _open(course, Step.ESCALATE, Level(under_way.level), because, case.candidates, by_rule=False, substitute=True)


SUBSTITUTE = "substitute"
"""The rule of an order, and of a last coordination, that is about substitute handling."""

LEVEL_WORDS = {
    Level.DISTRICT: "区级",
    Level.COMMAND_CENTER: "指挥中心",
    Level.CITY_GOVERNMENT: "市政府",
}
"""The levels for people."""


def _may_name_substitute(course: Course) -> None:
    """五(四): the district government organises it; what is specialised or urgent the command centre names."""
    context, sender = course.context, course.message.sender.unit_id
    unit = context.directory.units.get(sender)
    if unit is None or not unit.roles & {Role.DISTRICT_GOVERNMENT, Role.COMMAND_CENTER}:
        raise Problem(
            "forbidden",
            "代整改由区政府组织,专业或紧急的由指挥中心指定。",
            "Substitute handling is named by the district government, or by the command centre.",
        )


def _open(
    course: Course,
    step: Step,
    level: Level,
    because: Because,
    candidates: tuple[str, ...],
    *,
    by_rule: bool = True,
    substitute: bool = False,
) -> None:
    """``substitute``: the level stays, and the district of the place is to name who handles it in another's place."""
    context, case = course.context, course.known
    directory = context.directory
    led_by = Level.DISTRICT if substitute else level
    leader = coordination.leader(directory, led_by, _area(course))
    if leader is None:
        # A place that no district coordinates: the command centre does.
        level = level if substitute else Level.COMMAND_CENTER
        led_by, leader = Level.COMMAND_CENTER, context.centre()
    limit = coordination.limit(directory, led_by, case.reported.tier, context.now)
    course.take(
        step,
        Coordinated(
            level=level.value,
            coordinator=leader,
            due_at=limit.due_at,
            reason_zh=because.zh,
            reason_en=because.en,
            brief=brief_of(case),
            candidates=candidates[:20],
            returns=case.returns,
            rule=because.rule,
            substitute=substitute,
        ),
        by_rule=by_rule,
    )


def _area(course: Course) -> str | None:
    return course.known.reported.location.area_id
