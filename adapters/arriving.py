"""What the hub fetched from a unit (an item of a page, a row of a file), as it is handed to the reception. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from adapters.documents import DocumentFault
from adapters.mapping import Mapper, MappingFailed, said_of
from contracts.arrival import Answer, Arrival, Said
from contracts.envelope import Sender
from contracts.nouns import Connection
from contracts.problem import PROBLEMS, Problem

CONTENT_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One document of the unit, as plain values, and as the bytes that are kept of it."""

    value: Any
    raw: bytes

    @property
    def digest(self) -> str:
        """What tells it from others: the same content, whatever the order of its names, is the same."""
        return hashlib.sha256(self.raw).hexdigest()[:16]


def fetched(value: Any) -> Fetched:
    """A document of plain values."""
    return Fetched(value, orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def arrival_of(item: Fetched, mapper: Mapper, connection: Connection, door: str, now: datetime) -> Arrival:
    """The message that a document is by the connection's mapping, or why it is none."""
    said: Said | Problem
    try:
        said = said_of(mapper.read_values(item.value), item.raw, connection)
    except (MappingFailed, DocumentFault) as fault:
        said = fault.problem()
    except Problem as problem:
        said = problem
    return arrived(said, item.raw, CONTENT_TYPE, connection, door, now)


def arrived(
    said: Said | Problem, raw: bytes, content_type: str, connection: Connection, door: str, now: datetime
) -> Arrival:
    """An arrival from a connection that the hub itself fetches from: it shows no credential of the hub's."""
    sender = Sender(connection.unit_id, connection.connection_id, connection.connection_id)
    return Arrival(sender, said, raw, content_type, door, now)


def took_effect_or_never_will(outcome: Answer | Problem) -> bool:
    """Whether to hand it in again could change nothing."""
    return isinstance(outcome, Answer) or not PROBLEMS[outcome.kind].retryable
