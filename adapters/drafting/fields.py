"""What a unit's description says of its fields, whatever it is written in: the common form that is matched."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.mapping import Written
from contracts.paths import PATH_PATTERN, Path, path_text

PATH_MAX = 300


class Shape(StrEnum):
    """What a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class UnitField:
    """One leaf of the unit's document. ``path`` is as a mapping writes it; ``element`` is the path inside an element of
    the list at ``path``, None where the field is no list."""

    path: str
    name: str
    label: str = ""
    shape: Shape = Shape.TEXT
    samples: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    required: bool = False
    element: str | None = None


def can_be_told(path: Path) -> bool:
    """Whether a mapping can name a path: not one with quotes in a name, or with no name at all."""
    return re.fullmatch(PATH_PATTERN, path_text(path)) is not None and len(path_text(path)) <= PATH_MAX


@dataclass(frozen=True, slots=True)
class Described:
    """One document of the unit: an operation's request, a message's body, a sample. ``about`` names what it is for,
    ``state`` is what a sample says of itself (its event, its status)."""

    name: str
    about: str
    fields: tuple[UnitField, ...]
    written: Written = field(default_factory=Written)
    base: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What the draft could not settle, for a person to answer."""

    zh: str
    en: str


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class DraftFault(Exception):
    """There is nothing to draft from: the description cannot be read or fetched."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.en
