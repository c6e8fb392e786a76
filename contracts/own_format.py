"""The port between the door for units' own formats and what reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from contracts.arrival import Answer, Said
from contracts.nouns import Connection
from contracts.photos import SentPhoto
from contracts.problem import Problem


@dataclass(frozen=True, slots=True)
class Heard:
    """What a unit's bytes say by its profile, or why they say nothing; ``document`` as far as it could be read.

    ``photos`` are those that stood in it, ``raw`` is what may be kept of it, as ``content_type`` says.
    """

    said: Said | Problem
    raw: bytes = field(repr=False)
    document: Any = field(default=None, repr=False)
    photos: tuple[SentPhoto, ...] = field(default=(), repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """An answer as the unit's system expects it."""

    status: int
    content_type: str
    body: bytes
    trouble: str = ""
    """What of it could not be written as the profile says; the rest is answered."""


class OwnFormat(Protocol):
    """Reads what a unit sends in its own format, and answers it in that format. Pure."""

    def takes_photos(self, connection: Connection) -> bool:
        """Whether the unit's documents have photos in them."""
        ...

    def field(self, connection: Connection, raw: bytes, content_type: str, path: str) -> str:
        """The text at a path of the unit's document; empty where there is none."""
        ...

    def read(self, connection: Connection, raw: bytes, content_type: str) -> Heard:
        """The message that a unit's bytes are by its mapping; their type tells whether they are a package."""
        ...

    def read_values(self, connection: Connection, raw: bytes) -> Heard:
        """The same for a document that was fetched and kept as JSON (an item of a page, a row of a file)."""
        ...

    def answer(
        self, connection: Connection, heard: Heard, outcome: Answer | Problem, now: datetime, position: str = ""
    ) -> OwnAnswer:
        """What the unit's system is told; ``position`` is where in the log an accepted message stands."""
        ...

    def wsdl(self, connection: Connection, address: str) -> bytes | None:
        """The unit's own WSDL with the hub's address in it, if its profile carries one."""
        ...
