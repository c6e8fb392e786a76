"""What deciding a message comes to: the case after it, its new entries, the letters to write. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from contracts.arrival import Answer
from contracts.city import Component
from contracts.envelope import Mode
from hub.cases import Case, Entry
from hub.lateness import Delivery, Outage
from hub.life_cycle import State
from hub.nearby import Nearby


class LetterOrder(Struct, frozen=True):
    """A letter to write in the same transaction as the entry that it tells."""

    case_id: int
    connection_id: str
    unit_id: str
    entry_sequence: int
    contract: str
    unit_sequence: int
    urgent: bool
    mode: Mode
    due_at: datetime | None = None


class Sight(Struct, frozen=True):
    """A unit begins (``open``) or ceases to see a case, from the entry with this sequence on."""

    unit_id: str
    case_id: int
    entry_sequence: int
    open: bool


class Personal(Struct, frozen=True):
    """Personal data of a report, kept apart and erasable alone."""

    personal_id: UUID
    body: str


class Decision(Struct, frozen=True):
    """An accepted message: everything that it changes."""

    case: Case
    entries: tuple[Entry, ...]
    letters: tuple[LetterOrder, ...] = ()
    sights: tuple[Sight, ...] = ()
    personal: Personal | None = None


class Remembered(Struct, frozen=True):
    """How a message was decided before: its answer, or the refusal's text.

    ``gone`` is the number of a case that was dropped with its month since: its key still binds, its answer is lost.
    """

    fingerprint: bytes
    answer: Answer | None
    refusal: str | None = None
    gone: str | None = None


@dataclass(slots=True)
class Outbox:
    """A batch as it is decided: what will be written together. Filled by the intake, read by the store."""

    cases: dict[int, Case] = field(default_factory=dict)
    alarms: dict[int, datetime | None] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    befores: list[State | None] = field(default_factory=list)
    letters: list[LetterOrder] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    personal: list[tuple[int, Personal]] = field(default_factory=list)
    keys: list[tuple[UUID, bytes, int | None, int | None, str | None]] = field(default_factory=list)
    raw: list[tuple[int, UUID, datetime, str, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a batch looked up before deciding."""

    cases: Mapping[int, Case]
    remembered: Mapping[bytes, Remembered]
    attachments: Mapping[str, str]
    near: Nearby
    deliveries: Mapping[int, Delivery]
    outages: Mapping[str, Sequence[Outage]]
    components: Mapping[str, Component]
