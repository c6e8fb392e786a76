"""From an HTTP call to what it says: CloudEvents in three forms, and resource routes with the same content.

A message that breaks its contract is refused here, whole, with every violation; it binds no id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import uuid_utils.compat as uuids
from msgspec import Struct
from msgspec.structs import replace

from auth.principal import Principal
from contracts.arrival import NEWEST, Arrival, Said, said_by_event
from contracts.checking import check_body
from contracts.cloudevents import Event, attributes_of, event_from_headers, parse_batch, parse_event
from contracts.envelope import Sender
from contracts.problem import Problem

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


class Call(Struct, frozen=True):
    """What an HTTP door received: from whom, when, in which form."""

    principal: Principal
    headers: Mapping[str, str]
    raw: bytes
    received_at: datetime
    batch_max: int = 500

    @property
    def content_type(self) -> str:
        """The media type as it was sent."""
        return self.headers.get("content-type", "")[:200]

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    def arrival(self, said: Said | Problem, door: str, raw: bytes) -> Arrival:
        """What came with this call, for the hub to receive."""
        unit_id = self.principal.unit_id
        sender = Sender(unit_id, f"{unit_id}.api", self.principal.credential_id)
        return Arrival(sender, said, raw, self.content_type, door, self.received_at)


class Item(Struct, frozen=True):
    """One event of a call: its id as far as it is known, what it says or why it says nothing, and its own bytes."""

    message_id: str
    said: Said | Problem
    raw: bytes


def by_route(call: Call, kind: str, case_number: str | None) -> Said:
    """What a call to a resource route says; ``ce-*`` headers carry the rest of the envelope. Raises ``Problem``."""
    if call.media_type not in ("application/json", ""):
        raise unsupported(call.media_type, "application/json")
    body = check_body(NEWEST[kind], call.raw)
    extra = attributes_of(call.headers)
    key = _idempotency_key(call.headers)
    based_on = _based_on(call.headers)
    extensions = _traced(call, extra)
    if based_on is not None:
        extensions["basedonversion"] = str(based_on)
    return Said(
        body,
        message_id=key or extra.get("id") or uuids.uuid7().hex,
        source=f"key:{kind}:{case_number or ''}" if key else extra.get("source", "route"),
        case_number=case_number,
        time=_moment(extra.get("time")),
        extensions=extensions,
    )


def by_events(call: Call) -> tuple[list[Item], bool]:
    """The events of ``POST /messages``, and whether they came as a batch.

    Raises ``Problem`` where no event can be made out at all.
    """
    if call.media_type == "application/cloudevents-batch+json":
        return [_item(call, event) for event in parse_batch(call.raw, limit=call.batch_max)], True
    if call.media_type == "application/cloudevents+json":
        event = parse_event(call.raw)
    elif "ce-id" in call.headers or "ce-specversion" in call.headers:
        if call.media_type != "application/json":
            raise unsupported(call.media_type, "application/json")
        event = event_from_headers(call.headers, call.raw)
    else:
        raise unsupported(
            call.media_type,
            "application/cloudevents+json, application/cloudevents-batch+json, application/json + ce-*",
        )
    return [Item(event.id, _said(call, event), call.raw)], False


def _item(call: Call, event: Event | Problem) -> Item:
    if isinstance(event, Problem):
        return Item("", event, call.raw)
    try:
        return Item(event.id, _said(call, event), event.raw)
    except Problem as problem:
        return Item(event.id, problem, event.raw)


def _said(call: Call, event: Event) -> Said:
    said = said_by_event(event)
    return replace(said, extensions=_traced(call, said.extensions))


def _traced(call: Call, extensions: Mapping[str, str]) -> dict[str, str]:
    given = call.headers.get("traceparent")
    return {"traceparent": given, **extensions} if given else dict(extensions)


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


def unsupported(media_type: str, wanted: str) -> Problem:
    """415 with what would be taken."""
    return Problem(
        "media_type_unsupported",
        f"不支持 Content-Type {media_type or '(未给出)'},应为 {wanted}。",
        f"Content-Type {media_type or '(none)'} is not supported; send {wanted}.",
    )
