"""Turns the cells of each table into its rows. One function for each table; what a cell may say is decided here."""

from __future__ import annotations

from contracts.calendar import SpecialDay
from contracts.city.conditions import Component, Condition, ConditionName
from contracts.city.rows import (
    AreaGovernance,
    Category,
    CityUnit,
    Kind,
    KnownFinding,
    Phase,
    Responsibility,
    Standard,
    Tier,
    TimeUnit,
)
from contracts.city.tables import Cells
from contracts.messages import Duty
from contracts.nouns import Role

BELONGS_TO_THIS_UNIT = "belongs to this unit"
"""How the matrix writes 涉及本单位的: the owner is the row's own unit."""

UNIT = ("unit_id", "name_zh", "name_en", "role", "parent_unit_id", "division_code", "joins_phase")
CATEGORY = ("code", "kind", "class_zh", "class_en", "name_zh", "name_en", "deadline_tier")
RESPONSIBILITY = ("unit_id", "category_code", "category_as_written", "duty", "action", "condition", "condition_typed")
TIER = (
    *("tier", "name_zh", "name_en", "unit_of_handling", "acknowledge_within", "handle_within"),
    *("meaning_zh", "meaning_en"),
)
GOVERNANCE = ("area_id", "governed_by", "coordinated_by", "handles_zh", "handles_en", "platform_first")
STANDARD = (
    *("kind", "applies_to", "filing_condition", "closing_condition"),
    *("filing_condition_zh", "closing_condition_zh"),
)
COMPONENT = (
    *("component_code", "category_code", "owner_unit_id", "maintainer_unit_id", "department_unit_id"),
    *("longitude", "latitude"),
)
PHASE = ("number", "name_zh", "name_en")
FINDING = ("finding", "subject")
DAY = ("day", "kind", "name_zh", "name_en")


def unit(cells: Cells) -> CityUnit:
    """A row of units.csv."""
    roles = frozenset(_role(cells, told) for told in cells.text("role").split("+"))
    return CityUnit(
        unit_id=cells.id("unit_id"),
        name_zh=cells.text("name_zh"),
        name_en=cells.text("name_en"),
        roles=roles,
        parent_unit_id=cells.optional_id("parent_unit_id"),
        division_code=cells.optional("division_code"),
        joins_phase=cells.whole("joins_phase", 1),
        **cells.common(),
    )


def category(cells: Cells) -> Category:
    """A row of categories.csv."""
    return Category(
        code=cells.id("code"),
        kind=cells.one_of("kind", Kind),
        class_zh=cells.text("class_zh"),
        class_en=cells.text("class_en"),
        name_zh=cells.text("name_zh"),
        name_en=cells.text("name_en"),
        tier=cells.id("deadline_tier"),
        **cells.common(),
    )


def responsibility(cells: Cells) -> Responsibility:
    """A row of responsibilities.csv."""
    unit_id = cells.id("unit_id")
    return Responsibility(
        unit_id=unit_id,
        category_code=cells.id("category_code"),
        category_as_written=cells.text("category_as_written"),
        duty=cells.one_of("duty", Duty),
        action=cells.text("action"),
        condition_zh=cells.optional("condition"),
        conditions=_conditions(cells, unit_id),
        **cells.common(),
    )


def tier(cells: Cells) -> Tier:
    """A row of deadline_tiers.csv."""
    unit_of_time = cells.one_of("unit_of_handling", TimeUnit)
    in_days = unit_of_time is TimeUnit.WORKING_DAYS
    return Tier(
        tier=cells.id("tier"),
        name_zh=cells.text("name_zh"),
        name_en=cells.text("name_en"),
        unit=unit_of_time,
        acknowledge_within=cells.number("acknowledge_within", 0.01, 10_000),
        handle_within=float(cells.whole("handle_within", 1))
        if in_days
        else cells.number("handle_within", 0.01, 10_000),
        meaning_zh=cells.text("meaning_zh"),
        meaning_en=cells.text("meaning_en"),
        **cells.common(),
    )


def governance(cells: Cells) -> AreaGovernance:
    """A row of districts.csv."""
    return AreaGovernance(
        area_id=cells.id("area_id"),
        governed_by=cells.id("governed_by"),
        coordinated_by=cells.id("coordinated_by"),
        handles_zh=cells.text("handles_zh"),
        handles_en=cells.text("handles_en"),
        platform_first=frozenset(filter(None, (each.strip() for each in cells.optional("platform_first").split("|")))),
        **cells.common(),
    )


def standard(cells: Cells) -> Standard:
    """A row of standards.csv."""
    return Standard(
        kind=cells.one_of("kind", Kind),
        applies_to=cells.text("applies_to"),
        filing_condition=cells.text("filing_condition"),
        closing_condition=cells.text("closing_condition"),
        filing_condition_zh=cells.text("filing_condition_zh"),
        closing_condition_zh=cells.text("closing_condition_zh"),
        **cells.common(),
    )


def component(cells: Cells) -> Component:
    """A row of components.csv; coordinates in WGS 84."""
    return Component(
        component_code=cells.id("component_code"),
        category_code=cells.id("category_code"),
        owner_unit_id=cells.id("owner_unit_id"),
        maintainer_unit_id=cells.optional_id("maintainer_unit_id"),
        department_unit_id=cells.optional_id("department_unit_id"),
        longitude=cells.number("longitude", -180, 180),
        latitude=cells.number("latitude", -90, 90),
        **cells.common(),
    )


def phase(cells: Cells) -> Phase:
    """A row of phases.csv."""
    return Phase(
        number=cells.whole("number", 1),
        name_zh=cells.text("name_zh"),
        name_en=cells.text("name_en"),
        **cells.common(),
    )


def finding(cells: Cells) -> KnownFinding:
    """A row of findings.csv."""
    return KnownFinding(
        finding=cells.text("finding"), subject=cells.text("subject"), note=cells.optional("note"), **cells.common()
    )


def special_day(cells: Cells) -> SpecialDay | None:
    """A row of calendar.csv."""
    day, told, common = cells.day("day"), cells.text("kind"), cells.common()
    if not cells.text("day") or day is None:
        return None
    if told not in ("holiday", "workday"):
        cells.wrong("kind", f"“{told}”应为 holiday 或 workday", f"{told!r} must be holiday or workday")
    return SpecialDay(
        day=day,
        working=told == "workday",
        name_zh=cells.text("name_zh"),
        name_en=cells.text("name_en"),
        source=common["source"],
        valid_from=common["valid_from"],
        valid_to=common["valid_to"],
    )


def _role(cells: Cells, told: str) -> Role:
    if told in tuple(Role):
        return Role(told)
    cells.wrong("role", f"没有角色“{told}”", f"there is no role {told!r}; there are {', '.join(Role)}")
    return Role.TERMINAL


def _conditions(cells: Cells, unit_id: str) -> tuple[Condition, ...]:
    found: dict[ConditionName, Condition] = {}
    for piece in filter(None, (each.strip() for each in cells.optional("condition_typed").split(";"))):
        name, equals, told = piece.partition("=")
        values = tuple(each.strip() for each in told.split("|"))
        if name not in tuple(ConditionName) or not equals or not all(values):
            cells.wrong(
                "condition_typed",
                f"“{piece}”不是条件(名称=值|值;名称为 {'、'.join(ConditionName)})",
                f"{piece!r} is no condition (name=value|value, the name one of {', '.join(ConditionName)})",
            )
        elif name in found:
            cells.wrong("condition_typed", f"条件 {name} 重复", f"the condition {name} stands twice")
        else:
            known = ConditionName(name)
            own = known is ConditionName.OWNER and values == (BELONGS_TO_THIS_UNIT,)
            found[known] = Condition(known, (unit_id,) if own else values)
    return tuple(found.values())
