"""The contracts of a case's main road: one model for each kind of message, in the order in which a case meets them.

``contracts.bends`` has those of its bends, ``contracts.live`` lists all that are spoken.

The number of the case travels in the envelope (CloudEvents ``subject``, the path of a resource route); messages that
the hub sends repeat it in the body, so that a receiver who keeps only the body still knows the case.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.model import Code, Line, Model, Moment, Optionally, Text


class CoordinateSystem(StrEnum):
    """The datum in which a sender gives a place (坐标系)."""

    WGS84 = "WGS84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ02"


class ReportSource(StrEnum):
    """Where a report comes from (五(三)采集: collectors first, government supervision and citizens besides)."""

    COLLECTOR = "collector"
    SUPERVISION = "supervision"
    CITIZEN = "citizen"
    UNIT = "unit"


class Place(Model):
    """Where the problem is (位置). Longitude and latitude in degrees, in the datum that ``system`` names."""

    longitude: Annotated[float, Field(ge=-180, le=180)]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    system: CoordinateSystem = CoordinateSystem.WGS84
    address: Optionally[Line] = None


class Reporter(Model):
    """The person who reported (报告人): personal data, kept apart from the log and erasable alone."""

    name: Optionally[Line] = None
    phone: Optionally[Annotated[str, Field(min_length=3, max_length=32, pattern=r"^[0-9+() -]+$")]] = None


class Attribute(Model):
    """What a rule may ask of the place or the object: ``zone``, ``subtype``, ``maintained_as``, ``aspect``."""

    name: Code
    value: Line


class Body(Model):
    """What all message bodies share: the name and version of their contract."""

    contract: ClassVar[str]


AttachmentIds = Annotated[tuple[Code, ...], Field(max_length=20)]
CaseNumber = Annotated[str, Field(pattern=r"^[0-9]{6}-[0-9]{8}-[0-9]{6,8}$")]


class Report(Body):
    """A problem that somebody saw (采集上报). The place may lie anywhere; the hub finds the area."""

    contract: ClassVar[str] = "case.report/1.0"

    category_code: Code
    description: Text
    place: Place
    source: ReportSource = ReportSource.COLLECTOR
    observed_at: Optionally[Moment] = None
    component_code: Optionally[Code] = None
    photos: AttachmentIds = ()
    attributes: Annotated[tuple[Attribute, ...], Field(max_length=20)] = ()
    reporter: Optionally[Reporter] = None


class Acceptance(Body):
    """The command centre accepts a report as a case (受理立案), perhaps under another category."""

    contract: ClassVar[str] = "case.acceptance/1.0"

    reason: Optionally[Text] = None
    category_code: Optionally[Code] = None


class Rejection(Body):
    """The command centre does not accept a report (不予受理), with the reason."""

    contract: ClassVar[str] = "case.rejection/1.0"

    reason: Text


class DispatchRequest(Body):
    """The command centre names the unit that must handle the case (人工派遣, 再次派遣, 二次派遣)."""

    contract: ClassVar[str] = "case.dispatch_request/1.0"

    unit_id: Code
    reason: Text
    due_at: Optionally[Moment] = None
    assisting: Annotated[tuple[Code, ...], Field(max_length=10)] = ()


class Duty(StrEnum):
    """What a unit does for a case: it leads (牵头), or assists (协助) and does not close it."""

    LEAD = "lead"
    ASSIST = "assist"


class Deadline(Model):
    """A time limit that explains itself (时限): due when, reckoned how, from which tier."""

    due_at: Moment
    acknowledge_by: Moment
    tier: Code
    reckoned: Line
    provisional: bool = False


class Dispatch(Body):
    """The order to one unit to handle a case (派遣), with everything it needs to start."""

    contract: ClassVar[str] = "case.dispatch/1.0"

    case_number: CaseNumber
    dispatch_number: Annotated[int, Field(ge=1)]
    unit_id: Code
    round: Annotated[int, Field(ge=1, description="1 at first, higher when unverified work comes back (返工)")]
    category_code: Code
    category_name: Line
    description: Text
    place: Place
    deadline: Deadline
    because: Text
    area_id: Optionally[Code] = None
    grid_cell: Optionally[Code] = None
    component_code: Optionally[Code] = None
    photos: AttachmentIds = ()
    finding: Optionally[Text] = None
    duty: Duty = Duty.LEAD
    substitute: Annotated[bool, Field(description="代整改: handled in place of a unit that could not be fixed")] = False


class Acknowledgement(Body):
    """The unit confirms that it has the dispatch and will handle it (签收)."""

    contract: ClassVar[str] = "case.acknowledgement/1.0"

    handler: Optionally[Line] = None
    note: Optionally[Text] = None


class ReturnReason(StrEnum):
    """Why a unit sends a dispatch back (退回理由)."""

    NOT_RESPONSIBLE = "not_responsible"
    WRONG_PLACE = "wrong_place"
    NOT_FOUND = "not_found"
    OTHER = "other"


class Return(Body):
    """The unit sends the dispatch back (退回) with a reason, perhaps naming who is responsible."""

    contract: ClassVar[str] = "case.return/1.0"

    reason_code: ReturnReason
    reason: Text
    responsible_unit_id: Optionally[Code] = None
    photos: AttachmentIds = ()


class FeedbackResult(StrEnum):
    """What handling came to (处置结果)."""

    DONE = "done"
    REMOVED_DANGER = "removed_danger"
    NOTHING_TO_DO = "nothing_to_do"


class Feedback(Body):
    """What the unit did (处置反馈). ``final`` false is a part: the case stays with the unit."""

    contract: ClassVar[str] = "case.feedback/1.0"

    description: Text
    final: bool = True
    result: FeedbackResult = FeedbackResult.DONE
    done_at: Optionally[Moment] = None
    handler: Optionally[Line] = None
    photos: AttachmentIds = ()


class VerificationRequest(Body):
    """The hub asks a collector to look at the spot (核查任务)."""

    contract: ClassVar[str] = "case.verification_request/1.0"

    case_number: CaseNumber
    round: Annotated[int, Field(ge=1)]
    category_code: Code
    category_name: Line
    description: Text
    place: Place
    handled_by: Code
    feedback: Text
    due_at: Moment
    closing_condition: Optionally[Text] = None
    photos_before: AttachmentIds = ()
    photos_after: AttachmentIds = ()


class Finding(StrEnum):
    """What the collector found (核查结论)."""

    PASSED = "passed"
    FAILED = "failed"


class Verification(Body):
    """The collector's finding on the spot (核查反馈)."""

    contract: ClassVar[str] = "case.verification/1.0"

    finding: Finding
    description: Optionally[Text] = None
    collector: Optionally[Line] = None
    photos: AttachmentIds = ()


class Closing(Body):
    """The command centre closes a case by hand (人工结案), with the reason."""

    contract: ClassVar[str] = "case.closing/1.0"

    reason: Text


class StatusNotice(Body):
    """Tells a unit that a case it may see has moved on (状态通知)."""

    contract: ClassVar[str] = "case.status/1.0"

    case_number: CaseNumber
    version: Annotated[int, Field(ge=1)]
    fact: Code
    state: Code
    stage: Code
    changed_at: Moment
    lead_unit_id: Optionally[Code] = None
    due_at: Optionally[Moment] = None
    reason: Optionally[Text] = None
