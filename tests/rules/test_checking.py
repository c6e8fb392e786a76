"""Checking a body: every violation, at its pointer, in both languages; and clear words for what is no JSON at all."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import contracts
from contracts.catalogue import MODELS
from contracts.checking import check_body, check_value
from contracts.json_text import DEPTH_MAX, VALUES_MAX, VIOLATIONS_MAX, load_json, pointer, texts_in, too_deep
from contracts.messages import Acceptance, Feedback, Rejection, Report
from contracts.problem import PROBLEMS, Problem, Violation
from contracts.samples import VALID
from contracts.sentences import SENTENCES

ROOT = Path(__file__).parent.parent.parent


def refused(raw: bytes | Any, model: Any = Report) -> Problem:
    with pytest.raises(Problem) as caught:
        check_body(model, raw)
    return caught.value


def pointers(problem: Problem) -> list[str]:
    return [violation.pointer for violation in problem.violations]


# Every violation.


def test_every_violation_is_told_at_its_pointer_and_in_both_languages() -> None:
    problem = refused(
        orjson.dumps(
            {
                "category_code": "市政 井盖",
                "place": {"longitude": 218.8, "latitude": None, "system": "BD09"},
                "source": "路人",
                "observed_at": "2026-11-23T09:12:30",
                "photos": ["a", "", "c"],
                "attributes": [{"name": "zone"}],
                "严重程度": 3,
            }
        )
    )
    assert problem.kind == "contract_broken"
    assert {violation.pointer: (violation.zh, violation.en) for violation in problem.violations} == {
        "#/category_code": (
            "应以字母或数字开头,只含字母、数字和 _ . : / -",
            "must begin with a letter or digit and hold only those and _ . : / -",
        ),
        "#/description": ("缺少必填字段", "the field is required"),
        "#/place/longitude": ("不得大于 180", "must not be greater than 180"),
        "#/place/latitude": (
            "不得为 null;没有值就省略该字段",
            "must not be null: leave out a field that has no value",
        ),
        "#/place/system": ("应为其中之一:WGS84、CGCS2000、GCJ02", "must be one of: WGS84, CGCS2000, GCJ02"),
        "#/source": (
            "应为其中之一:collector、supervision、citizen、unit",
            "must be one of: collector, supervision, citizen, unit",
        ),
        "#/observed_at": ("时间须带时区,例如 +08:00", "the moment needs a zone, such as +08:00"),
        "#/photos/1": ("至少 1 个字符", "must have 1 or more characters"),
        "#/attributes/0/value": ("缺少必填字段", "the field is required"),
        "#/%E4%B8%A5%E9%87%8D%E7%A8%8B%E5%BA%A6": (
            "契约中没有字段“严重程度”",
            "the contract has no field `严重程度`",
        ),
    }


def test_a_body_that_keeps_its_contract_comes_back_checked() -> None:
    body = check_body(Feedback, orjson.dumps(VALID["case.feedback/1.0"]))
    assert body.description == "已更换井盖并清理现场"
    assert body == check_value(Feedback, VALID["case.feedback/1.0"])


def test_very_many_violations_are_counted_and_the_first_hundred_told() -> None:
    problem = refused(orjson.dumps({f"f{number}": 1 for number in range(500)}), Rejection)
    assert len(problem.violations) == VIOLATIONS_MAX
    assert "501" in problem.zh and "501" in problem.en


def test_a_name_too_long_to_repeat_is_not_repeated() -> None:
    [missing, extra] = refused(orjson.dumps({"名" * 5_000: 1}), Rejection).violations
    assert (missing.pointer, extra.pointer) == ("#/reason", "#")
    assert len(extra.zh) < 200


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
        st.sampled_from(["1", "2026-11-23", "2026-13-01T00:00:00Z", "1999-01-01T00:00:00Z", "rest", "yes", "\0", " "]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=6), inner, max_size=4),
    ),
    max_leaves=10,
)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, Any]:
    """A contract and a body with its field names, holding garbage in place of some or all values."""
    name = draw(st.sampled_from(sorted(MODELS)))

    def bend(value: Any) -> Any:
        match draw(st.sampled_from(["keep", "keep", "garbage", "leave out", "many"])), value:
            case "garbage", _:
                return draw(JSON)
            case "many", str() | list():
                return value * draw(st.sampled_from([0, 30, 900]))
            case _, dict():
                return {key: bend(inner) for key, inner in value.items() if draw(st.integers(0, 5))}
            case _, list():
                return [bend(inner) for inner in value]
            case _:
                return value

    return name, bend(VALID[name])


CONTRACTS = Path(contracts.__file__).parent
MODEL_FILES = (
    *("model.py", "mapping.py", "profile.py", "messages.py", "bends.py", "ids.py"),
    *(f"ways/{path.name}" for path in sorted((CONTRACTS / "ways").glob("*.py"))),
)


def is_translated(violation: Violation) -> bool:
    told = any("\u4e00" <= letter <= "\u9fff" for letter in violation.zh) and violation.zh != violation.en
    return told and violation.rule in SENTENCES


@given(bodies())
@example(("profile/1.0", {**VALID["profile/1.0"], "connections": VALID["profile/1.0"]["connections"] * 2}))
@example(("profile/1.0", {"unit": "a", "connections": [{"name": "main", "transport": "rest"}]}))
@example(("case.report/1.0", {"observed_at": 1700000000, "place": {"longitude": "x", "latitude": [1]}, "photos": 1}))
def test_no_violation_is_left_untranslated(bent: tuple[str, Any]) -> None:
    name, body = bent
    try:
        check_value(MODELS[name], body)
    except Problem as problem:
        assert problem.kind in ("contract_broken", "too_large", "too_deep")
        assert [violation for violation in problem.violations if not is_translated(violation)] == []


@pytest.mark.parametrize("path", MODEL_FILES, ids=str)
def test_a_models_own_rule_speaks_both_languages(path: str) -> None:
    told = [
        node
        for node in ast.walk(ast.parse((CONTRACTS / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise)
    ]
    raised = [ast.unparse(node.exc.func) for node in told if isinstance(node.exc, ast.Call)]
    assert "ValueError" not in raised


@given(bodies())
def test_bytes_and_their_parsed_value_are_judged_alike(bent: tuple[str, Any]) -> None:
    name, body = bent

    def verdict(given: Any) -> Any:
        try:
            return check_body(MODELS[name], given)
        except Problem as problem:
            return problem.kind, problem.violations

    assert verdict(orjson.dumps(body)) == verdict(body)


@given(st.lists(st.one_of(st.text(max_size=20), st.integers(0, 99)), max_size=5))
def test_a_pointer_leads_back_to_its_parts(parts: list[str | int]) -> None:
    made = pointer(tuple(parts))
    assert made.isascii() and " " not in made
    found = [unquote(part).replace("~1", "/").replace("~0", "~") for part in made.split("/")[1:]]
    assert found == [str(part) for part in parts]


# What is no JSON.

NOT_JSON: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b" \n", "空", "empty"),
    "a byte order mark": (b'\xef\xbb\xbf{"reason":"x"}', "BOM", "byte order mark"),
    "GBK": ('{"reason":"井盖破损"}'.encode("gbk"), "GBK", "GBK"),
    "UTF-16": ('{"reason":"x"}'.encode("utf-16"), "UTF-16", "UTF-16"),
    "UTF-16 without a mark": ('{"reason":"x"}'.encode("utf-16-le"), "UTF-16", "UTF-16"),
    "half of UTF-8": (b'{"reason":"\xe4\xba"}', "UTF-8", "UTF-8"),
    "XML": (b"<report/>", "XML", "XML"),
    "NaN": (b'{"longitude": NaN}', "NaN", "NaN"),
    "minus infinity": (b'{"longitude": -Infinity}', "Infinity", "Infinity"),
    "a number beyond all": (b'{"longitude": 1e400}', "过大", "too large"),
    "half a surrogate pair": (b'{"reason":"\\ud800"}', "代理对", "surrogate"),
    "a surrogate in UTF-8": (b'{"reason":"\xed\xa0\x80"}', "UTF-8", "UTF-8"),
    "a line break in a text": (b'{"reason":"a\nb"}', "换行", "line break"),
    "single quotes": (b"{'reason': 1}", "双引号", "double quotes"),
    "a comma too many": (b'{"reason":"x",}', "逗号", "comma"),
    "half a message": (b'{"reason":"x', "不完整", "too early"),
    "two messages": (b'{"reason":"x"} {}', "第 1 行第 16 列", "line 1, column 16"),
    "octal": (b'{"reason":\n  01}', "第 2 行第 3 列", "line 2, column 3"),
}


@pytest.mark.parametrize("what", NOT_JSON)
def test_bytes_that_are_no_json_are_told_what_is_wrong_with_them(what: str) -> None:
    raw, zh, en = NOT_JSON[what]
    problem = refused(raw)
    assert problem.kind == "not_json"
    assert zh in problem.zh and en in problem.en


def test_line_and_column_count_characters_and_not_bytes() -> None:
    assert dict(refused('{\n "情况描述": 破损}'.encode()).fields) == {"line": 2, "column": 10}


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        (b'{"reason":"a","reason":"b"}', ["#/reason"]),
        (b'{"place":{"longitude":1,"latitude":2,"longitude":3}}', ["#/place/longitude"]),
        (b'{"a":[{},{"b":{"c":1,"c":1}}]}', ["#/a/1/b/c"]),
        (b'{"a":1,"\\u0061":2}', ["#/a"]),
        (b'{"a\\"":1,"a\\"":"\\\\","b":2}', ["#/a%22"]),
    ],
)
def test_a_name_that_stands_twice_is_refused_where_it_stands(raw: bytes, at: list[str]) -> None:
    problem = refused(raw)
    assert (problem.kind, pointers(problem)) == ("not_json", at)


@given(JSON, st.booleans())
def test_json_without_a_repeated_name_is_read_as_it_is(value: Any, spaced: bool) -> None:
    raw = json.dumps(value, indent=2, ensure_ascii=True).encode() if spaced else orjson.dumps(value)
    assert load_json(raw) == orjson.loads(raw)


def count_texts(value: Any) -> int:
    if isinstance(value, dict):
        return sum(1 + count_texts(inner) for inner in value.values())
    if isinstance(value, list):
        return sum(map(count_texts, value))
    return isinstance(value, str)


@given(st.recursive(st.text('"\\ab\n', max_size=6), lambda inner: st.lists(inner, max_size=4)))
def test_texts_are_counted_whatever_quotes_and_backslashes_they_hold(value: Any) -> None:
    assert texts_in(orjson.dumps(value)) == count_texts(value)


# Depth and width.


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(
    st.recursive(
        st.text('[]{}"\\', max_size=4),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text('[{"', max_size=2), inner, max_size=3)
        ),
        max_leaves=30,
    ),
    st.integers(0, 6),
)
def test_a_body_is_too_deep_exactly_where_it_nests_deeper_than_the_limit(value: Any, limit: int) -> None:
    assert too_deep(orjson.dumps(value), limit) == (depth(value) > limit)


@pytest.mark.parametrize("levels", [DEPTH_MAX, DEPTH_MAX + 1, 200, 100_000])
def test_nesting_is_refused_past_the_limit_and_not_before(levels: int) -> None:
    raw = b"[" * levels + b"]" * levels
    assert refused(raw).kind == ("contract_broken" if levels == DEPTH_MAX else "too_deep")


def test_a_text_full_of_brackets_is_not_deep() -> None:
    assert check_body(Rejection, orjson.dumps({"reason": "[{" * 1_000})).reason.startswith("[{")


@pytest.mark.parametrize("raw", [b"[" + b"1," * VALUES_MAX + b"1,1]", b'{"photos":[' + b'"",' * VALUES_MAX + b'""]}'])
def test_a_body_with_too_many_values_is_refused_before_each_is_looked_at(raw: bytes) -> None:
    assert refused(raw).kind == "too_large"


def test_a_text_full_of_commas_is_not_too_many_values() -> None:
    assert check_body(Rejection, orjson.dumps({"reason": ',"' * 2_000})).reason.startswith(',"')


# Values that JSON has no form for.


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ({"reason": "\ud800"}, ["#/reason"]),
        ({"reason": math.nan}, ["#/reason"]),
        ({"reason": "x", "more": [1, math.inf]}, ["#/more/1", "#/more"]),
        ({"reason": 2**70}, ["#/reason"]),
        ({1: "x"}, ["#"]),
        ({"\udfff": "x"}, ["#"]),
        ({"reason": b"x"}, ["#/reason"]),
    ],
)
def test_a_value_that_json_has_no_form_for_is_refused_where_it_is(value: Any, at: list[str]) -> None:
    with pytest.raises(Problem) as caught:
        check_value(Acceptance, value)
    assert pointers(caught.value) == at


def test_a_value_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Problem):
        check_value(Acceptance, {"reason": endless})


# Whatever comes.


@given(st.binary(max_size=60))
def test_any_bytes_are_checked_or_refused_with_a_problem(raw: bytes) -> None:
    assert refused(raw, Report).kind in ("not_json", "contract_broken")


@given(st.data(), st.sampled_from(sorted(MODELS)))
def test_a_message_broken_anywhere_is_checked_or_refused_with_a_problem(data: st.DataObject, name: str) -> None:
    raw = bytearray(orjson.dumps(VALID[name]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        check_body(MODELS[name], bytes(raw))
    except Problem as problem:
        assert problem.kind in ("not_json", "contract_broken")
        assert problem.zh or problem.violations


def test_every_kind_of_problem_is_one_that_somebody_can_meet() -> None:
    said = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("contracts", "adapters", "hub")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "problem.py"
    )
    assert [kind for kind in PROBLEMS if f'"{kind}"' not in said] == []
