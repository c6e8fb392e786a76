"""Reads a city folder. A folder that cannot be used is refused whole, with every fault: file, row, column, what is wrong."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from contracts.calendar import chinese_calendar
from contracts.city.areas import Area, Grid, box_of
from contracts.city.model import (
    AreaGovernance,
    Category,
    City,
    CityRules,
    CityUnit,
    Component,
    Condition,
    KnownFinding,
    Responsibility,
    Standard,
    Tier,
)
from contracts.nouns import Role

Row = TypeVar("Row")

CONDITIONS = ("owner", "maintained_as", "zone", "subtype", "aspect")
UNITS_OF_TIME = ("natural_hours", "working_hours", "working_days")


class CityFolderUnusable(Exception):
    """The folder cannot be used. ``faults`` lists each: where, in Chinese, in English."""

    def __init__(self, faults: list[tuple[str, str, str]]) -> None:
        super().__init__("\n".join(f"{where}: {zh} / {en}" for where, zh, en in faults))
        self.faults = faults


class _Wrong(Exception):
    def __init__(self, column: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.column, self.zh, self.en = column, zh, en


def load_city(folder: Path) -> City:
    """The city of a folder. Raises ``CityFolderUnusable`` with every fault."""
    faults: list[tuple[str, str, str]] = []
    settings = _toml(folder / "city.toml", faults)
    units = _table(folder / "units.csv", _unit, faults)
    categories = _table(folder / "categories.csv", _category, faults)
    tiers = _table(folder / "deadline_tiers.csv", _tier, faults)
    responsibilities = _table(folder / "responsibilities.csv", _responsibility, faults)
    governance = _table(folder / "districts.csv", _governance, faults)
    standards = _table(folder / "standards.csv", _standard, faults)
    components = _table(folder / "components.csv", _component, faults)
    findings = _table(folder / "findings.csv", _finding, faults)
    own_days = _table(folder / "calendar.csv", _day, faults)
    areas = _areas(folder / "areas.geojson", faults)
    rules = _rules(settings, faults)
    _check_references(units, categories, tiers, responsibilities, governance, components, areas, faults)
    if faults or rules is None:
        raise CityFolderUnusable(faults)
    return City(
        rules=rules,
        grid=Grid(float(settings["grid"]["cell_metres"])),
        calendar=chinese_calendar(
            rules.time_zone,
            tuple((str(begin), str(end)) for begin, end in settings["working_hours"]["periods"]),
            frozenset(day for day, kind in own_days if kind == "holiday"),
            frozenset(day for day, kind in own_days if kind == "workday"),
        ),
        units=units,
        categories=categories,
        responsibilities=responsibilities,
        tiers=tiers,
        governance=governance,
        standards=standards,
        areas=areas,
        components=components,
        known_findings=findings,
    )


def _toml(path: Path, faults: list[tuple[str, str, str]]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        faults.append((path.name, "缺少该文件", "the file is missing"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        faults.append((path.name, f"不是有效的 TOML:{fault}", f"it is not valid TOML: {fault}"))
    return {}


def _rules(settings: dict[str, Any], faults: list[tuple[str, str, str]]) -> CityRules | None:
    if not settings:
        return None
    try:
        intake, limits = settings["intake"], settings["limits"]
        ZoneInfo(settings["time_zone"])
        if not (len(settings["division_code"]) == 6 and settings["division_code"].isdigit()):
            raise ValueError("division_code")
        if float(settings["grid"]["cell_metres"]) <= 0 or not settings["working_hours"]["periods"]:
            raise ValueError("grid, working_hours")
        return CityRules(
            city_id=settings["city_id"],
            name_zh=settings["name_zh"],
            name_en=settings["name_en"],
            division_code=settings["division_code"],
            time_zone=settings["time_zone"],
            accept_by_rule=bool(intake["accept_by_rule"]),
            accept_sources=tuple(intake["accept_sources"]),
            **{
                name: float(limits[name])
                for name in (
                    "accept_hours",
                    "dispatch_hours",
                    "verify_hours",
                    "accept_minutes_tier_a",
                    "dispatch_minutes_tier_a",
                    "verify_minutes_tier_a",
                    "due_soon_share",
                    "supervision_factor",
                )
            },
        )
    except (KeyError, ValueError, TypeError, OSError) as fault:
        faults.append(("city.toml", f"缺少或有误:{fault}", f"missing or wrong: {fault}"))
        return None


def _table(path: Path, read: Callable[[dict[str, str]], Row], faults: list[tuple[str, str, str]]) -> tuple[Row, ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        faults.append((path.name, "缺少该文件", "the file is missing"))
        return ()
    except UnicodeDecodeError:
        faults.append((path.name, "应为 UTF-8 编码", "it must be UTF-8"))
        return ()
    made: list[Row] = []
    for number, row in enumerate(rows, start=2):
        try:
            _dates(row)
            made.append(read(row))
        except _Wrong as wrong:
            faults.append((f"{path.name} 行 {number} 列 {wrong.column}", wrong.zh, wrong.en))
        except (KeyError, TypeError) as missing:
            faults.append((f"{path.name} 行 {number}", f"缺少列 {missing}", f"column {missing} is missing"))
    return tuple(made)


def _dates(row: dict[str, str]) -> None:
    for column in ("valid_from", "valid_to"):
        text = row.get(column) or ""
        if text:
            try:
                date.fromisoformat(text)
            except ValueError:
                raise _Wrong(column, f"{text} 不是日期", f"{text} is no date") from None


def _dated(row: dict[str, str]) -> dict[str, str]:
    source = row.get("source") or ""
    if not source:
        raise _Wrong("source", "每行应注明出处", "every row names its source")
    return {"source": source, "valid_from": row.get("valid_from") or "", "valid_to": row.get("valid_to") or ""}


def _needed(row: dict[str, str], column: str) -> str:
    text = (row[column] or "").strip()
    if not text:
        raise _Wrong(column, "不能为空", "must not be empty")
    return text


def _number(row: dict[str, str], column: str) -> float:
    try:
        return float(row[column])
    except ValueError:
        raise _Wrong(column, f"{row[column]!r} 不是数", f"{row[column]!r} is no number") from None


def _one_of(row: dict[str, str], column: str, allowed: Iterable[str]) -> str:
    text, possible = _needed(row, column), tuple(allowed)
    if text not in possible:
        raise _Wrong(column, f"{text} 应为 {'、'.join(possible)} 之一", f"{text} must be one of {', '.join(possible)}")
    return text


def _unit(row: dict[str, str]) -> CityUnit:
    roles = []
    for text in _needed(row, "role").split("+"):
        if text not in tuple(Role):
            raise _Wrong("role", f"没有角色 {text}", f"there is no role {text}")
        roles.append(Role(text))
    return CityUnit(
        unit_id=_needed(row, "unit_id"),
        name_zh=_needed(row, "name_zh"),
        name_en=_needed(row, "name_en"),
        roles=frozenset(roles),
        parent_unit_id=row["parent_unit_id"] or None,
        division_code=row["division_code"] or "",
        joins_phase=int(_number(row, "joins_phase")),
        **_dated(row),
    )


def _category(row: dict[str, str]) -> Category:
    return Category(
        code=_needed(row, "code"),
        kind=_one_of(row, "kind", ("component", "event")),
        class_zh=_needed(row, "class_zh"),
        name_zh=_needed(row, "name_zh"),
        name_en=_needed(row, "name_en"),
        tier=_needed(row, "deadline_tier"),
        code_certainty=_needed(row, "code_certainty"),
        **_dated(row),
    )


def _tier(row: dict[str, str]) -> Tier:
    return Tier(
        tier=_needed(row, "tier"),
        name_zh=_needed(row, "name_zh"),
        unit=_one_of(row, "unit_of_handling", UNITS_OF_TIME),
        acknowledge_within=_number(row, "acknowledge_within"),
        handle_within=_number(row, "handle_within"),
        certainty=_needed(row, "certainty"),
        **_dated(row),
    )


def _responsibility(row: dict[str, str]) -> Responsibility:
    conditions = []
    for piece in filter(None, (row["condition_typed"] or "").split(";")):
        name, equals, values = piece.partition("=")
        if name not in CONDITIONS or not equals or not values:
            raise _Wrong("condition_typed", f"{piece} 不是条件", f"{piece} is no condition")
        conditions.append(Condition(name, tuple(values.split("|"))))
    return Responsibility(
        unit_id=_needed(row, "unit_id"),
        category_code=_needed(row, "category_code"),
        duty=_one_of(row, "duty", ("lead", "assist")),
        action=_needed(row, "action"),
        condition_zh=row["condition"] or "",
        conditions=tuple(conditions),
        **_dated(row),
    )


def _governance(row: dict[str, str]) -> AreaGovernance:
    return AreaGovernance(
        area_id=_needed(row, "area_id"),
        governed_by=_needed(row, "governed_by"),
        coordinated_by=_needed(row, "coordinated_by"),
        platform_first=tuple((row.get("platform_first") or "").split()),
        certainty=_needed(row, "certainty"),
        **_dated(row),
    )


def _standard(row: dict[str, str]) -> Standard:
    return Standard(
        kind=_one_of(row, "kind", ("component", "event")),
        applies_to=_needed(row, "applies_to"),
        filing_condition=_needed(row, "filing_condition"),
        closing_condition=_needed(row, "closing_condition"),
        certainty=_needed(row, "certainty"),
        **_dated(row),
    )


def _component(row: dict[str, str]) -> Component:
    return Component(
        component_code=_needed(row, "component_code"),
        category_code=_needed(row, "category_code"),
        owner_unit_id=_needed(row, "owner_unit_id"),
        maintainer_unit_id=_needed(row, "maintainer_unit_id"),
        department_unit_id=_needed(row, "department_unit_id"),
        longitude=_number(row, "longitude"),
        latitude=_number(row, "latitude"),
        certainty=_needed(row, "certainty"),
        **_dated(row),
    )


def _finding(row: dict[str, str]) -> KnownFinding:
    return KnownFinding(_needed(row, "finding"), _needed(row, "subject"), row["note"] or "", _needed(row, "source"))


def _day(row: dict[str, str]) -> tuple[str, str]:
    text = _needed(row, "day")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise _Wrong("day", f"{text} 不是日期", f"{text} is no date") from None
    _dated(row)
    return text, _one_of(row, "kind", ("holiday", "workday"))


def _areas(path: Path, faults: list[tuple[str, str, str]]) -> tuple[Area, ...]:
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
    except FileNotFoundError:
        faults.append((path.name, "缺少该文件", "the file is missing"))
        return ()
    except (ValueError, KeyError, TypeError) as fault:
        faults.append((path.name, f"不是有效的 GeoJSON:{fault}", f"it is not valid GeoJSON: {fault}"))
        return ()
    made = []
    for number, feature in enumerate(features, start=1):
        try:
            shape, told = feature["geometry"], feature["properties"]
            if shape["type"] not in ("Polygon", "MultiPolygon"):
                raise ValueError(f"{shape['type']} is no polygon")
            parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
            polygons = tuple(
                tuple(tuple((float(x), float(y)) for x, y, *_ in ring) for ring in rings) for rings in parts
            )
            if not polygons or any(len(ring) < 4 for rings in polygons for ring in rings):
                raise ValueError("a ring has at least four points")
            made.append(
                Area(
                    area_id=told["area_id"],
                    name_zh=told["name_zh"],
                    division_code=told.get("division_code", ""),
                    polygons=polygons,
                    box=box_of(polygons),
                    certainty=told.get("certainty", "stated"),
                    source=told["source"],
                    valid_from=told.get("valid_from", ""),
                    valid_to=told.get("valid_to", ""),
                )
            )
        except (KeyError, ValueError, TypeError) as fault:
            faults.append((f"{path.name} 要素 {number}", f"有误:{fault}", f"feature {number} is wrong: {fault}"))
    return tuple(made)


def _check_references(
    units: tuple[CityUnit, ...],
    categories: tuple[Category, ...],
    tiers: tuple[Tier, ...],
    responsibilities: tuple[Responsibility, ...],
    governance: tuple[AreaGovernance, ...],
    components: tuple[Component, ...],
    areas: tuple[Area, ...],
    faults: list[tuple[str, str, str]],
) -> None:
    unit_ids, codes = {unit.unit_id for unit in units}, {category.code for category in categories}
    tier_names, area_ids = {tier.tier for tier in tiers}, {area.area_id for area in areas}

    def known(where: str, what: str, name: str | None, names: set[str]) -> None:
        if name and name not in names:
            faults.append((where, f"没有{what} {name}", f"there is no {name}"))

    for unit in units:
        known(f"units.csv {unit.unit_id}", "单位", unit.parent_unit_id, unit_ids)
    for category in categories:
        known(f"categories.csv {category.code}", "时限档", category.tier, tier_names)
    for row in responsibilities:
        where = f"responsibilities.csv {row.unit_id} {row.category_code}"
        known(where, "单位", row.unit_id, unit_ids)
        known(where, "类别", row.category_code, codes)
    for area in governance:
        known(f"districts.csv {area.area_id}", "区域", area.area_id, area_ids)
        known(f"districts.csv {area.area_id}", "单位", area.governed_by, unit_ids)
        known(f"districts.csv {area.area_id}", "单位", area.coordinated_by, unit_ids)
    for component in components:
        where = f"components.csv {component.component_code}"
        known(where, "类别", component.category_code, codes)
        known(where, "单位", component.owner_unit_id, unit_ids)
    for role in (Role.COMMAND_CENTER, Role.COLLECTOR):
        if units and not any(role in unit.roles for unit in units):
            faults.append(("units.csv", f"没有角色为 {role} 的单位", f"no unit has the role {role}"))
    for name, ids in (("units.csv", [u.unit_id for u in units]), ("areas.geojson", [a.area_id for a in areas])):
        twice = sorted({each for each in ids if ids.count(each) > 1})
        faults.extend((name, f"{each} 重复", f"{each} stands twice") for each in twice)
