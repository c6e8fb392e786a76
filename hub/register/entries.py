"""What the register says of a component: in a file's line, and as an entry with its interval and its provenance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from contracts.city import Component


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a component. The place is WGS 84, seven decimals: a centimetre."""

    category_code: str
    owner_unit_id: str
    maintainer_unit_id: str | None
    department_unit_id: str | None
    longitude: float
    latitude: float
    area_id: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, as it was understood. Both days are included; None is open."""

    number: int
    component_code: str
    told: Told
    valid_from: date
    valid_to: date | None
    source: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One interval of a component as the hub knew it from ``known_from`` until ``known_until`` (None: still)."""

    component_code: str
    told: Told
    valid_from: date
    valid_to: date | None
    source: str
    import_id: int
    file_name: str
    line: int
    known_from: datetime
    known_until: datetime | None = None
    entry_id: int = 0

    def in_force(self, day: date) -> bool:
        """Whether the entry holds on a day, as far as is known now."""
        return self.known_until is None and self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def concerns(self, unit_id: str) -> bool:
        """Whether the unit owns the component, maintains it or is in charge of it."""
        return unit_id in (self.told.owner_unit_id, self.told.maintainer_unit_id, self.told.department_unit_id)

    @property
    def citation(self) -> str:
        """Which entry it is, so that a decision by it can be opened down to the line of its file."""
        until = self.valid_to.isoformat() if self.valid_to else ""
        return (
            f"部件台账 register {self.component_code} {self.valid_from.isoformat()}/{until}; "
            f"import {self.import_id}, {self.file_name}:{self.line}; {self.source}"
        )

    def component(self) -> Component:
        """The entry as the rules of responsibility take it."""
        told = self.told
        return Component(
            component_code=self.component_code,
            category_code=told.category_code,
            owner_unit_id=told.owner_unit_id,
            maintainer_unit_id=told.maintainer_unit_id,
            department_unit_id=told.department_unit_id,
            longitude=told.longitude,
            latitude=told.latitude,
            source=self.citation,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )
