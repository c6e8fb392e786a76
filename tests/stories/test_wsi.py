"""Our WSDL and our messages keep the rules of the WS-I Basic Profile; and each check was seen to find a breach."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from lxml import etree

from contracts.soap.wsdl import FILE
from tests.builders import a_place
from tests.conformance.wsi_rules import DESCRIPTION, MESSAGES, RECEIVER, Exchange, Rule, a_query
from tests.stories.conftest import RunningHub


def told(rules: tuple[Rule, ...]) -> Any:
    return pytest.mark.parametrize("rule", rules, ids=[f"{each.number} {each.asks}" for each in rules])


@pytest.fixture(scope="module")
def call(hub: RunningHub) -> Any:
    key = hub.key_of("telecom")

    def calling(
        body: bytes, *, method: str = "POST", content_type: str = "text/xml; charset=utf-8", soapaction: str = '""'
    ) -> Exchange:
        headers = {"authorization": f"Bearer {key}", "content-type": content_type, "soapaction": soapaction}
        request = urllib.request.Request(f"{hub.url}/soap/v1", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Exchange(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as refusal:
            return Exchange(refusal.code, {k.lower(): v for k, v in refusal.headers.items()}, refusal.read())

    return calling


@pytest.fixture(scope="module")
def exchanges(hub: RunningHub, call: Any) -> list[Exchange]:
    """A receipt, letters, a case, and refusals of each kind."""
    body = {"category_code": "E0402", "description": "自来水管破裂 <&>", "place": a_place()}
    status, said, _ = hub.call("POST", "/api/v1/cases", body, hub.key_of("collection"))
    assert status == 201, said
    number = said["case_number"]
    inner = (
        "<fetchLetters/>",
        "<report><data><category_code>E0402</category_code><description>裂</description><place><longitude>118.87"
        "</longitude><latitude>28.95</latitude></place></data></report>",
        f"<queryCase><case_number>{number}</case_number></queryCase>",
        f"<acknowledge><case_number>{number}</case_number><data/></acknowledge>",
        "<acknowledge><case_number>x</case_number></acknowledge>",
        "<sendPhoto><content>bm8=</content></sendPhoto>",
        "<nothing/>",
    )
    made = []
    for each in inner:
        element = each.replace(">", ' xmlns="https://cityhub.example/soap/v1">', 1).replace("/ xmlns", " xmlns")
        if each.count("<") == 1:
            element = element.replace(">", "/>")
        made.append(call(a_query().split(b"<queryCase")[0] + element.encode() + b"</soap:Body></soap:Envelope>"))
    made.append(call(b"<not xml"))
    assert [each.status for each in made] == [200, 200, 500, 500, 500, 500, 500, 500]
    return made


@told(DESCRIPTION)
def test_the_description_keeps(rule: Rule) -> None:
    assert list(rule.breaks(etree.parse(FILE).getroot())) == []


@told(MESSAGES)
def test_the_messages_keep(rule: Rule, exchanges: list[Exchange]) -> None:
    assert list(rule.breaks(exchanges)) == []


@told(RECEIVER)
def test_the_receiver_keeps(rule: Rule, call: Any) -> None:
    assert list(rule.breaks(call)) == []


# What would break a rule, in the text of the WSDL.
BREACHES = {
    "R2105": ('elementFormDefault="qualified" targetNamespace="https://cityhub.example/soap/v1"', ""),
    "R2101": ('type="tns:Envelope"', 'type="xs:string" ref="soap:Envelope"'),
    "R2112": ('<xs:element name="photos"', '<xs:element name="ArrayOfPhoto"'),
    "R2204": (
        '<wsdl:part name="parameters" element="tns:report"/>',
        '<wsdl:part name="parameters" type="tns:Report"/>',
    ),
    "R2206": ('element="tns:report"', 'element="tns:reports"'),
    "R2304": ('<wsdl:operation name="feedback">', '<wsdl:operation name="report">'),
    "R2701": (' transport="http://schemas.xmlsoap.org/soap/http"', ""),
    "R2705": ('/report" style="document"', '/report" style="rpc"'),
    "R2706": ('<soap:body use="literal"/>', '<soap:body use="encoded"/>'),
    "R2710": ('<wsdl:input message="tns:feedbackRequest"/>', '<wsdl:input message="tns:reportRequest"/>'),
    "R2718": ('<wsdl:operation name="voidCase">', '<wsdl:operation name="voidCases">'),
    "R2754": ('<soap:fault name="problem"', '<soap:fault name="trouble"'),
    "R2801": ('type="tns:Place"', 'type="tns:Nowhere"'),
}


@pytest.mark.parametrize("number", BREACHES)
def test_a_breach_is_found(number: str) -> None:
    there, instead = BREACHES[number]
    text = FILE.read_text(encoding="utf-8")
    assert there in text
    tree = etree.fromstring(text.replace(there, instead, 1).encode())
    rule = next(each for each in DESCRIPTION if each.number == number)
    assert list(rule.breaks(tree))
