"""A letter on its way, the entry that it tells, and its public id. Plain values between the store and delivery."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from contracts.nouns import Letter
from hub.life_cycle import State, Step


class Told(Struct, frozen=True):
    """The entry that a letter tells; ``body`` is its fact as text."""

    sequence: int
    step: Step
    state: State
    unit_id: str
    effective_at: datetime
    known_at: datetime
    body: str
    traceparent: str | None


class WaitingLetter(Struct, frozen=True):
    """A letter with the entry that it tells, and how often it was tried.

    ``attempts`` counts since it was last replayed, for its patience; ``on_record`` is the number of its last attempt.
    """

    letter: Letter
    told: Told
    attempts: int = 0
    held: bool = False
    on_record: int = 0


def letter_id(position: int) -> str:
    """The stable public id of a letter (``webhook-id``, CloudEvents ``id``)."""
    return f"ltr_{position:016d}"


def position_of(letter_id: str) -> int | None:
    """The position behind a public letter id; None where it is none."""
    digits = letter_id.removeprefix("ltr_")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None
