"""An operation's element as plain values, by its shape. What is wrong in it is told with a pointer; the contract's own
rules come after, on the values.

An element that is empty or nil says nothing: it is left out, as an absent field is. The order of elements is not asked.
"""

from __future__ import annotations

import re
from typing import Any

from adapters.soap_in.shapes import Field, Kind, Shape
from contracts.json_text import VIOLATIONS_MAX, pointer
from contracts.problem import Violation
from contracts.soap.operations import NAMESPACE

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}

Place = tuple[str | int, ...]


def values_of(node: Any, shape: Shape, place: Place, faults: list[Violation]) -> dict[str, Any]:
    """The fields of an element. What cannot be a value goes to ``faults``."""
    made: dict[str, Any] = {}
    if node.text and not node.text.isspace():
        _fault(faults, place, "应只含子元素,不含文本", "must hold elements, no text", "mixed")
    by_tag = shape.by_tag
    for child in node:
        field = by_tag.get(child.tag)
        if field is None:
            _stranger(child, shape, place, made, faults)
            continue
        if child.tail and not child.tail.isspace():
            _fault(faults, place, "应只含子元素,不含文本", "must hold elements, no text", "mixed")
        if field.many:
            held = made.setdefault(field.name, [])
            value = _value(child, field, (*place, field.name, len(held)), faults)
            if value is not None:
                held.append(value)
        elif field.name in made:
            _fault(faults, (*place, field.name), "元素重复", "the element stands twice", "repeated")
        else:
            value = _value(child, field, (*place, field.name), faults)
            if value is not None:
                made[field.name] = value
    return made


def _value(node: Any, field: Field, place: Place, faults: list[Violation]) -> Any:
    if node.attrib and node.attrib.get(_NIL) in ("true", "1"):
        return None
    if field.shape is not None:
        return values_of(node, field.shape, place, faults)
    if len(node):
        _fault(faults, place, "应为一个值,不含子元素", "must be a value, without elements in it", "type")
        return None
    text = node.text
    if not text:
        return None
    if field.kind in (Kind.TEXT, Kind.BYTES):
        return text
    text = text.strip()
    # What is no number or truth value stays text: the contract's check says what was meant.
    if field.kind is Kind.INTEGER:
        return int(text) if _WHOLE.fullmatch(text) else text or None
    if field.kind is Kind.NUMBER:
        return float(text) if _NUMBER.fullmatch(text) else text or None
    return _TRUTH.get(text, text or None)


def _stranger(child: Any, shape: Shape, place: Place, made: dict[str, Any], faults: list[Violation]) -> None:
    if not isinstance(child.tag, str):
        _fault(faults, place, "XML 不得使用实体", "XML may not use entities", "entity")
        return
    space, _, name = child.tag[1:].rpartition("}") if child.tag.startswith("{") else ("", "", child.tag)
    if space == NAMESPACE:
        # The contract's check says that it has no such field.
        made[name] = ""
        return
    known = any(field.name == name for field in shape.fields)
    said = f"元素 {name[:100]} 应在命名空间 {NAMESPACE}" if known else f"没有元素 {name[:100]}"
    en = f"the element {name[:100]} belongs to {NAMESPACE}" if known else f"there is no element {name[:100]}"
    _fault(faults, place, said, en, "namespace" if known else "extra_forbidden")


def _fault(faults: list[Violation], place: Place, zh: str, en: str, rule: str) -> None:
    if len(faults) < VIOLATIONS_MAX:
        faults.append(Violation(pointer(place), zh, en, rule))
