"""Findings: what a usable city folder leaves open. They are listed, never hidden; none stops the hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from contracts.city.model import City

KNOWN = ("no_lead", "several_leads", "presumed_lead", "lead_also_assists")
"""Kinds that a city may list in findings.csv; a difference between list and matrix is a finding too."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One open point: a code, what it is about, and a sentence in both languages."""

    code: str
    subject: str
    zh: str
    en: str


def check_city(city: City, day: date | None = None) -> list[Finding]:
    """Every finding on a day (today by default where rows are dated)."""
    made = list(_matrix(city, day or date.max))
    computed = {(each.code, each.subject) for each in made if each.code in KNOWN}
    listed = {(known.finding, known.subject) for known in city.known_findings}
    for code, subject in sorted(listed - computed):
        made.append(
            Finding("known_but_gone", subject, f"已知问题 {code} 不再存在", f"known finding {code} is no longer so")
        )
    for code, subject in sorted(computed - listed):
        made.append(Finding("new", subject, f"{code} 未列入 findings.csv", f"{code} is not listed in findings.csv"))
    made.extend(_assumed(city))
    return made


def _matrix(city: City, day: date) -> Iterator[Finding]:
    directory = city.at(day)
    for code, category in directory.categories.items():
        leads, assists = directory.leads.get(code, ()), directory.assists.get(code, ())
        units = {row.unit_id for row in leads}
        name = category.name_zh
        if not leads:
            yield Finding("no_lead", code, f"{name}没有牵头单位", f"{category.name_en} has no lead")
        if len(units) > 1:
            names = "、".join(directory.units[unit].name_zh for unit in sorted(units))
            told = len({row.conditions for row in leads}) == len(leads) and all(row.conditions for row in leads)
            how = (
                ("条件可区分", "their conditions separate them")
                if told
                else ("须由台账权属或协调确定", "only the owner decides")
            )
            yield Finding(
                "several_leads",
                code,
                f"{name}有多个牵头单位:{names};{how[0]}",
                f"{category.name_en} has several leads: {how[1]}",
            )
        if len(leads) == 1 and any(condition.name == "owner" for condition in leads[0].conditions):
            unit = directory.units[leads[0].unit_id]
            yield Finding(
                "presumed_lead",
                code,
                f"{name}由{unit.name_zh}推定牵头",
                f"{category.name_en}: {unit.name_en} is presumed to lead",
            )
        if any(row.unit_id in units for row in assists):
            yield Finding(
                "lead_also_assists",
                code,
                f"{name}的牵头单位又列为协助",
                f"{category.name_en}: its lead is listed as assistant too",
            )


def _assumed(city: City) -> Iterator[Finding]:
    for tier in city.tiers:
        if tier.certainty == "assumed":
            yield Finding(
                "assumed_deadline",
                tier.tier,
                f"时限档 {tier.tier} 为暂定",
                f"the limits of tier {tier.tier} are assumed",
            )
    for row in city.governance:
        if row.certainty == "assumed":
            yield Finding(
                "assumed_governance", row.area_id, "管辖或协调关系为暂定", "who governs or coordinates is assumed"
            )
    for area in city.areas:
        if area.certainty == "schematic":
            yield Finding(
                "schematic_area", area.area_id, f"{area.name_zh}边界为示意", "its boundary is schematic, not surveyed"
            )
    recalled = sum(1 for category in city.categories if category.code_certainty == "recalled")
    if recalled:
        yield Finding(
            "recalled_codes",
            str(recalled),
            f"{recalled} 个类别代码待核对",
            f"{recalled} category codes are to be checked",
        )
    if any(component.certainty == "schematic" for component in city.components):
        yield Finding(
            "schematic_components", "components.csv", "部件台账为示意", "the component register is made up for trials"
        )
