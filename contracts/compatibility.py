"""Whether a new version of a contract keeps its promise to those who speak the old one, and why not. Pure.

Inbound (what partners send): whatever was valid must stay valid. Outbound (what the hub sends): whatever may now be
sent must have been valid before, so that an old receiver still understands it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: where, what kind, whether it breaks, and a sentence in both languages."""

    pointer: str
    kind: str
    breaking: bool
    zh: str
    en: str


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
                    "verdict": "breaking" if change.breaking else "compatible",
                    "zh": change.zh,
                    "en": change.en,
                }
                for change in self.changes
            ],
        }


def compare(old: Schema, new: Schema, *, outbound: bool = False) -> Comparison:
    """The differences from ``old`` to ``new`` for what partners send, or for what the hub sends."""
    return Comparison(tuple(_differences(_Pair(old, new, outbound), old, new, "#")))


def describe(comparison: Comparison, language: str = "zh-CN") -> str:
    """For people."""
    chinese = not language.startswith("en")
    if comparison.compatible:
        lines = ["兼容" if chinese else "compatible"]
    else:
        lines = ["不兼容" if chinese else "not compatible"]
    if not comparison.changes:
        lines.append("没有差异" if chinese else "no difference")
    for change in comparison.changes:
        mark = "✗" if change.breaking else "✓"
        lines.append(f"  {mark} {change.pointer}  {change.zh if chinese else change.en}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Pair:
    old_root: Schema
    new_root: Schema
    outbound: bool

    def change(self, pointer: str, kind: str, zh: str, en: str, *, narrows: bool | None) -> Change:
        """``narrows``: fewer values are valid than before; False: more are; None: breaks either way."""
        breaking = True if narrows is None else (narrows != self.outbound)
        return Change(pointer, kind, breaking, zh, en)


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    node: Any = root
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return {**_resolved(node, root), **{name: value for name, value in schema.items() if name != "$ref"}}


def _differences(pair: _Pair, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    old, new = _resolved(old, pair.old_root), _resolved(new, pair.new_root)
    if old.get("type") != new.get("type"):
        was, now = old.get("type"), new.get("type")
        if (was, now) == ("integer", "number"):
            yield pair.change(at, "type_widened", "整数放宽为数字", "a whole number became any number", narrows=False)
        elif (was, now) == ("number", "integer"):
            yield pair.change(at, "type_narrowed", "数字收窄为整数", "a number became a whole number", narrows=True)
        else:
            yield pair.change(
                at, "type", f"类型由 {was} 变为 {now}", f"the type changed from {was} to {now}", narrows=None
            )
            return
    yield from _words(pair, old, new, at)
    yield from _bounds(pair, old, new, at)
    yield from _shapes(pair, old, new, at)
    if "properties" in old or "properties" in new:
        yield from _fields(pair, old, new, at)
    if isinstance(old.get("items"), Mapping) and isinstance(new.get("items"), Mapping):
        yield from _differences(pair, old["items"], new["items"], f"{at}/*")


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _words(pair: _Pair, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    was, now = _values(old), _values(new)
    if was is None and now is None:
        return
    if was is None or now is None:
        narrows = now is not None
        yield pair.change(
            at,
            "enum",
            "新增取值限制" if narrows else "取消取值限制",
            "values became fixed" if narrows else "values are no longer fixed",
            narrows=narrows,
        )
        return
    for value in was:
        if value not in now:
            yield pair.change(at, "enum_removed", f"不再允许 {value}", f"{value} is no longer allowed", narrows=True)
    for value in now:
        if value not in was:
            yield pair.change(at, "enum_added", f"新增取值 {value}", f"{value} is new", narrows=False)


def _bounds(pair: _Pair, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    for name in (*LOWER, *UPPER):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        tighter = was is None or (now is not None and ((now > was) if name in LOWER else (now < was)))
        zh = f"{name} 由 {_said(was)} 变为 {_said(now)}"
        yield pair.change(at, name, zh, f"{name} went from {_said(was)} to {_said(now)}", narrows=tighter)


def _said(value: Any) -> str:
    return "—" if value is None else str(value)


def _shapes(pair: _Pair, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    for name in ("pattern", "format"):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        if was is None or now is None:
            narrows = now is not None
            yield pair.change(at, name, f"{name} 改变:{_said(now)}", f"{name} changed: {_said(now)}", narrows=narrows)
        else:
            # Whether one pattern admits another cannot be told: taken as a break.
            yield pair.change(at, name, f"{name} 改变:{_said(now)}", f"{name} changed: {_said(now)}", narrows=None)


def _fields(pair: _Pair, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    was, now = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in was:
        pointer = f"{at}/{name}"
        if name not in now:
            # Senders of the old version would be refused; receivers of the old one would miss it where they need it.
            breaking = not pair.outbound or name in needed_before
            yield Change(pointer, "field_removed", breaking, "字段被删除", "the field is gone")
            continue
        yield from _differences(pair, was[name], now[name], pointer)
        if name in needed_now and name not in needed_before:
            yield pair.change(pointer, "required", "变为必填", "became required", narrows=True)
        if name in needed_before and name not in needed_now:
            yield pair.change(pointer, "optional", "变为可选", "became optional", narrows=False)
    for name in now:
        if name in was:
            continue
        if name in needed_now and not pair.outbound:
            yield Change(f"{at}/{name}", "field_required", True, "新增必填字段", "a new required field")
        else:
            # A minor version adds fields; receivers are told to pass over what they do not know.
            yield Change(f"{at}/{name}", "field_added", False, "新增字段", "a new field")
    common = [name for name in was if name in now]
    if [name for name in now if name in was] != common or list(now)[: len(common)] != common:
        yield Change(
            at,
            "order",
            True,
            "字段顺序改变(字段只能在末尾增加)",
            "the order of fields changed: they only grow at the end",
        )
