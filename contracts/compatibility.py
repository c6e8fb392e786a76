"""Whether a new version of a contract keeps its promise to those who speak the old one, and why not. Pure.

Inbound (what partners send): whatever was valid stays valid and means the same. Outbound (what the hub sends): whatever
may be sent now could be sent before, so that an old receiver still understands it; receivers pass over fields that they
don't know. Schemas are conjunctions of keywords, so each keyword is judged alone; what can't be told counts as a break.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = Mapping[str, Any]
Verdict = Literal["compatible", "breaking"]

_WORDING = frozenset({"title", "description", "examples"})
# About the schema itself, or judged with the field that it belongs to.
_ASIDE = frozenset({"$schema", "$id", "$comment", "$defs", "deprecated"})
_LOWER = ("minLength", "minItems", "minProperties")
_UPPER = ("maxLength", "maxItems", "maxProperties")
_RANGE = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
_JUDGED = frozenset(
    {"type", "enum", "const", "pattern", "format", "uniqueItems", "properties", "required", "additionalProperties"}
    | {"items", "default", *_LOWER, *_UPPER, *_RANGE}
)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where in a body (an item of a list is ``*``), what kind, the verdict, and a sentence."""

    pointer: str
    kind: str
    verdict: Verdict
    zh: str
    en: str

    @property
    def breaking(self) -> bool:
        """Whether it breaks a partner."""
        return self.verdict == "breaking"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences between two versions."""

    changes: tuple[Change, ...]

    @property
    def compatible(self) -> bool:
        """No change breaks a partner."""
        return not any(change.breaking for change in self.changes)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "compatible": self.compatible,
            "changes": [
                {
                    "pointer": change.pointer,
                    "kind": change.kind,
                    "verdict": change.verdict,
                    "zh": change.zh,
                    "en": change.en,
                }
                for change in self.changes
            ],
        }


def compare(old: Schema, new: Schema, *, outbound: bool = False) -> Comparison:
    """The differences from ``old`` to ``new`` for what partners send, or for what the hub sends."""
    comparing = _Comparing(old, new, outbound, _canonical(old) == _canonical(new), set())
    return Comparison(tuple(comparing.differences(old, new, "#")))


def describe(comparison: Comparison, language: str = "zh-CN") -> str:
    """For people: the verdict, then every difference, the breaking ones first."""
    chinese = not language.startswith("en")
    if comparison.compatible:
        lines = ["兼容" if chinese else "compatible"]
    else:
        lines = ["不兼容" if chinese else "not compatible"]
    if not comparison.changes:
        lines.append("  没有差异" if chinese else "  no difference")
    for change in sorted(comparison.changes, key=lambda change: not change.breaking):
        lines.append(f"  {'✗' if change.breaking else '✓'} {change.pointer}  {change.zh if chinese else change.en}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Comparing:
    old_root: Schema
    new_root: Schema
    outbound: bool
    same: bool
    under_way: set[tuple[str, str]]

    def differences(self, old: Any, new: Any, at: str) -> Iterator[Change]:
        pair = (_canonical(old), _canonical(new))
        if pair in self.under_way:
            # A shape that holds itself is being compared already.
            return
        self.under_way.add(pair)
        old, new = _resolved(old, self.old_root), _resolved(new, self.new_root)
        yield from self._types(old, new, at)
        yield from self._values(old, new, at)
        yield from self._bounds(old, new, at)
        yield from self._shapes(old, new, at)
        yield from self._fields(old, new, at)
        yield from self._items(old, new, at)
        yield from self._rest(old, new, at)
        self.under_way.discard(pair)

    def narrowed(self, at: str, kind: str, zh: str, en: str) -> Change:
        """Fewer values are valid than before: breaks those who send."""
        return Change(at, kind, "compatible" if self.outbound else "breaking", zh, en)

    def widened(self, at: str, kind: str, zh: str, en: str) -> Change:
        """More values are valid than before: breaks those who receive."""
        return Change(at, kind, "breaking" if self.outbound else "compatible", zh, en)

    def _types(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        was, now = _types_of(old), _types_of(new)
        before, after = _said(old.get("type")), _said(new.get("type"))
        told = (f"类型由 {before} 变为 {after}", f"the type went from {before} to {after}")
        if was - now:
            yield self.narrowed(at, "type", *told)
        if now - was:
            yield self.widened(at, "type", *told)

    def _values(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        was, now = _fixed(old), _fixed(new)
        if was is None and now is not None:
            yield self.narrowed(at, "values_fixed", "取值变为固定列表", "the values became a fixed list")
        elif was is not None and now is None:
            yield self.widened(at, "values_free", "取值不再是固定列表", "the values are no longer a fixed list")
        elif was is not None and now is not None:
            for value in [was[key] for key in was if key not in now]:
                yield self.narrowed(at, "value_removed", f"去掉取值 {value}", f"the value {value} is gone")
            for value in [now[key] for key in now if key not in was]:
                yield self.widened(at, "value_added", f"增加取值 {value}", f"the value {value} is new")

    def _bounds(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        for name in (*_LOWER, *_UPPER, *_RANGE):
            was, now = old.get(name), new.get(name)
            if was == now:
                continue
            zh, en = f"{name} 由 {_said(was)} 变为 {_said(now)}", f"{name} went from {_said(was)} to {_said(now)}"
            lower = name in _LOWER or name.lower().endswith("minimum")
            if was is None or (now is not None and (now > was if lower else now < was)):
                yield self.narrowed(at, name, zh, en)
            else:
                yield self.widened(at, name, zh, en)

    def _shapes(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        for name in ("pattern", "format", "uniqueItems"):
            was, now = old.get(name) or None, new.get(name) or None
            if was == now:
                continue
            zh, en = f"{name} 由 {_said(was)} 变为 {_said(now)}", f"{name} went from {_said(was)} to {_said(now)}"
            if was is None:
                yield self.narrowed(at, name, zh, en)
            elif now is None:
                yield self.widened(at, name, zh, en)
            else:
                # Whether one pattern admits all that another does can't be told in general.
                yield Change(at, name, "breaking", zh, en)

    def _fields(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        was, now = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        was_open, is_open = old.get("additionalProperties", True), new.get("additionalProperties", True)
        was_open, is_open = True if was_open == {} else was_open, True if is_open == {} else is_open
        if not self._alike(was_open, is_open):
            if is_open is False:
                yield self.narrowed(at, "closed", "不再接受未知字段", "unknown fields are no longer taken")
            elif was_open is False and is_open is True:
                # Receivers pass over what they don't know, so this breaks nobody.
                yield Change(at, "opened", "compatible", "接受未知字段", "unknown fields are taken")
            else:
                zh, en = "未知字段的规则改变", "the rule for unknown fields changed"
                yield Change(at, "additionalProperties", "breaking", zh, en)
        for name, schema in was.items():
            place = f"{at}/{_escaped(name)}"
            if name in now:
                yield from self.differences(schema, now[name], place)
            else:
                yield self._field_gone(place, is_open)
        for name, schema in now.items():
            if name not in was:
                yield self._new_field(f"{at}/{_escaped(name)}", name in needed_now, was_open, schema)
        for name in _in_order(needed_now - needed_before, now):
            if name in was or name not in now:
                yield self.narrowed(f"{at}/{_escaped(name)}", "required", "变为必填", "became required")
        for name in _in_order(needed_before - needed_now, was):
            yield self.widened(f"{at}/{_escaped(name)}", "optional", "不再必填", "is no longer required")
        kept = [name for name in was if name in now]
        if list(now)[: len(kept)] != kept:
            zh, en = "字段顺序改变;字段只能在末尾增加", "the order of fields changed: they only grow at the end"
            yield Change(at, "order", "breaking", zh, en)

    def _field_gone(self, at: str, is_open: Any) -> Change:
        if is_open is False:
            # Whether receivers needed it is told with what was required.
            return self.narrowed(at, "field_removed", "删除字段", "the field is gone")
        if is_open is True:
            return self.widened(at, "field_removed", "字段不再有类型", "the field is no longer typed")
        return Change(at, "field_removed", "breaking", "删除字段", "the field is gone")

    def _new_field(self, at: str, needed: bool, was_open: Any, schema: Any) -> Change:
        if isinstance(was_open, Mapping):
            # What stood under this name was checked by another rule.
            return Change(
                at, "field_added", "breaking", "新增字段,原由其他规则检查", "a new field, checked otherwise before"
            )
        if needed:
            return self.narrowed(at, "field_required", "新增必填字段", "a new required field")
        if isinstance(was_open, Mapping) and was_open and schema != was_open:
            # A typed map held one kind of thing under this name, and now another: strange to both sides.
            return Change(
                at, "field_added", "breaking", "新增字段与原有映射类型不同", "a new field unlike what the map held"
            )
        if was_open is not False and schema not in (True, {}):
            # An open object could hold anything under this name.
            return self.narrowed(at, "field_added", "新增字段,原可任意填写", "a new field where anything was taken")
        return Change(at, "field_added", "compatible", "新增可选字段", "a new optional field")

    def _items(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        if "items" in old and "items" in new:
            yield from self.differences(old["items"], new["items"], f"{at}/*")
        elif "items" in new:
            yield self.narrowed(f"{at}/*", "items", "列表项有了类型", "the items of the list became typed")
        elif "items" in old:
            yield self.widened(f"{at}/*", "items", "列表项不再有类型", "the items of the list are no longer typed")

    def _rest(self, old: Schema, new: Schema, at: str) -> Iterator[Change]:
        for name in _in_order((old.keys() | new.keys()) - _JUDGED - _ASIDE, (*old, *new)):
            if self._alike(old.get(name), new.get(name), refers=name == "$ref"):
                continue
            if name in _WORDING:
                yield Change(at, "wording", "compatible", f"{name} 的文字改变", f"the words of {name} changed")
            else:
                yield Change(at, name, "breaking", f"{name} 改变,无法判断", f"{name} changed, which can't be judged")
        if _canonical(old.get("default")) != _canonical(new.get("default")):
            was, now = _said(old.get("default")), _said(new.get("default"))
            # The same message, with the field left out, would mean something else.
            verdict: Verdict = "breaking" if "default" in old else "compatible"
            zh, en = f"默认值由 {was} 变为 {now}", f"the default went from {was} to {now}"
            yield Change(at, "default", verdict, zh, en)

    def _alike(self, old: Any, new: Any, *, refers: bool = False) -> bool:
        """Whether two values of a keyword say the same; a reference left in them may lead to other things."""
        text = _canonical(old)
        return text == _canonical(new) and (self.same or not (refers or '"$ref"' in text))


def _resolved(schema: Any, root: Schema) -> Schema:
    """The schema that a local reference leads to, with what stands beside it. What can't be followed stays."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    seen: set[str] = set()
    while isinstance(reference := schema.get("$ref"), str) and reference.startswith("#") and reference not in seen:
        seen.add(reference)
        target: Any = root
        for part in reference.split("/")[1:]:
            target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        if not isinstance(target, Mapping) or beside.keys() & target.keys() & (_JUDGED - {"default"}):
            break
        schema = {**target, **beside} if beside else target
    made: Schema = schema
    return made


def _types_of(schema: Schema) -> set[str]:
    told = schema.get("type")
    if told is None:
        types = {"object", "array", "string", "number", "boolean", "null"}
    else:
        types = {told} if isinstance(told, str) else set(told)
    return types | {"integer"} if "number" in types else types


def _fixed(schema: Schema) -> dict[str, Any] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if values is None else {_canonical(value): value for value in values}


def _canonical(value: Any) -> str:
    # 1 and true are not the same value in JSON; they are in Python.
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _in_order(names: Iterable[str], order: Iterable[str]) -> list[str]:
    chosen = set(names)
    return [*dict.fromkeys(name for name in order if name in chosen), *sorted(chosen - set(order))]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _said(value: Any) -> str:
    return "—" if value is None else _canonical(value)
