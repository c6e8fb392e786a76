"""The life of a case (案件生命周期): one table of steps, from report to close. Pure.

The picture in the documents is drawn from this table, and the database repeats its states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a case stands (案件状态)."""

    REPORTED = "reported"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"
    IN_VERIFICATION = "in_verification"
    CLOSED = "closed"
    RETURNED = "returned"
    IN_COORDINATION = "in_coordination"
    VOIDED = "voided"


class Step(StrEnum):
    """What moves a case on; each step taken is one entry of the log."""

    REPORT = "report"
    ACCEPT = "accept"
    REJECT = "reject"
    AWAIT_DECISION = "await_decision"
    DISPATCH = "dispatch"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    PROGRESS = "progress"
    ANSWER = "answer"
    REQUEST_VERIFICATION = "request_verification"
    PASS = "pass"
    FAIL = "fail"
    CLOSE = "close"


class Actor(StrEnum):
    """Who may take a step."""

    REPORTER = "reporter"
    COMMAND_CENTER = "command_center"
    HUB = "hub"
    LEAD = "lead"
    VERIFIER = "verifier"


class Stage(StrEnum):
    """The seven stages of the regulation, 五(三)."""

    REPORT = "report"
    ACCEPT = "accept"
    DISPATCH = "dispatch"
    HANDLE = "handle"
    FEEDBACK = "feedback"
    VERIFY = "verify"
    EVALUATE = "evaluate"


STEPS: Mapping[tuple[State | None, Step], State] = {
    (None, Step.REPORT): State.REPORTED,
    (State.REPORTED, Step.ACCEPT): State.ACCEPTED,
    (State.REPORTED, Step.REJECT): State.REJECTED,
    # No clear responsibility: the case stays accepted and waits for the command centre, its candidates listed.
    (State.ACCEPTED, Step.AWAIT_DECISION): State.ACCEPTED,
    (State.ACCEPTED, Step.DISPATCH): State.DISPATCHED,
    (State.DISPATCHED, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.DISPATCHED, Step.RETURN): State.RETURNED,
    (State.ACKNOWLEDGED, Step.RETURN): State.RETURNED,
    (State.RETURNED, Step.DISPATCH): State.DISPATCHED,
    (State.DISPATCHED, Step.PROGRESS): State.DISPATCHED,
    (State.ACKNOWLEDGED, Step.PROGRESS): State.ACKNOWLEDGED,
    # A unit whose system never acknowledges may answer straight away.
    (State.DISPATCHED, Step.ANSWER): State.ANSWERED,
    (State.ACKNOWLEDGED, Step.ANSWER): State.ANSWERED,
    (State.ANSWERED, Step.REQUEST_VERIFICATION): State.IN_VERIFICATION,
    (State.IN_VERIFICATION, Step.PASS): State.IN_VERIFICATION,
    (State.IN_VERIFICATION, Step.CLOSE): State.CLOSED,
    # 五(三): unverified work is dispatched again. Rework goes to the same unit and keeps the number that it knows.
    (State.IN_VERIFICATION, Step.FAIL): State.DISPATCHED,
}
"""From a state, by a step, to a state. What is not here is refused."""

ACTORS: Mapping[Step, frozenset[Actor]] = {
    Step.REPORT: frozenset({Actor.REPORTER}),
    Step.ACCEPT: frozenset({Actor.COMMAND_CENTER, Actor.HUB}),
    Step.REJECT: frozenset({Actor.COMMAND_CENTER}),
    Step.AWAIT_DECISION: frozenset({Actor.HUB}),
    Step.DISPATCH: frozenset({Actor.COMMAND_CENTER, Actor.HUB}),
    Step.ACKNOWLEDGE: frozenset({Actor.LEAD}),
    Step.RETURN: frozenset({Actor.LEAD}),
    Step.PROGRESS: frozenset({Actor.LEAD}),
    Step.ANSWER: frozenset({Actor.LEAD}),
    Step.REQUEST_VERIFICATION: frozenset({Actor.HUB}),
    Step.PASS: frozenset({Actor.VERIFIER, Actor.COMMAND_CENTER}),
    Step.FAIL: frozenset({Actor.VERIFIER, Actor.COMMAND_CENTER}),
    Step.CLOSE: frozenset({Actor.COMMAND_CENTER, Actor.HUB}),
}
"""Who may take each step."""

STAGE_OF: Mapping[State, Stage] = {
    State.REPORTED: Stage.REPORT,
    State.ACCEPTED: Stage.ACCEPT,
    State.DISPATCHED: Stage.DISPATCH,
    State.RETURNED: Stage.DISPATCH,
    State.IN_COORDINATION: Stage.DISPATCH,
    State.ACKNOWLEDGED: Stage.HANDLE,
    State.ANSWERED: Stage.FEEDBACK,
    State.IN_VERIFICATION: Stage.VERIFY,
    State.CLOSED: Stage.EVALUATE,
    State.REJECTED: Stage.EVALUATE,
    State.DUPLICATE: Stage.EVALUATE,
    State.VOIDED: Stage.EVALUATE,
}
"""In which of the seven stages a state lies."""

OVER = frozenset({State.CLOSED, State.REJECTED, State.DUPLICATE, State.VOIDED})
"""No step leaves these."""

WITH_A_UNIT = frozenset({State.DISPATCHED, State.ACKNOWLEDGED})
"""The lead unit has the case in its hands, and its clock runs."""


@dataclass(frozen=True, slots=True)
class Word:
    """A state's or a step's name for people."""

    zh: str
    en: str


STATE_WORDS: Mapping[State, Word] = {
    State.REPORTED: Word("已上报", "reported"),
    State.ACCEPTED: Word("已受理", "accepted"),
    State.REJECTED: Word("不予受理", "rejected"),
    State.DUPLICATE: Word("重复案件", "duplicate"),
    State.DISPATCHED: Word("已派遣", "dispatched"),
    State.ACKNOWLEDGED: Word("处置中", "being handled"),
    State.ANSWERED: Word("已反馈", "answered"),
    State.IN_VERIFICATION: Word("核查中", "in verification"),
    State.CLOSED: Word("已结案", "closed"),
    State.RETURNED: Word("已退回", "returned"),
    State.IN_COORDINATION: Word("协调中", "in coordination"),
    State.VOIDED: Word("已作废", "voided"),
}

STEP_WORDS: Mapping[Step, Word] = {
    Step.REPORT: Word("采集上报", "report"),
    Step.ACCEPT: Word("受理", "accept"),
    Step.REJECT: Word("不予受理", "reject"),
    Step.AWAIT_DECISION: Word("待指挥中心派遣", "await the command centre's decision"),
    Step.DISPATCH: Word("派遣", "dispatch"),
    Step.ACKNOWLEDGE: Word("签收", "acknowledge"),
    Step.RETURN: Word("退回", "return"),
    Step.PROGRESS: Word("阶段反馈", "feedback in part"),
    Step.ANSWER: Word("处置反馈", "final feedback"),
    Step.REQUEST_VERIFICATION: Word("派发核查", "request verification"),
    Step.PASS: Word("核查通过", "verification passed"),
    Step.FAIL: Word("核查未通过", "verification failed"),
    Step.CLOSE: Word("结案", "close"),
}

STAGE_WORDS: Mapping[Stage, Word] = {
    Stage.REPORT: Word("采集", "report"),
    Stage.ACCEPT: Word("受理", "accept"),
    Stage.DISPATCH: Word("派遣", "dispatch"),
    Stage.HANDLE: Word("处置", "handle"),
    Stage.FEEDBACK: Word("反馈", "feedback"),
    Stage.VERIFY: Word("核查", "verify"),
    Stage.EVALUATE: Word("评价", "evaluate"),
}


@dataclass(eq=False)
class StepNotAllowed(Exception):
    """The case's state does not allow the step."""

    state: State | None
    step: Step


def after(state: State | None, step: Step) -> State:
    """The state that ``step`` leads to. Raises ``StepNotAllowed``."""
    try:
        return STEPS[state, step]
    except KeyError:
        raise StepNotAllowed(state, step) from None


def steps_from(state: State) -> tuple[Step, ...]:
    """What may happen next, for an answer that helps the caller."""
    return tuple(step for (origin, step) in STEPS if origin is state)
