"""From a delivery to an arrival: what a message says, or why it says nothing; and the answer to who wants one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
import pika

from adapters.documents.faults import DocumentFault
from adapters.mapping import Mapper, MappingFailed, said_of
from adapters.rabbitmq.wire import UnreadableProperties
from contracts.amqp import STRUCTURED, event_of
from contracts.arrival import Answer, Arrival, Said, said_by_event
from contracts.cursor import cursor
from contracts.envelope import Sender
from contracts.nouns import Connection
from contracts.photos import SentPhoto
from contracts.problem import Problem

DIRECT_REPLY = "amq.rabbitmq.reply-to."
_DEATHS = {
    "rejected": ("单位拒收", "the unit rejected it"),
    "expired": ("过期未取", "nobody fetched it in time"),
    "maxlen": ("队列已满", "the queue was full"),
    "delivery_limit": ("屡次投递不成", "it failed too often"),
}


@dataclass(frozen=True, slots=True)
class Received:
    """One delivery as it came off the wire. ``dead`` where it came from the dead queue."""

    tag: int
    properties: pika.BasicProperties
    body: bytes
    dead: bool
    received_at: datetime

    @property
    def headers(self) -> Mapping[Any, Any]:
        """The message headers; none where they cannot be read."""
        return self.properties.headers or {}


@dataclass(frozen=True, slots=True)
class Read:
    """A delivery as an arrival, and the id by which its sender knows it, if it has one at all."""

    arrival: Arrival
    message_id: str


def read(received: Received, connection: Connection, mapper: Mapper | None, body_max: int) -> Read:
    """What came, for the hub to receive."""
    connection_id, content_type = connection.connection_id, _text(received.properties.content_type)
    message_id, said, photos = _said(received, content_type, connection, mapper, body_max)
    arrival = Arrival(
        Sender(connection.unit_id, connection_id, f"rabbitmq:{connection_id}"),
        said,
        received.body,
        content_type,
        f"rabbitmq:{connection_id}" + (":dead" if received.dead else ""),
        received.received_at,
        photos,
    )
    return Read(arrival, message_id)


def _said(
    received: Received, content_type: str, connection: Connection, mapper: Mapper | None, body_max: int
) -> tuple[str, Said | Problem, tuple[SentPhoto, ...]]:
    message_id = letter_of(received)
    photos: tuple[SentPhoto, ...] = ()
    try:
        _check(received, body_max)
        if mapper is not None and content_type.partition(";")[0].strip().lower() != STRUCTURED:
            said, photos = _mapped(mapper, received, message_id, connection)
        else:
            event = event_of(content_type, received.headers, message_id or None, received.body)
            message_id = event.id
            said = said_by_event(event)
    except Problem as problem:
        return message_id, problem, ()
    except (MappingFailed, DocumentFault) as fault:
        return message_id, fault.problem(), ()
    return said.message_id, said, photos


def _check(received: Received, body_max: int) -> None:
    """Raises ``Problem`` for what is no message at all."""
    if received.dead:
        raise _dead(received)
    if isinstance(received.properties, UnreadableProperties):
        raise Problem("not_a_message", "消息属性无法读取。", "The message's properties cannot be read.")
    if len(received.body) > body_max:
        raise Problem("too_large", f"消息体最多 {body_max} 字节。", f"A body has at most {body_max} bytes.")


def _mapped(
    mapper: Mapper, received: Received, message_id: str, connection: Connection
) -> tuple[Said, tuple[SentPhoto, ...]]:
    inbound = mapper.read(received.body)
    if message_id:
        # A queue has a place for the id; a document that has one of its own says more.
        inbound = replace(inbound, envelope={"id": message_id, **inbound.envelope})
    return said_of(inbound, received.body, connection), inbound.photos


def _dead(received: Received) -> Problem:
    """Why a message lies in the dead queue; the broker says it in its headers."""
    reason = str(received.headers.get("x-first-death-reason", ""))[:40]
    queue = str(received.headers.get("x-first-death-queue", ""))[:200]
    zh, en = _DEATHS.get(reason, ("原因不明", "for an unknown reason"))
    return Problem(
        "dead_lettered",
        f"队列 {queue} 放弃了消息 {letter_of(received) or '—'}:{zh}。",
        f"The queue {queue} gave up message {letter_of(received) or '—'}: {en}.",
    )


def letter_of(received: Received) -> str:
    """The message's own id."""
    return _text(received.properties.message_id)[:200]


def death_of(received: Received) -> tuple[str, str]:
    """The queue in which a message died first, and why."""
    headers = received.headers
    return str(headers.get("x-first-death-queue", ""))[:200], str(headers.get("x-first-death-reason", ""))[:40]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one message, for the queue that its sender named."""

    queue: str
    body: bytes
    properties: pika.BasicProperties


def reply_of(
    received: Received, message_id: str, outcome: Answer | Problem, allowed: str | None, epoch: int
) -> Reply | None:
    """The answer, where the sender asked for one. It goes to ``allowed`` or the sender's own channel alone; None of
    it means any queue, on a broker that is the unit's."""
    to = _text(received.properties.reply_to)
    if not to or received.dead or not (allowed is None or to == allowed or to.startswith(DIRECT_REPLY)):
        return None
    if isinstance(outcome, Problem):
        document: dict[str, Any] = {"message_id": message_id, **outcome.document("zh-CN"), "detail_en": str(outcome)}
        content_type, kind = "application/problem+json", "cityhub.problem"
    else:
        document = {
            "message_id": message_id,
            "case_number": outcome.case_number,
            "version": outcome.version,
            "state": outcome.state,
            "position": cursor(epoch, outcome.position),
            "repeated": outcome.repeated,
        }
        content_type, kind = "application/json", "cityhub.answer"
    return Reply(
        to,
        orjson.dumps(document, default=str),
        pika.BasicProperties(
            content_type=content_type,
            delivery_mode=2,
            type=kind,
            correlation_id=(_text(received.properties.correlation_id) or message_id)[:200],
            message_id=f"answer-{received.tag}",
            app_id="cityhub",
        ),
    )


def _text(value: Any) -> str:
    # pika gives bytes where a short string is no UTF-8; a NUL is a letter to AMQP, and to no store.
    text = value if isinstance(value, str) else value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
