"""What an adapter brings in: what a unit said, checked against its contract, how it came, and the hub's answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from contracts.cloudevents import Event
from contracts.envelope import Sender
from contracts.live import CONTRACTS, INBOUND
from contracts.messages import Body, Report
from contracts.photos import SentPhoto
from contracts.problem import Problem, Violation

NEWEST: Mapping[str, type[Body]] = {model.contract.partition("/")[0]: model for model in INBOUND}
"""Contract name → the newest version that partners may send."""


class Said(Struct, frozen=True):
    """What a unit said, before it is a message: the contract's body, and what was told of the envelope.

    ``extensions`` go by their CloudEvents names: mode, sendercase, basedonversion, actor, onbehalfof, sequence,
    traceparent.
    """

    body: Body
    message_id: str
    source: str
    case_number: str | None = None
    time: datetime | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)


class Arrival(Struct, frozen=True):
    """One message as it came through a door: what it says, or why it says nothing; ``raw`` is kept if it is refused.

    ``photos`` came inside it, and what it says names them by their ids.
    """

    sender: Sender
    said: Said | Problem
    raw: bytes
    content_type: str
    door: str
    received_at: datetime
    photos: tuple[SentPhoto, ...] = ()


class Answer(Struct, frozen=True):
    """The first answer to a message, given again to each repeat. It is committed."""

    case_id: int
    case_number: str
    version: int
    state: str
    position: int
    repeated: bool = False


def said_by_event(event: Event) -> Said:
    """What a CloudEvent says, its data checked against its contract. Raises ``Problem``."""
    body: Body = event.body(_model_of(event))
    if not event.subject and not isinstance(body, Report):
        raise Problem(
            "not_a_message",
            violations=(Violation("#/subject", "subject 应为案件号", "subject must be the case number", "required"),),
        )
    # A report opens a case: a subject there is the sender's own name for it.
    case_number = None if isinstance(body, Report) else event.subject
    return Said(body, event.id, event.source, case_number, event.time, event.extensions)


def content_id(raw: bytes) -> str:
    """The id of a message whose sender gives none: the same bytes are the same message."""
    return hashlib.sha256(raw).hexdigest()[:32]


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
