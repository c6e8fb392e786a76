"""Deciding (裁决): what a message does to its case, as pure functions, one module for each stretch of its road."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from contracts.envelope import Message
from contracts.problem import Problem
from hub.cases import Case
from hub.decide import asking, coordinating, ending, handling, ordering, permission, reminding, reporting, verifying
from hub.decide.course import Context, Course, state_fields
from hub.decide.reminding import something_is_due
from hub.decision import Decision
from hub.ticking import Tick

__all__ = ["Context", "decide", "something_is_due"]

SKEW = timedelta(minutes=5)
"""How far a sender's clock may run ahead of the city's."""

DECISIONS: Mapping[str, Callable[[Course], None]] = {
    "case.report": reporting.report,
    "case.acceptance": reporting.accept,
    "case.rejection": reporting.reject,
    "case.duplicate": ending.link_duplicate,
    "case.dispatch_request": ordering.dispatch_by_hand,
    "case.assistance_request": ordering.assist_by_hand,
    "case.recall": ordering.recall,
    "case.acknowledgement": handling.acknowledge,
    "case.return": handling.send_back,
    "case.sub_dispatch": handling.tell_of_department,
    "case.extension_request": asking.ask_extension,
    "case.extension_decision": asking.decide_extension,
    "case.suspension_request": asking.ask_suspension,
    "case.suspension_decision": asking.decide_suspension,
    "case.resumption": asking.resume,
    "case.dispute": asking.dispute,
    "case.dispute_decision": asking.decide_dispute,
    "case.coordination_request": coordinating.request,
    "case.coordination_result": coordinating.settle,
    "case.feedback": handling.feed_back,
    "case.late_proof_decision": asking.judge_late_proof,
    "case.verification": verifying.verify,
    "case.closing": verifying.close,
    "case.void": ending.void,
    Tick.kind: reminding.tick,
}
"""Which decision each kind of message asks for."""


def decide(case: Case | None, message: Message, context: Context) -> Decision:
    """What the message changes. Raises ``Problem`` where it is refused, with the reason and the case's state."""
    try:
        return _decided(case, message, context)
    except Problem as problem:
        unit_id = message.sender.unit_id
        if case is not None and permission.sees(case, unit_id, context.registry.roles(unit_id, context.now)):
            problem.fields = state_fields(case) | dict(problem.fields)
        raise


def _decided(case: Case | None, message: Message, context: Context) -> Decision:
    permission.check(message, case, context)
    if message.effective_at is not None and message.effective_at > context.now + SKEW:
        raise Problem(
            "moment_impossible",
            "消息时间晚于城市时钟 5 分钟以上。",
            "The message's time is more than 5 minutes ahead of the city's clock.",
        )
    course = Course(message, context, case)
    DECISIONS[message.kind](course)
    return course.decision()
