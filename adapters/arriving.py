"""What the hub fetched from a unit (an item of a page, a row of a file), and how it is handed to the reception."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from adapters.documents import DocumentFault
from adapters.mapping import Mapper, MappingFailed, said_of
from contracts.arrival import Answer, Arrival, Said
from contracts.envelope import Sender
from contracts.nouns import Connection
from contracts.photos import SentPhoto
from contracts.port import Reception
from contracts.problem import PROBLEMS, Problem

CONTENT_TYPE = "application/json"
FAULTS_MAX = 5
"""How often a document may meet a fault of the hub's own before it is kept on the refused shelf and passed over."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One document of the unit: its plain values, the bytes that are kept of it, and why it is none, if it is none."""

    value: Any
    raw: bytes
    fault: Problem | None = None

    @property
    def digest(self) -> str:
        """What tells it from others: the same content, whatever the order of its names, is the same."""
        return hashlib.sha256(self.raw).hexdigest()[:16]


def fetched(value: Any, fault: Problem | None = None) -> Fetched:
    """A document of plain values."""
    return Fetched(value, orjson.dumps(value, option=orjson.OPT_SORT_KEYS), fault)


@dataclass(slots=True)
class HandingIn:
    """Hands in what comes over one connection by one door.

    ``faults`` counts, by digest, how often a document met a fault of the hub's own; it outlives a collector.
    """

    connection: Connection
    mapper: Mapper
    reception: Reception
    door: str
    now: Callable[[], datetime]
    faults: Counter[str] = field(default_factory=Counter)

    async def outcomes(self, items: Sequence[Fetched]) -> list[Answer | Problem]:
        """The answer to each, once it is committed or refused; a retryable problem took no effect."""
        outcomes = await self.reception.receive([self.arrival(item) for item in items])
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Problem) and outcome.kind == "internal":
                self.faults[item.digest] += 1
        return outcomes

    def arrival(self, item: Fetched) -> Arrival:
        """A document as it is handed in."""
        if self.faults[item.digest] >= FAULTS_MAX:
            # Whatever is wrong with it is ours; it must not hold up all that comes after it.
            said = Problem("document_invalid", "枢纽多次处理此条出错。", "The hub itself failed on it again and again.")
            return arrived(said, item.raw, CONTENT_TYPE, self.connection, self.door, self.now())
        return arrival_of(item, self.mapper, self.connection, self.door, self.now())


def arrival_of(item: Fetched, mapper: Mapper, connection: Connection, door: str, now: datetime) -> Arrival:
    """The message that a document is by the connection's mapping, or why it is none."""
    said: Said | Problem
    photos: tuple[SentPhoto, ...] = ()
    try:
        if item.fault is not None:
            raise item.fault
        if mapper.mapping.photos_at:
            # The item itself stays as it was fetched: it may be handed in again.
            value = orjson.loads(item.raw)
            photos = mapper.take_photos(value)
            item = fetched(value)
        said = said_of(mapper.read_values(item.value), item.raw, connection)
    except (MappingFailed, DocumentFault) as fault:
        said = fault.problem()
    except Problem as problem:
        said = problem
    return arrived(said, item.raw, CONTENT_TYPE, connection, door, now, photos)


def arrived(
    said: Said | Problem,
    raw: bytes,
    content_type: str,
    connection: Connection,
    door: str,
    now: datetime,
    photos: tuple[SentPhoto, ...] = (),
) -> Arrival:
    """An arrival from a connection that the hub itself fetches from: it shows no credential of the hub's."""
    sender = Sender(connection.unit_id, connection.connection_id, connection.connection_id)
    return Arrival(sender, said, raw, content_type, door, now, photos)


def took_effect_or_never_will(outcome: Answer | Problem) -> bool:
    """Whether to hand it in again could change nothing."""
    return isinstance(outcome, Answer) or not PROBLEMS[outcome.kind].retryable
