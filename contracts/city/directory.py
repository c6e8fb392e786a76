"""The directory: the rows of a city in force at one time, indexed once for the hot path. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from contracts.calendar import Calendar
from contracts.city.areas import Area, AreaIndex, Grid
from contracts.city.conditions import Component
from contracts.city.rows import AreaGovernance, Category, CityRules, CityUnit, Responsibility, Standard, Tier


class Standing(StrEnum):
    """Whether a unit takes part: it does, its phase has not begun, or the directory has it no longer."""

    JOINED = "joined"
    NOT_JOINED_YET = "not_joined_yet"
    NOT_IN_FORCE = "not_in_force"


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """What is in force from ``since`` to ``until`` (None is open). ``version`` is the hub's number; 0 was never stored.

    ``leads`` and ``assists`` are the matrix by category, in the folder's order. ``former_units`` are named there
    but not in force.
    """

    version: int
    since: date | None
    until: date | None
    rules: CityRules
    grid: Grid
    calendar: Calendar
    units: Mapping[str, CityUnit]
    former_units: Mapping[str, CityUnit]
    categories: Mapping[str, Category]
    leads: Mapping[str, tuple[Responsibility, ...]]
    assists: Mapping[str, tuple[Responsibility, ...]]
    tiers: Mapping[str, Tier]
    governance: Mapping[str, AreaGovernance]
    standards: Mapping[tuple[str, str], Standard]
    areas: tuple[Area, ...]
    components: Mapping[str, Component]
    phases_begun: frozenset[int]
    _index: AreaIndex = field(repr=False)

    def area_at(self, longitude: float, latitude: float) -> str | None:
        """The area of a WGS 84 point; None outside every area."""
        return self._index.area_at(longitude, latitude)

    def standing(self, unit_id: str) -> Standing:
        """Whether a unit takes part."""
        unit = self.units.get(unit_id)
        if unit is None:
            return Standing.NOT_IN_FORCE
        return Standing.JOINED if unit.joins_phase in self.phases_begun else Standing.NOT_JOINED_YET

    def unit_named(self, unit_id: str) -> CityUnit | None:
        """A unit, in force or not."""
        return self.units.get(unit_id) or self.former_units.get(unit_id)

    def lineage(self, unit_id: str) -> tuple[str, ...]:
        """A unit and those above it: what belongs to a department belongs to its bureau."""
        found: list[str] = []
        at: str | None = unit_id
        while at is not None and at not in found:
            found.append(at)
            unit = self.unit_named(at)
            at = unit.parent_unit_id if unit else None
        return tuple(found)

    def standard_for(self, category: Category) -> Standard | None:
        """The standard of a category: its tier's own, else its kind's default."""
        own = self.standards.get((category.kind.value, f"tier {category.tier}"))
        return own or self.standards.get((category.kind.value, "default"))
