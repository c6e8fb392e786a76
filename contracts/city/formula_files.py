"""Reads ``evaluation/*.toml``: one version of the city's evaluation (评价考核办法) in each file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.city.faults import CityFolderUnusable, Fault
from contracts.city.formulas import TIMED, Formula, Group, Indicator, Reckoning, Tally
from contracts.city.row import Certainty

Item = TypeVar("Item")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Indicator(_Told):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    numerator: Tally
    denominator: Tally | None = None
    reckoning: Reckoning | None = None
    percentile: int | None = Field(None, ge=1, le=100)


class _Group(_Told):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    units: tuple[str, ...] = Field(min_length=1)


class _File(_Told):
    version: str = Field(pattern=r"^[0-9A-Za-z._-]{1,32}$")
    valid_from: date
    certainty: Certainty
    source: str = Field(min_length=1)
    weights: dict[str, int] = {}
    indicator: tuple[_Indicator, ...] = Field(min_length=1)
    group: tuple[_Group, ...] = ()


@dataclass(frozen=True, slots=True)
class _Check:
    """Notes the faults of one file."""

    file: str
    faults: list[Fault]

    def wrong(self, column: str, zh: str, en: str) -> None:
        self.faults.append(Fault(self.file, 0, column, zh, en))

    def once(self, column: str, items: Collection[Item], name: Callable[[Item], str]) -> None:
        names = [name(each) for each in items]
        for each in sorted({each for each in names if names.count(each) > 1}):
            self.wrong(column, f"“{each}”重复", f"{each!r} stands twice")


def read_formulas(folder: Path, units: Collection[str] | None, faults: list[Fault]) -> tuple[Formula, ...]:
    """Every version, by its first day. A city without the folder publishes no figures.

    ``units`` are those that a group may name; None where they could not be read.
    """
    found: list[Formula] = []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        name = f"{folder.name}/{path.name}"
        told = _file(path, name, faults)
        if told is not None:
            found.append(_formula(told, _Check(name, faults), units))
    check = _Check(folder.name, faults)
    check.once("version", found, lambda formula: formula.version)
    check.once("valid_from", found, lambda formula: formula.valid_from.isoformat())
    return tuple(sorted(found, key=lambda formula: formula.valid_from))


def read_formula(path: Path, units: Collection[str] | None) -> Formula:
    """One version in a file of its own. Raises ``CityFolderUnusable`` with every fault."""
    faults: list[Fault] = []
    told = _file(path, path.name, faults)
    formula = _formula(told, _Check(path.name, faults), units) if told is not None else None
    if formula is None or faults:
        raise CityFolderUnusable(faults)
    return formula


def _file(path: Path, name: str, faults: list[Fault]) -> _File | None:
    check = _Check(name, faults)
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as fault:
        check.wrong("", f"无法读取:{fault.strerror}", f"it cannot be read: {fault.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        check.wrong("", f"不是有效的 TOML:{fault}", f"it is not valid TOML: {fault}")
    except ValidationError as fault:
        for each in fault.errors(include_url=False):
            column = ".".join(str(part) for part in each["loc"])
            check.wrong(column, f"有误:{each['msg']}", f"it is wrong: {each['msg']}")
    return None


def _formula(told: _File, check: _Check, units: Collection[str] | None) -> Formula:
    indicators = tuple(_indicator(each, check) for each in told.indicator)
    check.once("indicator.id", indicators, lambda each: each.indicator_id)
    check.once("group.id", told.group, lambda each: each.id)
    members = [unit for group in told.group for unit in group.units]
    check.once("group.units", members, lambda unit: unit)
    for unit in members:
        if units is not None and unit not in units:
            check.wrong("group.units", f"units.csv 中没有单位 {unit}", f"units.csv has no unit {unit}")
    rates = {each.indicator_id for each in indicators if each.reckoning is Reckoning.RATE}
    for name, points in told.weights.items():
        if name not in rates or points < 1:
            check.wrong(
                f"weights.{name}", "权重应为正整数,且指标为比率", "a weight is a whole number above 0, of a rate"
            )
    return Formula(
        version=told.version,
        valid_from=told.valid_from,
        certainty=told.certainty,
        source=told.source,
        indicators=indicators,
        weights=tuple(told.weights.items()),
        groups=tuple(Group(each.id, each.zh, each.en, each.units) for each in told.group),
    )


def _indicator(told: _Indicator, check: _Check) -> Indicator:
    how = told.reckoning or (Reckoning.RATE if told.denominator else Reckoning.COUNT)
    if (how is Reckoning.RATE) != (told.denominator is not None):
        check.wrong(f"indicator.{told.id}", "比率须有分母,其余不得有", "a rate has a denominator, and nothing else has")
    if (how is Reckoning.PERCENTILE) != (told.percentile is not None):
        check.wrong(f"indicator.{told.id}", "分位数须写明 percentile", "a percentile says which one")
    if how in (Reckoning.MEAN, Reckoning.PERCENTILE) and told.numerator not in TIMED:
        check.wrong(f"indicator.{told.id}", "该计数没有处置用时", "that tally has no handling time")
    return Indicator(told.id, told.zh, told.en, how, told.numerator, told.denominator, told.percentile)
