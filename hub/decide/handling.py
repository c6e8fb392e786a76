"""What the units that have the case say (处置): acknowledged, returned, with a department, done. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from msgspec.structs import replace

from contracts.bends import SubDispatch
from contracts.messages import Acknowledgement, Feedback, Return
from contracts.problem import Problem, Violation
from hub.deadlines import moved_by
from hub.decide.coordinating import coordinate_return
from hub.decide.course import Course
from hub.decide.photos import own_photos
from hub.decide.verifying import ask_for_verification
from hub.facts import Acknowledged, Answered, AssistantTold, Returned, SubDispatched
from hub.lateness import lost_time
from hub.life_cycle import Step
from hub.spans import Span


def acknowledge(course: Course) -> None:
    """The unit has the dispatch and will handle it (签收)."""
    body = cast(Acknowledgement, course.message.body)
    number = _assisting(course)
    if number is not None:
        course.take(Step.ACKNOWLEDGE_ASSISTING, AssistantTold(number, body.note, handler=body.handler))
        return
    course.take(Step.ACKNOWLEDGE, Acknowledged(body.handler, body.note))


def send_back(course: Course) -> None:
    """The unit returns the dispatch (退回); a dispute about who is responsible opens a coordination at once."""
    body = cast(Return, course.message.body)
    own_photos(course.context, course.message.sender.unit_id, body.photos)
    number = _assisting(course)
    if number is not None:
        told = AssistantTold(number, body.reason, body.reason_code.value, photos=body.photos)
        course.take(Step.RETURN_ASSISTING, told)
        return
    responsible = body.responsible_unit_id
    if responsible is not None and responsible not in course.context.directory.units:
        raise Problem(
            "unit_unknown",
            violations=(
                Violation("#/responsible_unit_id", f"没有单位 {responsible}", f"there is no unit {responsible}"),
            ),
        )
    decide_by = course.context.limits(course.known.reported.tier).dispatch.due_at
    due = _due_after_suspension(course)
    told_back = Returned(body.reason_code.value, body.reason, responsible, body.photos, decide_by, due)
    course.take(Step.RETURN, told_back)
    coordinate_return(course, told_back)


def _due_after_suspension(course: Course) -> datetime | None:
    """Until when the unit has the case, should its return be overruled, where it was suspended; else as it was."""
    case, context = course.known, course.context
    if case.suspension is None or case.lead is None:
        return None
    order = case.lead.order
    return moved_by(
        *(context.rules_of(order), order.tier, case.lead.due_at),
        stood=[Span(case.suspension.since, context.now)],
        known=case.lead.stood,
    )


def tell_of_department(course: Course) -> None:
    """A second-level platform passes the case on within its own house (二级派遣); the lead stays the lead."""
    body = cast(SubDispatch, course.message.body)
    told = SubDispatched(body.department, body.status.value, body.department_name, body.due_at, body.note)
    course.take(Step.SUB_DISPATCH, told)


def feed_back(course: Course) -> None:
    """What the unit did (反馈). A part leaves the case with the unit; the final one asks for verification at once."""
    body, message = cast(Feedback, course.message.body), course.message
    own_photos(course.context, message.sender.unit_id, body.photos)
    number = _assisting(course)
    if number is not None:
        if body.final:
            told_aside = AssistantTold(number, body.description, handler=body.handler, photos=body.photos)
            course.take(Step.ANSWER_ASSISTING, told_aside)
            return
        raise Problem(
            "step_not_allowed",
            "协助单位只需一次办结反馈(final=true)。",
            "An assisting unit feeds back once, when it is done (final=true).",
        )
    if not body.final:
        told = Answered(body.description, body.result.value, body.handler, body.done_at, body.photos)
        course.take(Step.PROGRESS, told)
        return
    course.take(Step.ANSWER, _final(course, body))
    ask_for_verification(course)


def _final(course: Course, body: Feedback) -> Answered:
    """The final answer. A late one carries what is to be set off, so that the log alone judges it."""
    case, context = course.known, course.context
    told = Answered(
        *(body.description, body.result.value, body.handler, body.done_at, body.photos),
        # A city without collectors verifies itself, in the same time.
        verify_by=context.limits(case.reported.tier).verify.due_at,
    )
    if case.due_at is None or context.now <= case.due_at or case.lead is None:
        return told
    return replace(
        told,
        lost=lost_time(context.deliveries.get(case.case_id), context.now, case.lead.acknowledged_at),
        late_proof=course.late_proof(case.due_at),
    )


def _assisting(course: Course) -> int | None:
    """The number of the sender's assisting dispatch, where it does not lead."""
    case, unit = course.known, course.message.sender.unit_id
    if case.lead_unit_id == unit:
        return None
    dispatch = case.assisting(unit)
    return dispatch.order.number if dispatch else None
