"""Conflicts between the rows of a city: a name that nobody bears, a key that stands twice, a role left empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import TypeVar

from contracts.city.city import Tables
from contracts.city.row import Row
from contracts.city.rows import ALL_CATEGORIES, Kind
from contracts.nouns import Role

R = TypeVar("R", bound=Row)

UNITS, CATEGORIES, MATRIX, TIERS = "units.csv", "categories.csv", "responsibilities.csv", "deadline_tiers.csv"
GOVERNANCE, STANDARDS, AREAS = "districts.csv", "standards.csv", "areas.geojson"
COMPONENTS, PHASES = "components.csv", "phases.csv"

MUST_HAVE = (Role.COMMAND_CENTER, Role.COLLECTOR)
"""Roles without which no case can be accepted or verified."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rows that cannot stand together. ``index`` is the row's place in its table; None is the whole table."""

    file: str
    index: int | None
    column: str
    zh: str
    en: str


Named = Mapping[str, frozenset[str] | None]
"""By file, the ids that exist though their rows could not be read; None: the whole file could not, nothing is known."""


def conflicts_of(tables: Tables, named: Named | None = None) -> Iterator[Conflict]:
    """Every conflict. A name is missed only in a file that could be read."""
    yield from _dangling(tables, named or {})
    yield from _twice(tables)
    yield from _tiers_not_in_force(tables)
    yield from _circles(tables)
    for role in MUST_HAVE:
        if tables.units and not any(role in unit.roles for unit in tables.units):
            yield Conflict(UNITS, None, "role", f"没有角色为 {role} 的单位", f"no unit has the role {role}")


def _dangling(tables: Tables, named: Named) -> Iterator[Conflict]:
    def names(file: str, read: Iterable[str]) -> frozenset[str] | None:
        other = named.get(file, frozenset())
        return None if other is None else frozenset(read) | other

    units = names(UNITS, (unit.unit_id for unit in tables.units))
    codes = names(CATEGORIES, (category.code for category in tables.categories))
    tiers = names(TIERS, (tier.tier for tier in tables.tiers))
    areas = names(AREAS, (area.area_id for area in tables.areas))
    phases = names(PHASES, (str(phase.number) for phase in tables.phases))
    first = None if codes is None else codes | {ALL_CATEGORIES, *(kind.value for kind in Kind)}

    def refers(
        file: str, index: int, column: str, name: str | None, known: frozenset[str] | None, noun: str
    ) -> Iterator[Conflict]:
        if name is not None and known is not None and name not in known:
            zh, en = noun.split("/")
            yield Conflict(file, index, column, f"{zh}中没有 {name}", f"{en} has no {name}")

    in_units, in_codes = "单位表/units.csv", "类别表/categories.csv"
    for n, unit in enumerate(tables.units):
        yield from refers(UNITS, n, "parent_unit_id", unit.parent_unit_id, units, in_units)
        yield from refers(UNITS, n, "joins_phase", str(unit.joins_phase), phases, "分期表/phases.csv")
    for n, category in enumerate(tables.categories):
        yield from refers(CATEGORIES, n, "deadline_tier", category.tier, tiers, "时限档表/deadline_tiers.csv")
    for n, row in enumerate(tables.responsibilities):
        yield from refers(MATRIX, n, "unit_id", row.unit_id, units, in_units)
        yield from refers(MATRIX, n, "category_code", row.category_code, codes, in_codes)
    for n, governed in enumerate(tables.governance):
        yield from refers(GOVERNANCE, n, "area_id", governed.area_id, areas, "区域图/areas.geojson")
        yield from refers(GOVERNANCE, n, "governed_by", governed.governed_by, units, in_units)
        yield from refers(GOVERNANCE, n, "coordinated_by", governed.coordinated_by, units, in_units)
        for each in sorted(governed.platform_first):
            yield from refers(GOVERNANCE, n, "platform_first", each, first, in_codes)
    for n, area in enumerate(tables.areas):
        yield from refers(AREAS, n, "phase", str(area.phase), phases, "分期表/phases.csv")
    for n, component in enumerate(tables.components):
        yield from refers(COMPONENTS, n, "category_code", component.category_code, codes, in_codes)
        yield from refers(COMPONENTS, n, "owner_unit_id", component.owner_unit_id, units, in_units)
        yield from refers(COMPONENTS, n, "maintainer_unit_id", component.maintainer_unit_id, units, in_units)
        yield from refers(COMPONENTS, n, "department_unit_id", component.department_unit_id, units, in_units)


def _twice(tables: Tables) -> Iterator[Conflict]:
    """One key may have several rows, one after another in time, never two on one day."""
    yield from _overlaps(UNITS, "unit_id", tables.units, lambda row: row.unit_id)
    yield from _overlaps(CATEGORIES, "code", tables.categories, lambda row: row.code)
    yield from _overlaps(TIERS, "tier", tables.tiers, lambda row: row.tier)
    yield from _overlaps(GOVERNANCE, "area_id", tables.governance, lambda row: row.area_id)
    yield from _overlaps(STANDARDS, "applies_to", tables.standards, lambda row: f"{row.kind} {row.applies_to}")
    yield from _overlaps(AREAS, "area_id", tables.areas, lambda row: row.area_id)
    yield from _overlaps(COMPONENTS, "component_code", tables.components, lambda row: row.component_code)
    yield from _overlaps(PHASES, "number", tables.phases, lambda row: str(row.number))
    yield from _overlaps(
        MATRIX,
        "category_code",
        tables.responsibilities,
        lambda row: (
            f"{row.unit_id} {row.category_code} {row.duty} {[(c.name.value, c.values) for c in row.conditions]}"
        ),
    )


def _overlaps(file: str, column: str, rows: Sequence[R], key: Callable[[R], str]) -> Iterator[Conflict]:
    by_key: dict[str, list[int]] = {}
    for n, row in enumerate(rows):
        by_key.setdefault(key(row), []).append(n)
    for name, places in by_key.items():
        for one, two in combinations(places, 2):
            if _meet(rows[one], rows[two]):
                yield Conflict(file, two, column, f"{name} 在同一天有两行", f"{name} stands twice on the same day")


def _meet(one: Row, two: Row) -> bool:
    begins = max(one.valid_from or date.min, two.valid_from or date.min)
    return begins <= min(one.valid_to or date.max, two.valid_to or date.max)


def _tiers_not_in_force(tables: Tables) -> Iterator[Conflict]:
    """A category without its limits could not be given a deadline: its tier must hold on every day that it holds."""
    for n, category in enumerate(tables.categories):
        rows = [tier for tier in tables.tiers if tier.tier == category.tier]
        ends = [tier.valid_to + timedelta(days=1) for tier in rows if tier.valid_to and tier.valid_to < date.max]
        asked = {category.valid_from or date.min, *(day for day in ends if category.in_force(day))}
        for day in sorted(asked):
            if rows and not any(tier.in_force(day) for tier in rows):
                yield Conflict(
                    CATEGORIES,
                    n,
                    "deadline_tier",
                    f"时限档 {category.tier} 自 {day} 起未生效",
                    f"tier {category.tier} is not in force from {day}",
                )
                break


def _circles(tables: Tables) -> Iterator[Conflict]:
    parents = {unit.unit_id: unit.parent_unit_id for unit in tables.units}
    for n, unit in enumerate(tables.units):
        seen, at = {unit.unit_id}, unit.parent_unit_id
        while at is not None and at not in seen:
            seen.add(at)
            at = parents.get(at)
        if at == unit.unit_id:
            yield Conflict(UNITS, n, "parent_unit_id", "上级单位成环", "its parents run in a circle")
