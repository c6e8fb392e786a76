"""The life of a case (案件生命周期): one table of steps, from report to close. Pure.

The picture in the documents is drawn from this table, and the database repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    LINK_DUPLICATE = "link_duplicate"
    DISPATCH = "dispatch"
    ASSIST = "assist"
    RECALL = "recall"
    COORDINATE = "coordinate"
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    SUB_DISPATCH = "sub_dispatch"
    REQUEST_EXTENSION = "request_extension"
    EXTEND = "extend"
    REFUSE_EXTENSION = "refuse_extension"
    REQUEST_SUSPENSION = "request_suspension"
    SUSPEND = "suspend"
    REFUSE_SUSPENSION = "refuse_suspension"
    RESUME = "resume"
    DISPUTE = "dispute"
    UPHOLD_DISPUTE = "uphold_dispute"
    DISMISS_DISPUTE = "dismiss_dispute"
    RECKON_AGAIN = "reckon_again"
    PROGRESS = "progress"
    ANSWER = "answer"
    JUDGE_LATE_PROOF = "judge_late_proof"
    ACKNOWLEDGE_ASSISTING = "acknowledge_assisting"
    RETURN_ASSISTING = "return_assisting"
    ANSWER_ASSISTING = "answer_assisting"
    REQUEST_VERIFICATION = "request_verification"
    PASS = "pass"
    FAIL = "fail"
    CLOSE = "close"
    VOID = "void"
    WARN = "warn"
    REMIND = "remind"
    SUPERVISE = "supervise"


class Actor(StrEnum):
    """Who may take a step."""

    REPORTER = "reporter"
    COMMAND_CENTER = "command_center"
    HUB = "hub"
    LEAD = "lead"
    ASSISTANT = "assistant"
    COORDINATOR = "coordinator"
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


OVER = frozenset({State.CLOSED, State.REJECTED, State.DUPLICATE, State.VOIDED})
"""No step leaves these."""

WITH_A_UNIT = frozenset({State.DISPATCHED, State.ACKNOWLEDGED})
"""The lead unit has the case in its hands, and its clock runs."""

LED = WITH_A_UNIT | {State.ANSWERED, State.IN_VERIFICATION}
"""One unit leads, and others may assist it."""

_OPEN = tuple(state for state in State if state not in OVER)


def _staying(states: Iterable[State], *steps: Step) -> dict[tuple[State | None, Step], State]:
    return {(state, step): state for state in State if state in states for step in steps}


STEPS: Mapping[tuple[State | None, Step], State] = {
    (None, Step.REPORT): State.REPORTED,
    (State.REPORTED, Step.ACCEPT): State.ACCEPTED,
    (State.REPORTED, Step.REJECT): State.REJECTED,
    (State.REPORTED, Step.LINK_DUPLICATE): State.DUPLICATE,
    (State.ACCEPTED, Step.LINK_DUPLICATE): State.DUPLICATE,
    (State.ACCEPTED, Step.DISPATCH): State.DISPATCHED,
    # 五(四): no clear responsibility.
    (State.ACCEPTED, Step.COORDINATE): State.IN_COORDINATION,
    (State.DISPATCHED, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.DISPATCHED, Step.RETURN): State.RETURNED,
    (State.ACKNOWLEDGED, Step.RETURN): State.RETURNED,
    # Insisted or re-routed.
    (State.RETURNED, Step.DISPATCH): State.DISPATCHED,
    (State.RETURNED, Step.COORDINATE): State.IN_COORDINATION,
    (State.IN_COORDINATION, Step.ESCALATE): State.IN_COORDINATION,
    # Agreed, or substitute handling (代整改).
    (State.IN_COORDINATION, Step.DISPATCH): State.DISPATCHED,
    (State.DISPATCHED, Step.RECALL): State.ACCEPTED,
    (State.ACKNOWLEDGED, Step.RECALL): State.ACCEPTED,
    **_staying(
        WITH_A_UNIT,
        *(Step.SUB_DISPATCH, Step.PROGRESS, Step.RECKON_AGAIN),
        *(Step.REQUEST_EXTENSION, Step.EXTEND, Step.REFUSE_EXTENSION),
        *(Step.REQUEST_SUSPENSION, Step.SUSPEND, Step.REFUSE_SUSPENSION, Step.RESUME),
        *(Step.DISPUTE, Step.UPHOLD_DISPUTE, Step.DISMISS_DISPUTE),
    ),
    # A unit whose system never acknowledges may answer straight away.
    (State.DISPATCHED, Step.ANSWER): State.ANSWERED,
    (State.ACKNOWLEDGED, Step.ANSWER): State.ANSWERED,
    **_staying((State.ANSWERED, State.IN_VERIFICATION), Step.JUDGE_LATE_PROOF),
    **_staying(LED, Step.ASSIST, Step.ACKNOWLEDGE_ASSISTING, Step.RETURN_ASSISTING, Step.ANSWER_ASSISTING),
    (State.ANSWERED, Step.REQUEST_VERIFICATION): State.IN_VERIFICATION,
    (State.IN_VERIFICATION, Step.PASS): State.IN_VERIFICATION,
    (State.IN_VERIFICATION, Step.CLOSE): State.CLOSED,
    # 五(三): unverified work is dispatched again. Rework goes to the same unit and keeps the number that it knows.
    (State.IN_VERIFICATION, Step.FAIL): State.DISPATCHED,
    # A city without collectors: the command centre verifies itself.
    (State.ANSWERED, Step.PASS): State.IN_VERIFICATION,
    (State.ANSWERED, Step.FAIL): State.DISPATCHED,
    (State.ANSWERED, Step.CLOSE): State.CLOSED,
    **{(state, Step.VOID): State.VOIDED for state in _OPEN},
    **_staying(_OPEN, Step.WARN, Step.REMIND, Step.SUPERVISE),
}
"""From a state, by a step, to a state. What is not here is refused."""

_UNIT_ASKS = frozenset({Actor.LEAD})
_CENTRE = frozenset({Actor.COMMAND_CENTER})
_RULE = frozenset({Actor.HUB})

ACTORS: Mapping[Step, frozenset[Actor]] = {
    Step.REPORT: frozenset({Actor.REPORTER}),
    Step.ACCEPT: _CENTRE | _RULE,
    Step.REJECT: _CENTRE,
    Step.LINK_DUPLICATE: _CENTRE | _RULE,
    Step.DISPATCH: _CENTRE | _RULE | {Actor.COORDINATOR},
    Step.ASSIST: _CENTRE | _RULE,
    Step.RECALL: _CENTRE | _RULE,
    Step.COORDINATE: _CENTRE | _RULE,
    Step.ESCALATE: _CENTRE | _RULE | {Actor.COORDINATOR},
    Step.ACKNOWLEDGE: _UNIT_ASKS,
    Step.RETURN: _UNIT_ASKS,
    Step.SUB_DISPATCH: _UNIT_ASKS,
    Step.REQUEST_EXTENSION: _UNIT_ASKS,
    Step.EXTEND: _CENTRE,
    Step.REFUSE_EXTENSION: _CENTRE,
    Step.REQUEST_SUSPENSION: _UNIT_ASKS,
    Step.SUSPEND: _CENTRE,
    Step.REFUSE_SUSPENSION: _CENTRE,
    Step.RESUME: _CENTRE,
    Step.DISPUTE: _UNIT_ASKS,
    Step.UPHOLD_DISPUTE: _CENTRE,
    Step.DISMISS_DISPUTE: _CENTRE,
    Step.RECKON_AGAIN: _RULE,
    Step.PROGRESS: _UNIT_ASKS,
    Step.ANSWER: _UNIT_ASKS,
    Step.JUDGE_LATE_PROOF: _CENTRE,
    Step.ACKNOWLEDGE_ASSISTING: frozenset({Actor.ASSISTANT}),
    Step.RETURN_ASSISTING: frozenset({Actor.ASSISTANT}),
    Step.ANSWER_ASSISTING: frozenset({Actor.ASSISTANT}),
    Step.REQUEST_VERIFICATION: _RULE,
    Step.PASS: _CENTRE | {Actor.VERIFIER},
    Step.FAIL: _CENTRE | {Actor.VERIFIER},
    Step.CLOSE: _CENTRE | _RULE,
    Step.VOID: _CENTRE,
    Step.WARN: _RULE,
    Step.REMIND: _RULE,
    Step.SUPERVISE: _RULE,
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
    Step.LINK_DUPLICATE: Word("认定重复", "link to its original"),
    Step.DISPATCH: Word("派遣", "dispatch"),
    Step.ASSIST: Word("协助派遣", "dispatch an assisting unit"),
    Step.RECALL: Word("撤回派遣", "recall"),
    Step.COORDINATE: Word("提请协调", "open a coordination"),
    Step.ESCALATE: Word("提级协调", "take the coordination a level up"),
    Step.ACKNOWLEDGE: Word("签收", "acknowledge"),
    Step.RETURN: Word("退回", "return"),
    Step.SUB_DISPATCH: Word("二级派遣", "sub-dispatch"),
    Step.REQUEST_EXTENSION: Word("申请延期", "ask for an extension"),
    Step.EXTEND: Word("准予延期", "extend"),
    Step.REFUSE_EXTENSION: Word("不予延期", "refuse an extension"),
    Step.REQUEST_SUSPENSION: Word("申请挂账", "ask for a suspension"),
    Step.SUSPEND: Word("挂账", "suspend"),
    Step.REFUSE_SUSPENSION: Word("不予挂账", "refuse a suspension"),
    Step.RESUME: Word("恢复处置", "resume"),
    Step.DISPUTE: Word("提出争议", "dispute"),
    Step.UPHOLD_DISPUTE: Word("争议成立", "uphold the dispute"),
    Step.DISMISS_DISPUTE: Word("争议不成立", "dismiss the dispute"),
    Step.RECKON_AGAIN: Word("时限重计", "reckon the deadline again"),
    Step.PROGRESS: Word("阶段反馈", "feedback in part"),
    Step.ANSWER: Word("处置反馈", "final feedback"),
    Step.JUDGE_LATE_PROOF: Word("补传认定", "judge a late proof"),
    Step.ACKNOWLEDGE_ASSISTING: Word("协助签收", "acknowledge assisting"),
    Step.RETURN_ASSISTING: Word("协助退回", "return assisting"),
    Step.ANSWER_ASSISTING: Word("协助反馈", "assisting feedback"),
    Step.REQUEST_VERIFICATION: Word("派发核查", "request verification"),
    Step.PASS: Word("核查通过", "verification passed"),
    Step.FAIL: Word("核查未通过", "verification failed"),
    Step.CLOSE: Word("结案", "close"),
    Step.VOID: Word("作废", "void"),
    Step.WARN: Word("到期提醒", "due-soon warning"),
    Step.REMIND: Word("催办", "reminder"),
    Step.SUPERVISE: Word("督办", "supervision"),
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
    """What somebody may do next, for an answer that helps the caller; what the hub does by itself is none of it."""
    return tuple(step for (origin, step) in STEPS if origin is state and ACTORS[step] != _RULE)
