"""What each step establishes: the typed body of a log entry. The log alone rebuilds every state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from hub.life_cycle import Step


class Location(Struct, frozen=True, omit_defaults=True):
    """Where the case lies: WGS 84 degrees, and what the sender gave."""

    longitude: float
    latitude: float
    grid_cell: str
    area_id: str | None
    given_longitude: float
    given_latitude: float
    given_system: str
    address: str | None = None


class Reported(Struct, frozen=True, omit_defaults=True):
    """A problem was reported (采集)."""

    category_code: str
    category_name: str
    kind: str
    tier: str
    description: str
    location: Location
    source: str
    sender_case_id: str | None = None
    component_code: str | None = None
    photos: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    observed_at: datetime | None = None
    accept_by: datetime | None = None


class Accepted(Struct, frozen=True, omit_defaults=True):
    """The report is a case (受理). ``rule`` names the rule where no person decided."""

    rule: str | None = None
    reason: str | None = None
    category_code: str | None = None
    category_name: str | None = None
    tier: str | None = None
    dispatch_by: datetime | None = None


class Rejected(Struct, frozen=True, omit_defaults=True):
    """The report is not accepted (不予受理)."""

    reason: str


class LinkedDuplicate(Struct, frozen=True, omit_defaults=True):
    """The report repeats another case (重复案件). ``rule`` names the rule where no person decided; metres apart."""

    original: str
    reason_zh: str
    reason_en: str
    rule: str | None = None
    metres: float | None = None


class Brief(Struct, frozen=True, omit_defaults=True):
    """What the receiver of an order must know of the problem; the entry keeps it, so a letter is made of it alone."""

    category_code: str
    category_name: str
    description: str
    location: Location
    component_code: str | None = None
    photos: tuple[str, ...] = ()
    finding: str | None = None


class Order(Struct, frozen=True, omit_defaults=True):
    """One dispatch as it was ordered: to whom, until when, why."""

    number: int
    unit_id: str
    round: int
    dispatched_at: datetime
    acknowledge_by: datetime
    due_at: datetime
    tier: str
    reckoned: str
    provisional: bool
    because_zh: str
    because_en: str
    rule: str
    sources: tuple[str, ...] = ()
    duty: str = "lead"
    assisting: tuple[str, ...] = ()
    substitute: bool = False
    insisted: bool = False


class Dispatched(Struct, frozen=True, omit_defaults=True):
    """The case was ordered to its lead unit (派遣), by a rule or by hand."""

    order: Order
    brief: Brief
    by_hand: bool = False


class Assisted(Struct, frozen=True, omit_defaults=True):
    """A further unit was ordered to assist (协助派遣), or answers as such."""

    order: Order
    brief: Brief


class AssistantTold(Struct, frozen=True, omit_defaults=True):
    """What an assisting unit says of its own dispatch, by the dispatch's number."""

    number: int
    text: str | None = None
    reason_code: str | None = None
    handler: str | None = None
    photos: tuple[str, ...] = ()


class Recalled(Struct, frozen=True, omit_defaults=True):
    """A dispatch was taken back (撤回派遣); ``second`` where another unit gets the case at once (二次派遣)."""

    number: int
    unit_id: str
    reason: str
    second: bool = False
    dispatch_by: datetime | None = None


class Coordinated(Struct, frozen=True, omit_defaults=True):
    """A coordination was opened or taken a level up (协调): who leads it, until when, why, among whom.

    ``substitute``: every level has tried, and its leader is to organise substitute handling (代整改).
    """

    level: str
    coordinator: str
    due_at: datetime
    reason_zh: str
    reason_en: str
    brief: Brief
    candidates: tuple[str, ...] = ()
    returns: int = 0
    rule: str = ""
    substitute: bool = False


class Acknowledged(Struct, frozen=True, omit_defaults=True):
    """The unit has it (签收)."""

    handler: str | None = None
    note: str | None = None


class Returned(Struct, frozen=True, omit_defaults=True):
    """The unit sent it back (退回). ``due_at`` is its deadline where that ended a suspension: what stood is given."""

    reason_code: str
    reason: str
    responsible_unit_id: str | None = None
    photos: tuple[str, ...] = ()
    decide_by: datetime | None = None
    due_at: datetime | None = None


class SubDispatched(Struct, frozen=True, omit_defaults=True):
    """What a second-level platform tells of its department (二级派遣)."""

    department: str
    status: str
    department_name: str | None = None
    due_at: datetime | None = None
    note: str | None = None


class Question(StrEnum):
    """What a unit may ask of the command centre while it has the case."""

    EXTENSION = "extension"
    SUSPENSION = "suspension"
    DISPUTE = "dispute"


class Asked(Struct, frozen=True, omit_defaults=True):
    """The unit asks (延期、挂账、争议): until when, or when to look again."""

    question: Question
    reason: str
    until: datetime | None = None
    photos: tuple[str, ...] = ()


class Decided(Struct, frozen=True, omit_defaults=True):
    """The command centre's word on a question. ``due_at`` is the unit's deadline from here on, where it moved."""

    question: Question
    granted: bool
    reason: str
    due_at: datetime | None = None
    review_at: datetime | None = None
    asked_by: str | None = None


class Resumed(Struct, frozen=True, omit_defaults=True):
    """A suspension ended (恢复处置); the deadline moved by the time that the clock stood."""

    reason: str
    due_at: datetime


class ReckonedAgain(Struct, frozen=True, omit_defaults=True):
    """A provisional deadline was reckoned again on the announced calendar."""

    due_at: datetime
    acknowledge_by: datetime
    reckoned: str
    provisional: bool


class Fault(StrEnum):
    """Whose time was lost where a dispatch came late: never the unit's."""

    HUB = "hub"
    NETWORK = "network"


class Lost(Struct, frozen=True, omit_defaults=True):
    """A stretch of the unit's time that the hub or the network lost."""

    fault: Fault
    since: datetime
    until: datetime


class LateProof(Struct, frozen=True, omit_defaults=True):
    """An answer that came late from a unit that was cut off (补传): it counts as of the sender's time.

    The hub had marked the connection as cut off ``cut_off_since`` until ``back_at`` (None: not back yet).
    """

    connection_id: str
    cut_off_since: datetime
    back_at: datetime | None = None


class Answered(Struct, frozen=True, omit_defaults=True):
    """What the unit did (反馈), in part or finally. ``lost`` is what a late answer may set off."""

    description: str
    result: str
    handler: str | None = None
    done_at: datetime | None = None
    photos: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()
    late_proof: LateProof | None = None
    verify_by: datetime | None = None


class LateProofJudged(Struct, frozen=True, omit_defaults=True):
    """A person overruled how a late answer counts (补传认定)."""

    accepted: bool
    reason: str


class VerificationRequested(Struct, frozen=True, omit_defaults=True):
    """A collector is to look at the spot (核查任务)."""

    unit_id: str
    round: int
    due_at: datetime
    brief: Brief
    handled_by: str
    feedback: str
    photos_after: tuple[str, ...] = ()
    closing_condition: str | None = None


class Verified(Struct, frozen=True, omit_defaults=True):
    """What the collector found (核查). A failed finding carries the order for the rework."""

    collector: str | None = None
    description: str | None = None
    photos: tuple[str, ...] = ()
    rework: Order | None = None
    brief: Brief | None = None


class Closed(Struct, frozen=True, omit_defaults=True):
    """The case is closed (结案)."""

    rule: str | None = None
    reason: str | None = None


class Voided(Struct, frozen=True, omit_defaults=True):
    """The case is void (作废)."""

    reason: str
    duplicate_of: str | None = None


class Wait(StrEnum):
    """What an open case waits for."""

    ACCEPTANCE = "acceptance"
    DISPATCHING = "dispatching"
    COORDINATION = "coordination"
    ACKNOWLEDGEMENT = "acknowledgement"
    HANDLING = "handling"
    ASSISTANCE = "assistance"
    DECISION = "decision"
    REVIEW = "review"
    VERIFICATION = "verification"


class Reminded(Struct, frozen=True, omit_defaults=True):
    """Whom the case waits for was reminded (提醒、催办、督办) of what is due.

    ``lost`` is what the hub and the network had lost of the unit's time by then: the log judges an open case too.
    """

    wait: Wait
    unit_id: str
    due_at: datetime
    lost: tuple[Lost, ...] = ()


Fact = (
    Reported
    | Accepted
    | Rejected
    | LinkedDuplicate
    | Dispatched
    | Assisted
    | AssistantTold
    | Recalled
    | Coordinated
    | Acknowledged
    | Returned
    | SubDispatched
    | Asked
    | Decided
    | Resumed
    | ReckonedAgain
    | Answered
    | LateProofJudged
    | VerificationRequested
    | Verified
    | Closed
    | Voided
    | Reminded
)

FACT_OF: Mapping[Step, type] = {
    Step.REPORT: Reported,
    Step.ACCEPT: Accepted,
    Step.REJECT: Rejected,
    Step.LINK_DUPLICATE: LinkedDuplicate,
    Step.DISPATCH: Dispatched,
    Step.ASSIST: Assisted,
    Step.RECALL: Recalled,
    Step.COORDINATE: Coordinated,
    Step.ESCALATE: Coordinated,
    Step.ACKNOWLEDGE: Acknowledged,
    Step.RETURN: Returned,
    Step.SUB_DISPATCH: SubDispatched,
    Step.REQUEST_EXTENSION: Asked,
    Step.EXTEND: Decided,
    Step.REFUSE_EXTENSION: Decided,
    Step.REQUEST_SUSPENSION: Asked,
    Step.SUSPEND: Decided,
    Step.REFUSE_SUSPENSION: Decided,
    Step.RESUME: Resumed,
    Step.DISPUTE: Asked,
    Step.UPHOLD_DISPUTE: Decided,
    Step.DISMISS_DISPUTE: Decided,
    Step.RECKON_AGAIN: ReckonedAgain,
    Step.PROGRESS: Answered,
    Step.ANSWER: Answered,
    Step.JUDGE_LATE_PROOF: LateProofJudged,
    Step.ACKNOWLEDGE_ASSISTING: AssistantTold,
    Step.RETURN_ASSISTING: AssistantTold,
    Step.ANSWER_ASSISTING: AssistantTold,
    Step.REQUEST_VERIFICATION: VerificationRequested,
    Step.PASS: Verified,
    Step.FAIL: Verified,
    Step.CLOSE: Closed,
    Step.VOID: Voided,
    Step.WARN: Reminded,
    Step.REMIND: Reminded,
    Step.SUPERVISE: Reminded,
}
"""Which fact each step establishes."""
