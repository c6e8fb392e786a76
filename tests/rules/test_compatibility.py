"""Comparing contracts: what a change breaks, for those who send and for those who receive."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.catalogue import MODELS, schema_of
from contracts.compatibility import Change, compare, describe

TEXT = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]+$"}


def an_object(*required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


OLD = an_object(
    "a",
    a=TEXT,
    n={"type": "integer", "minimum": 1, "maximum": 9},
    word={"type": "string", "enum": ["x", "y"], "default": "x"},
    list={"type": "array", "items": {"$ref": "#/$defs/Part"}, "maxItems": 3},
    at={"type": "string", "format": "date-time"},
) | {"$defs": {"Part": an_object("p", p={"type": "number"})}}

OK, BREAKS = "compatible", "breaking"
CHANGES: dict[str, tuple[str, Any, str, str, str]] = {
    # what: (where, what is put there, the kind of change, inbound, outbound)
    "an optional field is added at the end": ("properties.z", {"type": "boolean"}, "field_added", OK, OK),
    "an optional field is removed": ("properties.at", None, "field_removed", BREAKS, OK),
    "a word is removed": ("properties.word.enum", ["x"], "value_removed", BREAKS, OK),
    "a word is added": ("properties.word.enum", ["x", "y", "z"], "value_added", OK, BREAKS),
    "words become free": ("properties.word.enum", None, "values_free", OK, BREAKS),
    "a text becomes shorter": ("properties.a.maxLength", 10, "maxLength", BREAKS, OK),
    "a text becomes longer": ("properties.a.maxLength", 30, "maxLength", OK, BREAKS),
    "a text loses its limit": ("properties.a.maxLength", None, "maxLength", OK, BREAKS),
    "a text gets a least length": ("properties.a.minLength", 2, "minLength", BREAKS, OK),
    "a range narrows from below": ("properties.n.minimum", 2, "minimum", BREAKS, OK),
    "a range widens from below": ("properties.n.minimum", 0, "minimum", OK, BREAKS),
    "a range gets an open end": ("properties.n.exclusiveMaximum", 9, "exclusiveMaximum", BREAKS, OK),
    "a pattern changes": ("properties.a.pattern", "^[a-z0-9]+$", "pattern", BREAKS, BREAKS),
    "a pattern goes": ("properties.a.pattern", None, "pattern", OK, BREAKS),
    "a format comes": ("properties.a.format", "uri", "format", BREAKS, OK),
    "a whole number becomes any": ("properties.n.type", "number", "type", OK, BREAKS),
    "any number becomes whole": ("$defs.Part.properties.p.type", "integer", "type", BREAKS, OK),
    "a type changes": ("properties.at.type", "integer", "type", BREAKS, BREAKS),
    "a field becomes required": ("required", ["a", "n"], "required", BREAKS, OK),
    "a field is no longer required": ("required", [], "optional", OK, BREAKS),
    "a default changes": ("properties.word.default", "y", "default", BREAKS, BREAKS),
    "a list becomes shorter": ("properties.list.maxItems", 2, "maxItems", BREAKS, OK),
    "a list forgets its items": ("properties.list.items", None, "items", OK, BREAKS),
    "a field of an item becomes optional": ("$defs.Part.required", [], "optional", OK, BREAKS),
    "a union comes": ("properties.a.anyOf", [TEXT], "anyOf", BREAKS, BREAKS),
    "the words of a description change": ("properties.a.description", "名称", "wording", OK, OK),
}


def changed(where: str, what: Any) -> dict[str, Any]:
    made = copy.deepcopy(OLD)
    *path, last = where.split(".")
    node: Any = made
    for part in path:
        node = node[part]
    if what is None:
        del node[last]
    else:
        node[last] = what
    return made


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_judged_by_who_speaks(what: str) -> None:
    where, put, kind, inbound, outbound = CHANGES[what]
    for verdict, is_outbound in ((inbound, False), (outbound, True)):
        comparison = compare(OLD, changed(where, put), outbound=is_outbound)
        assert kind in {change.kind for change in comparison.changes}
        assert comparison.compatible == (verdict == OK)


def test_a_new_required_field_breaks_those_who_send_and_not_those_who_receive() -> None:
    new = changed("properties.z", {"type": "boolean"}) | {"required": ["a", "z"]}
    assert not compare(OLD, new).compatible
    assert compare(OLD, new, outbound=True).compatible


@pytest.mark.parametrize(
    ("rest", "inbound", "outbound"), [(True, False, True), ({"type": "string"}, False, False), (False, True, True)]
)
def test_a_new_field_in_an_object_that_took_more_limits_what_could_stand_there(
    rest: Any, inbound: bool, outbound: bool
) -> None:
    old = {"type": "object", "properties": {"a": TEXT}, "additionalProperties": rest}
    new = {**old, "properties": {"a": TEXT, "z": {"type": "boolean"}}}
    assert compare(old, new).compatible == inbound
    assert compare(old, new, outbound=True).compatible == outbound


def test_removing_a_required_field_breaks_both() -> None:
    new = changed("properties.a", None) | {"required": []}
    assert not compare(OLD, new).compatible
    assert not compare(OLD, new, outbound=True).compatible


@pytest.mark.parametrize("outbound", [False, True])
@pytest.mark.parametrize("order", [["n", "a", "word", "list", "at"], ["z", "a", "n", "word", "list", "at"]])
def test_fields_only_grow_at_the_end(order: list[str], outbound: bool) -> None:
    fields = {**OLD["properties"], "z": {"type": "boolean"}}
    comparison = compare(OLD, OLD | {"properties": {name: fields[name] for name in order}}, outbound=outbound)
    assert [change.kind for change in comparison.changes if change.breaking] == ["order"]


def test_a_reference_and_the_same_shape_written_out_are_the_same() -> None:
    new = changed("properties.list.items", OLD["$defs"]["Part"])
    assert compare(OLD, new).changes == compare(new, OLD).changes == ()


def test_a_change_inside_a_shared_shape_is_told_at_each_field_that_has_it() -> None:
    both = OLD | {"properties": {**OLD["properties"], "one": {"$ref": "#/$defs/Part"}}}
    new = copy.deepcopy(both)
    new["$defs"]["Part"]["properties"]["p"]["minimum"] = 0
    assert [change.pointer for change in compare(both, new).changes] == ["#/list/*/p", "#/one/p"]


def test_a_shape_that_holds_itself_is_compared_to_an_end() -> None:
    node = an_object(name=TEXT, inner={"$ref": "#/$defs/Node", "title": "内层"})
    old = {"$ref": "#/$defs/Node", "$defs": {"Node": node}}
    assert compare(old, old).compatible
    new = copy.deepcopy(old)
    new["$defs"]["Node"]["required"] = ["name"]
    assert not compare(old, new).compatible


def test_a_reference_that_cannot_be_followed_counts_as_a_break_where_anything_changed() -> None:
    old = an_object(a={"$ref": "#/$defs/Gone"})
    assert compare(old, old).compatible
    assert not compare(old, old | {"description": "x", "$defs": {"Other": TEXT}}).compatible


# The published contracts.


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("outbound", [False, True])
def test_a_contract_is_compatible_with_itself(name: str, outbound: bool) -> None:
    assert compare(schema_of(MODELS[name]), schema_of(MODELS[name]), outbound=outbound).changes == ()


def test_a_minor_version_that_adds_an_optional_field_breaks_nobody() -> None:
    old = schema_of(MODELS["case.feedback/1.0"])
    new = copy.deepcopy(old)
    new["$id"] = old["$id"].replace("1.0", "1.1")
    new["properties"]["cost"] = {"type": "number", "minimum": 0}
    for outbound in (False, True):
        comparison = compare(old, new, outbound=outbound)
        assert comparison.compatible
        assert [(change.pointer, change.kind) for change in comparison.changes] == [("#/cost", "field_added")]


# Telling.


def test_a_comparison_is_told_in_either_language_with_what_breaks_first() -> None:
    new = changed("properties.z", {"type": "boolean"})
    new["properties"]["word"]["enum"] = ["x"]
    comparison = compare(OLD, new)
    assert describe(comparison).splitlines() == ["不兼容", "  ✗ #/word  去掉取值 y", "  ✓ #/z  新增可选字段"]
    assert describe(comparison, "en").splitlines() == [
        "not compatible",
        "  ✗ #/word  the value y is gone",
        "  ✓ #/z  a new optional field",
    ]
    assert describe(compare(OLD, OLD)).splitlines() == ["兼容", "  没有差异"]


def test_a_comparison_is_told_to_machines() -> None:
    document = json.loads(json.dumps(compare(OLD, changed("properties.word.enum", ["x"])).document()))
    assert document == {
        "compatible": False,
        "changes": [
            {
                "pointer": "#/word",
                "kind": "value_removed",
                "verdict": "breaking",
                "zh": "去掉取值 y",
                "en": "the value y is gone",
            }
        ],
    }


def test_a_change_says_whether_it_breaks() -> None:
    assert Change("#", "type", "breaking", "", "").breaking
    assert not Change("#", "type", "compatible", "", "").breaking


# A verdict holds for every body. Schemas go beyond the contracts' subset, for what comes as data may.

SCALARS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(1, 3),
            "pattern": st.sampled_from(["^a", "b$"]),
            "enum": st.lists(st.sampled_from(["", "a", "ab", "b"]), min_size=1, unique=True),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number", ["integer", "null"]])},
        optional={
            "minimum": st.integers(-2, 2),
            "maximum": st.integers(-2, 2),
            "exclusiveMinimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
        },
    ),
    st.just({"type": "boolean"}),
    st.builds(lambda value: {"const": value}, st.sampled_from([1, True, "a", None])),
    st.just({"anyOf": [{"type": "string"}, {"type": "boolean"}]}),
    st.just({"$ref": "#/$defs/Shared"}),
    st.booleans(),
)
NAMES = ("a", "b", "c")


def objects_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def ordered(fields: dict[str, Any], order: list[str], needed: list[str], more: Any) -> dict[str, Any]:
        properties = {name: fields[name] for name in order if name in fields}
        made = {"type": "object", "properties": properties, "required": needed}
        return made if more is None else {**made, "additionalProperties": more}

    return st.builds(
        ordered,
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        st.permutations(NAMES),
        st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
        st.sampled_from([False, False, False, True, None, {"type": "string"}]),
    )


def lists_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    limits = {"minItems": st.integers(0, 1), "maxItems": st.integers(0, 2), "uniqueItems": st.booleans()}
    return st.fixed_dictionaries({"type": st.just("array")}, optional={"items": inner, **limits})


SHAPES = st.recursive(SCALARS, lambda inner: st.one_of(objects_of(inner), lists_of(inner)), max_leaves=5)
ROOTS = st.builds(lambda shape, shared: {**shape, "$defs": {"Shared": shared}}, objects_of(SHAPES), SCALARS)

FEW = (None, True, 0, 1, 1.5, -2, 2, "", "a", "ab", "b", "bbb")
VALUES = (*FEW, [], *([value] for value in FEW), ["a", "a"], [1, 2, 3], {}, *({"a": value} for value in FEW), {"d": 1})
BODIES = [
    *VALUES,
    *({name: value} for name in (*NAMES, "d") for value in VALUES),
    *({one: 1, other: value} for one, other in itertools.permutations((*NAMES, "d"), 2) for value in FEW),
    *({"a": one, "b": two, "c": three} for one in FEW for two in ("ab", 1) for three in (True, {}, "b")),
]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema, and what became of it: one or two keywords anywhere changed, taken away or added."""
    old = copy.deepcopy(draw(ROOTS))
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 2))):
        spots = list(_spots(new))
        holder, key = draw(st.sampled_from(spots))
        match draw(st.sampled_from(["replace", "remove", "keyword"])), holder[key]:
            case "replace", _:
                holder[key] = copy.deepcopy(draw(SHAPES))
            case "remove", _:
                del holder[key]
            case _, dict() as schema:
                other = copy.deepcopy(draw(SHAPES))
                if isinstance(other, dict):
                    keyword = draw(st.sampled_from(sorted(other)))
                    schema[keyword] = other[keyword]
                if schema.get("properties") and draw(st.booleans()):
                    schema["required"] = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    return old, new


def _spots(schema: Any) -> Any:
    """Every place that holds a schema, as its holder and its key there."""
    # The root's holder is made up: the root itself is never replaced, only its keywords are.
    yield {"": schema}, ""
    unread = [schema]
    while unread:
        node = unread.pop()
        if not isinstance(node, dict):
            continue
        for holder in (node.get("properties", {}), node.get("$defs", {})):
            for name in holder:
                yield holder, name
                unread.append(holder[name])
        if "items" in node:
            yield node, "items"
            unread.append(node["items"])


def _is_schema(schema: Any) -> bool:
    try:
        jsonschema_rs.Draft202012Validator(schema)
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return isinstance(schema, dict)


@given(ROOTS)
def test_any_schema_is_compatible_with_itself(schema: dict[str, Any]) -> None:
    for outbound in (False, True):
        assert compare(schema, copy.deepcopy(schema), outbound=outbound).changes == ()


@settings(max_examples=300)
@given(pairs())
def test_what_is_compatible_inbound_refuses_nothing_that_was_taken(pair: tuple[Any, Any]) -> None:
    old, new = pair
    assume(_is_schema(old) and _is_schema(new) and compare(old, new).compatible)
    was, now = jsonschema_rs.Draft202012Validator(old), jsonschema_rs.Draft202012Validator(new)
    assert [body for body in BODIES if was.is_valid(body) and not now.is_valid(body)] == []


@settings(max_examples=300)
@given(pairs())
def test_what_is_compatible_outbound_sends_nothing_strange(pair: tuple[Any, Any]) -> None:
    old, new = pair
    assume(_is_schema(old) and _is_schema(new) and compare(old, new, outbound=True).compatible)
    was, now = jsonschema_rs.Draft202012Validator(_passing_over(old)), jsonschema_rs.Draft202012Validator(new)
    assert [body for body in BODIES if now.is_valid(body) and not was.is_valid(body)] == []


def _passing_over(schema: Any) -> Any:
    """The schema as a receiver reads it, who passes over fields that it doesn't know."""
    if isinstance(schema, list):
        return [_passing_over(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _passing_over(value) for name, value in schema.items()}
    return made | {"additionalProperties": True} if made.get("additionalProperties") is False else made
