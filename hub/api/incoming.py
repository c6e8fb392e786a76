"""From what a door received to messages: CloudEvents in three forms, and resource routes with the same content.

A message that breaks its contract is refused here, whole, with every violation; it binds no id.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson
import uuid_utils.compat as uuids

from auth.principal import Principal
from contracts.checking import check_body
from contracts.cloudevents import Event, attributes_of, event_from_headers, parse_batch, parse_event
from contracts.envelope import Message, Mode, Sender
from contracts.live import CONTRACTS, INBOUND
from contracts.messages import Body, Report
from contracts.problem import Problem, Violation
from hub.case_numbers import parse
from hub.trace import TRACEPARENT, new_traceparent

NEWEST: Mapping[str, type[Body]] = {model.contract.partition("/")[0]: model for model in INBOUND}
"""Contract name → the newest version that partners may send."""

ROUTES: Mapping[str, str] = {
    "acceptance": "case.acceptance",
    "rejection": "case.rejection",
    "duplicate": "case.duplicate",
    "dispatch": "case.dispatch_request",
    "assistance": "case.assistance_request",
    "recall": "case.recall",
    "acknowledgement": "case.acknowledgement",
    "return": "case.return",
    "sub-dispatch": "case.sub_dispatch",
    "extension": "case.extension_request",
    "extension-decision": "case.extension_decision",
    "suspension": "case.suspension_request",
    "suspension-decision": "case.suspension_decision",
    "resumption": "case.resumption",
    "dispute": "case.dispute",
    "dispute-decision": "case.dispute_decision",
    "coordination": "case.coordination_request",
    "coordination-result": "case.coordination_result",
    "feedback": "case.feedback",
    "late-proof-decision": "case.late_proof_decision",
    "verification": "case.verification",
    "closing": "case.closing",
    "void": "case.void",
}
"""The last part of a resource route → the contract that it takes."""

_KEY = re.compile(r'"([\x20-\x7e]{1,255})"|([\x21-\x7e]{1,255})')
_IF_MATCH = re.compile(r'"v([0-9]{1,9})"')


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a door received: from whom, when, in which form."""

    principal: Principal
    headers: Mapping[str, str]
    raw: bytes
    received_at: datetime
    division: str
    batch_max: int = 500

    @property
    def content_type(self) -> str:
        """The media type as it was sent."""
        return self.headers.get("content-type", "")[:200]

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()


def by_route(arrival: Arrival, kind: str, case_number: str | None) -> Message:
    """The message of a resource route; ``ce-*`` headers carry the rest of the envelope. Raises ``Problem``."""
    if arrival.media_type not in ("application/json", ""):
        raise unsupported(arrival.media_type, "application/json")
    body = check_body(NEWEST[kind], arrival.raw)
    extra = attributes_of(arrival.headers)
    key = _idempotency_key(arrival.headers)
    case_id = _case_id(case_number, arrival.division) if case_number is not None else None
    based_on = _based_on(arrival.headers)
    source = f"key:{kind}:{case_number or ''}" if key else extra.get("source", "route")
    return _message(
        arrival,
        body,
        message_id=key or extra.get("id") or uuids.uuid7().hex,
        source=source,
        case_id=case_id,
        time=_moment(extra.get("time")),
        extensions={**extra, **({"basedonversion": str(based_on)} if based_on is not None else {})},
        raw=arrival.raw,
    )


def by_events(arrival: Arrival) -> tuple[list[Message | Problem], list[str], bool]:
    """The messages of ``POST /messages``: (message or refusal each, their ids, whether it was a batch).

    Raises ``Problem`` where no event can be made out at all.
    """
    if arrival.media_type == "application/cloudevents-batch+json":
        made: list[Message | Problem] = []
        ids: list[str] = []
        for item in parse_batch(arrival.raw, limit=arrival.batch_max):
            if isinstance(item, Problem):
                made.append(item)
                ids.append("")
                continue
            ids.append(item.id)
            try:
                made.append(_of_event(arrival, item, item.raw))
            except Problem as problem:
                made.append(problem)
        return made, ids, True
    if arrival.media_type == "application/cloudevents+json":
        event = parse_event(arrival.raw)
    elif "ce-id" in arrival.headers or "ce-specversion" in arrival.headers:
        if arrival.media_type != "application/json":
            raise unsupported(arrival.media_type, "application/json")
        event = event_from_headers(arrival.headers, arrival.raw)
    else:
        raise unsupported(
            arrival.media_type,
            "application/cloudevents+json, application/cloudevents-batch+json, application/json + ce-*",
        )
    return [_of_event(arrival, event, arrival.raw)], [event.id], False


def _of_event(arrival: Arrival, event: Event, raw: bytes) -> Message:
    body: Body = event.body(_model_of(event))
    case_id = _case_id(event.subject, arrival.division) if event.subject else None
    if case_id is None and not isinstance(body, Report):
        raise Problem(
            "not_a_message",
            violations=(Violation("#/subject", "subject 应为案件号", "subject must be the case number", "required"),),
        )
    if isinstance(body, Report):
        # A report opens a case: a subject there is the sender's own name for it.
        case_id = None
    return _message(
        arrival,
        body,
        message_id=event.id,
        source=event.source,
        case_id=case_id,
        time=event.time,
        extensions=event.extensions,
        raw=raw,
    )


def _model_of(event: Event) -> type[Body]:
    model = NEWEST.get(event.type)
    if event.dataschema:
        wanted = event.dataschema.rpartition("/contracts/")[2]
        model = CONTRACTS.get(wanted) if model and wanted.partition("/")[0] == event.type else None
    if model is None or model not in INBOUND:
        raise Problem(
            "contract_unknown",
            f"没有可接收的契约:type={event.type} dataschema={event.dataschema or '—'}。",
            f"No contract is received for type={event.type}, dataschema={event.dataschema or '—'}.",
            fields={"contracts": [each.contract for each in INBOUND]},
        )
    return model


def _message(
    arrival: Arrival,
    body: Body,
    *,
    message_id: str,
    source: str,
    case_id: int | None,
    time: datetime | None,
    extensions: Mapping[str, str],
    raw: bytes,
) -> Message:
    unit_id = arrival.principal.unit_id
    sender_case_id = _short(extensions, "sendercase")
    keys = [_key(f"id\0{unit_id}\0{source}\0{message_id}")]
    if sender_case_id and isinstance(body, Report):
        # The sender's own case id is an id too: the same case, reported twice under two keys, is one case.
        keys.append(_key(f"case\0{unit_id}\0{sender_case_id}"))
    mode = _mode(extensions.get("mode"))
    traceparent = extensions.get("traceparent") or arrival.headers.get("traceparent")
    content = orjson.dumps([body.contract, case_id, mode, body.model_dump_json(exclude_none=True)])
    return Message(
        message_id=message_id,
        source=source,
        contract=body.contract,
        sender=Sender(unit_id, f"{unit_id}.api", arrival.principal.credential_id),
        body=body,
        keys=tuple(keys),
        fingerprint=hashlib.sha256(content).digest(),
        received_at=arrival.received_at,
        effective_at=time,
        case_id=case_id,
        sender_case_id=sender_case_id,
        mode=mode,
        based_on_version=_whole(extensions, "basedonversion"),
        actor=_short(extensions, "actor"),
        on_behalf_of=_short(extensions, "onbehalfof"),
        sequence=_whole(extensions, "sequence"),
        traceparent=_trace(traceparent, body),
        raw=raw,
        content_type=arrival.content_type,
    )


def _trace(given: str | None, body: Body) -> str | None:
    """The sender's trace; a report without one begins one, everything later without one goes on in its case's."""
    if given and TRACEPARENT.fullmatch(given):
        return given
    return new_traceparent() if isinstance(body, Report) else None


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _case_id(case_number: str, division: str) -> int:
    made = parse(case_number, division)
    if made is None:
        raise Problem("case_unknown", f"没有案件 {case_number[:40]}。", f"There is no case {case_number[:40]}.")
    return made


def _idempotency_key(headers: Mapping[str, str]) -> str | None:
    given = headers.get("idempotency-key")
    if given is None:
        return None
    match = _KEY.fullmatch(given.strip())
    if match is None:
        raise Problem(
            "header_invalid",
            "Idempotency-Key 应为 1 到 255 个可见 ASCII 字符,可加双引号。",
            "Idempotency-Key has 1 to 255 visible ASCII characters, quoted or bare.",
        )
    return match[1] or match[2]


def _based_on(headers: Mapping[str, str]) -> int | None:
    given = headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    match = _IF_MATCH.fullmatch(given.strip())
    if match is None:
        raise Problem(
            "header_invalid", 'If-Match 应为案件的 ETag,例如 "v3"。', 'If-Match is the ETag of a case, such as "v3".'
        )
    return int(match[1])


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        made = None
    if made is None or made.tzinfo is None or not 2000 <= made.year < 2200:
        raise Problem(
            "header_invalid", "ce-time 应为带时区的 RFC 3339 时间。", "ce-time is an RFC 3339 moment with a zone."
        )
    return made


def _mode(text: str | None) -> Mode:
    if text is None:
        return Mode.LIVE
    try:
        return Mode(text)
    except ValueError:
        raise Problem(
            "not_a_message",
            violations=(Violation("#/mode", "mode 应为 live、drill 或 test", "mode is live, drill or test", "enum"),),
        ) from None


def _whole(extensions: Mapping[str, str], name: str) -> int | None:
    text = extensions.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Problem(
            "not_a_message",
            violations=(Violation(f"#/{name}", f"{name} 应为非负整数", f"{name} is a whole number", "type"),),
        )
    return int(text)


def _short(extensions: Mapping[str, str], name: str) -> str | None:
    text = extensions.get(name)
    if text is None or text == "":
        return None
    if len(text) > 128 or any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise Problem(
            "not_a_message",
            violations=(
                Violation(
                    f"#/{name}",
                    f"{name} 应为不超过 128 个字符的文本",
                    f"{name} is text of at most 128 characters",
                    "length",
                ),
            ),
        )
    return text


def unsupported(media_type: str, wanted: str) -> Problem:
    """415 with what would be taken."""
    return Problem(
        "media_type_unsupported",
        f"不支持 Content-Type {media_type or '(未给出)'},应为 {wanted}。",
        f"Content-Type {media_type or '(none)'} is not supported; send {wanted}.",
    )
