"""Field tables: what each operation does, that what inverts comes back, and that anything at all comes to an answer."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.documents import DocumentFault, read_document, write_document
from adapters.mapping import BadTable, Mapper, MappingFailed
from adapters.mapping.expressions import BadExpression, Expression
from adapters.mapping.faults import Trouble
from adapters.mapping.inverse import inverse
from adapters.mapping.operations import integer_of, number_reader, number_writer
from adapters.mapping.tables import compile_table
from bench.mapping import measure
from contracts.coordinates import to_wgs84
from contracts.mapping import DecimalPoint, Format, NumberFormat, Rule, Table, UnitMapping, Written
from contracts.messages import CoordinateSystem
from contracts.problem import Problem
from contracts.profile import Profile
from contracts.profile_text import read_profile
from contracts.samples import VALID
from contracts.yaml_text import read_yaml, write_yaml

DISPATCH: dict[str, Any] = VALID["case.dispatch/1.0"]


def a_mapping(text: str) -> UnitMapping:
    return UnitMapping.model_validate_json(json.dumps(read_yaml(text)[0]))


def out(rules: str, body: dict[str, Any] | None = None, more: str = "") -> dict[str, Any]:
    """What the rules of an out table make of a dispatch."""
    mapping = a_mapping(f"{more}\nout:\n  - contract: case.dispatch\n    fields: [{rules}]")
    return Mapper(mapping).values("case.dispatch", a_letter(body or DISPATCH))


def into(rules: str, document: Any, more: str = "") -> dict[str, Any]:
    """What the rules of an in table make of a document, before the contract is asked."""
    mapping = a_mapping(f"{more}\nin:\n  - contract: case.feedback\n    fields: [{rules}]")
    made, faults = compile_table(mapping.into[0], mapping, outward=False).run(document)
    if faults:
        raise MappingFailed(tuple(faults))
    assert isinstance(made, dict)
    return made


def a_letter(body: dict[str, Any]) -> dict[str, Any]:
    return {"id": "L1", "type": "case.dispatch", "subject": body.get("case_number"), "data": body}


def failing(rules: str, document: Any, more: str = "") -> MappingFailed:
    with pytest.raises(MappingFailed) as failed:
        into(rules, document, more)
    assert all(fault.zh and fault.en for fault in failed.value.faults)
    return failed.value


# What each operation does.

CODES = """
codes:
  - {name: strict, unknown: refuse, pairs: [{ours: done, theirs: "01"}]}
  - {name: lax, unknown: default, default_ours: other, pairs: [{ours: done, theirs: "01"}]}
  - {name: parked, unknown: park, pairs: [{ours: done, theirs: "01"}]}
"""


@pytest.mark.parametrize("table", ["strict", "lax", "parked"])
def test_a_known_code_is_translated(table: str) -> None:
    assert into(f"{{to: r, from: R, codes: {table}}}", {"R": "01"}, CODES) == {"r": "done"}


def test_an_unknown_code_goes_by_its_tables_rule() -> None:
    assert not failing("{to: r, from: R, codes: strict}", {"R": "99"}, CODES).parked
    assert into("{to: r, from: R, codes: lax}", {"R": "99"}, CODES) == {"r": "other"}
    assert failing("{to: r, from: R, codes: parked}", {"R": "99"}, CODES).parked


def test_a_document_with_another_fault_is_refused_not_parked() -> None:
    rules = "{to: r, from: R, codes: parked}, {to: d, from: D, date: '%Y-%m-%d'}"
    assert not failing(rules, {"R": "99", "D": "soon"}, CODES).parked


@pytest.mark.parametrize(
    ("pattern", "text", "moment"),
    [
        ("%Y-%m-%d %H:%M:%S", "2026-11-23 11:40:07", "2026-11-23T11:40:07+08:00"),
        ("%Y%m%d%H%M%S", "20261123114007", "2026-11-23T11:40:07+08:00"),
        ("%Y年%m月%d日 %H时%M分", "2026年11月23日 11时40分", "2026-11-23T11:40:00+08:00"),
        ("%d.%m.%y %H:%M", "23.11.26 11:40", "2026-11-23T11:40:00+08:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-11-23T03:40:07+0000", "2026-11-23T03:40:07+00:00"),
        ("iso", "2026-11-23T11:40:07", "2026-11-23T11:40:07+08:00"),
        ("epoch_seconds", 1795405207, "2026-11-23T11:40:07+08:00"),
        ("epoch_milliseconds", "1795405207123", "2026-11-23T11:40:07.123000+08:00"),
    ],
)
def test_a_date_is_read_in_the_units_pattern_and_zone(pattern: str, text: Any, moment: str) -> None:
    assert into(f"{{to: d, from: D, date: '{pattern}'}}", {"D": text}) == {"d": moment}
    if pattern not in ("%Y-%m-%dT%H:%M:%S%z", "iso"):
        body = {**DISPATCH, "deadline": {"due_at": moment}}
        assert str(out(f"{{to: D, from: deadline.due_at, date: '{pattern}'}}", body)["D"]) == str(text)


@pytest.mark.parametrize("text", ["2026-02-30 00:00:00", "2026-W48-1 00:00:00", "23.11.2026", "", "  x", "２０２６"])
def test_what_is_no_date_of_the_pattern_is_refused(text: str) -> None:
    rule = "{to: d, from: D, date: '%Y-%m-%d %H:%M:%S'}"
    if not text:
        assert into(rule, {"D": text}) == {}
        return
    (fault,) = failing(rule, {"D": text}).faults
    assert fault.rule == "date" and text.strip() in fault.zh


@pytest.mark.parametrize(
    ("rule", "document", "made"),
    [
        ("{to: a, from: A}", {"A": "x"}, {"a": "x"}),
        ("{to: a, from: A}", {"A": ""}, {}),
        ("{to: a, from: A}", {"A": {"@u": "m", "#text": "12"}}, {"a": "12"}),
        ("{to: a, from: 'A.#text'}", {"A": "12"}, {"a": "12"}),
        ("{to: a, from: 'A[1].B'}", {"A": [{"B": 1}, {"B": 2}]}, {"a": 2}),
        ("{to: a, from: 'A[0].B'}", {"A": {"B": 1}}, {"a": 1}),
        ("{to: a, from: 'A[5].B'}", {"A": [{"B": 1}]}, {}),
        ("{to: a, from: '[\"x.y\"]'}", {"x.y": 1}, {"a": 1}),
        ("{to: a, from: A, default: none}", {}, {"a": "none"}),
        ("{to: a, from: A, default: '5', as: integer}", {}, {"a": 5}),
        ("{to: a, constant: 'true', as: boolean}", {}, {"a": True}),
        ("{to: a, from: A, as: integer}", {"A": " 007 "}, {"a": 7}),
        ("{to: a, from: A, as: number}", {"A": "1.50"}, {"a": 1.5}),
        ("{to: a, from: A, as: boolean}", {"A": "0"}, {"a": False}),
        ("{to: a, from: A, as: text}", {"A": 1e-7}, {"a": "0.0000001"}),
        ("{to: a, from: A, decimals: 2}", {"A": 1.005}, {"a": "1.01"}),
        ("{to: a, from: A, trim: true}", {"A": " \u3000x\n"}, {"a": "x"}),
        ("{to: a, from: A, trim: true, default: y}", {"A": "  "}, {"a": "y"}),
        ("{to: a, from: A, limit: 2, longer: cut}", {"A": "一二三"}, {"a": "一二"}),
        ("{to: a, from: A, split: {by: ','}}", {"A": "1,,2,"}, {"a": ["1", "2"]}),
        ("{to: a, from: A, split: {by: '/', part: -1}}", {"A": "x/y"}, {"a": "y"}),
        ("{to: a, from: A, split: {by: '/', part: 2}}", {"A": "x/y"}, {}),
        ("{to: a, from: A, join: {by: ';'}}", {"A": ["x", 1]}, {"a": "x;1"}),
        ("{to: a, join: {by: '-', of: [A, B, C]}}", {"A": "x", "C": "z"}, {"a": "x-z"}),
        ("{to: a, from: A, each: [{to: v, from: B}]}", {"A": {"B": 1}}, {"a": [{"v": 1}]}),
        ("{to: a, from: A, each: [{to: ., from: B}]}", {"A": [{"B": 1}, {"B": 2}]}, {"a": [1, 2]}),
        ("{to: a, expression: '$sum(A.B)'}", {"A": [{"B": 1}, {"B": 2}]}, {"a": 3}),
        ("{to: a, constant: x, when: [{path: A, exists: true}]}", {"A": ""}, {}),
        ("{to: a, constant: x, when: [{path: A, absent: true}]}", {"A": ""}, {"a": "x"}),
        ("{to: a, constant: x, when: [{path: A, in: ['1', '2']}]}", {"A": 2}, {"a": "x"}),
        ("{to: a, constant: x, when: [{path: A, equals: 'true'}]}", {"A": True}, {"a": "x"}),
        ("{to: a, from: A, when: [{path: A, exists: true}]}, {to: a, from: B}", {"A": 1, "B": 2}, {"a": 1}),
        ("{to: 'a[1].b', from: A}", {"A": 1}, {"a": [None, {"b": 1}]}),
        (
            "{to: place, coordinates: {system: GCJ02, longitude: X, latitude: Y}}, {to: place.address, from: A}",
            {"X": "118.87", "Y": 28.9, "A": "上街"},
            {"place": {"longitude": 118.87, "latitude": 28.9, "system": "GCJ02", "address": "上街"}},
        ),
    ],
)
def test_a_rule_does_what_it_says(rule: str, document: Any, made: dict[str, Any]) -> None:
    assert into(rule, document) == made


@pytest.mark.parametrize(
    ("rule", "document", "kind"),
    [
        ("{to: a, from: A.B}", {"A": [{"B": 1}, {"B": 2}]}, "repeated"),
        ("{to: a, from: A, required: true}", {"A": ""}, "required"),
        ("{to: a, join: {by: '-', of: [A, B]}, required: true}", {"A": "1"}, "required"),
        ("{to: a, from: A, as: integer}", {"A": "1.5"}, "type"),
        ("{to: a, from: A, as: number}", {"A": "NaN"}, "type"),
        ("{to: a, from: A, as: text}", {"A": [1]}, "type"),
        ("{to: a, from: A, decimals: 12}", {"A": 10**35}, "type"),
        ("{to: a, from: A, limit: 2}", {"A": "一二三"}, "too_long"),
        ("{to: a, from: A, join: {by: ','}}", {"A": ["x,y"]}, "join"),
        ("{to: a, from: A, each: [{to: v, from: B, as: integer}]}", {"A": [{"B": 1}, {"B": "x"}]}, "type"),
        ("{to: a, from: A, each: [{to: v, from: B}]}", {"A": [{}] * 1001}, "list"),
        ("{to: place, coordinates: {system: WGS84, longitude: X, latitude: Y}}", {"X": 1}, "coordinates"),
        ("{to: a, expression: '$error(\"no\")'}", {}, "expression"),
    ],
)
def test_what_a_rule_cannot_do_it_says(rule: str, document: Any, kind: str) -> None:
    assert [fault.rule for fault in failing(rule, document).faults] == [kind]


def test_every_fault_is_told_with_its_line_and_field() -> None:
    text = """profile: "1.0"
unit: telecom
connections:
  - name: main
    transport: pull
    mapping:
      in:
        - contract: case.feedback
          fields:
            - {to: done_at, from: T, date: epoch_seconds}
            - {to: photos, from: P, each: [{to: ., from: Id, required: true}]}
            - {to: description, from: D}
"""
    profile, lines = read_profile(text)
    mapping = profile.connections[0].mapping
    assert mapping is not None
    mapper = Mapper(mapping, lines, ("connections", 0, "mapping"))
    with pytest.raises(MappingFailed) as failed:
        mapper.read(b'{"T": "x", "P": [{"Id": "att_1"}, {}]}')
    told = [fault.sentence() for fault in failed.value.faults]
    assert [fault.line for fault in failed.value.faults] == [10, 11]
    assert told[0][0].startswith("档案第 10 行,in case.feedback 字段 done_at:")
    assert "profile line 11, in case.feedback field photos: . element 2: is required" in told[1][1]
    with pytest.raises(MappingFailed) as failed:
        mapper.read(json.dumps({"D": "  "}).encode())
    (fault,) = failed.value.faults
    assert (fault.line, fault.field) == (12, "description")


@pytest.mark.parametrize(
    ("rules", "line", "said"),
    [
        ("{to: A, from: nowhere}", 9, "no field nowhere"),
        ("{to: A, from: unit_id, codes: none}", 9, "no code table"),
        ("{to: A, expression: 'a['}", 9, "the expression is wrong"),
        ("{to: A, expression: '$eval(\"1\")'}", 9, "may not use $eval"),
        ("{to: A, from: unit_id}, {to: A, from: unit_id}", 9, "two rules"),
        ("{to: A, from: unit_id}, {to: A.B, from: unit_id}", 9, "in the way"),
        ("{to: A.B, from: unit_id}, {to: 'A[1]', from: unit_id}", 9, "in the way"),
        ("{to: A, from: round, default: x, as: integer}", 9, "must be an integer"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_line_when_it_is_applied(rules: str, line: int, said: str) -> None:
    from hub.app import trial

    text = f"""profile: "1.0"
unit: telecom
connections:
  - name: main
    transport: pull
    mapping:
      out:
        - contract: case.dispatch
          fields: [{rules}]
"""
    with pytest.raises(Problem) as problem:
        trial(text, None, None, None, outward=True)
    (violation,) = problem.value.violations
    assert said in violation.en and f"line {line}:" in violation.en and f"第 {line} 行" in violation.zh


@pytest.mark.parametrize("name", ["'); raise SystemExit #", "x\n    raise SystemExit", "{0}", "made", "\u2028"])
def test_a_name_in_a_profile_is_never_code(name: str) -> None:
    rule = {"to": f'["{name}"]', "from": f'["{name}"].a'}
    mapping = UnitMapping.model_validate_json(json.dumps({}))
    table = Table(contract="case.feedback", fields=(Rule.model_validate_json(json.dumps(rule)),))
    made = compile_table(table, mapping, outward=False).run({name: {"a": 1}})
    assert made == ({name: 1}, [])


# What inverts comes back.

FULL = """
zone: Asia/Shanghai
codes:
  - name: duty
    unknown: refuse
    pairs: [{ours: lead, theirs: "1"}, {ours: lead, theirs: "01"}, {ours: assist, theirs: "2"}]
out:
  - contract: case.dispatch
    base: Envelope.Body
    fields:
      - {to: Head.No, from: case_number}
      - {to: Head.Seq, from: dispatch_number, as: text}
      - {to: Unit, from: unit_id}
      - {to: Round, from: round}
      - {to: Cat, from: category_code}
      - {to: CatName, from: category_name}
      - {to: Desc, from: description}
      - {from: place, coordinates: {system: GCJ02, longitude: X, latitude: Y, digits: 9}}
      - {to: Addr, from: place.address}
      - {to: Due, from: deadline.due_at, date: "%Y-%m-%d %H:%M:%S"}
      - {to: Ack, from: deadline.acknowledge_by, date: epoch_seconds}
      - {to: Tier, from: deadline.tier}
      - {to: How, from: deadline.reckoned}
      - {to: Prov, from: deadline.provisional}
      - {to: Why, from: because}
      - {to: Area, from: area_id}
      - {to: Cell, from: grid_cell}
      - {to: Comp, from: component_code}
      - {to: Pics, from: photos, join: {by: ","}}
      - {to: Found, from: finding}
      - {to: Duty, from: duty, codes: duty}
      - {to: Sub, from: substitute}
      - {to: Sys, constant: SZCG}
"""
MAPPING = a_mapping(FULL)
OUT = MAPPING.out[0]
LINES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), min_size=1, max_size=30
).filter(lambda text: bool(text.strip(" \u3000")) and bool(text.strip()))
CODE = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,20}", fullmatch=True)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2190, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0).isoformat() + "+08:00"
)


@st.composite
def dispatches(draw: st.DrawFn) -> dict[str, Any]:
    body = {
        **DISPATCH,
        "dispatch_number": draw(st.integers(1, 99)),
        "category_name": draw(LINES),
        "description": draw(LINES),
        "place": {
            "longitude": draw(st.floats(118, 120)),
            "latitude": draw(st.floats(28, 30)),
            "system": draw(st.sampled_from(["WGS84", "CGCS2000", "GCJ02"])),
            **draw(st.fixed_dictionaries({}, optional={"address": LINES})),
        },
        "deadline": {
            "due_at": draw(MOMENTS),
            "acknowledge_by": draw(MOMENTS),
            "tier": draw(CODE),
            "reckoned": draw(LINES),
            "provisional": draw(st.booleans()),
        },
        "photos": draw(st.lists(CODE, max_size=3)),
        "duty": draw(st.sampled_from(["lead", "assist"])),
    }
    for name in ("area_id", "grid_cell"):
        del body[name]
    return {**body, **draw(st.fixed_dictionaries({}, optional={"area_id": CODE, "finding": LINES}))}


def plain(body: dict[str, Any]) -> tuple[dict[str, Any], tuple[float, float]]:
    """A dispatch without what may differ in form: the datum of its place, and a list that is empty or absent."""
    place = to_wgs84(body["place"]["longitude"], body["place"]["latitude"], CoordinateSystem(body["place"]["system"]))
    rest = {name: value for name, value in body.items() if name != "place" and value not in ([], False)}
    return {**rest, "address": body["place"].get("address")}, (place.longitude, place.latitude)


@settings(deadline=None)
@given(dispatches(), st.sampled_from([None, Format.JSON, Format.XML]))
def test_what_went_out_by_an_invertible_table_comes_back(body: dict[str, Any], format: Format | None) -> None:
    turned = inverse(OUT, MAPPING)
    assert turned.whole and turned.table is not None
    sent = Mapper(MAPPING).values("case.dispatch", a_letter(body))
    if format is not None:
        written = Written(format=format)
        sent = read_document(write_document(sent, written), written)
    back, faults = compile_table(turned.table, MAPPING, outward=False).run(sent)
    assert not faults
    there, here = plain(body), plain(back)
    assert here[0] == there[0]
    assert here[1] == pytest.approx(there[1], abs=1e-8)


@pytest.mark.parametrize(
    ("rule", "lost"),
    [
        ("{to: Desc, expression: description}", "Desc"),
        ("{to: Desc, from: description, trim: true}", "description"),
        ("{to: Desc, from: description, limit: 5, longer: cut}", "description"),
        ("{to: Desc, from: description, default: x}", "description"),
        ("{to: Desc, from: description, as: number}", "description"),
        ("{to: Desc, from: description, when: [{path: round, equals: '1'}]}", "description"),
        ("{to: Desc, join: {by: ' ', of: [description, because]}}", "Desc"),
        ("{to: Due, from: deadline.due_at, date: '%Y-%m-%d'}", "deadline.due_at"),
        ("{to: Photo, from: photos, each: [{to: id, from: ., trim: true}]}", "photos[0]"),
        ("{to: Cat, from: category_code, codes: many}", "category_code"),
    ],
)
def test_a_field_without_a_way_back_is_named(rule: str, lost: str) -> None:
    codes = "codes: [{name: many, unknown: refuse, pairs: [{ours: a, theirs: x}, {ours: b, theirs: x}]}]"
    mapping = a_mapping(f"{codes}\nout:\n  - {{contract: case.dispatch, fields: [{rule}]}}")
    found = inverse(mapping.out[0], mapping)
    assert lost in {each.field for each in found.lost}
    assert not found.whole


def test_a_field_that_no_rule_writes_is_named() -> None:
    fields = tuple(rule for rule in OUT.fields if rule.source != "because")
    found = inverse(OUT.model_copy(update={"fields": fields}), MAPPING)
    assert [each.field for each in found.lost] == ["because"]


# Bounds.


@pytest.mark.parametrize(
    "text",
    [
        "($f := function($x){$f($x & $x)}; $f('aaaaaaaaaaaaaaaa'))",
        "($f := function($x){$f($x)}; $f(1))",
        "[1..9999999]",
        "$count([1..9999999])",
        "$sort([1..9999999])",
        "[1..90000]^($)",
        "$map([1..5000], function($v){$map([1..5000], function($w){$v*$w})})",
    ],
)
def test_an_expression_without_end_is_stopped(text: str) -> None:
    began = time.thread_time()
    with pytest.raises(Trouble):
        Expression(text)({})
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    "text", ["$eval('1')", "($f := $eval; $f('1'))", "a ~> /x+/", "$pad('a', 999)", "$now()", "a["]
)
def test_an_expression_that_has_no_bound_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        Expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]",
        "[" * 100_000,
        "a: 1\na: 2",
        "a: !!python/object/apply:os.system [id]",
        "a: !!int abc",
        "? [1]\n: 2",
        "a: b: c",
        "\t- x",
        "x" * 2_000_000,
        "\x00",
    ],
)
def test_a_profile_that_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        read_profile(text)


def test_yaml_says_what_it_looks_like() -> None:
    text = "a: 01\nb: yes\nc: 12:30\nd: 2026-11-23\ne: 1.5\nf: -3\ng: true\nh: ~\ni: 0x1f"
    made, lines = read_yaml(text)
    assert made == {
        **{"a": "01", "b": "yes", "c": "12:30", "d": "2026-11-23"},
        **{"e": 1.5, "f": -3, "g": True, "h": None, "i": "0x1f"},
    }
    assert lines.at(("c",)) == 3


JSONS: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**59), 2**59) | st.text() | st.floats(-1e200, 1e200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSONS)
def test_what_is_written_as_yaml_is_read_back(value: Any) -> None:
    assert read_yaml(write_yaml(value))[0] == value


@given(st.text())
@example("a: *b")
@example("!!binary x")
@example("%YAML 9.9\n---\n")
def test_any_text_is_a_profile_or_refused(text: str) -> None:
    with pytest.raises(Problem):
        read_profile(text)


# Whatever comes, comes to an answer.

PROFILES = Path(__file__).parents[2] / "adapters/profiles"


def shipped(name: str) -> tuple[Mapper, list[Any]] | None:
    profile: Profile = read_profile((PROFILES / name / "profile.yaml").read_text(encoding="utf-8"))[0]
    mapping = profile.connections[0].mapping
    if mapping is None:
        return None  # it speaks the contracts themselves
    documents = [
        read_document(path.read_bytes(), table.written_as or mapping.written_as)
        for table in mapping.into
        for path in (PROFILES / name).glob(f"in.{table.contract}.*")
        if not path.name.endswith("expected.json")
    ]
    return Mapper(mapping), documents


SHIPPED = [made for path in sorted(PROFILES.glob("*/profile.yaml")) if (made := shipped(path.parent.name))]
STRANGE: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["A", "#text", "@id"]), inner),
    max_leaves=6,
)


@st.composite
def bent(draw: st.DrawFn) -> tuple[Mapper, Any]:
    """A document of a shipped sample with up to three things changed or left out."""
    mapper, documents = draw(st.sampled_from(SHIPPED))
    document = json.loads(json.dumps(draw(st.sampled_from(documents))))
    for _ in range(draw(st.integers(0, 3))):
        holder: Any = document
        while isinstance(holder, dict | list) and holder:
            key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
            if isinstance(holder[key], dict | list) and draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = draw(STRANGE)
            break
    return mapper, document


@settings(deadline=2000)
@given(bent())
def test_any_document_is_mapped_or_refused(bent: tuple[Mapper, Any]) -> None:
    mapper, document = bent
    try:
        mapper.read_values(document)
    except MappingFailed as failed:
        problem = failed.problem().document("en")
        assert problem["status"] == 422 and problem["errors"]


@settings(deadline=2000)
@given(st.sampled_from(SHIPPED), st.binary(max_size=300))
def test_any_bytes_are_mapped_or_refused(shipped: tuple[Mapper, list[Any]], raw: bytes) -> None:
    try:
        shipped[0].read(raw)
    except (MappingFailed, DocumentFault) as fault:
        assert str(fault)


PATHS = st.sampled_from(["A", "A.B", "A.B[0]", "A[1].C", ".", "A.@id", "A.#text", "/R.A", '["x y"]'])
RULES: Any = st.deferred(
    lambda: st.fixed_dictionaries(
        {"to": PATHS},
        optional={
            "from": PATHS,
            "constant": st.sampled_from(["1", "x", ""]),
            "expression": st.sampled_from(["A", "$string(A)", "A.B[0]", "$", "[A, B]"]),
            "default": st.sampled_from(["1", "x"]),
            "required": st.booleans(),
            "trim": st.booleans(),
            "split": st.fixed_dictionaries({"by": st.just(",")}, optional={"part": st.integers(-2, 2)}),
            "join": st.fixed_dictionaries({"by": st.sampled_from(["", ","])}, optional={"of": st.lists(PATHS)}),
            "codes": st.sampled_from(["t", "none"]),
            "date": st.sampled_from(["iso", "epoch_seconds", "%Y%m%d", "%y-%j", "%Y-%m-%d %H:%M:%S"]),
            "as": st.sampled_from(["text", "integer", "number", "boolean"]),
            "decimals": st.integers(0, 3),
            "limit": st.integers(1, 5),
            "longer": st.sampled_from(["refuse", "cut"]),
            "each": st.lists(RULES, max_size=2),
            "when": st.lists(st.fixed_dictionaries({"path": PATHS, "exists": st.just(True)}), max_size=1),
        },
    )
)


@settings(deadline=2000)
@given(st.lists(RULES, min_size=1, max_size=4), STRANGE, st.booleans())
def test_any_table_that_compiles_answers_any_document(rules: list[Any], document: Any, outward: bool) -> None:
    codes = [{"name": "t", "unknown": "park", "pairs": [{"ours": "1", "theirs": "x"}]}]
    try:
        mapping = UnitMapping.model_validate_json(json.dumps({"codes": codes}))
        fields = tuple(Rule.model_validate_json(json.dumps(rule)) for rule in rules)
        run = compile_table(Table(contract="case.feedback", fields=fields), mapping, outward=outward).run
    except (ValueError, BadTable):
        return
    _, faults = run(document)
    assert all(fault.zh and fault.en for fault in faults)


# Numbers as units write them.


@pytest.mark.parametrize(
    ("how", "value", "text"),
    [
        ("grouping: ','", 1234567.5, "1,234,567.5"),
        ("point: ',', grouping: '.'", 1234.5, "1.234,5"),
        ("digits: 4", 42, "0042"),
        ("digits: 4", -42, "-0042"),
        ("grouping: ' '", 999, "999"),
        ("point: ','", 0.25, "0,25"),
    ],
)
def test_a_number_is_written_and_read_as_the_unit_has_it(how: str, value: float, text: str) -> None:
    body = {**DISPATCH, "dispatch_number": value}
    assert out(f"{{to: N, from: dispatch_number, number: {{{how}}}}}", body) == {"N": text}
    assert into(f"{{to: n, from: N, number: {{{how}}}, as: number}}", {"N": text}) == {"n": value}


@given(st.integers(-(10**15), 10**15), st.sampled_from([",", " ", "'", "_"]))
def test_grouped_numbers_come_back(value: int, grouping: str) -> None:
    how = NumberFormat(grouping=grouping)
    assert integer_of(number_reader(how)(number_writer(how)(value))) == value


def test_full_width_digits_are_numbers() -> None:
    assert into("{to: n, from: N, number: {}, as: integer}", {"N": "42"}) == {"n": 42}


@pytest.mark.parametrize("text", ["", "1.2.3", "1e5", "abc", "--1", "1,2"])
def test_what_is_no_number_is_refused(text: str) -> None:
    failing("{to: n, from: N, number: {grouping: ' '}, required: true}", {"N": text})


def test_a_number_that_does_not_fit_its_digits_is_refused() -> None:
    with pytest.raises(MappingFailed, match="at most 2 digits"):
        out("{to: N, from: dispatch_number, number: {digits: 2}}", {**DISPATCH, "dispatch_number": 100})


def test_a_grouping_that_is_the_point_is_no_format() -> None:
    with pytest.raises(ValidationError):
        NumberFormat(point=DecimalPoint.COMMA, grouping=",")


def test_the_measure_of_mappings_has_every_figure() -> None:
    measured = measure(3)
    assert all(us > 0 for us in measured["us"].values())
    # A table costs no more than a few times what a hand writes.
    assert measured["ratio_by_hand"] < 3
