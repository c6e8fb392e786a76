"""The rows of a city's tables. Frozen values; each says where it comes from and how sure it is (see ``row``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.city.conditions import Condition, ConditionName, Facts, Truth, all_of
from contracts.city.row import Certainty, Row
from contracts.messages import Duty
from contracts.nouns import Role


class Kind(StrEnum):
    """An object of the city (部件) or something that happens (事件)."""

    COMPONENT = "component"
    EVENT = "event"


class TimeUnit(StrEnum):
    """In what time a limit runs."""

    NATURAL_HOURS = "natural_hours"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"


ALL_CATEGORIES = "all"
"""In ``platform_first``: every category."""


@dataclass(frozen=True, slots=True)
class CityUnit(Row):
    """An organisation of the city (单位). ``joins_phase`` is the phase of the city's project in which it joins."""

    unit_id: str
    name_zh: str
    name_en: str
    roles: frozenset[Role]
    parent_unit_id: str | None
    division_code: str
    joins_phase: int


@dataclass(frozen=True, slots=True)
class Category(Row):
    """A national class and subclass of problem (部件/事件类别), with its deadline tier."""

    code: str
    kind: Kind
    class_zh: str
    class_en: str
    name_zh: str
    name_en: str
    tier: str


@dataclass(frozen=True, slots=True)
class Responsibility(Row):
    """One cell of the matrix: for a category a unit leads or assists, under conditions, to do ``action``."""

    unit_id: str
    category_code: str
    category_as_written: str
    duty: Duty
    action: str
    condition_zh: str
    conditions: tuple[Condition, ...]

    def matches(self, facts: Facts) -> Truth:
        """Whether all its conditions hold; without any it always does."""
        return all_of(condition.matches(facts) for condition in self.conditions)

    @property
    def for_its_own(self) -> bool:
        """Whether the unit answers only for what belongs to it (涉及本单位的)."""
        return any(condition.name is ConditionName.OWNER for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Tier(Row):
    """A deadline tier (时限档). ``handle_within`` counts in ``unit``, ``acknowledge_within`` in hours of that kind."""

    tier: str
    name_zh: str
    name_en: str
    unit: TimeUnit
    acknowledge_within: float
    handle_within: float
    meaning_zh: str
    meaning_en: str

    @property
    def urgent(self) -> bool:
        """Whether every clock of such a case runs in natural time: danger does not wait for office hours."""
        return self.unit is TimeUnit.NATURAL_HOURS


@dataclass(frozen=True, slots=True)
class AreaGovernance(Row):
    """Who governs and who coordinates an area, and for what its platform comes before the matrix."""

    area_id: str
    governed_by: str
    coordinated_by: str
    handles_zh: str
    handles_en: str
    platform_first: frozenset[str]

    def takes_first(self, category: Category) -> bool:
        """Whether the area's platform gets a category before the matrix is asked."""
        first = self.platform_first
        return bool(first) and (ALL_CATEGORIES in first or category.kind.value in first or category.code in first)


@dataclass(frozen=True, slots=True)
class Standard(Row):
    """When a problem is filed and when it is solved (立案、结案标准), for a kind and ``default`` or ``tier X``."""

    kind: Kind
    applies_to: str
    filing_condition: str
    closing_condition: str
    filing_condition_zh: str
    closing_condition_zh: str


@dataclass(frozen=True, slots=True)
class Phase(Row):
    """A phase of the city's project (一期、二期): it has begun from ``valid_from``; one without a date has not."""

    number: int
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class KnownFinding(Row):
    """A finding that the city knows of."""

    finding: str
    subject: str
    note: str


@dataclass(frozen=True, slots=True)
class SectionOrigin:
    """Where a section of ``city.toml`` comes from, and how sure it is."""

    section: str
    certainty: Certainty
    source: str


@dataclass(frozen=True, slots=True)
class CityRules:
    """What the city sets once. Limits of each link are working hours; urgent cases have natural minutes instead."""

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
    accept_minutes_urgent: float
    dispatch_minutes_urgent: float
    verify_minutes_urgent: float
    coordinate_district_hours: float
    coordinate_command_hours: float
    coordinate_government_hours: float
    due_soon_share: float
    supervision_factor: float
    extensions_max: int
    late_proof_hours: float
    return_chain: int
    duplicate_metres: float
    duplicate_hours: float
    origins: tuple[SectionOrigin, ...]
