"""What time alone brings (计时): warnings, reminders, supervision, a coordination that nobody settled. Pure."""

from __future__ import annotations

from contracts.bends import Level
from contracts.problem import Problem
from hub import coordination
from hub.awaiting import CENTRE, DUE_SOON, OVERDUE, SUPERVISION, next_reminder
from hub.cases import Case
from hub.decide.coordinating import coordinate_unclear, escalate
from hub.decide.course import Context, Course
from hub.decide.ordering import follow_owner, reckoned_again
from hub.facts import Lost, Reminded, Wait
from hub.lateness import lost_time
from hub.life_cycle import Step
from hub.responsibility import Because

STEP_OF = {DUE_SOON: Step.WARN, OVERDUE: Step.REMIND, SUPERVISION: Step.SUPERVISE}
REMINDERS_MAX = 12
"""More of one case at one moment would be a circle."""


def something_is_due(case: Case, context: Context) -> bool:
    """Whether a tick would come to anything now."""
    reminder = next_reminder(case, context.moments)
    return (reminder is not None and reminder[0] <= context.now) or reckoned_again(case, context) is not None


def tick(course: Course) -> None:
    """Everything that has become due: each reminder once, in the order of its moments. Raises ``Problem`` for nothing.

    A case whose component has another owner by now follows it (权属变更).
    """
    version = course.known.version
    unclear = follow_owner(course)
    if unclear is not None:
        coordinate_unclear(course, unclear)
    _remind(course)
    if course.known.version == version:
        raise Problem("nothing_due")


def _remind(course: Course) -> None:
    again = reckoned_again(course.known, course.context)
    if again is not None:
        course.take(Step.RECKON_AGAIN, again, by_rule=True)
    for _ in range(REMINDERS_MAX):
        reminder = next_reminder(course.known, course.context.moments)
        if reminder is None or reminder[0] > course.context.now:
            return
        _, awaited, level = reminder
        unit = course.context.centre() if awaited.unit_id == CENTRE else awaited.unit_id
        lost = _lost(course) if awaited.wait is Wait.HANDLING and level > DUE_SOON else ()
        course.take(STEP_OF[level], Reminded(awaited.wait, unit, awaited.due_at, lost), by_rule=True)
        if awaited.wait is Wait.COORDINATION and level == OVERDUE:
            _up(course)


def _lost(course: Course) -> tuple[Lost, ...]:
    case, context = course.known, course.context
    had_at = case.lead.acknowledged_at if case.lead else None
    return lost_time(context.deliveries.get(case.case_id), context.now, had_at)


def _up(course: Course) -> None:
    """五(四): what a level could not settle in its time goes to the next; the last is put under supervision."""
    under_way = course.known.coordination
    if under_way is not None and coordination.higher(Level(under_way.level)) is not None:
        because = Because("overdue", "协调超期,提级协调", "the coordination is overdue: a level up")
        escalate(course, because, by_rule=True)
