"""What each step establishes: the typed body of a log entry. The log alone rebuilds every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.life_cycle import Step


@dataclass(frozen=True, slots=True)
class Location:
    """Where the case lies: WGS 84 degrees, and what the sender gave."""

    longitude: float
    latitude: float
    grid_cell: str
    area_id: str | None
    given_longitude: float
    given_latitude: float
    given_system: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
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


@dataclass(frozen=True, slots=True)
class Accepted:
    """The report is a case (受理). ``rule`` names the rule where no person decided."""

    rule: str | None = None
    reason: str | None = None
    category_code: str | None = None
    category_name: str | None = None
    tier: str | None = None
    dispatch_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The report is not accepted (不予受理)."""

    reason: str


@dataclass(frozen=True, slots=True)
class AwaitingDecision:
    """No unit is clearly responsible; the command centre decides among the candidates or beyond."""

    reason_zh: str
    reason_en: str
    candidates: tuple[str, ...] = ()
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """What the receiver of an order must know of the problem; the entry keeps it, so a letter is made of it alone."""

    category_code: str
    category_name: str
    description: str
    location: Location
    component_code: str | None = None
    photos: tuple[str, ...] = ()
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
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


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The case was ordered to its lead unit (派遣), by a rule or by hand."""

    order: Order
    brief: Brief
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The unit has it (签收)."""

    handler: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """The unit sent it back (退回)."""

    reason_code: str
    reason: str
    responsible_unit_id: str | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What the unit did (反馈), in part or finally."""

    description: str
    result: str
    handler: str | None = None
    done_at: datetime | None = None
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VerificationRequested:
    """A collector is to look at the spot (核查任务)."""

    unit_id: str
    round: int
    due_at: datetime
    brief: Brief
    handled_by: str
    feedback: str
    photos_after: tuple[str, ...] = ()
    closing_condition: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What the collector found (核查). A failed finding carries the order for the rework."""

    collector: str | None = None
    description: str | None = None
    photos: tuple[str, ...] = ()
    rework: Order | None = None
    brief: Brief | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """The case is closed (结案)."""

    rule: str | None = None
    reason: str | None = None


Fact = (
    Reported
    | Accepted
    | Rejected
    | AwaitingDecision
    | Dispatched
    | Acknowledged
    | Returned
    | Answered
    | VerificationRequested
    | Verified
    | Closed
)

FACT_OF: Mapping[Step, type] = {
    Step.REPORT: Reported,
    Step.ACCEPT: Accepted,
    Step.REJECT: Rejected,
    Step.AWAIT_DECISION: AwaitingDecision,
    Step.DISPATCH: Dispatched,
    Step.ACKNOWLEDGE: Acknowledged,
    Step.RETURN: Returned,
    Step.PROGRESS: Answered,
    Step.ANSWER: Answered,
    Step.REQUEST_VERIFICATION: VerificationRequested,
    Step.PASS: Verified,
    Step.FAIL: Verified,
    Step.CLOSE: Closed,
}
"""Which fact each step establishes."""
