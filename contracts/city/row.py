"""What every row of a city's folder carries: its source, how sure it is, and from when to when it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import ConfigDict


class Certainty(StrEnum):
    """How sure a row is. Whatever is not ``stated`` becomes a finding, for the city to confirm."""

    STATED = "stated"
    ASSUMED = "assumed"
    RECALLED = "recalled"
    LOCAL = "local"
    SCHEMATIC = "schematic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Fields that all rows share. Both days of the validity are included; None is open."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    source: str
    certainty: Certainty = Certainty.STATED
    valid_from: date | None = None
    valid_to: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether the row holds on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)
