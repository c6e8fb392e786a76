"""A whole city: its tables with every row's validity, as one value and one document. Pure."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, TypeVar

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from contracts.calendar import Calendar, CalendarData, calendar_of
from contracts.city.areas import Area, Grid, index_of
from contracts.city.conditions import Component
from contracts.city.directory import Directory
from contracts.city.formulas import Formula
from contracts.city.row import Row
from contracts.city.rows import (
    AreaGovernance,
    Category,
    CityRules,
    CityUnit,
    KnownFinding,
    Phase,
    Responsibility,
    Standard,
    Tier,
)
from contracts.messages import Duty

R = TypeVar("R", bound=Row)
Key = TypeVar("Key", bound=Hashable)

DOCUMENT_FORMAT = 3
"""Grows when an older hub could misread a newer document."""


class CityDocumentUnreadable(Exception):
    """A stored document is of another format, or was changed by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of a folder, in the folder's order, which is the order in which units and candidates are listed."""

    units: tuple[CityUnit, ...] = ()
    categories: tuple[Category, ...] = ()
    responsibilities: tuple[Responsibility, ...] = ()
    tiers: tuple[Tier, ...] = ()
    governance: tuple[AreaGovernance, ...] = ()
    standards: tuple[Standard, ...] = ()
    areas: tuple[Area, ...] = ()
    components: tuple[Component, ...] = ()
    phases: tuple[Phase, ...] = ()
    known_findings: tuple[KnownFinding, ...] = ()

    def dated_rows(self) -> Iterable[Row]:
        """Every row that may begin and end."""
        yield from self.units
        yield from self.categories
        yield from self.responsibilities
        yield from self.tiers
        yield from self.governance
        yield from self.standards
        yield from self.areas
        yield from self.components
        yield from self.phases


@dataclass(frozen=True, slots=True, kw_only=True)
class City(Tables):
    """A city's folder as one value. ``at`` gives what is in force on a day; ``to_document`` is what the hub stores."""

    # A document with more than this program knows is not read as if that were nothing.
    __pydantic_config__ = ConfigDict(extra="forbid")

    rules: CityRules
    grid: Grid
    calendar: CalendarData
    formulas: tuple[Formula, ...] = ()
    # What follows from the rows, made when first asked for: never compared, never in the document.
    _made: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def at(self, effective: date, version: int = 0) -> Directory:
        """The directory in force on a day. The same value is given for all days between two changes."""
        changes = self.change_days()
        era = bisect_right(changes, effective)
        known: Directory | None = self._made.get((era, version))
        if known is None:
            since = changes[era - 1] if era else None
            until = changes[era] - timedelta(days=1) if era < len(changes) else None
            known = self._made[era, version] = self._directory(effective, version, since, until)
        return known

    def formula(self, day: date) -> Formula | None:
        """How the city evaluates a period that ends on a day; None before its first version."""
        return max(
            (each for each in self.formulas if each.valid_from <= day), key=lambda each: each.valid_from, default=None
        )

    def change_days(self) -> tuple[date, ...]:
        """The days on which what is in force changes, in order."""
        known: tuple[date, ...] | None = self._made.get("changes")
        if known is None:
            dated = [(row.valid_from, row.valid_to) for row in self.dated_rows()]
            dated += [(day.valid_from, day.valid_to) for day in self.calendar.special_days]
            begins = {first for first, _ in dated if first}
            ends = {last + timedelta(days=1) for _, last in dated if last and last < date.max}
            known = self._made["changes"] = tuple(sorted(begins | ends))
        return known

    def to_document(self) -> dict[str, Any]:
        """One JSON-able document: the same city gives the same one, down to the byte once its keys are sorted."""
        document: dict[str, Any] = orjson.loads(_bytes(self))
        return document

    def digest(self) -> bytes:
        """SHA-256 of the document's bytes, keys sorted."""
        return hashlib.sha256(_bytes(self)).digest()

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> City:
        """The city of a document. Raises ``CityDocumentUnreadable``."""
        if document.get("format") != DOCUMENT_FORMAT:
            raise CityDocumentUnreadable(
                f"名录文档的格式是 {document.get('format')},本程序读 {DOCUMENT_FORMAT};请重新载入城市数据 / "
                f"the directory's document has format {document.get('format')}, this program reads {DOCUMENT_FORMAT}: "
                "load the city's folder again"
            )
        try:
            return _reader().validate_python({key: value for key, value in document.items() if key != "format"})
        except ValidationError as fault:
            raise CityDocumentUnreadable(str(fault)) from fault

    def _directory(self, day: date, version: int, since: date | None, until: date | None) -> Directory:
        units = _in_force(self.units, day)
        matrix = _in_force(self.responsibilities, day)
        areas = _in_force(self.areas, day)
        present = {unit.unit_id: unit for unit in units}
        return Directory(
            version=version,
            since=since,
            until=until,
            rules=self.rules,
            grid=self.grid,
            calendar=self._calendar(day),
            units=present,
            former_units={unit.unit_id: unit for unit in self.units if unit.unit_id not in present},
            categories={row.code: row for row in _in_force(self.categories, day)},
            leads=_grouped((row.category_code, row) for row in matrix if row.duty is Duty.LEAD),
            assists=_grouped((row.category_code, row) for row in matrix if row.duty is Duty.ASSIST),
            tiers={row.tier: row for row in _in_force(self.tiers, day)},
            governance={row.area_id: row for row in _in_force(self.governance, day)},
            standards={(row.kind.value, row.applies_to): row for row in _in_force(self.standards, day)},
            areas=areas,
            components={row.component_code: row for row in _in_force(self.components, day)},
            phases_begun=frozenset(
                phase.number for phase in _in_force(self.phases, day) if phase.valid_from is not None
            ),
            _index=index_of(areas),
        )

    def _calendar(self, day: date) -> Calendar:
        # Most directories share one calendar, and with it its tables of the years.
        data = self.calendar.at(day)
        known: Calendar | None = self._made.get("calendar") if data is self.calendar else None
        if known is None:
            known = calendar_of(data)
            if data is self.calendar:
                self._made["calendar"] = known
        return known


def _in_force(rows: Iterable[R], day: date) -> tuple[R, ...]:
    return tuple(row for row in rows if row.in_force(day))


def _grouped(pairs: Iterable[tuple[Key, R]]) -> dict[Key, tuple[R, ...]]:
    found: dict[Key, list[R]] = {}
    for key, row in pairs:
        found.setdefault(key, []).append(row)
    return {key: tuple(rows) for key, rows in found.items()}


@cache
def _reader() -> TypeAdapter[City]:
    return TypeAdapter(City)


def _bytes(city: City) -> bytes:
    # orjson leaves out fields whose names begin with an underscore.
    told = orjson.loads(orjson.dumps(city, default=_plain))
    return orjson.dumps({"format": DOCUMENT_FORMAT, **told}, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value)} has no place in a city's document")
