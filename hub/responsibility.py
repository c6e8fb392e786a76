"""Who must handle it (责任认定): the register's owner first, then the area's platform, then the matrix. Pure.

五(四): a clear responsibility must be carried out; an unclear one waits for the command centre with its candidates. No
rule here guesses: where ownership decides and nobody knows the owner, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from contracts.city import Component, Condition, ConditionName, Directory, Facts, Kind, Standing, Truth, any_of
from contracts.city import Responsibility as Row
from contracts.messages import Duty


class Rule(StrEnum):
    """What decided."""

    REGISTER = "register"
    REGISTER_OWNER_GONE = "register_owner_gone"
    PLATFORM_FIRST = "platform_first"
    MATRIX = "matrix"
    MATRIX_PRESUMED = "matrix_presumed"
    UNKNOWN_CATEGORY = "unknown_category"
    NO_LEAD = "no_lead"
    LEAD_GONE = "lead_gone"
    NOT_KNOWN_ENOUGH = "not_known_enough"
    SEVERAL_LEADS = "several_leads"
    EXCLUDED = "excluded"


REWORK = "rework"
"""The rule of an order to the same unit once more: what decided for that unit is what decided the order before it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One unit of the matrix as it was weighed: does it hold, what is open, and can the unit receive at all."""

    unit_id: str
    duty: Duty
    truth: Truth
    open: tuple[ConditionName, ...]
    condition_zh: str
    source: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Because:
    """Why a unit was chosen, or none: the rule, a sentence in both languages, the rows' sources, what was weighed."""

    rule: str
    zh: str
    en: str
    sources: tuple[str, ...] = ()
    weighed: tuple[Weighed, ...] = ()


@dataclass(frozen=True, slots=True)
class Clear:
    """One unit leads. ``standing`` says whether it takes part yet; ``may_assist`` need a fact that is not known."""

    unit_id: str
    because: Because
    assisting: tuple[str, ...] = ()
    may_assist: tuple[str, ...] = ()
    standing: Standing = Standing.JOINED

    @property
    def presumed(self) -> bool:
        """Whether the unit leads only by presumption."""
        return self.because.rule == Rule.MATRIX_PRESUMED


@dataclass(frozen=True, slots=True)
class Unclear:
    """No unit clearly leads; these may, the likeliest first."""

    because: Because
    candidates: tuple[str, ...] = ()


def choose_unit(directory: Directory, facts: Facts) -> Clear | Unclear:
    """The unit that must handle a problem, by the rules in force."""
    category = directory.categories.get(facts.category_code)
    if category is None:
        return Unclear(
            _because(
                Rule.UNKNOWN_CATEGORY, f"名录中没有类别 {facts.category_code}", f"no category {facts.category_code}"
            )
        )
    component = facts.component or directory.components.get(facts.component_code or "")
    if component is not None:
        facts = replace(facts, component=component, owner_unit_id=component.owner_unit_id)
        if category.kind is Kind.COMPONENT:
            return _by_register(directory, facts, component)
    area = directory.governance.get(facts.area_id or "")
    if area is not None and area.takes_first(category):
        zh, en = _name(directory, area.governed_by)
        because = _because(
            Rule.PLATFORM_FIRST,
            f"该区域的此类案件先由其管辖单位{zh}的平台受理",
            f"in this area such cases go first to the platform of {en}",
            (area.source,),
        )
        return _clear(directory, facts, area.governed_by, because)
    return _by_matrix(directory, _of_the_bureau(directory, facts))


def _by_register(directory: Directory, facts: Facts, component: Component) -> Clear | Unclear:
    owner, code = component.owner_unit_id, component.component_code
    zh, en = _name(directory, owner)
    if directory.standing(owner) is not Standing.NOT_IN_FORCE:
        because = _because(
            Rule.REGISTER,
            f"部件 {code} 台账权属:{zh}{_mismatch(directory, facts, component)[0]}",
            f"the register names {en} as owner of component {code}{_mismatch(directory, facts, component)[1]}",
            (component.source,),
        )
        return _clear(directory, facts, owner, because)
    leads = [row.unit_id for row in directory.leads.get(facts.category_code, ())]
    because = _because(
        Rule.REGISTER_OWNER_GONE,
        f"部件 {code} 台账权属单位{zh}已不在名录中,须确定新的权属",
        f"component {code} belongs to {en}, which is no longer in the directory: its owner must be settled",
        (component.source,),
    )
    return Unclear(because, _present(directory, leads))


def _by_matrix(directory: Directory, facts: Facts) -> Clear | Unclear:
    """The only lead: whose conditions hold while nobody else's may.

    Of those that hold, one that answers under a condition (涉及本单位的) goes before one that answers without.
    A lead that is left alone with nothing open but ownership is presumed to own it.
    """
    zh_name = directory.categories[facts.category_code].name_zh
    en_name = directory.categories[facts.category_code].name_en
    rows = directory.leads.get(facts.category_code, ())
    weighed = _weighed(directory, facts, (*rows, *directory.assists.get(facts.category_code, ())))
    sources = tuple(dict.fromkeys(row.source for row in rows))

    def unclear(rule: Rule, zh: str, en: str, candidates: Iterable[str]) -> Unclear:
        return Unclear(_because(rule, zh, en, sources, weighed), _present(directory, candidates))

    if not rows:
        assistants = [row.unit_id for row in directory.assists.get(facts.category_code, ())]
        return unclear(
            Rule.NO_LEAD, f"责任矩阵没有“{zh_name}”的牵头单位", f"the matrix names no lead for {en_name}", assistants
        )
    here = [row for row in rows if directory.standing(row.unit_id) is not Standing.NOT_IN_FORCE]
    if not here:
        return unclear(
            Rule.LEAD_GONE,
            f"“{zh_name}”的牵头单位已不在名录中",
            f"the leads for {en_name} are no longer in the directory",
            (),
        )
    truths = {unit: any_of(row.matches(facts) for row in here if row.unit_id == unit) for unit in _units(here)}
    holds = [unit for unit, truth in truths.items() if truth is Truth.YES]
    open_ = [unit for unit, truth in truths.items() if truth is Truth.UNKNOWN]
    under_condition = [unit for unit in holds if _holds_under_condition(here, unit, facts)]
    leading = under_condition or holds
    if len(leading) == 1 and not open_:
        row = next(row for row in here if row.unit_id == leading[0] and row.matches(facts) is Truth.YES)
        zh, en = _name(directory, row.unit_id)
        said = f"({row.condition_zh})" if row.condition_zh else ""
        because = _because(
            Rule.MATRIX,
            f"责任矩阵:“{zh_name}”由{zh}{row.action}{said}",
            f"the matrix: {en} leads for {en_name}",
            (row.source,),
            weighed,
        )
        return _clear(directory, facts, row.unit_id, because)
    if not holds and len(open_) == 1:
        presumable = (row for row in here if row.unit_id == open_[0] and _presumable(row, facts))
        for row in presumable:
            return _clear(directory, facts, row.unit_id, _presumption(directory, row, len(_units(rows)), weighed))
    if open_:
        # 古城墙区域内的: who answers for what is already known comes before who answers for its own in general.
        closer = sorted(open_, key=lambda unit: not any(_partly(row, facts) for row in here if row.unit_id == unit))
        possible = [*under_condition, *(unit for unit in holds if unit not in under_condition), *closer]
        asked = tuple(dict.fromkeys(name for row in here for name in _open(row, facts)))
        return unclear(
            Rule.NOT_KNOWN_ENOUGH,
            f"“{zh_name}”可能由{_list(directory, possible)[0]}负责,尚缺:{'、'.join(ASKED[each][0] for each in asked)}",
            f"{en_name} may fall to {_list(directory, possible)[1]}; "
            f"not known: {', '.join(ASKED[each][1] for each in asked)}",
            possible,
        )
    if holds:
        return unclear(
            Rule.SEVERAL_LEADS,
            f"“{zh_name}”由{_list(directory, leading)[0]}同时牵头",
            f"{en_name} is led by {_list(directory, leading)[1]} alike",
            leading,
        )
    return _nobody(directory, facts, rows, weighed)


ASKED = {
    ConditionName.OWNER: ("权属", "the owner"),
    ConditionName.MAINTAINED_AS: ("管养性质", "how it is maintained"),
    ConditionName.ZONE: ("所在地段", "the zone"),
    ConditionName.SUBTYPE: ("细类", "the subtype"),
    ConditionName.ASPECT: ("情形", "the aspect"),
}


def _presumption(directory: Directory, row: Row, leads: int, weighed: tuple[Weighed, ...]) -> Because:
    zh, en = _name(directory, row.unit_id)
    alone_zh = f"{zh}为唯一牵头单位" if leads == 1 else f"其他牵头单位均已排除,只余{zh}"
    alone_en = f"{en} is the only lead" if leads == 1 else f"every other lead is excluded, {en} is left"
    return _because(
        Rule.MATRIX_PRESUMED,
        f"责任矩阵:{alone_zh}({row.condition_zh}),未见相反情况,推定由其负责",
        f"the matrix: {alone_en}; nothing says otherwise, so it is presumed to be responsible",
        (row.source,),
        weighed,
    )


def _nobody(directory: Directory, facts: Facts, rows: Sequence[Row], weighed: tuple[Weighed, ...]) -> Clear | Unclear:
    """Every lead is excluded. The register's owner answers for its own; a mere word about an owner is no proof."""
    owner = facts.owner_unit_id
    if facts.component is not None and owner is not None and owner in directory.units:
        zh, en = _name(directory, owner)
        because = _because(
            Rule.REGISTER,
            f"矩阵各牵头单位均不涉及;部件 {facts.component.component_code} 台账权属:{zh}",
            f"no lead of the matrix is concerned; the register names {en} as owner of {facts.component.component_code}",
            (facts.component.source,),
            weighed,
        )
        return _clear(directory, facts, owner, because)
    because = _because(
        Rule.EXCLUDED,
        "已知情况排除了矩阵中的全部牵头单位",
        "what is known excludes every lead of the matrix",
        tuple(dict.fromkeys(row.source for row in rows)),
        weighed,
    )
    return Unclear(because, _present(directory, [*([owner] if owner else []), *_units(rows)]))


def _clear(directory: Directory, facts: Facts, unit_id: str, because: Because) -> Clear:
    standing = directory.standing(unit_id)
    if standing is Standing.NOT_JOINED_YET:
        because = replace(because, zh=f"{because.zh};该单位尚未接入", en=f"{because.en}; it has not joined yet")
    helping = [
        row
        for row in directory.assists.get(facts.category_code, ())
        if row.unit_id != unit_id and row.unit_id in directory.units
    ]
    sure = _units(row for row in helping if row.matches(facts) is Truth.YES)
    maybe = _units(row for row in helping if row.matches(facts) is Truth.UNKNOWN)
    return Clear(unit_id, because, sure, tuple(unit for unit in maybe if unit not in sure), standing)


def _of_the_bureau(directory: Directory, facts: Facts) -> Facts:
    """What belongs to a department belongs to the bureau that the matrix names."""
    if facts.owner_unit_id is None:
        return facts
    leads = _units(directory.leads.get(facts.category_code, ()))
    above = next((unit for unit in directory.lineage(facts.owner_unit_id) if unit in leads), None)
    return replace(facts, owner_unit_id=above) if above else facts


def _weighed(directory: Directory, facts: Facts, rows: Iterable[Row]) -> tuple[Weighed, ...]:
    return tuple(
        Weighed(
            row.unit_id,
            row.duty,
            row.matches(facts),
            _open(row, facts),
            row.condition_zh,
            row.source,
            directory.standing(row.unit_id),
        )
        for row in rows
    )


def _open(row: Row, facts: Facts) -> tuple[ConditionName, ...]:
    """The conditions of a row that nobody can answer yet; none where another one already excludes it."""
    told: list[tuple[Condition, Truth]] = [(condition, condition.matches(facts)) for condition in row.conditions]
    if any(truth is Truth.NO for _, truth in told):
        return ()
    return tuple(condition.name for condition, truth in told if truth is Truth.UNKNOWN)


def _presumable(row: Row, facts: Facts) -> bool:
    """Whether nothing but ownership is open, or the unit is known to own it: no other unit could be meant."""
    if row.matches(facts) is not Truth.UNKNOWN:
        return False
    owned = any(each.name is ConditionName.OWNER and each.matches(facts) is Truth.YES for each in row.conditions)
    return owned or set(_open(row, facts)) <= {ConditionName.OWNER}


def _partly(row: Row, facts: Facts) -> bool:
    return row.matches(facts) is Truth.UNKNOWN and any(each.matches(facts) is Truth.YES for each in row.conditions)


def _holds_under_condition(rows: Sequence[Row], unit_id: str, facts: Facts) -> bool:
    return any(row.unit_id == unit_id and row.conditions and row.matches(facts) is Truth.YES for row in rows)


def _mismatch(directory: Directory, facts: Facts, component: Component) -> tuple[str, str]:
    if component.category_code == facts.category_code:
        return "", ""
    listed = directory.categories.get(component.category_code)
    zh, en = (listed.name_zh, listed.name_en) if listed else (component.category_code, component.category_code)
    return f"(台账登记为{zh},请核实)", f" (the register lists it as {en}: to be checked)"


def _units(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.unit_id for row in rows))


def _present(directory: Directory, unit_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(unit for unit in unit_ids if unit in directory.units))


def _name(directory: Directory, unit_id: str) -> tuple[str, str]:
    unit = directory.unit_named(unit_id)
    return (unit.name_zh, unit.name_en) if unit else (unit_id, unit_id)


def _list(directory: Directory, unit_ids: Sequence[str]) -> tuple[str, str]:
    names = [_name(directory, unit) for unit in unit_ids]
    return "、".join(zh for zh, _ in names), ", ".join(en for _, en in names)


def _because(rule: Rule, zh: str, en: str, sources: tuple[str, ...] = (), weighed: tuple[Weighed, ...] = ()) -> Because:
    return Because(rule.value, zh, en, sources, weighed)
