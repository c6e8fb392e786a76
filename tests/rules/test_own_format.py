"""A unit's own format: what a profile may say of it, how answers are written, and the page's example."""

from __future__ import annotations

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
from contracts.problem import Problem, Violation
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from hub.registry import connections_of

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


async def test_the_example_of_the_page_is_a_profile_that_works() -> None:
    (found,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
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
    import json
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
