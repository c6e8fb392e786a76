"""The directory: the rows of a city in force on one day, indexed for the hot path. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from contracts.calendar import Calendar
from contracts.city.areas import Area, Grid
from contracts.city.model import (
    AreaGovernance,
    Category,
    City,
    CityRules,
    CityUnit,
    Component,
    Responsibility,
    Standard,
    Tier,
)


class _Dated(Protocol):
    @property
    def valid_from(self) -> str: ...
    @property
    def valid_to(self) -> str: ...


Row = TypeVar("Row", bound=_Dated)


@dataclass(frozen=True, slots=True)
class Directory:
    """What is in force on ``day``: units, categories, the matrix by category, areas, tiers, components."""

    day: date
    rules: CityRules
    grid: Grid
    calendar: Calendar
    units: Mapping[str, CityUnit]
    categories: Mapping[str, Category]
    leads: Mapping[str, tuple[Responsibility, ...]]
    assists: Mapping[str, tuple[Responsibility, ...]]
    tiers: Mapping[str, Tier]
    governance: Mapping[str, AreaGovernance]
    standards: tuple[Standard, ...]
    areas: tuple[Area, ...]
    components: Mapping[str, Component]

    def area_at(self, longitude: float, latitude: float) -> str | None:
        """The area of a point; None outside every area."""
        for area in self.areas:
            if area.contains(longitude, latitude):
                return area.area_id
        return None

    def standard_for(self, category: Category) -> Standard | None:
        """The standard of a category: its tier's own, else its kind's default."""
        own = f"tier {category.tier}"
        found = [each for each in self.standards if each.kind == category.kind and each.applies_to in (own, "default")]
        return next((each for each in found if each.applies_to == own), found[0] if found else None)


def directory_of(city: City, day: date) -> Directory:
    """The rows of a city that are in force on a day."""
    rows = tuple(_in_force(city.responsibilities, day))
    return Directory(
        day=day,
        rules=city.rules,
        grid=city.grid,
        calendar=city.calendar,
        units={unit.unit_id: unit for unit in _in_force(city.units, day)},
        categories={category.code: category for category in _in_force(city.categories, day)},
        leads=_by_category(row for row in rows if row.duty == "lead"),
        assists=_by_category(row for row in rows if row.duty == "assist"),
        tiers={tier.tier: tier for tier in _in_force(city.tiers, day)},
        governance={row.area_id: row for row in _in_force(city.governance, day)},
        standards=tuple(_in_force(city.standards, day)),
        areas=tuple(_in_force(city.areas, day)),
        components={row.component_code: row for row in _in_force(city.components, day)},
    )


def _in_force(rows: Iterable[Row], day: date) -> Iterable[Row]:
    text = day.isoformat()
    return (row for row in rows if row.valid_from <= text and (not row.valid_to or text <= row.valid_to))


def _by_category(rows: Iterable[Responsibility]) -> dict[str, tuple[Responsibility, ...]]:
    found: dict[str, list[Responsibility]] = {}
    for row in rows:
        found.setdefault(row.category_code, []).append(row)
    return {code: tuple(each) for code, each in found.items()}
