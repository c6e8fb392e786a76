"""The shared nouns: Unit, Connection, Letter, Attempt. Plain values that every part speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from contracts.envelope import Mode
from contracts.pace import RETRY, Maintenance, Opening, Retry


class Role(StrEnum):
    """What a unit is in the process (the roles of the city's units table)."""

    LEADING_GROUP = "leading_group"
    CITY_GOVERNMENT = "city_government"
    COMMAND_CENTER = "command_center"
    COLLECTOR = "collector"
    DISTRICT_GOVERNMENT = "district_government"
    SECOND_LEVEL_PLATFORM = "second_level_platform"
    ENTERPRISE = "enterprise"
    TERMINAL = "terminal"


class UnitState(StrEnum):
    """How far a unit's connection is (接入状态). Only ``live`` units receive live letters by their own system."""

    DRAFT = "draft"
    TESTING = "testing"
    CERTIFIED = "certified"
    LIVE = "live"
    SUSPENDED = "suspended"
    RETIRED = "retired"


class Transport(StrEnum):
    """How a connection is reached. ``pull`` units fetch; ``desk`` is the browser page that every unit has."""

    REST = "rest"
    SOAP = "soap"
    RABBITMQ = "rabbitmq"
    FILE = "file"
    PULL = "pull"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Connection:
    """One way to reach a unit (连接), as its profile describes it.

    ``settings`` is the transport's own part of the profile, checked when the profile was applied; only the
    transport's adapter reads it. ``source`` names the kind of source from which the hub itself fetches what the unit
    says (``poll``, ``rabbitmq``, ``file``); None where the unit calls.
    """

    connection_id: str
    unit_id: str
    transport: Transport
    profile_version: int
    settings: dict[str, Any]
    receives: frozenset[str]
    concurrency: int = 8
    per_second: float = 100.0
    timeout_seconds: float = 15.0
    source: str | None = None
    retry: Retry = RETRY
    maintenance: Maintenance | None = None
    calendar: Opening | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """One outgoing message on its way to one unit (信件).

    ``position`` is the letter's id and its place in commit order; ``unit_sequence`` counts the letters of this case
    to this unit, so that a receiver can drop what is stale.
    """

    position: int
    connection_id: str
    unit_id: str
    case_id: int
    case_number: str
    entry_sequence: int
    contract: str
    unit_sequence: int
    urgent: bool
    mode: Mode
    written_at: datetime
    due_at: datetime | None = None
    traceparent: str | None = None


class RenderedLetter(Struct, frozen=True):
    """A letter as it goes over the wire: the same ``letter_id`` never has other bytes."""

    letter_id: str
    case_number: str
    contract: str
    content_type: str
    body: bytes
    digest: bytes
    traceparent: str | None = None


class Receipt(StrEnum):
    """What a unit's answer says: it has the letter (202), or it has dealt with it (200, 201, 204)."""

    RECEIVED = "received"
    PROCESSED = "processed"


class Delivered(Struct, frozen=True):
    """A letter arrived: what the unit said, and the times that tell network and unit apart."""

    receipt: Receipt
    status: int
    answer: bytes
    sent_at: datetime
    answered_at: datetime
    connected_ms: float = 0.0
