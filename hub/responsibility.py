"""Who must handle it (责任认定): the register's owner first, then the area's platform, then the matrix. Pure.

五(四): a clear responsibility must be carried out; an unclear one waits for the command centre with its candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.city import Answers, Directory, Facts, Responsibility


@dataclass(frozen=True, slots=True)
class Because:
    """Why a unit was chosen, or none was: the rule, the rows' sources, a sentence in both languages."""

    rule: str
    zh: str
    en: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clear:
    """One unit leads."""

    unit_id: str
    because: Because
    assisting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unclear:
    """No unit clearly leads; these may."""

    because: Because
    candidates: tuple[str, ...] = ()


def choose_unit(directory: Directory, facts: Facts) -> Clear | Unclear:
    """The unit that must handle a problem, by the rules in force."""
    component = directory.components.get(facts.component_code) if facts.component_code else None
    if component is not None and component.owner_unit_id in directory.units:
        name = directory.units[component.owner_unit_id]
        because = Because(
            "register",
            f"部件 {component.component_code} 台账权属:{name.name_zh}",
            f"the register names {name.name_en} as owner of component {component.component_code}",
            (component.source,),
        )
        return Clear(component.owner_unit_id, because, _assisting(directory, facts, component.owner_unit_id))
    area = directory.governance.get(facts.area_id) if facts.area_id else None
    if area is not None and facts.category_code in area.platform_first:
        because = Because(
            "platform", "该区域二级平台优先受理", "the area's second-level platform gets it first", (area.source,)
        )
        return Clear(area.governed_by, because, _assisting(directory, facts, area.governed_by))
    return _by_matrix(directory, facts)


def _by_matrix(directory: Directory, facts: Facts) -> Clear | Unclear:
    rows = tuple(row for row in directory.leads.get(facts.category_code, ()) if row.unit_id in directory.units)
    if not rows:
        assisting = _assisting(directory, facts, "")
        return Unclear(Because("no_lead", "责任矩阵中没有牵头单位", "the matrix names no lead"), assisting)
    said = [(row, row.holds(facts)) for row in rows]
    sure = [row for row, holds in said if holds is Answers.YES]
    open_ = [row for row, holds in said if holds is Answers.UNKNOWN]
    if len({row.unit_id for row in sure}) == 1 and not _outweighed(sure[0], open_):
        return _clear(directory, facts, sure[0], "matrix", "责任矩阵明确", "the matrix is clear")
    if not sure and len({row.unit_id for row in rows}) == 1 and open_:
        # "涉及本单位的" of a sole lead: nobody else is named, so it is presumed to be concerned.
        return _clear(directory, facts, open_[0], "matrix_presumed", "唯一牵头单位,推定涉及", "the sole lead, presumed")
    possible = sure or open_
    if not possible:
        because = Because("excluded", "已知条件排除了全部牵头单位", "what is known excludes every lead", _sources(rows))
        return Unclear(because, tuple(dict.fromkeys(row.unit_id for row in rows)))
    names = "、".join(directory.units[row.unit_id].name_zh for row in (*sure, *open_))
    because = Because(
        "several_leads",
        f"多个单位可能牵头:{names}",
        f"several units may lead: {', '.join(row.unit_id for row in (*sure, *open_))}",
        _sources((*sure, *open_)),
    )
    return Unclear(because, tuple(dict.fromkeys(row.unit_id for row in (*sure, *open_))))


def _outweighed(sure: Responsibility, open_: list[Responsibility]) -> bool:
    """An unconditional lead does not exclude one whose own condition may hold: only the facts can tell."""
    return not sure.conditions and any(row.unit_id != sure.unit_id for row in open_)


def _clear(directory: Directory, facts: Facts, row: Responsibility, rule: str, zh: str, en: str) -> Clear:
    unit = directory.units[row.unit_id]
    because = Because(
        rule, f"{zh}:{unit.name_zh}({row.source} {row.action})", f"{en}: {unit.name_en} ({row.source})", (row.source,)
    )
    return Clear(row.unit_id, because, _assisting(directory, facts, row.unit_id))


def _assisting(directory: Directory, facts: Facts, lead: str) -> tuple[str, ...]:
    rows = directory.assists.get(facts.category_code, ())
    return tuple(
        row.unit_id
        for row in rows
        if row.unit_id != lead and row.unit_id in directory.units and row.holds(facts) is not Answers.NO
    )


def _sources(rows: tuple[Responsibility, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.source for row in rows))
