"""What the SOAP service asks and answers beside the contracts' own bodies. Its fields are a REST caller's, by name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from contracts.bends import CoordinationNotice, DecisionNotice, RecallNotice, Reminder
from contracts.envelope import Mode
from contracts.messages import (
    AttachmentIds,
    CaseNumber,
    Dispatch,
    Duty,
    Place,
    StatusNotice,
    VerificationRequest,
)
from contracts.model import Code, Line, Model, Moment, Optionally, Text

MESSAGE_ID_PATTERN = r"^[!-~]{1,255}$"
LEASE_PATTERN = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

MessageId = Annotated[str, Field(pattern=MESSAGE_ID_PATTERN)]
LeaseId = Annotated[str, Field(pattern=LEASE_PATTERN)]
LetterId = Annotated[str, Field(min_length=1, max_length=32)]
Short = Annotated[str, Field(min_length=1, max_length=128)]
Base64 = Annotated[
    str, Field(min_length=1, max_length=16 * 1024 * 1024, json_schema_extra={"contentEncoding": "base64"})
]
Whole = Annotated[int, Field(ge=0, le=999_999_999)]


class Envelope(Model):
    """What a message carries besides its body. ``message_id`` is what REST calls ``Idempotency-Key``."""

    message_id: Optionally[MessageId] = None
    mode: Optionally[Mode] = None
    time: Optionally[Moment] = None
    sender_case_id: Optionally[Short] = None
    based_on_version: Optionally[Whole] = None
    actor: Optionally[Short] = None
    on_behalf_of: Optionally[Short] = None
    sequence: Optionally[Whole] = None
    traceparent: Optionally[Short] = None


class Progress(Model):
    """A part of the handling (阶段反馈): a feedback that is not final."""

    description: Text
    handler: Optionally[Line] = None
    photos: AttachmentIds = ()


class MessageReceipt(Model):
    """The answer to an accepted message; a repeat gets the first answer again."""

    case_number: CaseNumber
    version: Annotated[int, Field(ge=1)]
    state: Code
    stage: Code
    position: Line
    message_id: Line
    repeated: bool


class InboxLetter(Model):
    """A letter handed out: its envelope, and in the field named like its contract its body."""

    letter_id: LetterId
    handed_out: Annotated[int, Field(ge=1)]
    contract: Code
    case_number: CaseNumber
    mode: Mode
    sequence: Whole
    time: Moment
    recorded_at: Moment
    based_on_version: Whole
    dispatch: Optionally[Dispatch] = None
    recall_notice: Optionally[RecallNotice] = None
    coordination: Optionally[CoordinationNotice] = None
    reminder: Optionally[Reminder] = None
    decision_notice: Optionally[DecisionNotice] = None
    verification_request: Optionally[VerificationRequest] = None
    status: Optionally[StatusNotice] = None


class Inbox(Model):
    """Letters under one lease; what is not confirmed in time is handed out again."""

    lease_id: LeaseId
    lease_seconds: Annotated[int, Field(ge=1, le=3600)]
    letters: Annotated[tuple[InboxLetter, ...], Field(max_length=200)] = ()


class Confirmed(Model):
    """Which letters are the caller's now, and which come again because their lease is lost."""

    acknowledged: Annotated[tuple[LetterId, ...], Field(max_length=500)] = ()
    lease_lost: Annotated[tuple[LetterId, ...], Field(max_length=500)] = ()


class DispatchView(Model):
    """One dispatch of a case, as its unit may see it."""

    number: Annotated[int, Field(ge=1)]
    unit_id: Code
    round: Annotated[int, Field(ge=1)]
    duty: Duty
    dispatched_at: Moment
    acknowledge_by: Optionally[Moment] = None
    due_at: Moment
    because: Text
    acknowledged_at: Optionally[Moment] = None
    answered_at: Optionally[Moment] = None
    returned_at: Optionally[Moment] = None
    recalled_at: Optionally[Moment] = None


class AwaitedView(Model):
    """Whom a case waits for; without a unit it is the command centre."""

    awaited: Code
    unit_id: Optionally[Code] = None
    since: Moment
    due_at: Optionally[Moment] = None


class CaseView(Model):
    """A case as its caller may see it. Whose sight has ended sees what it had, not what became of it."""

    case_number: CaseNumber
    version: Optionally[Annotated[int, Field(ge=1)]] = None
    state: Optionally[Code] = None
    state_name: Optionally[Line] = None
    stage: Optionally[Code] = None
    mode: Mode
    category_code: Code
    category_name: Line
    description: Text
    place: Place
    area_id: Optionally[Code] = None
    grid_cell: Optionally[Code] = None
    component_code: Optionally[Code] = None
    photos: AttachmentIds = ()
    photos_after: AttachmentIds = ()
    registered_at: Moment
    changed_at: Optionally[Moment] = None
    closed_at: Optionally[Moment] = None
    lead_unit_id: Optionally[Code] = None
    due_at: Optionally[Moment] = None
    late: Optionally[bool] = None
    sight_ended: bool = False
    sender_case_id: Optionally[Line] = None
    dispatches: Annotated[tuple[DispatchView, ...], Field(max_length=1000)] = ()
    waits_for: Annotated[tuple[AwaitedView, ...], Field(max_length=100)] = ()


class PhotoView(Model):
    """A kept photo; its ``attachment_id`` goes into messages."""

    attachment_id: Code
    media_type: Line
    size_bytes: Annotated[int, Field(ge=1)]
    width: Optionally[Annotated[int, Field(ge=1)]] = None
    height: Optionally[Annotated[int, Field(ge=1)]] = None
    sha256: Line


class PhotoFile(Model):
    """The picture itself."""

    media_type: Line
    content: Base64


class ErrorDetail(Model):
    """One fault in what was sent: where (a JSON Pointer below the operation's element) and what."""

    pointer: Annotated[str, Field(max_length=2000)]
    detail_zh: Annotated[str, Field(max_length=4000)]
    detail_en: Annotated[str, Field(max_length=4000)]
    rule: Annotated[str, Field(max_length=200)]


class Fact(Model):
    """What else a problem knows, by name: the case's state, the line of a document."""

    name: Line
    value: Annotated[str, Field(max_length=4000)]


class ProblemDetail(Model):
    """The problem that REST answers with (RFC 9457), in both languages."""

    type: Line
    status: Annotated[int, Field(ge=400, le=599)]
    title_zh: Line
    title_en: Line
    detail_zh: Annotated[str, Field(max_length=4000)]
    detail_en: Annotated[str, Field(max_length=4000)]
    retryable: bool
    retry_after_seconds: Optionally[Annotated[int, Field(ge=0)]] = None
    trace_id: Optionally[Line] = None
    errors: Annotated[tuple[ErrorDetail, ...], Field(max_length=100)] = ()
    facts: Annotated[tuple[Fact, ...], Field(max_length=100)] = ()
