"""Reads ``city.toml``: what a city sets once. Every section names its source and how sure it is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from contracts.calendar import WorkingHours
from contracts.city.areas import Grid
from contracts.city.faults import Fault
from contracts.city.row import Certainty
from contracts.city.rows import CityRules, SectionOrigin
from contracts.messages import ReportSource

SECTIONS = ("grid", "calendar", "intake", "limits")
LIMITS = (
    *("accept_hours", "dispatch_hours", "verify_hours"),
    *("accept_minutes_urgent", "dispatch_minutes_urgent", "verify_minutes_urgent"),
    *("coordinate_district_hours", "coordinate_command_hours", "coordinate_government_hours"),
    "late_proof_hours",
    "duplicate_hours",
)


@dataclass(frozen=True, slots=True)
class CitySettings:
    """What ``city.toml`` says. ``announced_years`` are those whose days calendar.csv holds whole."""

    rules: CityRules
    grid: Grid
    hours: tuple[WorkingHours, ...]
    announced_years: tuple[int, ...]


def read_settings(path: Path, faults: list[Fault]) -> CitySettings | None:
    """The settings of a file, or None where faults were noted."""
    before = len(faults)
    document = _document(path, faults)
    if document is None:
        return None
    told = _Section(path.name, "", document, faults)
    sections = {name: told.section(name) for name in SECTIONS}
    origins = tuple(
        SectionOrigin(name, _certainty(section), section.text("source")) for name, section in sections.items()
    )
    grid, calendar, intake, limits = (sections[name] for name in SECTIONS)
    zone = told.text("time_zone")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        told.wrong("time_zone", f"没有时区 {zone}", f"there is no time zone {zone}")
    rules = CityRules(
        city_id=told.text("city_id", r"[a-z][a-z0-9_]{0,31}"),
        name_zh=told.text("name_zh"),
        name_en=told.text("name_en"),
        division_code=told.text("division_code", r"[0-9]{6}"),
        time_zone=zone,
        accept_by_rule=intake.truth("accept_by_rule"),
        accept_sources=intake.words("accept_sources", tuple(ReportSource)),
        due_soon_share=limits.number("due_soon_share", 0.01, 0.99),
        supervision_factor=limits.number("supervision_factor", 1, 100),
        return_chain=int(limits.number("return_chain", 1, 100)),
        duplicate_metres=limits.number("duplicate_metres", 0, 1_000),
        extensions_max=int(limits.number("extensions_max", 0, 100)),
        origins=origins,
        **{name: limits.number(name, 0.01, 10_000) for name in LIMITS},
    )
    made = CitySettings(
        rules=rules,
        grid=Grid(
            rules.city_id,
            grid.number("cell_metres", 1, 10_000),
            grid.number("origin_longitude", -180, 180),
            grid.number("origin_latitude", -80, 80),
        ),
        hours=_hours(calendar),
        announced_years=tuple(int(year) for year in calendar.list("announced_years")),
    )
    told.text("source")
    for section in (told, *sections.values()):
        section.refuse_the_rest()
    return made if len(faults) == before else None


def _document(path: Path, faults: list[Fault]) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        faults.append(Fault(path.name, 0, "", "缺少该文件", "the file is missing"))
    except OSError as fault:
        faults.append(Fault(path.name, 0, "", f"无法读取:{fault.strerror}", f"it cannot be read: {fault.strerror}"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        faults.append(Fault(path.name, 0, "", f"不是有效的 TOML:{fault}", f"it is not valid TOML: {fault}"))
    return None


@dataclass(slots=True)
class _Section:
    """A section while it is read; it remembers which keys were asked for, so that a misspelt one is noticed."""

    file: str
    name: str
    values: Mapping[str, Any]
    faults: list[Fault]
    asked: set[str] = field(default_factory=set)

    def wrong(self, key: str, zh: str, en: str) -> None:
        column = f"{self.name}.{key}" if self.name else key
        self.faults.append(Fault(self.file, 0, column, zh, en))

    def get(self, key: str) -> Any:
        self.asked.add(key)
        if key not in self.values:
            self.wrong(key, "缺少该项", "it is missing")
        return self.values.get(key)

    def section(self, key: str) -> _Section:
        told = self.get(key)
        if told is not None and not isinstance(told, dict):
            self.wrong(key, "应为一节", "it must be a section")
        return _Section(self.file, key, told if isinstance(told, dict) else {}, self.faults)

    def text(self, key: str, pattern: str = r"(?s).*\S.*") -> str:
        told = self.get(key)
        if told is None:
            return ""
        if not isinstance(told, str) or not re.fullmatch(pattern, told):
            self.wrong(key, f"“{told}”不符合要求", f"{told!r} is not what it must be")
            return ""
        return told

    def number(self, key: str, least: float, most: float) -> float:
        told = self.get(key)
        if told is None:
            return least
        if isinstance(told, bool) or not isinstance(told, int | float) or not least <= told <= most:
            self.wrong(
                key, f"{told} 应为 {least:g} 至 {most:g} 的数", f"{told} must be a number from {least:g} to {most:g}"
            )
            return least
        return float(told)

    def truth(self, key: str) -> bool:
        told = self.get(key)
        if told is not None and not isinstance(told, bool):
            self.wrong(key, "应为 true 或 false", "it must be true or false")
        return told is True

    def list(self, key: str) -> list[Any]:
        told = self.get(key)
        if told is not None and not isinstance(told, list):
            self.wrong(key, "应为列表", "it must be a list")
        return told if isinstance(told, list) else []

    def words(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        told = self.list(key)
        for word in told:
            if word not in allowed:
                self.wrong(
                    key, f"“{word}”应为 {'、'.join(allowed)} 之一", f"{word!r} must be one of {', '.join(allowed)}"
                )
        return tuple(str(word) for word in told)

    def refuse_the_rest(self) -> None:
        for key in self.values:
            if key not in self.asked:
                self.wrong(key, "没有这种设置", "there is no such setting")


def _certainty(section: _Section) -> Certainty:
    told = section.text("certainty")
    if told and told not in tuple(Certainty):
        section.wrong(
            "certainty", f"“{told}”应为 {'、'.join(Certainty)} 之一", f"{told!r} must be one of {', '.join(Certainty)}"
        )
        return Certainty.ASSUMED
    return Certainty(told) if told else Certainty.ASSUMED


def _hours(calendar: _Section) -> tuple[WorkingHours, ...]:
    """The rows of working hours: in order, without gaps, the last without an end."""
    found: list[WorkingHours] = []
    for told in calendar.list("hours"):
        try:
            periods = tuple((time.fromisoformat(begin), time.fromisoformat(end)) for begin, end in told["periods"])
            row = WorkingHours(periods, _day(told, "valid_from"), _day(told, "valid_to"))
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            calendar.wrong("hours", f"有误:{fault}", f"it is wrong: {fault}")
            return ()
        marks = [mark for period in periods for mark in period]
        if not marks or any(mark.tzinfo for mark in marks) or any(a >= b for a, b in pairwise(marks)):
            calendar.wrong("hours", "时段应依次排列且不重叠", "periods follow one another and do not overlap")
        found.append(row)
    gapless = all(
        one.valid_to is not None and two.valid_from is not None and (two.valid_from - one.valid_to).days == 1
        for one, two in pairwise(found)
    )
    if not found or not gapless or found[0].valid_from is not None or found[-1].valid_to is not None:
        calendar.wrong(
            "hours",
            "各行应首尾相接:首行无起日,末行无止日",
            "its rows follow one another day by day: the first without valid_from, the last without valid_to",
        )
    return tuple(found)


def _day(told: Mapping[str, Any], key: str) -> date | None:
    value = told.get(key)
    return date.fromisoformat(value) if value else None
