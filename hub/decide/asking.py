"""What a unit asks while it has the case, and what the command centre decides: more time, suspension, dispute. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from contracts.bends import (
    Dispute,
    DisputeDecision,
    ExtensionDecision,
    ExtensionRequest,
    LateProofDecision,
    Resumption,
    SuspensionDecision,
    SuspensionRequest,
)
from contracts.problem import Problem, Violation
from hub.cases import Pending
from hub.deadlines import moved_by
from hub.decide.course import Course, not_allowed, state_fields
from hub.decide.ordering import lies_ahead
from hub.decide.photos import own_photos
from hub.facts import Asked, Decided, LateProofJudged, Question, Resumed
from hub.life_cycle import Step
from hub.spans import Span

WORDS = {
    Question.EXTENSION: ("延期", "an extension"),
    Question.SUSPENSION: ("挂账", "a suspension"),
    Question.DISPUTE: ("争议", "a dispute"),
}


def ask_extension(course: Course) -> None:
    """More time (延期): asked before the deadline, at most as often as the city allows.

    What was asked in time by a unit that was cut off counts as of its own time (补传), as an answer does.
    """
    body = cast(ExtensionRequest, course.message.body)
    due = _due(course, Step.REQUEST_EXTENSION)
    case, rules = course.known, course.context.directory.rules
    if course.context.now > due and course.late_proof(due) is None:
        raise Problem(
            "deadline_passed",
            "时限已过,不能再申请延期。",
            "The deadline has passed; more time is asked for before it.",
            fields=state_fields(case),
        )
    if case.extensions >= rules.extensions_max:
        raise Problem(
            "extensions_used_up",
            f"已延期 {case.extensions} 次,最多 {rules.extensions_max} 次。",
            f"It was extended {case.extensions} times, at most {rules.extensions_max} are allowed.",
            fields=state_fields(case),
        )
    _later(body.due_at, due)
    _ask(course, Step.REQUEST_EXTENSION, Asked(Question.EXTENSION, body.reason, body.due_at))


def decide_extension(course: Course) -> None:
    """The command centre grants or refuses more time (延期审批)."""
    body = cast(ExtensionDecision, course.message.body)
    step = Step.EXTEND if body.granted else Step.REFUSE_EXTENSION
    due = _due(course, step)
    pending = _pending(course, Question.EXTENSION)
    wanted = body.due_at or pending.until
    if body.granted:
        _later(wanted, due)
    told = Decided(
        Question.EXTENSION,
        body.granted,
        body.reason,
        due_at=wanted if body.granted else None,
        asked_by=pending.unit_id,
    )
    course.take(step, told)


def ask_suspension(course: Course) -> None:
    """It cannot be handled now (挂账): why, and when to look again."""
    body = cast(SuspensionRequest, course.message.body)
    _due(course, Step.REQUEST_SUSPENSION)
    lies_ahead(course, body.review_at, "#/review_at")
    _ask(course, Step.REQUEST_SUSPENSION, Asked(Question.SUSPENSION, body.reason, body.review_at))


def decide_suspension(course: Course) -> None:
    """The command centre suspends, asked or not, or refuses to (挂账审批); granted, from when it was asked.

    Of a case that is suspended already it is the review (复查): the clock stands on, until another date.
    """
    body = cast(SuspensionDecision, course.message.body)
    step = Step.SUSPEND if body.granted else Step.REFUSE_SUSPENSION
    course.refuse_unless(step)
    case = course.known
    if case.suspension is not None and not body.granted:
        raise not_allowed(
            case, step, "已挂账,复查后不再挂账的请恢复处置", "it is suspended; a review ends it by a resumption"
        )
    pending = case.pending_question(Question.SUSPENSION)
    if pending is None and not body.granted:
        raise _nothing_asked(course, Question.SUSPENSION)
    review = body.review_at or (pending.until if pending else None)
    if body.granted:
        if review is None:
            said = Violation("#/review_at", "请给出复查日期", "say when to look at it again", "required")
            raise Problem("contract_broken", violations=(said,))
        lies_ahead(course, review, "#/review_at")
    told = Decided(
        Question.SUSPENSION,
        body.granted,
        body.reason,
        review_at=review if body.granted else None,
        asked_by=pending.unit_id if pending else None,
    )
    course.take(step, told)


def resume(course: Course) -> None:
    """The suspension ends (恢复处置): what was left of the unit's time when the clock stopped is left now."""
    body = cast(Resumption, course.message.body)
    course.refuse_unless(Step.RESUME)
    case, context = course.known, course.context
    if case.suspension is None or case.lead is None:
        raise _nothing_asked(course, Question.SUSPENSION)
    order = case.lead.order
    due = moved_by(
        *(context.rules_of(order), order.tier, case.lead.due_at),
        stood=[Span(case.suspension.since, course.context.now)],
        known=case.lead.stood,
    )
    course.take(Step.RESUME, Resumed(body.reason, due))


def dispute(course: Course) -> None:
    """The unit disputes what is asked of it and keeps the case (争议)."""
    body = cast(Dispute, course.message.body)
    course.refuse_unless(Step.DISPUTE)
    own_photos(course.context, course.message.sender.unit_id, body.photos)
    _ask(course, Step.DISPUTE, Asked(Question.DISPUTE, body.reason, photos=body.photos))


def decide_dispute(course: Course) -> None:
    """Upheld, the unit's clock stood from when it disputed; dismissed, it ran on (争议裁定)."""
    body = cast(DisputeDecision, course.message.body)
    step = Step.UPHOLD_DISPUTE if body.upheld else Step.DISMISS_DISPUTE
    course.refuse_unless(step)
    case, context = course.known, course.context
    pending = _pending(course, Question.DISPUTE)
    due = None
    if body.upheld and case.lead is not None:
        order = case.lead.order
        due = moved_by(
            *(context.rules_of(order), order.tier, case.lead.due_at),
            stood=[Span(pending.asked_at, course.context.now)],
            known=case.lead.stood,
        )
    course.take(step, Decided(Question.DISPUTE, body.upheld, body.reason, due_at=due, asked_by=pending.unit_id))


def judge_late_proof(course: Course) -> None:
    """A person overrules how a late answer counts (补传认定)."""
    body = cast(LateProofDecision, course.message.body)
    course.refuse_unless(Step.JUDGE_LATE_PROOF)
    if course.known.late_proof is None:
        raise Problem(
            "nothing_asked",
            "本案没有补传的反馈。",
            "This case has no late proof.",
            fields=state_fields(course.known),
        )
    course.take(Step.JUDGE_LATE_PROOF, LateProofJudged(body.accepted, body.reason))


def _due(course: Course, step: Step) -> datetime:
    """The unit's deadline while its clock runs. Raises ``Problem``."""
    course.refuse_unless(step)
    due = course.known.due_at
    if due is None:
        raise not_allowed(course.known, step, "案件已挂账", "it is suspended")
    return due


def _ask(course: Course, step: Step, asked: Asked) -> None:
    if course.known.pending_question(asked.question) is not None:
        zh, en = WORDS[asked.question]
        raise Problem(
            "already_asked",
            f"已有{zh}申请待审批。",
            f"The request for {en} still waits for its answer.",
            fields=state_fields(course.known),
        )
    course.take(step, asked)


def _pending(course: Course, question: Question) -> Pending:
    pending = course.known.pending_question(question)
    if pending is None:
        raise _nothing_asked(course, question)
    return pending


def _nothing_asked(course: Course, question: Question) -> Problem:
    zh, en = WORDS[question]
    return Problem(
        "nothing_asked",
        f"本案没有待处理的{zh}。",
        f"Nothing of the kind waits on this case: {en}.",
        fields=state_fields(course.known),
    )


def _later(wanted: datetime | None, due: datetime) -> None:
    if wanted is None or wanted <= due:
        said = Violation(
            "#/due_at", "新时限应晚于现时限", "the new deadline must be later than the present one", "later"
        )
        raise Problem("moment_impossible", violations=(said,))
