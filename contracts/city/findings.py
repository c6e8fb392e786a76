"""Findings: what a usable city leaves open; listed, never hidden, and none stops the hub. Errors come first, apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.city.city import City
from contracts.city.conditions import ConditionName
from contracts.city.conflicts import conflicts_of
from contracts.city.directory import Directory, Standing
from contracts.city.row import Certainty, Row
from contracts.city.rows import Category, Responsibility
from contracts.nouns import Role


class Severity(StrEnum):
    """``error``: the city cannot be used so. ``finding``: it can, and this is open."""

    ERROR = "error"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Finding:
    """One open point: a code, what it is about, and a sentence in both languages."""

    code: str
    subject: str
    zh: str
    en: str
    severity: Severity = Severity.FINDING


def check_city(city: City, day: date | None = None) -> list[Finding]:
    """Errors first, then every finding on a day (by default after the last change that the rows know of)."""
    errors = [
        Finding(
            "unusable",
            conflict.file if conflict.index is None else f"{conflict.file} #{conflict.index + 1} {conflict.column}",
            conflict.zh,
            conflict.en,
            Severity.ERROR,
        )
        for conflict in conflicts_of(city)
    ]
    directory = city.at(day or date.max)
    found = [*_matrix(directory), *_governing(directory), *_unsure(city, directory)]
    return errors + found + list(_against_the_list(city, found))


def _against_the_list(city: City, found: Sequence[Finding]) -> Iterator[Finding]:
    """A finding that the city does not list, and one it lists that is no longer so, are findings themselves."""
    computed = {(each.code, each.subject) for each in found}
    listed = {(known.finding, known.subject) for known in city.known_findings}
    for code, subject in sorted(listed - computed):
        yield Finding(
            "listed_but_gone",
            f"{code} {subject}",
            f"findings.csv 列有 {code} {subject},现已不成立",
            f"findings.csv lists {code} {subject}, which is no longer so",
        )
    for code, subject in sorted(computed - listed):
        yield Finding(
            "not_listed",
            f"{code} {subject}",
            f"{code} {subject} 未列入 findings.csv",
            f"findings.csv does not list {code} {subject}",
        )


def _matrix(directory: Directory) -> Iterator[Finding]:
    for category in directory.categories.values():
        leads = directory.leads.get(category.code, ())
        assists = directory.assists.get(category.code, ())
        units = tuple(dict.fromkeys(row.unit_id for row in leads))
        zh, en = category.name_zh, category.name_en
        if not leads:
            helped = _names(directory, [row.unit_id for row in assists])
            yield Finding(
                "no_lead",
                category.code,
                f"{zh}没有牵头单位" + (f",只有协助单位{helped[0]}" if assists else ""),
                f"{en} has no lead" + (f", only {helped[1]} to assist" if assists else ""),
            )
        if len(units) > 1:
            yield from _several(directory, category, leads, units)
        if len(units) == 1 and all(row.for_its_own for row in leads):
            name_zh, name_en = _names(directory, units)
            yield Finding(
                "presumed_lead",
                category.code,
                f"{zh}只有{name_zh}牵头,且仅限涉及本单位的:推定由其负责",
                f"{en}: {name_en} alone leads, and only for what is its own; it is presumed to be responsible",
            )
        for row in assists:
            if row.unit_id in units:
                name_zh, name_en = _names(directory, [row.unit_id])
                yield Finding(
                    "lead_also_assists",
                    category.code,
                    f"{zh}由{name_zh}牵头,又列其为协助单位",
                    f"{en}: {name_en} leads and is listed as assistant too",
                )
        for unit_id in dict.fromkeys(row.unit_id for row in (*leads, *assists)):
            if directory.standing(unit_id) is not Standing.JOINED:
                yield Finding(
                    "unit_not_receiving",
                    f"{category.code} {unit_id}",
                    f"{zh}的责任单位 {unit_id} 尚未接入或已撤销",
                    f"{en} is charged to {unit_id}, which has not joined yet or is no longer in force",
                )


def _several(
    directory: Directory, category: Category, leads: Sequence[Responsibility], units: Sequence[str]
) -> Iterator[Finding]:
    name_zh, name_en = _names(directory, units)
    told_apart = sorted(_asked_of_all(leads))
    by_zh, by_en = "、".join(told_apart), ", ".join(told_apart)
    if not told_apart and any(row.for_its_own for row in leads):
        by_zh, by_en = "权属(台账或协调)", "the owner (register or coordination)"
    elif not told_apart:
        by_zh, by_en = "无", "nothing"
    yield Finding(
        "several_leads",
        category.code,
        f"{category.name_zh}有 {len(units)} 个牵头单位:{name_zh};区分依据:{by_zh}",
        f"{category.name_en} has {len(units)} leads: {name_en}; told apart by: {by_en}",
    )
    without = [row.unit_id for row in leads if not row.conditions]
    if len(set(without)) > 1:
        name_zh, name_en = _names(directory, without)
        yield Finding(
            "leads_not_told_apart",
            category.code,
            f"{category.name_zh}由{name_zh}同时无条件牵头:事实无法区分,只能协调",
            f"{category.name_en} is led by {name_en} without condition: no fact tells them apart, only coordination",
        )


def _asked_of_all(leads: Sequence[Responsibility]) -> set[str]:
    """The conditions, ownership apart, that every lead carries, each with values of its own."""
    named = [{c.name: c.values for c in row.conditions if c.name is not ConditionName.OWNER} for row in leads]
    shared = set.intersection(*(set(each) for each in named))
    return {
        name.value
        for name in shared
        if len({value for each in named for value in each[name]}) == sum(len(each[name]) for each in named)
    }


def _governing(directory: Directory) -> Iterator[Finding]:
    governing = {row.governed_by for row in directory.governance.values()}
    for unit in directory.units.values():
        if Role.SECOND_LEVEL_PLATFORM in unit.roles and unit.unit_id not in governing:
            yield Finding(
                "platform_without_area",
                unit.unit_id,
                f"{unit.name_zh}是二级平台,但不管辖区域(按职能设立)",
                f"{unit.name_en} is a second-level platform by function: it governs no area",
            )
    for area in directory.areas:
        if area.phase not in directory.phases_begun:
            yield Finding(
                "area_not_begun",
                area.area_id,
                f"{area.name_zh}属第 {area.phase} 期,开始日期未定",
                f"{area.name_en} belongs to phase {area.phase}, which has no date yet",
            )
        row = directory.governance.get(area.area_id)
        if row is None:
            yield Finding("area_ungoverned", area.area_id, f"{area.name_zh}无人管辖", f"nobody governs {area.name_en}")
            continue
        if directory.standing(row.governed_by) is not Standing.JOINED:
            name_zh, name_en = _names(directory, [row.governed_by])
            yield Finding(
                "governs_before_joining",
                row.governed_by,
                f"{name_zh}管辖{area.name_zh},但尚未接入",
                f"{name_en} governs {area.name_en} and has not joined yet",
            )
        platform = directory.unit_named(row.governed_by)
        if row.platform_first and platform is not None and Role.SECOND_LEVEL_PLATFORM not in platform.roles:
            yield Finding(
                "first_without_platform",
                area.area_id,
                f"{area.name_zh}设为平台优先,但{platform.name_zh}没有二级平台",
                f"{area.name_en} puts its platform first, but {platform.name_en} has none",
            )


def _unsure(city: City, directory: Directory) -> Iterator[Finding]:
    """Rows that somebody must still confirm."""
    tables: tuple[tuple[str, str, str, list[tuple[str, Row]]], ...] = (
        ("assumed_deadline", "时限档", "tier", [(k, v) for k, v in directory.tiers.items()]),
        ("assumed_governance", "管辖", "governance of", [(k, v) for k, v in directory.governance.items()]),
        ("assumed_standard", "立结案标准", "standard", [(" ".join(k), v) for k, v in directory.standards.items()]),
        ("assumed_phase", "分期", "phase", [(str(each.number), each) for each in city.phases]),
        ("schematic_area", "区域边界", "outline of", [(each.area_id, each) for each in directory.areas]),
    )
    for code, zh, en, rows in tables:
        for name, row in rows:
            if row.certainty in (Certainty.ASSUMED, Certainty.SCHEMATIC, Certainty.RECALLED):
                word = "示意" if row.certainty is Certainty.SCHEMATIC else "暂定"
                yield Finding(
                    code, name, f"{zh} {name} 为{word},待确认", f"{en} {name} is {row.certainty}, to be confirmed"
                )
    for origin in city.rules.origins:
        if origin.certainty is not Certainty.STATED:
            yield Finding(
                "assumed_rule",
                origin.section,
                f"city.toml 的 {origin.section} 为暂定,待确认",
                f"the section {origin.section} of city.toml is {origin.certainty}, to be confirmed",
            )
    recalled = [each for each in directory.categories.values() if each.certainty is Certainty.RECALLED]
    if recalled:
        yield Finding(
            "recalled_codes",
            "categories.csv",
            f"{len(recalled)} 个类别代码凭记忆写成,待对照标准文本",
            f"{len(recalled)} category codes are from memory, to be checked against the standard's text",
        )
    schematic = [each for each in directory.components.values() if each.certainty is Certainty.SCHEMATIC]
    if schematic:
        yield Finding(
            "schematic_components",
            "components.csv",
            f"部件台账有 {len(schematic)} 行为示意",
            f"{len(schematic)} rows of the component register are schematic",
        )


def _names(directory: Directory, unit_ids: Sequence[str]) -> tuple[str, str]:
    units = [(directory.unit_named(each), each) for each in dict.fromkeys(unit_ids)]
    zh = "、".join(unit.name_zh if unit else name for unit, name in units)
    return zh, ", ".join(unit.name_en if unit else name for unit, name in units)
