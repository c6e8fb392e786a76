"""The nouns of a city's folder. Frozen values; each row says where it comes from and how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import TypeAdapter

from contracts.calendar import Calendar
from contracts.city.areas import Area, Grid
from contracts.nouns import Role

if TYPE_CHECKING:
    from contracts.city.directory import Directory


class Answers(StrEnum):
    """Three-valued: a condition holds, does not, or cannot be told."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a problem when a responsible unit is sought; None where it is not."""

    category_code: str
    area_id: str | None = None
    component_code: str | None = None
    owner_unit_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Condition:
    """One typed condition: ``owner``, ``maintained_as``, ``zone``, ``subtype`` or ``aspect`` is one of ``values``."""

    name: str
    values: tuple[str, ...]

    def holds(self, unit_id: str, facts: Facts) -> Answers:
        """Whether it holds for a unit and the facts."""
        if self.name == "owner":
            if facts.owner_unit_id is None:
                return Answers.UNKNOWN
            return Answers.YES if facts.owner_unit_id == unit_id else Answers.NO
        known = facts.attributes.get(self.name)
        if known is None:
            return Answers.UNKNOWN
        return Answers.YES if known in self.values else Answers.NO


@dataclass(frozen=True, slots=True)
class CityUnit:
    """An organisation of the city (单位)."""

    unit_id: str
    name_zh: str
    name_en: str
    roles: frozenset[Role]
    parent_unit_id: str | None
    division_code: str
    joins_phase: int
    source: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A national class and subclass of problem (部件/事件类别)."""

    code: str
    kind: str
    class_zh: str
    name_zh: str
    name_en: str
    tier: str
    code_certainty: str
    source: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class Responsibility:
    """One cell of the matrix: a unit leads or assists for a category, under conditions."""

    unit_id: str
    category_code: str
    duty: str
    action: str
    condition_zh: str
    conditions: tuple[Condition, ...]
    source: str
    valid_from: str = ""
    valid_to: str = ""

    def holds(self, facts: Facts) -> Answers:
        """All its conditions together."""
        said = [condition.holds(self.unit_id, facts) for condition in self.conditions]
        if Answers.NO in said:
            return Answers.NO
        return Answers.UNKNOWN if Answers.UNKNOWN in said else Answers.YES


@dataclass(frozen=True, slots=True)
class Tier:
    """A deadline tier (时限档). Limits in hours, or in working days for C and D; ``unit`` says which."""

    tier: str
    name_zh: str
    unit: str
    acknowledge_within: float
    handle_within: float
    certainty: str
    source: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class AreaGovernance:
    """Who governs and who coordinates an area; ``platform_first`` lists categories that its platform gets first."""

    area_id: str
    governed_by: str
    coordinated_by: str
    platform_first: tuple[str, ...]
    certainty: str
    source: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class Standard:
    """When a problem is filed and when it counts as solved (立案、结案标准)."""

    kind: str
    applies_to: str
    filing_condition: str
    closing_condition: str
    certainty: str
    source: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """A known object of the city (部件) with its owner."""

    component_code: str
    category_code: str
    owner_unit_id: str
    maintainer_unit_id: str
    department_unit_id: str
    longitude: float
    latitude: float
    certainty: str
    source: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding that the city knows of."""

    finding: str
    subject: str
    note: str
    source: str


@dataclass(frozen=True, slots=True)
class CityRules:
    """What the city sets once: its name, zone, intake rules and the limits of each link (hours; minutes for tier A)."""

    city_id: str
    name_zh: str
    name_en: str
    division_code: str
    time_zone: str
    accept_by_rule: bool
    accept_sources: tuple[str, ...]
    accept_hours: float
    dispatch_hours: float
    verify_hours: float
    accept_minutes_tier_a: float
    dispatch_minutes_tier_a: float
    verify_minutes_tier_a: float
    due_soon_share: float
    supervision_factor: float


@dataclass(frozen=True, slots=True)
class City:
    """A whole city folder, every row with its own validity."""

    rules: CityRules
    grid: Grid
    calendar: Calendar
    units: tuple[CityUnit, ...]
    categories: tuple[Category, ...]
    responsibilities: tuple[Responsibility, ...]
    tiers: tuple[Tier, ...]
    governance: tuple[AreaGovernance, ...]
    standards: tuple[Standard, ...]
    areas: tuple[Area, ...]
    components: tuple[Component, ...]
    known_findings: tuple[KnownFinding, ...]

    def at(self, day: date) -> Directory:
        """The directory in force on a day."""
        from contracts.city.directory import directory_of

        return directory_of(self, day)

    def to_document(self) -> dict[str, Any]:
        """One JSON-able document, the same for the same city."""
        document: dict[str, Any] = orjson.loads(_bytes(self))
        return document

    def digest(self) -> bytes:
        """SHA-256 of the document."""
        return hashlib.sha256(_bytes(self)).digest()

    @staticmethod
    def from_document(document: Mapping[str, Any]) -> City:
        """The city of a document. Raises ``pydantic.ValidationError``."""
        return TypeAdapter(City).validate_python(document)


def _bytes(city: City) -> bytes:
    return orjson.dumps(city, option=orjson.OPT_SORT_KEYS, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value)} has no place in a city's document")
