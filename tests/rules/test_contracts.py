"""The published contracts: generated files unchanged, inside the subset, judged alike by everybody who checks them."""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.catalogue import MODELS, SCHEMAS, outside_subset, page, stale_schemas, write_schemas
from contracts.checking import check_value
from contracts.live import INBOUND
from contracts.problem import Problem
from contracts.samples import INVALID, VALID
from contracts.sentences import PATTERNS

ROOT = Path(__file__).parents[2]
NAMES = sorted(MODELS)
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / name / "schema.json").read_text(encoding="utf-8"))


def judge_by_jsonschema(name: str) -> Callable[[Any], bool]:
    return jsonschema.Draft202012Validator(schema(name), format_checker=FORMATS).is_valid


def judge_by_rust(name: str) -> Callable[[Any], bool]:
    return jsonschema_rs.Draft202012Validator(schema(name), validate_formats=True).is_valid


def judge_by_the_hub(name: str) -> Callable[[Any], bool]:
    def accepts(body: Any) -> bool:
        try:
            check_value(MODELS[name], body)
        except Problem:
            return False
        return True

    return accepts


JUDGES = (judge_by_jsonschema, judge_by_rust, judge_by_the_hub)


def test_the_committed_schemas_are_what_the_models_say() -> None:
    assert stale_schemas() == []


def test_the_committed_page_is_what_the_models_say() -> None:
    assert (ROOT / "docs/contracts.md").read_text(encoding="utf-8") == page()


def test_a_changed_a_missing_and_a_foreign_file_are_all_stale(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    assert stale_schemas(tmp_path) == []
    (tmp_path / "case.report/1.0/schema.json").write_text("{}", encoding="utf-8")
    (tmp_path / "case.return/1.0/valid.json").unlink()
    (tmp_path / "case.return/0.9.json").write_text("{}", encoding="utf-8")
    assert stale_schemas(tmp_path) == [
        "case.report/1.0/schema.json",
        "case.return/0.9.json",
        "case.return/1.0/valid.json",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    jsonschema_rs.meta.validate(schema(name))
    assert schema(name)["$id"] == f"https://cityhub.example/contracts/{name}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("judge", JUDGES)
def test_every_judge_takes_the_valid_example_and_no_judge_the_invalid_one(
    name: str, judge: Callable[[str], Callable[[Any], bool]]
) -> None:
    accepts = judge(name)
    assert accepts(VALID[name])
    assert not accepts(INVALID[name])


def test_the_examples_speak_of_categories_and_units_that_the_city_has() -> None:
    city = ROOT / "contracts/cities/quzhou"
    codes = {row["code"] for row in csv.DictReader((city / "categories.csv").open(encoding="utf-8"))}
    units = {row["unit_id"] for row in csv.DictReader((city / "units.csv").open(encoding="utf-8"))}
    said = [body for body in VALID.values() if isinstance(body, dict)]
    assert {body["category_code"] for body in said if "category_code" in body} <= codes
    assert {body[name] for body in said for name in ("unit_id", "responsible_unit_id", "unit") if name in body} <= units


# The subset.


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_keeps_to_the_subset(name: str) -> None:
    assert outside_subset(schema(name)) == ()


def test_fields_keep_the_order_of_the_model() -> None:
    for name, model in MODELS.items():
        assert list(schema(name)["properties"]) == list(model.model_fields)


TEXT = {"type": "string"}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a union": ({"anyOf": [TEXT, {"type": "number"}]}, "keyword"),
    "an exclusive union": ({"oneOf": [TEXT]}, "keyword"),
    "a conjunction": ({"allOf": [TEXT]}, "keyword"),
    "null beside text": ({"type": ["string", "null"]}, "type"),
    "null": ({"type": "null"}, "type"),
    "no type": ({"maxLength": 3}, "type"),
    "a null default": ({"type": "string", "default": None}, "null"),
    "an object that takes more": ({"type": "object", "properties": {"a": TEXT}}, "map"),
    "an object that says it takes more": (
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": True},
        "map",
    ),
    "a map": ({"type": "object", "additionalProperties": TEXT}, "map"),
    "an object without fields": ({"type": "object", "additionalProperties": False}, "map"),
    "names by pattern": ({"type": "object", "patternProperties": {"^a": TEXT}}, "keyword"),
    "a list of anything": ({"type": "array"}, "items"),
    "a list by position": ({"type": "array", "prefixItems": [TEXT], "items": TEXT}, "keyword"),
    "a reference elsewhere": ({"$ref": "https://other.example/schema"}, "ref"),
    "a reference to nothing": ({"$ref": "#/$defs/Nothing"}, "ref"),
    "mixed fixed words": ({"type": "string", "enum": ["a", 1]}, "enum"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", ["field", "item", "shape"])
def test_a_fault_seeded_into_a_contract_is_found_where_it_is(fault: str, where: str) -> None:
    seeded, rule = FAULTS[fault]
    made = copy.deepcopy(schema("case.report/1.0"))
    match where:
        case "field":
            made["properties"]["note"], at = seeded, "#/properties/note"
        case "item":
            made["properties"]["photos"]["items"], at = seeded, "#/properties/photos/items"
        case _:
            made["$defs"]["Place"]["properties"]["note"], at = seeded, "#/$defs/Place/properties/note"
    found = outside_subset(made)
    assert rule in {violation.rule for violation in found}
    assert all(violation.pointer.startswith(at) for violation in found)


# The words.


def chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@pytest.mark.parametrize("name", NAMES)
def test_each_contract_shape_and_field_is_named_in_both_languages(name: str) -> None:
    made = schema(name)
    assert chinese(made["title"]) and chinese(made["description"]) and " / " in made["description"]
    for shape in (made, *made.get("$defs", {}).values()):
        zh, _, en = shape["title"].partition(" / ")
        assert zh and en and (chinese(zh) or zh.isascii())
        for field, inner in shape.get("properties", {}).items():
            zh, _, en = inner["title"].partition(" / ")
            assert zh and en and not chinese(en), field
        for word in shape.get("enum", ()):
            assert f"{word} " in shape["description"]


def test_each_pattern_of_a_contract_has_a_sentence() -> None:
    def patterns(node: Any) -> set[str]:
        if isinstance(node, list):
            return {pattern for item in node for pattern in patterns(item)}
        if not isinstance(node, dict):
            return set()
        own = {node["pattern"]} if isinstance(node.get("pattern"), str) else set()
        return own | {pattern for item in node.values() for pattern in patterns(item)}

    assert {pattern for name in NAMES for pattern in patterns(schema(name))} <= PATTERNS.keys()


# What we publish we accept.

MOMENTS = (
    "2026-11-23T09:12:30+08:00",
    "2026-11-23T01:12:30Z",
    "2026-11-23T01:12:30.123456789Z",
    "2026-02-30T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23",
    "2199-12-31T23:59:59-11:00",
    "1999-12-31T23:59:59Z",
)
# Python's `$` also matches before a last line break; no other judge's does.
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(MOMENTS)).filter(lambda text: not text.endswith("\n"))
GARBAGE = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-300, 300), st.floats(allow_nan=False, allow_infinity=False), TEXTS
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def bent(draw: st.DrawFn) -> tuple[str, Any]:
    """A body that a partner may send, with up to three things changed, added or left out."""
    name = draw(st.sampled_from([model.contract for model in INBOUND]))
    body = copy.deepcopy(VALID[name])
    for _ in range(draw(st.integers(0, 3))):
        holder: Any = body
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(holder[key], dict | list) and draw(st.booleans()):
                holder = holder[key]
                continue
            match draw(st.sampled_from(["change", "leave out", "add"])):
                case "change":
                    holder[key] = draw(GARBAGE)
                case "leave out":
                    del holder[key]
                case _ if isinstance(holder, dict):
                    holder[draw(TEXTS)] = draw(GARBAGE)
                case _:
                    holder.append(draw(GARBAGE))
            break
    return name, body


SCHEMA_JUDGES = {
    model.contract: (judge_by_jsonschema(model.contract), judge_by_rust(model.contract)) for model in INBOUND
}


@given(bent())
@example(("case.feedback/1.0", {"description": "已处理", "done_at": "2026-02-30T00:00:00Z"}))
@example(("case.feedback/1.0", {"description": "已处理", "done_at": "2199-12-31T23:59:59-11:00"}))
def test_whatever_the_published_schema_allows_the_hub_takes(bent: tuple[str, Any]) -> None:
    name, body = bent
    one, other = SCHEMA_JUDGES[name]
    assert one(body) == other(body)
    if other(body):
        assert judge_by_the_hub(name)(body)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("case.report/1.0", "place", {"longitude": "118.87", "latitude": 28.95}),
        ("case.report/1.0", "place", {"longitude": True, "latitude": 28.95}),
        ("case.feedback/1.0", "final", "yes"),
        ("case.feedback/1.0", "final", 1),
        ("case.feedback/1.0", "done_at", "1700000000"),
        ("case.feedback/1.0", "done_at", "2026-11-23 11:40:00+08:00"),
    ],
)
def test_whatever_the_published_schema_refuses_the_hub_refuses(name: str, field: str, value: Any) -> None:
    body = {**VALID[name], field: value}
    assert not judge_by_rust(name)(body)
    assert not judge_by_the_hub(name)(body)
