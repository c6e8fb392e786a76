"""SOAP messages: arguments, headers, photos, answers and faults, each as a unit's service would see or say it."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.answers import Answers
from adapters.documents.writing import wrap_documents
from adapters.soap.calls import put_at
from adapters.soap.messages import MessageFault, build_envelope, envelope_bytes
from adapters.soap.outcomes import soap_outcome
from adapters.soap.photos import put_photos
from adapters.soap.replies import read_reply
from adapters.soap.security import Credentials, secure
from adapters.soap.wsdl import read_wsdl
from contracts.mapping import Encoding, Format, Wrap, Written
from contracts.nouns import Receipt
from contracts.port import Photo, Refused, Unauthorised, Unavailable
from contracts.ways.answers import AnswerRules
from contracts.ways.soap import PasswordKind, PhotosAs, SoapPhotos, WsSecurity

PROFILES = Path(__file__).parents[2] / "adapters/profiles"
WATER = (PROFILES / "water_asmx/water.wsdl").read_text(encoding="utf-8")
GAS = (PROFILES / "gas_axis/gas.wsdl").read_text(encoding="utf-8")
XML = Written(format=Format.XML)
NOW = datetime(2026, 11, 23, 9, 12, tzinfo=UTC)
ENV_11, ENV_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"


def envelope(inside: str, namespace: str = ENV_11) -> bytes:
    return f'<s:Envelope xmlns:s="{namespace}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()


def outcome(raw: bytes, status: int = 200, rules: Answers | None = None) -> Any:
    return soap_outcome(status, {}, raw, read_reply(raw, "text/xml", XML), rules, NOW)


# What is sent.


def with_a_header(wsdl: str) -> str:
    """The water company's WSDL, with the header of user and password that many an .asmx declares."""
    kind = (
        '<s:element name="AuthHeader"><s:complexType><s:sequence><s:element name="User" type="s:string"/>'
        '<s:element name="Password" type="s:string"/></s:sequence></s:complexType></s:element></s:schema>'
    )
    message = '<wsdl:message name="Auth"><wsdl:part name="AuthHeader" element="tns:AuthHeader"/></wsdl:message>'
    header = '<soap:header message="tns:Auth" part="AuthHeader" use="literal"/>'
    made = wsdl.replace("</s:schema>", kind).replace("<wsdl:portType", f"{message}<wsdl:portType", 1)
    return made.replace('<wsdl:input><soap:body use="literal"/>', f'<wsdl:input><soap:body use="literal"/>{header}')


def test_a_header_that_the_wsdl_declares_is_written_like_an_argument() -> None:
    service = read_wsdl(with_a_header(WATER), {})
    arguments: dict[str, Any] = {"xml": "x", "soap:Header": {"AuthHeader": {"User": "szcg"}}}
    put_at(arguments, "soap:Header.AuthHeader.Password", "secret")
    made = build_envelope(service, service.operations["SubmitCase"], arguments)
    (user, password) = made.xpath("/s:Envelope/s:Header/*[local-name()='AuthHeader']/*", namespaces={"s": ENV_11})
    assert (user.text, password.text) == ("szcg", "secret")


def test_rpc_literal_names_no_types() -> None:
    service = read_wsdl(GAS.replace('use="encoded"', 'use="literal"'), {})
    arguments = {"caseNo": "1", "seq": 1, "type": "a", "typeName": "b", "memo": "c", "lon": "1", "lat": "2"}
    arguments |= {"limitTime": 3, "pics": "", "token": "t"}
    raw = envelope_bytes(build_envelope(service, service.operations["addCase"], arguments))
    assert b"xsi:type" not in raw and b"encodingStyle" not in raw and b"<seq>1</seq>" in raw


@pytest.mark.parametrize(
    "arguments", [{"xmll": "衢江路"}, {"xml": "衢江路\x00"}, {"xml": ["衢江路"], "sender": {"衢江路": 1}}]
)
def test_arguments_that_do_not_fit_are_a_fault_that_does_not_repeat_them(arguments: dict[str, Any]) -> None:
    service = read_wsdl(WATER, {})
    with pytest.raises(MessageFault) as caught:
        build_envelope(service, service.operations["SubmitCase"], arguments)
    assert "衢江路" not in caught.value.zh + caught.value.en and "SubmitCase" in caught.value.en


@given(st.text(max_size=50))
@settings(max_examples=200, deadline=None)
def test_any_text_reaches_the_service_as_it_is_or_is_a_fault(text: str) -> None:
    service = SERVICE
    try:
        raw = envelope_bytes(build_envelope(service, service.operations["SubmitCase"], {"xml": text}))
    except MessageFault:
        return
    (found,) = etree.fromstring(raw).iter("{http://water.example/szcg/}xml")
    assert (found.text or "") == text


SERVICE = read_wsdl(WATER, {})


@given(st.text(min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_a_password_in_text_arrives_as_it_is_or_is_a_fault(password: str) -> None:
    made = build_envelope(SERVICE, SERVICE.operations["SubmitCase"], {"xml": "x"})
    security = WsSecurity(user="szcg <&>", secret="p", password=PasswordKind.TEXT, must_understand=False)
    try:
        secure(made, security, Credentials(password), NOW)
    except MessageFault as fault:
        assert password not in fault.en or len(password) < 3
        return
    (token,) = etree.fromstring(envelope_bytes(made)).iter("{*}UsernameToken")
    assert token.findtext("{*}Password") == password
    assert token.findtext("{*}Username") == "szcg <&>"
    assert token.findtext("{*}Nonce") and token.findtext("{*}Created") == "2026-11-23T09:12:00.000Z"


class Photos:
    """Two photos."""

    async def photo(self, attachment_id: str) -> Photo:
        """The photo, whose bytes are its id."""
        if attachment_id not in ("att_01", "att_02"):
            raise KeyError(attachment_id)
        return Photo("image/png", attachment_id.encode())


@pytest.mark.parametrize("at", ["pics", "pics.pic", "order.pics.pic.data"])
async def test_photos_take_the_places_of_their_ids_wherever_lists_lie_on_the_way(at: str) -> None:
    held: Any = ["att_01", "att_02"]
    if at.endswith("data"):
        held = [{"data": name, "name": name} for name in held]
    arguments: dict[str, Any] = {}
    put_at(arguments, at.removesuffix(".data"), held)
    assert await put_photos(arguments, SoapPhotos(at=(at,)), Photos()) == ()
    wanted = [base64.b64encode(name).decode() for name in (b"att_01", b"att_02")]
    found = arguments
    for part in at.removesuffix(".data").split("."):
        found = found[part]
    assert [each["data"] if isinstance(each, dict) else each for each in found] == wanted


async def test_a_photo_goes_as_base64_into_a_document_that_is_a_string() -> None:
    arguments: dict[str, Any] = {"xml": {"CASE": {"PIC": ["att_01"]}}}
    await put_photos(arguments, SoapPhotos(at=("xml.CASE.PIC",)), Photos())
    wrap_documents(arguments, Written(format=Format.XML, wrap=(Wrap(inside="xml", encoding=Encoding.GB18030),)))
    assert arguments["xml"] == '<?xml version="1.0" encoding="GB18030"?><CASE><PIC>YXR0XzAx</PIC></CASE>'


async def test_a_photo_that_is_not_there_buries_the_letter() -> None:
    with pytest.raises(Refused):
        await put_photos({"pic": "att_09"}, SoapPhotos(at=("pic",), sent_as=PhotosAs.MTOM), Photos())


# What is answered.


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("s:Client", 500, Refused),
        ("s:Client.UnknownCase", 500, Refused),
        ("s:Server", 500, Unavailable),
        ("soapenv:Server.userException", 500, Unavailable),
        ("s:Server", 200, Unavailable),
        ("s:Client.Authentication", 500, Unauthorised),
        ("s:Server.Unauthenticated", 500, Unauthorised),
        ("wsse:InvalidSecurityToken", 500, Unauthorised),
        ("wsu:MessageExpired", 500, Unauthorised),
        ("s:MustUnderstand", 500, Unauthorised),
        ("s:VersionMismatch", 500, Unauthorised),
        ("E1001", 500, Unavailable),
        ("E1001", 400, Refused),
        ("", 500, Unavailable),
        ("s:Client", 401, Unauthorised),
        ("s:Server", 403, Unauthorised),
    ],
)
def test_a_fault_of_soap_11_means(code: str, status: int, kind: type[Exception]) -> None:
    raw = envelope(f"<s:Fault><faultcode>{code}</faultcode><faultstring>衢江路</faultstring></s:Fault>")
    said = outcome(raw, status)
    assert type(said) is kind
    assert "衢江路" not in said.reason and "衢江路" in said.answer.decode()


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("s:Sender",), Refused),
        (("s:Receiver",), Unavailable),
        (("s:Sender", "wsse:FailedAuthentication"), Unauthorised),
        (("s:Sender", "app:Outer", "app:Inner"), Refused),
        (("s:DataEncodingUnknown",), Unauthorised),
    ],
)
def test_a_fault_of_soap_12_means(codes: tuple[str, ...], kind: type[Exception]) -> None:
    inside = ""
    for code in reversed(codes[1:]):
        inside = f"<s:Subcode><s:Value>{code}</s:Value>{inside}</s:Subcode>"
    raw = envelope(f"<s:Fault><s:Code><s:Value>{codes[0]}</s:Value>{inside}</s:Code></s:Fault>", ENV_12)
    assert type(outcome(raw, 500)) is kind


def test_an_empty_202_is_received_and_an_empty_200_processed() -> None:
    assert outcome(b"", 202) is Receipt.RECEIVED
    assert outcome(b"") is Receipt.PROCESSED


def test_a_values_reference_is_followed() -> None:
    raw = envelope(
        '<r><return href="#id0"/></r><multiRef id="id0"><code>3</code><next href="#id1"/></multiRef>'
        '<multiRef id="id1">leaf</multiRef>'
    )
    reply = read_reply(raw, "text/xml", XML)
    assert reply is not None and reply.document == {"r": {"return": {"code": "3", "next": "leaf"}}}


@pytest.mark.parametrize(
    "inside",
    [
        # Each value refers twice to the next: two to the power of forty elements.
        '<r href="#a0"/>' + "".join(f'<m id="a{n}"><x href="#a{n + 1}"/><y href="#a{n + 1}"/></m>' for n in range(40)),
        '<r href="#a"/><m id="a"><x href="#a"/></m>',
        "<a>" * 200 + "</a>" * 200,
    ],
)
def test_an_answer_that_would_grow_without_end_is_no_answer(inside: str) -> None:
    began = time.monotonic()
    assert read_reply(envelope(inside), "text/xml", XML) is None
    assert time.monotonic() - began < 2


def test_the_root_of_a_mime_package_is_read_by_its_start() -> None:
    raw = b"".join(
        (
            b"--b\r\nContent-Type: image/png\r\nContent-ID: <1>\r\n\r\nx\r\n",
            b"--b\r\nContent-Type: application/xop+xml; charset=utf-8\r\nContent-ID: <root>\r\n\r\n",
            envelope("<r><code>0</code></r>"),
            b"\r\n--b--",
        )
    )
    kind = 'multipart/related; boundary="b"; type="application/xop+xml"; start="<root>"'
    reply = read_reply(raw, kind, XML)
    assert reply is not None and reply.document == {"r": {"code": "0"}}


@given(st.binary(max_size=200), st.sampled_from(["text/xml", "multipart/related; boundary=b", "x; charset=\u00ff", ""]))
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_the_reading_of_an_answer(raw: bytes, content_type: str) -> None:
    read_reply(raw, content_type, XML)
    read_reply(b"<s:Envelope xmlns:s='" + ENV_11.encode() + b"'><s:Body>" + raw, content_type, XML)


def test_the_profiles_rules_read_what_stands_in_the_answers_string() -> None:
    written = Written(format=Format.XML, wrap=(Wrap(inside="r.result", encoding=Encoding.GBK),))
    rules = Answers(
        AnswerRules.model_validate_json(
            '{"rules": [{"means": "refused", "when": [{"path": "r.result.R.CODE", "equals": "7"}], '
            '"reason": "r.result.R.MSG"}]}'
        )
    )
    raw = envelope(
        "<r><result>&lt;?xml version='1.0' encoding='GBK'?>&lt;R>&lt;CODE>7&lt;/CODE>&lt;MSG>无权&lt;/MSG>"
        "&lt;/R></result></r>"
    )
    said = soap_outcome(200, {}, raw, read_reply(raw, "text/xml", written), rules, NOW)
    assert isinstance(said, Refused) and "无权" in said.reason
