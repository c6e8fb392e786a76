"""The contracts of a case's bends: more time, suspension, dispute, coordination, recall, duplicates, the end by void.

A unit asks, the command centre decides; each question has its answer, and the asking unit gets a notice of it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.messages import AttachmentIds, Body, CaseNumber, Place
from contracts.model import Code, Line, Moment, Optionally, Text


class ExtensionRequest(Body):
    """The unit asks for more time before its deadline (申请延期)."""

    contract: ClassVar[str] = "case.extension_request/1.0"

    reason: Text
    due_at: Moment


class ExtensionDecision(Body):
    """The command centre grants or refuses more time (延期审批); without ``due_at`` as it was asked."""

    contract: ClassVar[str] = "case.extension_decision/1.0"

    granted: bool
    reason: Text
    due_at: Optionally[Moment] = None


class SuspensionRequest(Body):
    """The unit cannot handle it now (申请挂账): why, and when to look at it again."""

    contract: ClassVar[str] = "case.suspension_request/1.0"

    reason: Text
    review_at: Moment


class SuspensionDecision(Body):
    """The command centre suspends the case or refuses to (挂账审批); it may do so without being asked."""

    contract: ClassVar[str] = "case.suspension_decision/1.0"

    granted: bool
    reason: Text
    review_at: Optionally[Moment] = None


class Resumption(Body):
    """The command centre ends a suspension (恢复处置): the unit's clock runs again."""

    contract: ClassVar[str] = "case.resumption/1.0"

    reason: Text


class Dispute(Body):
    """The unit disputes what is asked of it and keeps the case (争议)."""

    contract: ClassVar[str] = "case.dispute/1.0"

    reason: Text
    photos: AttachmentIds = ()


class DisputeDecision(Body):
    """The command centre decides a dispute (争议裁定): upheld, the unit's clock stood; dismissed, it ran on."""

    contract: ClassVar[str] = "case.dispute_decision/1.0"

    upheld: bool
    reason: Text


class Level(StrEnum):
    """Who leads a coordination (协调层级), 五(四): the district, the command centre, the city government."""

    DISTRICT = "district"
    COMMAND_CENTER = "command_center"
    CITY_GOVERNMENT = "city_government"


class CoordinationRequest(Body):
    """The command centre opens a coordination by hand, or takes one a level up (提请协调)."""

    contract: ClassVar[str] = "case.coordination_request/1.0"

    reason: Text
    level: Optionally[Level] = None


class CoordinationOutcome(StrEnum):
    """How a coordination ends: a unit is fixed, one handles it in another's place (代整改), or neither."""

    ASSIGNED = "assigned"
    SUBSTITUTE = "substitute"
    NOT_SETTLED = "not_settled"


class CoordinationResult(Body):
    """What the coordinator fixed (协调结果). ``unit_id`` for ``assigned`` and ``substitute``."""

    contract: ClassVar[str] = "case.coordination_result/1.0"

    outcome: CoordinationOutcome
    reason: Text
    unit_id: Optionally[Code] = None
    due_at: Optionally[Moment] = None


class AssistanceRequest(Body):
    """The command centre orders a further unit to assist (协助派遣); the lead stays the lead."""

    contract: ClassVar[str] = "case.assistance_request/1.0"

    unit_id: Code
    reason: Text
    due_at: Optionally[Moment] = None


class Recall(Body):
    """The command centre takes a dispatch back (撤回派遣); the case waits for a new one."""

    contract: ClassVar[str] = "case.recall/1.0"

    reason: Text


class SubDispatchStatus(StrEnum):
    """How far a department of a second-level platform is."""

    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    DONE = "done"
    RETURNED = "returned"


class SubDispatch(Body):
    """A second-level platform tells what its department does with the case (二级派遣); judged apart from its own."""

    contract: ClassVar[str] = "case.sub_dispatch/1.0"

    department: Code
    status: SubDispatchStatus
    department_name: Optionally[Line] = None
    due_at: Optionally[Moment] = None
    note: Optionally[Text] = None


class Duplicate(Body):
    """The command centre links a report to the case that it repeats (重复案件)."""

    contract: ClassVar[str] = "case.duplicate/1.0"

    original: CaseNumber
    reason: Text


class LateProofDecision(Body):
    """A person overrules how a late proof was counted (补传认定)."""

    contract: ClassVar[str] = "case.late_proof_decision/1.0"

    accepted: bool
    reason: Text


class Void(Body):
    """The command centre voids a case (作废), with the reason."""

    contract: ClassVar[str] = "case.void/1.0"

    reason: Text
    duplicate_of: Optionally[CaseNumber] = None


class RecallNotice(Body):
    """Tells a unit that its dispatch was taken back (撤回通知): it need do nothing more."""

    contract: ClassVar[str] = "case.recall_notice/1.0"

    case_number: CaseNumber
    dispatch_number: Annotated[int, Field(ge=1)]
    unit_id: Code
    reason: Text


class CoordinationNotice(Body):
    """Asks a coordinator to fix who is responsible (协调通知), until when, among whom."""

    contract: ClassVar[str] = "case.coordination/1.0"

    case_number: CaseNumber
    level: Level
    unit_id: Code
    because: Text
    due_at: Moment
    category_code: Code
    category_name: Line
    description: Text
    place: Place
    returns: Annotated[int, Field(ge=0, description="how often units sent it back")] = 0
    candidates: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    area_id: Optionally[Code] = None
    component_code: Optionally[Code] = None
    photos: AttachmentIds = ()


class ReminderLevel(StrEnum):
    """How late it is: soon due (到期提醒), overdue (催办), under supervision (督办)."""

    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    SUPERVISION = "supervision"


class Reminder(Body):
    """Reminds whom the case waits for (提醒、催办、督办). ``awaited`` names what is due."""

    contract: ClassVar[str] = "case.reminder/1.0"

    case_number: CaseNumber
    level: ReminderLevel
    awaited: Code
    unit_id: Code
    due_at: Moment


class DecisionNotice(Body):
    """Tells a unit what was decided on its case (审批通知): an extension, a suspension, a dispute, a late proof."""

    contract: ClassVar[str] = "case.decision_notice/1.0"

    case_number: CaseNumber
    about: Code
    granted: bool
    reason: Text
    due_at: Optionally[Moment] = None
    review_at: Optionally[Moment] = None
