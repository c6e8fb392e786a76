"""The in table that an out table implies, and which of its fields have no way back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.mapping.agreed import kind_at, schema
from contracts.mapping import EPOCHS, CodeTable, Join, Kind, Rule, Split, Table, UnitMapping
from contracts.paths import parse_path

_KINDS = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}
_EXACT = ("%Y", "%m", "%d", "%H", "%M", "%S")


@dataclass(frozen=True, slots=True)
class NoWayBack:
    """A field of an out table that the in table cannot have, and why."""

    field: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Inverse:
    """The derived in table (None if no field inverts), and the fields without a way back.

    Moments come back to the second, in the unit's zone; coordinates to the digits written, in the unit's datum.
    """

    table: Table | None
    lost: tuple[NoWayBack, ...]

    @property
    def whole(self) -> bool:
        """Whether a message that went out comes back."""
        return self.table is not None and not self.lost


def inverse(table: Table, mapping: UnitMapping) -> Inverse:
    """The in table of an out table, where its operations invert; a field of the contract that none writes is named."""
    codes = {each.name: each for each in mapping.codes}
    rules, lost = _inverted(table.fields, codes, table.contract, "")
    carried = {parse_path(rule.to)[0] for rule in rules if rule.to}
    for name in schema(table.contract).get("properties", {}):
        if name not in carried and name not in {each.field.partition(".")[0] for each in lost}:
            lost.append(NoWayBack(name, "没有规则写出该字段", "no rule writes this field"))
    if not rules:
        return Inverse(None, tuple(lost))
    made = table.model_copy(update={"fields": tuple(rules), "when": ()})
    return Inverse(made, tuple(lost))


def _inverted(
    rules: tuple[Rule, ...], codes: Mapping[str, CodeTable], contract: str, above: str
) -> tuple[list[Rule], list[NoWayBack]]:
    made: list[Rule] = []
    lost: list[NoWayBack] = []
    for rule in rules:
        if rule.constant is not None:
            # It says nothing of the message.
            continue
        named = ".".join(part for part in (above, rule.source or (rule.to or "")) if part not in ("", "."))
        why = _no_way_back(rule, codes, kind_at(contract, parse_path(named or ".")))
        if why:
            lost.append(NoWayBack(named or ".", *why))
            continue
        if rule.each:
            inner, gone = _inverted(rule.each, codes, contract, f"{named}[0]")
            lost += gone
            made += [Rule(**_turned(rule), each=tuple(inner))] if inner else []
        else:
            made.append(Rule(**_turned(rule), **_undone(rule, contract, named)))
    return made, lost


def _turned(rule: Rule) -> dict[str, Any]:
    if rule.coordinates is not None:
        return {"to": rule.source, "coordinates": rule.coordinates}
    return {"to": rule.source, "source": rule.to}


def _undone(rule: Rule, contract: str, named: str) -> dict[str, Any]:
    made: dict[str, Any] = {"codes": rule.codes, "date": rule.date, "zone": rule.zone, "number": rule.number}
    if rule.join is not None:
        made["split"] = Split(by=rule.join.by)
    if rule.split is not None:
        made["join"] = Join(by=rule.split.by)
    kind = _KINDS.get(kind_at(contract, parse_path(named or ".")) or "")
    if kind is not None and rule.coordinates is None:
        made["kind"] = kind
    return {name: value for name, value in made.items() if value is not None}


def _no_way_back(rule: Rule, codes: Mapping[str, CodeTable], given: str | None) -> tuple[str, str] | None:
    if rule.expression is not None:
        return "表达式不可逆", "an expression does not invert"
    if rule.join is not None and (rule.join.of or not rule.join.by):
        return "多个字段连接后无法拆回", "several fields joined do not come apart again"
    if rule.split is not None and rule.split.part is not None:
        return "只取了其中一段", "only one part was taken"
    if rule.when:
        return "有条件的字段可能未写出", "a field under a condition may not have been written"
    if rule.default is not None:
        return "默认值与真实值无法区分", "a default cannot be told from a value"
    if rule.trim or rule.decimals is not None or (rule.limit is not None and rule.longer == "cut"):
        return "截短或取整后无法复原", "what was cut off or rounded is gone"
    if rule.date is not None and rule.date not in EPOCHS and rule.date != "iso":
        absent = [part for part in _EXACT if part not in rule.date]
        if absent:
            return f"日期格式缺少 {' '.join(absent)}", f"the date has no {' '.join(absent)}"
    if rule.codes is not None and not _one_to_one(codes[rule.codes]):
        return f"码表 {rule.codes} 不是一一对应", f"the code table {rule.codes} is not one to one"
    if rule.kind not in (None, Kind.TEXT, _KINDS.get(given or "")) and rule.date is None and rule.coordinates is None:
        return "类型转换可能丢失内容", "the conversion may lose something"
    return None


def _one_to_one(table: CodeTable) -> bool:
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for pair in table.pairs:
        there.setdefault(pair.ours, pair.theirs)
        back.setdefault(pair.theirs, pair.ours)
    return table.default_theirs is None and all(back[theirs] == ours for ours, theirs in there.items())
