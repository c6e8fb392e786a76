"""CloudEvents: three forms read alike, every fault of an envelope named, and letters that keep their bytes for ever."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.cloudevents import (
    EXTENSIONS,
    EXTENSIONS_MAX,
    Event,
    attributes_of,
    event_from_headers,
    parse_batch,
    parse_event,
    write_event,
)
from contracts.messages import Feedback, Report
from contracts.problem import Problem
from contracts.samples import VALID

CHINA = timezone(timedelta(hours=8))
BODY = VALID["case.feedback/1.0"]
ATTRIBUTES: Mapping[str, Any] = {
    "specversion": "1.0",
    "id": "0193-7f2a",
    "source": "/telecom",
    "type": "case.feedback",
    "subject": "330800-20261123-000042",
    "time": "2026-11-23T11:41:00+08:00",
    "dataschema": "https://cityhub.example/contracts/case.feedback/1.0",
    "mode": "live",
    "sendercase": "电信 2026-118",
    "basedonversion": "4",
    "actor": "张三",
    "onbehalfof": "line_team_3",
    "sequence": "00000007",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "recordedtime": "2026-11-23T11:41:02Z",
    "expirytime": "2026-11-24T11:41:00+08:00",
}


def structured(**changes: Any) -> bytes:
    told = {**ATTRIBUTES, "datacontenttype": "application/json", "data": BODY, **changes}
    return orjson.dumps({name: value for name, value in told.items() if value is not ...})


def in_headers(**changes: str) -> dict[str, str]:
    told = {**ATTRIBUTES, **changes}
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "x",
        **{f"ce-{name}": quote(value, safe="!#$&'()*+,/:;=?@[]") for name, value in told.items()},
    }


def faults(raw: bytes) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        parse_event(raw)
    assert caught.value.kind == "not_a_message"
    return {violation.pointer: violation.en for violation in caught.value.violations}


def without_form(event: Event) -> tuple[Any, ...]:
    return event.id, event.source, event.type, event.subject, event.time, event.dataschema, dict(event.extensions)


# Reading.


def test_an_event_in_structured_form_is_read_whole() -> None:
    event = parse_event(structured())
    assert (event.id, event.source, event.type) == ("0193-7f2a", "/telecom", "case.feedback")
    assert event.subject == "330800-20261123-000042"
    assert event.time == datetime(2026, 11, 23, 11, 41, tzinfo=CHINA)
    assert event.contract == "case.feedback/1.0"
    assert set(event.extensions) == set(EXTENSIONS)
    assert event.extensions["actor"] == "张三"
    assert event.body(Feedback).description == BODY["description"]


def test_structured_binary_batch_and_base64_say_the_same() -> None:
    raw = orjson.dumps(BODY)
    [batched] = parse_batch(b"[" + structured() + b"]", limit=1)
    coded = parse_event(structured(data=..., data_base64=base64.b64encode(raw).decode()))
    events = [parse_event(structured()), event_from_headers(in_headers(), raw), batched, coded]
    assert all(isinstance(event, Event) for event in events)
    assert len({repr(without_form(event)) for event in events}) == 1
    assert len({event.body(Feedback) for event in events}) == 1


def test_without_dataschema_the_newest_version_is_meant() -> None:
    assert parse_event(structured(dataschema=...)).contract is None


def test_an_attribute_that_is_null_is_absent() -> None:
    assert parse_event(structured(subject=None, actor=None)).subject is None


def test_extensions_keep_the_canonical_text_of_their_type() -> None:
    event = parse_event(structured(basedonversion=4, urgent=True, district="柯城区"))
    assert (event.extensions["basedonversion"], event.extensions["urgent"]) == ("4", "true")
    assert event.extensions["district"] == "柯城区"


def test_a_batch_answers_for_each_event_apart() -> None:
    good, bad = structured(), structured(id=...)
    [first, second, third] = parse_batch(b"[" + good + b"," + bad + b',"text"]', limit=3)
    assert isinstance(first, Event) and first.raw == good
    assert isinstance(second, Problem) and second.violations[0].pointer == "#/id"
    assert isinstance(third, Problem) and third.kind == "not_a_message"


def test_an_empty_batch_is_a_batch() -> None:
    assert parse_batch(b"[]", limit=1) == []


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"{}", "not_a_message"),
        (b"[{},{},{}]", "batch_too_large"),
        (b"[{}", "not_json"),
        (b'[{"id":"a","id":"b"}]', "not_json"),
        (b"[" * 600 + b"]" * 600, "too_deep"),
    ],
)
def test_what_is_no_batch_is_refused_whole(raw: bytes, kind: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_batch(raw, limit=2)
    assert caught.value.kind == kind


def test_a_deep_event_of_a_batch_is_refused_alone() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    [first, second] = parse_batch(b"[" + structured(data=deep) + b"," + structured() + b"]", limit=2)
    assert isinstance(first, Problem) and first.kind == "too_deep"
    assert isinstance(second, Event)


# Headers.


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("%E5%BC%A0%E4%B8%89", "张三"),
        ("%e5%bc%a0%e4%b8%89", "张三"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ('"Zhang \\"San\\" \\\\ 3"', 'Zhang "San" \\ 3'),
        ("%2541", "%41"),
        ("100%", "100%"),
        ("张三".encode().decode("latin-1"), "张三"),
        ("  padded ", "padded"),
    ],
)
def test_a_header_is_read_as_the_http_binding_says(sent: str, read: str) -> None:
    assert attributes_of({"ce-actor": sent, "CE-Mode": "drill"}) == {"actor": read, "mode": "drill"}


@pytest.mark.parametrize("sent", ["%C0%A0", "%D5%C5%C8%FD", "张三".encode("gbk").decode("latin-1"), "\u5f20"])
def test_a_header_that_is_not_utf_8_is_refused(sent: str) -> None:
    with pytest.raises(Problem) as caught:
        attributes_of({"ce-actor": sent})
    assert [violation.pointer for violation in caught.value.violations] == ["#/actor"]


def test_data_never_comes_by_a_header() -> None:
    event = event_from_headers({**in_headers(), "ce-data_base64": "e30=", "ce-data": "{}"}, orjson.dumps(BODY))
    assert event.body(Feedback).description == BODY["description"]
    assert "data" not in event.extensions


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=40))
def test_any_text_survives_the_way_through_a_header(text: str) -> None:
    assert attributes_of({"ce-actor": quote(text, safe="")}) == {"actor": text}


# Faults.


def test_every_fault_of_an_envelope_is_named_at_once() -> None:
    told = {"specversion": "0.3", "source": 7.5, "type": "", "time": "2026-11-23 11:41", "mode": "real", "My-Ext": 1}
    assert faults(orjson.dumps(told)) == {
        "#/id": "id is missing",
        "#/specversion": "specversion must be 1.0",
        "#/source": "source must be text of 1 to 1024 characters without control characters",
        "#/type": "type must be text of 1 to 1024 characters without control characters",
        "#/time": "time must be an RFC 3339 moment with a zone",
        "#/mode": "mode must be live, drill or test",
        "#/My-Ext": "an extension is named by lower-case letters and digits: My-Ext",
    }


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"id": None}, "#/id"),
        ({"id": "a\u0000b"}, "#/id"),
        ({"id": "a" * 1025}, "#/id"),
        ({"source": ["/telecom"]}, "#/source"),
        ({"subject": ""}, "#/subject"),
        ({"time": "2026-02-30T00:00:00Z"}, "#/time"),
        ({"time": "2026-11-23T11:41:00"}, "#/time"),
        ({"time": 1795405260}, "#/time"),
        ({"datacontenttype": "application/xml"}, "#/datacontenttype"),
        ({"dataschema": "https://other.example/feedback"}, "#/dataschema"),
        ({"dataschema": "/contracts/case.report/1.0"}, "#/dataschema"),
        ({"sequence": "-1"}, "#/sequence"),
        ({"sequence": "٣"}, "#/sequence"),
        ({"basedonversion": 2**31}, "#/basedonversion"),
        ({"sendercase": "x" * 129}, "#/sendercase"),
        ({"recordedtime": "now"}, "#/recordedtime"),
        ({"district": {"code": "330802"}}, "#/district"),
        ({"district": 1.5}, "#/district"),
        ({"data_base64": "e30="}, "#/data_base64"),
        ({"data": ..., "data_base64": "e30"}, "#/data_base64"),
        ({"data": ..., "data_base64": {"a": 1}}, "#/data_base64"),
    ],
)
def test_a_faulty_attribute_is_named(changes: dict[str, Any], at: str) -> None:
    assert list(faults(structured(**changes))) == [at]


@pytest.mark.parametrize("media", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.city+json"])
def test_every_media_type_of_json_is_received(media: str) -> None:
    assert parse_event(structured(datacontenttype=media)).body(Feedback)


def test_too_many_extensions_are_refused() -> None:
    assert list(faults(structured(**{f"x{number}": "1" for number in range(EXTENSIONS_MAX + 1)}))) == ["#"]


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"case.report"', b"7"])
def test_what_is_no_object_is_no_event(raw: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse_event(raw)
    assert caught.value.kind == "not_a_message"


def test_violations_of_the_data_point_into_the_event() -> None:
    report = structured(
        type="case.report", dataschema=..., data={**VALID["case.report/1.0"], "place": {"latitude": 91}}
    )
    with pytest.raises(Problem) as caught:
        parse_event(report).body(Report)
    found = [violation.pointer for violation in caught.value.violations]
    assert (caught.value.kind, found) == ("contract_broken", ["#/data/place/longitude", "#/data/place/latitude"])


def test_violations_of_binary_data_point_into_the_data() -> None:
    with pytest.raises(Problem) as caught:
        event_from_headers(in_headers(), b'{"description": ""}').body(Feedback)
    assert [violation.pointer for violation in caught.value.violations] == ["#/description"]


@pytest.mark.parametrize("data", [..., None])
def test_an_event_without_data_breaks_its_contract(data: Any) -> None:
    with pytest.raises(Problem) as caught:
        parse_event(structured(data=data)).body(Feedback)
    assert [violation.pointer for violation in caught.value.violations] == ["#/data"]


def test_base64_that_holds_no_json_is_told_so() -> None:
    gbk = base64.b64encode('{"description":"已处理"}'.encode("gbk")).decode()
    with pytest.raises(Problem) as caught:
        parse_event(structured(data=..., data_base64=gbk)).body(Feedback)
    assert caught.value.kind == "not_json" and "GBK" in caught.value.zh


def test_a_name_that_stands_twice_in_the_data_is_refused() -> None:
    raw = structured()[:-2] + b',"final":true,"final":false}}'
    with pytest.raises(Problem) as caught:
        parse_event(raw)
    assert "#/data/final" in [violation.pointer for violation in caught.value.violations]


# Writing.

LETTER: dict[str, Any] = {
    "id": "ltr-0000000000004711",
    "source": "/cityhub",
    "type": "case.dispatch",
    "subject": "330800-20261123-000042",
    "time": datetime(2026, 11, 23, 1, 13, tzinfo=UTC),
    "dataschema": "https://cityhub.example/contracts/case.dispatch/1.0",
    "extensions": {
        "mode": "live",
        "sequence": "00000001",
        "recordedtime": datetime(2026, 11, 23, 1, 13, 0, 250_000, tzinfo=UTC),
        "basedonversion": 3,
    },
    "data": {
        "case_number": "330800-20261123-000042",
        "place": {"longitude": 118.8712, "latitude": 28.95, "system": "WGS84"},
        "deadline": {"due_at": datetime(2026, 11, 23, 5, 13, tzinfo=UTC), "provisional": False},
        "photos": ("att_01",),
    },
}
GOLDEN = (
    '{"specversion":"1.0","id":"ltr-0000000000004711","source":"/cityhub","type":"case.dispatch",'
    '"subject":"330800-20261123-000042","time":"2026-11-23T01:13:00Z","datacontenttype":"application/json",'
    '"dataschema":"https://cityhub.example/contracts/case.dispatch/1.0","mode":"live","basedonversion":3,'
    '"sequence":"00000001","recordedtime":"2026-11-23T01:13:00.250000Z",'
    '"data":{"case_number":"330800-20261123-000042",'
    '"place":{"longitude":118.8712,"latitude":28.95,"system":"WGS84"},'
    '"deadline":{"due_at":"2026-11-23T05:13:00Z","provisional":false},"photos":["att_01"]}}'
)
"""Letters are signed and repeated as these bytes: they may never change."""


def test_a_letter_is_these_bytes_for_ever() -> None:
    assert write_event(**LETTER).decode() == GOLDEN


def test_the_order_of_extensions_and_the_zone_of_a_moment_change_no_byte() -> None:
    turned = dict(reversed(LETTER["extensions"].items()))
    turned["recordedtime"] = turned["recordedtime"].astimezone(CHINA)
    data = {
        **LETTER["data"],
        "deadline": {"due_at": datetime(2026, 11, 23, 13, 13, tzinfo=CHINA), "provisional": False},
    }
    moved = {**LETTER, "time": LETTER["time"].astimezone(CHINA), "extensions": turned, "data": data}
    assert write_event(**moved).decode() == GOLDEN


def test_the_order_of_other_extensions_changes_no_byte() -> None:
    one, other = ({"urgent": "1", "mode": "live", "district": "2"}, {"district": "2", "urgent": "1", "mode": "live"})
    assert write_event(**{**LETTER, "extensions": one}) == write_event(**{**LETTER, "extensions": other})


def test_a_moment_without_a_zone_is_never_written() -> None:
    with pytest.raises(TypeError):
        write_event(**{**LETTER, "time": datetime(2026, 11, 23, 1, 13)})  # noqa: DTZ001


def test_what_was_written_is_read_back() -> None:
    event = parse_event(write_event(**LETTER))
    assert (event.id, event.subject, event.time) == (LETTER["id"], LETTER["subject"], LETTER["time"])
    assert event.contract == "case.dispatch/1.0"
    assert list(event.extensions) == ["mode", "basedonversion", "sequence", "recordedtime"]


def test_an_event_without_a_subject_has_none() -> None:
    assert b"subject" not in write_event(**{**LETTER, "subject": None})


# Whatever comes.

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*ATTRIBUTES, "data", "data_base64", "datacontenttype", "urgent", "Bad_Name"]) | st.text(
    max_size=25
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=8), st.booleans())
@example({"data_base64": "é"}, True)
@example({"data_base64": ""}, True)
def test_any_event_is_read_or_refused_with_a_problem(told: dict[str, Any], whole: bool) -> None:
    raw = json.dumps({**ATTRIBUTES, **told} if whole else told).encode()
    try:
        parse_event(raw).body(Feedback)
    except Problem as problem:
        assert problem.zh or problem.violations
    for item in _batch(b"[" + raw + b"]"):
        assert isinstance(item, Event | Problem)


def _batch(raw: bytes) -> list[Event | Problem]:
    try:
        return parse_batch(raw, limit=9)
    except Problem:
        return []


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_with_a_problem(raw: bytes) -> None:
    with pytest.raises(Problem):
        parse_event(raw)
    _batch(raw)
    _batch(b"[" + raw + b"]")


@given(
    st.dictionaries(NAMES.map(lambda name: f"ce-{name}") | st.text(max_size=12), st.text(max_size=40), max_size=9),
    st.binary(max_size=20),
)
def test_any_headers_are_read_or_refused_with_a_problem(headers: dict[str, str], raw: bytes) -> None:
    for given_headers in (headers, {**in_headers(), **headers}):
        try:
            event_from_headers(given_headers, raw).body(Feedback)
        except Problem as problem:
            assert problem.zh or problem.violations
