"""A unit's own format: what a profile may say of it, how answers are written, and the page's example."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.checks import ConnectionChecks
from adapters.guard import OutboundGuard
from adapters.own_format import OwnFormats
from contracts.arrival import Answer, Said
from contracts.nouns import Connection
from contracts.own_format import OwnAnswer
from contracts.problem import Problem, Violation
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from hub.registry import connections_of
from tests.values import replace

PAGE = Path(__file__).parents[2] / "docs/own-format.md"
WSDL = (Path(__file__).parents[1] / "stories/unit_service.wsdl").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
NUMBER = "330800-20261123-000042"
ACCEPTED = Answer(1, NUMBER, 5, "in_verification", 9)
REFUSED = Problem("contract_broken", violations=(Violation("#/a", '坏的 <&>"', 'bad <&>"', "x"),))


def a_profile(inbound: str, written: str = "format: json", more: str = "") -> str:
    return f"""
unit: telecom
connections:
  - name: own
    transport: pull
    inbound: {inbound}
    mapping:
      written_as: {{{written}}}
      in:
        - contract: case.feedback
          {more}
          fields:
            - {{to: envelope.case_number, from: no}}
            - {{to: description, from: text}}
"""


def connection(text: str) -> Connection:
    return connections_of(read_profile(text)[0], 1)[0]


def told(text: str, raw: bytes, outcome: Answer | Problem) -> tuple[int, str, bytes]:
    own, at = OwnFormats(), connection(text)
    made = own.answer(at, own.read(at, raw), outcome, NOW)
    return made.status, made.content_type, made.body


def page_examples() -> tuple[str, str]:
    found = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    profile, answers = found
    return profile, answers


async def test_the_example_of_the_page_is_a_profile_that_works() -> None:
    found, _ = page_examples()
    profile, _ = read_profile(with_files(found, lambda name: WSDL))
    assert await ConnectionChecks(OutboundGuard()).faults(profile.connections[0]) == []
    own, at = OwnFormats(), connections_of(profile, 1)[0]
    reply = (
        f'&lt;REPLY id="R1"&gt;&lt;TASKNUM&gt;{NUMBER}&lt;/TASKNUM&gt;&lt;CONTENT&gt;好&lt;/CONTENT&gt;'
        "&lt;RESULT&gt;01&lt;/RESULT&gt;&lt;/REPLY&gt;"
    )
    raw = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<Notify xmlns="http://water.example/szcg/"><xml>{reply}</xml></Notify></s:Body></s:Envelope>'
    ).encode()
    heard = own.read(at, raw)
    assert isinstance(heard.said, Said) and heard.said.message_id == "R1"
    answer = etree.fromstring(own.answer(at, heard, ACCEPTED, NOW).body)
    inner = etree.fromstring(answer.findtext(".//{http://water.example/szcg/}NotifyResult"))
    assert [(each.tag, each.text) for each in inner] == [("CODE", "0"), ("NO", NUMBER), ("ID", "R1")]


@pytest.mark.parametrize(
    ("inbound", "said"),
    [
        ("{user: a}", "user and secret go together"),
        ("{token: {place: field, name: 'a b', secret: x}}", "a path"),
        ("{token: {place: header, name: 'a b', secret: x}}", "letters, digits"),
        ("{answers: [{outcome: accepted, body: '${number}'}]}", "knows no ${number}"),
        ("{answers: [{outcome: accepted, body: '${inner}'}]}", "inner goes with"),
        ("{answers: [{outcome: refused, body: a}, {outcome: refused, body: b}]}", "one answer"),
        ("{wsdl: a, wsdl_file: b}", "one of wsdl, wsdl_file"),
    ],
)
def test_a_section_that_cannot_work_is_refused_with_a_sentence(inbound: str, said: str) -> None:
    with pytest.raises(Problem) as refusal:
        read_profile(a_profile(inbound))
    assert any(said in each.en and each.zh for each in refusal.value.violations)


async def test_a_wsdl_that_is_none_and_a_mapping_without_tables_are_found_before_they_are_applied() -> None:
    text = a_profile("{wsdl: '<a'}").partition("      in:")[0]
    faults = await ConnectionChecks(OutboundGuard()).faults(read_profile(text)[0].connections[0])
    assert [each.place for each in faults] == [("mapping",), ("inbound", "wsdl")]


TEMPLATE = "{answers: [{outcome: %s, body: '%s'}]}"
WRITTEN: dict[str, tuple[str, str, bytes, Any]] = {
    "json": ("format: json", '{"c":"${code}","m":"${reason_en}","n":"${/no}"}', b'{"no":"a\\"b"}', "json"),
    "xml": ("format: xml", '<r c="${code}" n="${/r.no}">${reason_en}</r>', b"<r><no>a&quot;b</no></r>", "xml"),
    "form": ("format: form, encoding: gbk", "c=${code}&m=${reason_zh}&n=${/no}", b"no=a%22b", "form"),
}


@pytest.mark.parametrize("format", WRITTEN)
def test_values_are_written_as_the_format_asks(format: str) -> None:
    from urllib.parse import parse_qs

    written, template, raw, _ = WRITTEN[format]
    _, content_type, body = told(a_profile(TEMPLATE % ("refused", template), written), raw, REFUSED)
    zh, en = REFUSED.sentences()
    if format == "json":
        assert json.loads(body) == {"c": "contract_broken", "m": en, "n": 'a"b'}
    elif format == "xml":
        root = etree.fromstring(body)
        assert (root.get("c"), root.text, root.get("n")) == ("contract_broken", en, 'a"b')
    else:
        assert "gbk" in content_type
        made = parse_qs(body.decode("ascii"), encoding="gbk")
        assert made == {"c": ["contract_broken"], "m": [zh], "n": ['a"b']}


@pytest.mark.parametrize(
    ("written", "raw", "accepted", "refused"),
    [
        ("format: json", b'{"no":1}', (200, b'"code":"0"'), (422, b'"errors"')),
        ("format: xml", b"<a/>", (200, b"<code>0</code>"), (422, b"<pointer>#/a</pointer>")),
        ("format: form", b"no=1", (200, b'"code":"0"'), (422, b'"errors"')),
        (
            "format: xml",
            b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><p:Tell xmlns:p="urn:p"/>'
            b"</s:Body></s:Envelope>",
            (200, b'<TellResponse xmlns="urn:p"><TellResult>0</TellResult></TellResponse>'),
            (500, b"<faultcode>soap:Client</faultcode>"),
        ),
    ],
)
def test_a_profile_that_says_no_answers_answers_as_it_was_asked(
    written: str, raw: bytes, accepted: tuple[int, bytes], refused: tuple[int, bytes]
) -> None:
    for outcome, (status, part) in ((ACCEPTED, accepted), (REFUSED, refused)):
        made = told(a_profile("{user: a, secret: b}", written), raw, outcome)
        assert made[0] == status and part in made[2]


def test_the_units_own_wsdl_names_the_hubs_address() -> None:
    own, at = OwnFormats(), connection(a_profile(f"{{wsdl: {WSDL!r}}}".replace("\\n", " ")))
    made = etree.fromstring(own.wsdl(at, "https://hub.example/in?a&b") or b"")
    (address,) = made.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address.get("location") == "https://hub.example/in?a&b"


# Answers by a field table.

BY_TABLE = """
      user: a
      secret: b
      answers:
        - outcome: accepted
          base: RESP
          fields:
            - {to: CODE, constant: "0"}
            - {to: NO, from: case_number}
            - {to: VER, from: version}
            - {to: STATE, from: state, codes: state}
            - {to: AT, from: now, date: "%Y%m%d%H%M%S"}
            - {to: POS, from: position}
            - {to: SEQ, from: request.seq}
        - outcome: refused
          status: 202
          base: RESP
          fields:
            - {to: CODE, from: problem.kind, codes: kind}
            - {to: MSG, from: problem.detail_zh, limit: 10, longer: cut}
            - {to: ERRORS, from: problem.violations, each: [{to: WHERE, from: pointer}, {to: WHY, from: detail_zh}]}
"""
CODES = """
      codes:
        - {name: state, unknown: refuse, pairs: [{ours: in_verification, theirs: "30"}]}
        - {name: kind, unknown: default, default_theirs: "99", pairs: [{ours: contract_broken, theirs: "11"}]}"""


def by_table(written: str, answers: str = BY_TABLE) -> str:
    return a_profile(answers, written).replace("    mapping:", f"    mapping:{CODES}")


def told_by_table(outcome: Answer | Problem, written: str, raw: bytes, answers: str = BY_TABLE) -> OwnAnswer:
    own, at = OwnFormats(), connection(by_table(written, answers))
    return own.answer(at, own.read(at, raw), outcome, NOW, "1-9")


def test_an_answer_by_a_table_says_what_the_call_came_to_in_the_units_own_words() -> None:
    made = told_by_table(ACCEPTED, "format: json", b'{"no":"x","text":"y","seq":7}')
    at = "20261123080000"
    said = {"CODE": "0", "NO": NUMBER, "VER": 5, "STATE": "30", "AT": at, "POS": "1-9", "SEQ": 7}
    assert (made.status, json.loads(made.body), made.trouble) == (200, {"RESP": said}, "")
    xml = told_by_table(ACCEPTED, "format: xml, encoding: gbk", b"<a><seq>7</seq></a>")
    assert xml.content_type == "text/xml; charset=gbk"
    assert [(each.tag, each.text) for each in etree.fromstring(xml.body)][:4] == [
        *(("CODE", "0"), ("NO", NUMBER), ("VER", "5"), ("STATE", "30")),
    ]


def test_a_refusal_by_a_table_has_each_violation_and_the_units_own_code() -> None:
    made = told_by_table(REFUSED, "format: json", b"{}")
    resp = json.loads(made.body)["RESP"]
    assert (made.status, resp["CODE"], len(resp["MSG"])) == (202, "11", min(10, len(REFUSED.document()["detail"])))
    assert resp["ERRORS"] == [{"WHERE": "#/a", "WHY": '坏的 <&>"'}]
    assert json.loads(told_by_table(Problem("case_unknown"), "format: json", b"{}").body)["RESP"]["CODE"] == "99"


def test_the_table_of_the_page_answers_as_it_says() -> None:
    lines = "".join(f"      {line}" for line in page_examples()[1].splitlines(keepends=True))
    text = by_table("format: xml", f"\n      user: a\n      secret: b\n{lines}").replace("name: kind", "name: error")
    own, at = OwnFormats(), connection(text)
    made = etree.fromstring(own.answer(at, own.read(at, b"<a/>"), REFUSED, NOW).body)
    assert (made.findtext("CODE"), made.findtext("ERRORS/ERROR/AT")) == ("11", "#/a")


def test_a_document_inside_the_answer_is_written_as_the_mapping_wraps_it() -> None:
    written = "format: xml, wrap: [{inside: A.result, encoding: gbk}]"
    answers = """
      user: a
      secret: b
      answers:
        - outcome: accepted
          base: A.result.RESULT
          fields: [{to: MSG, constant: 成功}, {to: NO, from: case_number}]
"""
    made = told_by_table(ACCEPTED, written, b"<A/>", answers)
    inner = etree.fromstring(made.body).findtext("result") or ""
    assert (
        inner.startswith('<?xml version="1.0" encoding="GBK"?>') and f"<NO>{NUMBER}</NO>" in inner and "成功" in inner
    )


def test_a_field_that_cannot_be_written_is_left_out_and_told_and_the_rest_is_answered() -> None:
    away = replace(ACCEPTED, state="closed")
    made = told_by_table(away, "format: json", b"{}")
    resp = json.loads(made.body)["RESP"]
    assert "STATE" not in resp and resp["NO"] == NUMBER and "STATE" in made.trouble


def test_an_answer_that_the_format_cannot_write_is_answered_by_habit() -> None:
    made = told_by_table(ACCEPTED, "format: delimited, columns: [a]", b"x")
    assert made.trouble and made.body


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("{outcome: accepted}", "one of them"),
        ("{outcome: accepted, body: x, fields: [{to: a, from: code}]}", "one of them"),
        ("{outcome: accepted, body: x, base: y}", "base goes with fields"),
        ("{outcome: accepted, fields: [{to: a, from: number}]}", "knows no number"),
        ("{outcome: accepted, fields: [{to: a, from: problem.text}]}", "knows no problem.text"),
        ("{outcome: accepted, fields: [{to: a, join: {by: '-', of: [code, what]}}]}", "knows no what"),
        ("{outcome: accepted, fields: [{to: a, constant: x, when: [{path: how, exists: true}]}]}", "knows no how"),
        ("{outcome: accepted, fields: [{to: a, from: '.'}]}", "knows no ."),
    ],
)
def test_an_answer_that_names_what_no_call_comes_to_is_refused(answer: str, said: str) -> None:
    with pytest.raises(Problem) as refusal:
        read_profile(a_profile(f"{{user: a, secret: b, answers: [{answer}]}}"))
    assert any(said in each.en and each.zh for each in refusal.value.violations), refusal.value.violations


async def test_a_rule_of_an_answer_that_cannot_be_compiled_is_found_before_it_is_applied() -> None:
    answers = "{user: a, secret: b, answers: [{outcome: accepted, fields: [{to: a, from: code, codes: nowhere}]}]}"
    (fault,) = await ConnectionChecks(OutboundGuard()).faults(read_profile(a_profile(answers))[0].connections[0])
    assert fault.place[:5] == ("inbound", "answers", 0, "fields", 0) and "nowhere" in fault.en and fault.zh
