"""What the lead unit says (处置): it acknowledges, returns, or feeds back in parts and finally. Pure."""

from __future__ import annotations

from typing import cast

from contracts.messages import Acknowledgement, Feedback, Return
from contracts.problem import Problem, Violation
from hub.decide.course import Course
from hub.decide.photos import own_photos
from hub.decide.verifying import ask_for_verification
from hub.facts import Acknowledged, Answered, Returned
from hub.life_cycle import Step


def acknowledge(course: Course) -> None:
    """The unit has the dispatch and will handle it (签收)."""
    body = cast(Acknowledgement, course.message.body)
    course.take(Step.ACKNOWLEDGE, Acknowledged(body.handler, body.note))


def send_back(course: Course) -> None:
    """The unit returns the dispatch (退回); the command centre insists, re-routes or coordinates."""
    body = cast(Return, course.message.body)
    own_photos(course.context, course.message.sender.unit_id, body.photos)
    responsible = body.responsible_unit_id
    if responsible is not None and responsible not in course.context.directory.units:
        raise Problem(
            "unit_unknown",
            violations=(
                Violation("#/responsible_unit_id", f"没有单位 {responsible}", f"there is no unit {responsible}"),
            ),
        )
    course.take(Step.RETURN, Returned(body.reason_code.value, body.reason, responsible, body.photos))


def feed_back(course: Course) -> None:
    """What the unit did (反馈). A part leaves the case with the unit; the final one asks for verification at once."""
    body = cast(Feedback, course.message.body)
    own_photos(course.context, course.message.sender.unit_id, body.photos)
    told = Answered(body.description, body.result.value, body.handler, body.done_at, body.photos)
    if not body.final:
        course.take(Step.PROGRESS, told)
        return
    course.take(Step.ANSWER, told)
    ask_for_verification(course)
