"""A WSDL is read from the profile alone; what cannot work of a SOAP connection is told with its line."""

from __future__ import annotations

import gc
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from adapters.soap.checks import check_soap
from adapters.soap.wsdl import WsdlFault, read_wsdl
from contracts.problem import Problem
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from contracts.yaml_text import read_yaml, write_yaml

PROFILES = Path(__file__).parents[2] / "adapters/profiles"
POWER = (PROFILES / "power_wsse/power.wsdl").read_text(encoding="utf-8")
TYPES = (PROFILES / "power_wsse/power-types.xsd").read_text(encoding="utf-8")
WATER = (PROFILES / "water_asmx/water.wsdl").read_text(encoding="utf-8")


def the_document(folder: str) -> dict[str, Any]:
    text = (PROFILES / folder / "profile.yaml").read_text(encoding="utf-8")
    filled = with_files(text, lambda name: (PROFILES / folder / name).read_text(encoding="utf-8"))
    found: dict[str, Any] = yaml.safe_load(filled)
    return found


def faults_of(document: dict[str, Any]) -> dict[str, str]:
    """Where each fault is, as text, and what it says."""
    profile, _ = read_profile(yaml.safe_dump(document, allow_unicode=True))
    found = check_soap(profile.connections[0]).faults
    assert all(fault.zh and fault.en for fault in found)
    return {".".join(str(part) for part in fault.place): fault.en for fault in found}


# The WSDL.


def test_an_import_is_found_under_its_location() -> None:
    service = read_wsdl(POWER, {"power-types.xsd": TYPES})
    assert set(service.operations) == {"receiveOrder", "cancelOrder"} and service.is_12
    assert service.endpoint == "https://power.example/ws/orders"


@pytest.mark.parametrize(
    "location", ["power-types.xsd", "http://elsewhere.example/t.xsd", "/etc/passwd", "file:///etc/passwd"]
)
def test_what_is_not_in_the_profile_is_never_fetched(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(WsdlFault) as caught:
        read_wsdl(POWER.replace("power-types.xsd", location), {})
    assert location.removeprefix("/") in caught.value.en and "documents" in caught.value.en


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://evil.example/d.dtd">',
    ],
)
@pytest.mark.parametrize("place", ["the WSDL", "an import"])
def test_a_document_type_is_refused_before_anything_is_parsed(attack: str, place: str) -> None:
    head, _, rest = (POWER if place == "the WSDL" else TYPES).partition("?>")
    attacked = f"{head}?>{attack}{rest}"
    with pytest.raises(WsdlFault, match="DOCTYPE"):
        if place == "the WSDL":
            read_wsdl(attacked, {"power-types.xsd": TYPES})
        else:
            read_wsdl(POWER, {"power-types.xsd": attacked})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not XML",
        "<a/>",
        "<html><body>Not found</body></html>",
        WATER.replace("tns:CaseServiceSoap", "tns:Nothing"),
        WATER.replace('element="tns:SubmitCase"', 'element="tns:Nothing"'),
        WATER.replace("s:string", "nowhere:string"),
        WATER.replace("s:string", "s:nonsense"),
        "<a>" * 300 + "</a>" * 300,
        "<a>" + "<b/>" * 60_000 + "</a>",
    ],
)
def test_a_wsdl_that_cannot_be_used_says_so(text: str) -> None:
    with pytest.raises(WsdlFault) as caught:
        read_wsdl(text, {})
    assert caught.value.zh and caught.value.en


def test_the_port_is_the_named_one() -> None:
    with pytest.raises(WsdlFault, match="CaseService/CaseServiceSoap") as caught:
        read_wsdl(WATER, {}, port="CaseServiceSoap12")
    assert caught.value.place == ("port",)
    assert read_wsdl(WATER, {}, "CaseService", "CaseServiceSoap").operations


# The profile.


def test_an_operation_that_the_wsdl_lacks_is_told_with_those_it_has() -> None:
    document = the_document("power_wsse")
    document["connections"][0]["soap"]["calls"][0]["operation"] = "receive"
    assert "receiveOrder" in faults_of(document)["soap.calls.0.operation"]


def test_a_rule_that_writes_what_the_operation_does_not_take_is_told_at_the_rule() -> None:
    document = the_document("power_wsse")
    document["connections"][0]["mapping"]["out"][0]["fields"][2]["to"] = "kindCode"
    found = faults_of(document)
    assert "order.kindCode" in found["mapping.out.0.fields.2"]


def test_an_attribute_that_the_type_lacks_is_told() -> None:
    document = the_document("power_wsse")
    document["connections"][0]["mapping"]["out"][0]["fields"][5]["to"] = "place.@crs"
    assert list(faults_of(document)) == ["mapping.out.0.fields.5"]


def test_what_lies_inside_a_string_is_the_units_own_affair() -> None:
    document = the_document("water_asmx")
    document["connections"][0]["mapping"]["out"][0]["fields"][4]["to"] = "ANYTHING"
    assert faults_of(document) == {}
    document["connections"][0]["mapping"]["written_as"]["wrap"] = []
    assert "xml.CASE" in faults_of(document)["mapping.out.0.fields.0"]


def test_an_argument_that_nothing_writes_is_told() -> None:
    document = the_document("power_wsse")
    table = document["connections"][0]["mapping"]["out"][1]
    table["fields"] = [rule for rule in table["fields"] if rule["to"] != "orderNo"]
    assert "orderNo" in faults_of(document)["mapping.out.1"]


def test_a_contract_that_goes_nowhere_is_told() -> None:
    document = the_document("gas_axis")
    document["connections"][0]["receives"] = ["case.dispatch", "case.reminder"]
    assert "case.reminder" in faults_of(document)["receives.1"]


def test_mtom_inside_a_string_is_told() -> None:
    document = the_document("water_asmx")
    document["connections"][0]["soap"]["photos"] = {"at": ["xml.CASE.PICS.PIC"], "sent_as": "mtom"}
    assert "base64" in faults_of(document)["soap.photos.at.0"]


def test_without_a_mapping_the_letter_itself_needs_an_argument() -> None:
    document = the_document("water_asmx")
    del document["connections"][0]["mapping"]
    calls = document["connections"][0]["soap"]["calls"]
    assert "soap.calls.0" in faults_of(document)
    for call in calls:
        call["event"] = "xml"
    assert faults_of(document) == {}


# Files beside the profile.


def test_files_take_the_places_of_their_names_and_every_line_stays() -> None:
    text = (PROFILES / "power_wsse/profile.yaml").read_text(encoding="utf-8")
    files = {"power.wsdl": POWER, "power-types.xsd": TYPES + "\u2028\x85 \U00020bb7"}
    filled = with_files(text, files.__getitem__)
    assert len(filled.split("\n")) == len(text.split("\n"))
    soap = read_profile(filled)[0].connections[0].soap
    assert soap is not None and soap.wsdl == POWER and soap.documents[0].text == files["power-types.xsd"]


@given(st.text(st.sampled_from("ab \n\t#:-'\"|>井𠮷\x85\u2028\r!%&*<"), max_size=20))
@settings(max_examples=500, deadline=None)
def test_any_text_comes_out_of_an_exported_profile_as_it_went_in(text: str) -> None:
    document = {"connections": [{"soap": {"wsdl": text, "documents": [{text[:3]: text}]}}]}
    assert read_yaml(write_yaml(document))[0] == document


def test_an_exported_wsdl_stands_line_by_line() -> None:
    assert "      <wsdl:types>\n" in write_yaml({"soap": {"wsdl": WATER}})


def test_a_file_that_is_not_there_is_told_with_its_line() -> None:
    text = (PROFILES / "water_asmx/profile.yaml").read_text(encoding="utf-8")
    line = 1 + [each.strip() for each in text.splitlines()].index("wsdl_file: water.wsdl")

    def missing(name: str) -> str:
        raise FileNotFoundError(2, "No such file", name)

    with pytest.raises(Problem) as caught:
        with_files(text, missing)
    assert f"line {line}:" in caught.value.violations[0].en


def test_a_profile_that_still_names_a_file_cannot_be_applied() -> None:
    profile, _ = read_profile((PROFILES / "water_asmx/profile.yaml").read_text(encoding="utf-8"))
    (fault,) = check_soap(profile.connections[0]).faults
    assert fault.place == ("soap", "wsdl_file")


def test_a_wsdl_longer_than_any_field_of_a_contract_is_kept_and_comes_out_as_it_went_in() -> None:
    document = the_document("water_asmx")
    document["connections"][0]["soap"]["wsdl"] += "<!-- " + "长" * 100_000 + " -->"
    profile, _ = read_profile(yaml.safe_dump(document, allow_unicode=True))
    assert read_profile(profile.yaml())[0] == profile


def test_of_a_wsdl_that_was_read_no_tree_is_kept() -> None:
    before = _trees()
    kept = read_wsdl(POWER, {"power-types.xsd": TYPES})
    assert kept.operations and _trees() == before


def _trees() -> int:
    gc.collect()
    return sum(isinstance(each, etree._Element) for each in gc.get_objects())
