"""The operations of the SOAP service: one for each message that a unit may send, pulling, asking after a case, photos.

An operation's element holds the message's ``envelope``, its ``case_number`` and its body, ``data``, of which the
contracts say the shape; so a contract that grows by a field leaves the stubs of its callers as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, create_model

from contracts import bends, messages
from contracts.arrival import Said
from contracts.live import INBOUND
from contracts.messages import Body, CaseNumber, Feedback, Report
from contracts.model import Code, Model, Optionally
from contracts.soap.shapes import (
    Base64,
    CaseView,
    Confirmed,
    Envelope,
    Inbox,
    LeaseId,
    LetterId,
    MessageReceipt,
    PhotoFile,
    PhotoView,
    Progress,
)

VERSION = "v1"
NAMESPACE = f"https://cityhub.example/soap/{VERSION}"
"""Of the service's elements and types; a change that breaks callers gets a new version beside this one."""

ConnectionName = Annotated[str, Field(max_length=32, pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``contract`` is the message that it sends, if it sends one."""

    name: str
    zh: str
    en: str
    takes: type[Model]
    gives: type[Model]
    contract: type[Body] | None = None

    @property
    def action(self) -> str:
        """The SOAPAction that the WSDL names; the hub goes by the element alone."""
        return f"{NAMESPACE}/{self.name}"


_MESSAGES: tuple[tuple[str, str, str, type[Body], type[Model] | None], ...] = (
    ("report", "采集上报", "report a problem", Report, None),
    ("acknowledge", "签收", "acknowledge a dispatch", messages.Acknowledgement, None),
    ("returnDispatch", "退回", "send a dispatch back", messages.Return, None),
    ("progress", "阶段反馈", "tell of a part of the handling", Feedback, Progress),
    ("feedback", "处置反馈", "feed back what was done", Feedback, None),
    ("requestExtension", "申请延期", "ask for more time", bends.ExtensionRequest, None),
    ("requestSuspension", "申请挂账", "ask for a suspension", bends.SuspensionRequest, None),
    ("dispute", "提出争议", "dispute what is asked", bends.Dispute, None),
    ("subDispatch", "二级派遣及其状态", "tell of a department's part and its status", bends.SubDispatch, None),
    ("verify", "核查反馈", "tell what was found on the spot", messages.Verification, None),
    ("settleCoordination", "协调结果", "fix who is responsible", bends.CoordinationResult, None),
    ("acceptReport", "受理立案", "accept a report", messages.Acceptance, None),
    ("rejectReport", "不予受理", "reject a report", messages.Rejection, None),
    ("linkDuplicate", "认定重复", "link to the case it repeats", bends.Duplicate, None),
    ("dispatchCase", "人工派遣", "dispatch to a unit", messages.DispatchRequest, None),
    ("orderAssistance", "协助派遣", "order a unit to assist", bends.AssistanceRequest, None),
    ("recallDispatch", "撤回派遣", "take a dispatch back", bends.Recall, None),
    ("decideExtension", "延期审批", "decide on more time", bends.ExtensionDecision, None),
    ("decideSuspension", "挂账审批", "decide on a suspension", bends.SuspensionDecision, None),
    ("resumeHandling", "恢复处置", "end a suspension", bends.Resumption, None),
    ("decideDispute", "争议裁定", "decide a dispute", bends.DisputeDecision, None),
    ("openCoordination", "提请协调", "open a coordination", bends.CoordinationRequest, None),
    ("judgeLateProof", "补传认定", "judge a late proof", bends.LateProofDecision, None),
    ("closeCase", "结案", "close by hand", messages.Closing, None),
    ("voidCase", "作废", "void a case", bends.Void, None),
)


def _message(name: str, zh: str, en: str, contract: type[Body], data: type[Model] | None) -> Operation:
    fields: dict[str, Any] = {"envelope": (_may_be(Envelope), None)}
    if contract is not Report:
        fields["case_number"] = (CaseNumber, ...)
    fields["data"] = (data or contract, ...)
    return Operation(name, zh, en, _element(name, fields), _element(f"{name}Response", _RECEIPT), contract)


def _may_be(kind: Any) -> Any:
    maybe: Any = Optionally
    return maybe[kind]


def _element(name: str, fields: Mapping[str, Any]) -> type[Model]:
    return create_model(name, __base__=Model, **fields)


_RECEIPT: Mapping[str, Any] = {"receipt": (MessageReceipt, ...)}
_LETTERS = Annotated[tuple[LetterId, ...], Field(min_length=1, max_length=500)]

FETCH_LETTERS = Operation(
    "fetchLetters",
    "收件:租约内取信",
    "fetch letters under a lease",
    _element(
        "fetchLetters",
        {
            "limit": (Annotated[int, Field(ge=1, le=200)], 20),
            "wait_seconds": (Annotated[int, Field(ge=0, le=60)], 0),
            "lease_seconds": (Annotated[int, Field(ge=1, le=3600)], 60),
            "connection": (_may_be(ConnectionName), None),
        },
    ),
    _element(
        "fetchLettersResponse",
        {"inbox": (Inbox, ...)},
    ),
)
CONFIRM_LETTERS = Operation(
    "confirmLetters",
    "确认收件",
    "confirm letters",
    _element(
        "confirmLetters",
        {"lease_id": (LeaseId, ...), "letters": (_LETTERS, ...), "connection": (_may_be(ConnectionName), None)},
    ),
    _element("confirmLettersResponse", {"confirmed": (Confirmed, ...)}),
)
QUERY_CASE = Operation(
    "queryCase",
    "查询案件",
    "ask after a case",
    _element("queryCase", {"case_number": (CaseNumber, ...)}),
    _element("queryCaseResponse", {"case": (CaseView, ...)}),
)
SEND_PHOTO = Operation(
    "sendPhoto",
    "上传照片",
    "send a photo",
    _element("sendPhoto", {"content": (Base64, ...)}),
    _element("sendPhotoResponse", {"photo": (PhotoView, ...)}),
)
FETCH_PHOTO = Operation(
    "fetchPhoto",
    "下载照片",
    "fetch a photo",
    _element("fetchPhoto", {"attachment_id": (Code, ...), "case_number": (_may_be(CaseNumber), None)}),
    _element("fetchPhotoResponse", {"photo": (PhotoFile, ...)}),
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        each.name: each
        for each in (
            *(_message(*row) for row in _MESSAGES),
            *(FETCH_LETTERS, CONFIRM_LETTERS, QUERY_CASE, SEND_PHOTO, FETCH_PHOTO),
        )
    }
)
"""Every operation by its name, in the order of the WSDL."""

PROBLEM = "problem"
"""The element in a fault's detail; its type is ``ProblemDetail``."""

assert {each.contract for each in OPERATIONS.values() if each.contract} == set(INBOUND)


def said_by(operation: Operation, request: Any, fresh_id: str, traceparent: str | None) -> Said:
    """What a message's checked request says; ``fresh_id`` is its id where the sender gives none."""
    assert operation.contract is not None
    envelope: Envelope = request.envelope or Envelope()
    case_number: str | None = None if operation.contract is Report else request.case_number
    kind = operation.contract.contract.partition("/")[0]
    told = {
        "mode": envelope.mode,
        "sendercase": envelope.sender_case_id,
        "basedonversion": envelope.based_on_version,
        "actor": envelope.actor,
        "onbehalfof": envelope.on_behalf_of,
        "sequence": envelope.sequence,
        "traceparent": envelope.traceparent or traceparent,
    }
    return Said(
        _body(request.data),
        message_id=envelope.message_id or fresh_id,
        # As an Idempotency-Key of the same route: sent by REST and again by SOAP it is one message.
        source=f"key:{kind}:{case_number or ''}" if envelope.message_id else "soap",
        case_number=case_number,
        time=envelope.time,
        extensions={name: str(value) for name, value in told.items() if value is not None},
    )


def _body(data: Model) -> Body:
    if isinstance(data, Progress):
        return Feedback.model_validate({**data.model_dump(exclude_none=True), "final": False})
    assert isinstance(data, Body)
    return data
