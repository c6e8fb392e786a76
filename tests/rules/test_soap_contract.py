"""The WSDL of the hub's own SOAP service: generated, unchanged, and saying what the contracts say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import orjson
import pytest
from lxml import etree

from adapters.soap_in import Wire
from adapters.soap_in.encoding import element
from adapters.soap_in.envelope import written
from adapters.soap_in.shapes import shape_of
from contracts.live import INBOUND
from contracts.problem import Problem
from contracts.samples import INVALID, VALID
from contracts.soap.operations import NAMESPACE, OPERATIONS, Operation
from contracts.soap.wire import SoapVersion
from contracts.soap.wsdl import FILE, served, stale_wsdl, write_wsdl

NOW = datetime(2026, 11, 23, tzinfo=UTC)
NUMBER = "330800-20261123-000042"
XS = "{http://www.w3.org/2001/XMLSchema}"
MESSAGES = [each for each in OPERATIONS.values() if each.contract and each.name != "progress"]
SAID_OTHERWISE = {"acknowledge", "dispute", "acceptReport", "recallDispatch", "judgeLateProof"}
"""Their invalid examples are nothing wrong in XML: an empty text, a null, one value for a list of one, 1 for true."""


@cache
def schema() -> Any:
    # As a document of its own: it declares the prefixes that stand further out.
    return etree.XMLSchema(etree.fromstring(etree.tostring(etree.parse(FILE).find(f".//{XS}schema"))))


def request_of(operation: Operation, data: Any) -> str:
    numbered = {} if operation.name == "report" else {"case_number": NUMBER}
    return element(operation.name, {**numbered, "data": data}, shape_of(operation.takes))


def read(text: str, version: SoapVersion = SoapVersion.SOAP_11) -> Any:
    wire = Wire()
    return wire.read(wire.open(written(version, text), "text/xml", NOW))[1]


def test_the_committed_wsdl_is_what_the_contracts_say() -> None:
    assert not stale_wsdl()


def test_a_changed_or_missing_wsdl_is_stale(tmp_path: Any) -> None:
    file = tmp_path / "v1.wsdl"
    assert stale_wsdl(file)
    write_wsdl(file)
    assert not stale_wsdl(file)
    file.write_text(file.read_text() + "\n")
    assert stale_wsdl(file)


def test_every_message_that_a_unit_may_send_has_an_operation() -> None:
    assert {each.contract for each in OPERATIONS.values() if each.contract} == set(INBOUND)


def test_the_service_is_where_its_caller_reached_it_and_keeps_its_namespace() -> None:
    made = etree.fromstring(served('http://a.example/?x="&<'))
    assert made.get("targetNamespace") == NAMESPACE
    assert set(made.xpath("//*[local-name()='address']/@location")) == {'http://a.example/?x="&<'}


@pytest.mark.parametrize("operation", MESSAGES, ids=lambda each: each.name)
def test_the_valid_example_of_a_contract_is_valid_xml_and_comes_out_as_it_went_in(operation: Operation) -> None:
    assert operation.contract is not None
    example = VALID[operation.contract.contract]
    text = request_of(operation, example)
    schema().assertValid(etree.fromstring(text))
    request = read(text)
    assert request.data == operation.contract.model_validate_json(orjson.dumps(example))


@pytest.mark.parametrize(
    "operation", [each for each in MESSAGES if each.name not in SAID_OTHERWISE], ids=lambda each: each.name
)
def test_the_invalid_example_of_a_contract_is_refused_with_a_pointer_into_the_request(operation: Operation) -> None:
    assert operation.contract is not None
    example = INVALID[operation.contract.contract]
    with pytest.raises(Problem) as refusal:
        read(_loose(operation.name, {"case_number": NUMBER, "data": example}))
    assert refusal.value.kind == "contract_broken"
    assert all(each.pointer.startswith("#/") and each.zh and each.en for each in refusal.value.violations)


@pytest.mark.parametrize("version", list(SoapVersion))
def test_what_the_hub_answers_is_valid_by_its_own_schema(version: SoapVersion) -> None:
    problem = Problem("step_not_allowed", "不行 <&>\0", "no", fields={"state": "closed", "steps": [1, "二"]})
    answer = Wire().fault(version, problem, "0af7651916cd43dd8448eb211c80319c")
    (told,) = etree.fromstring(answer.body).iter(f"{{{NAMESPACE}}}problem")
    schema().assertValid(told)
    facts = [node.text for node in told.iter(f"{{{NAMESPACE}}}value")]
    assert facts == ["closed", '[1, "二"]']


def _loose(name: str, values: Mapping[str, Any]) -> str:
    """Any values as XML, whether or not a shape has them."""

    def inner(value: Any) -> str:
        if isinstance(value, Mapping):
            return "".join(f"<{key}>{inner(each)}</{key}>" for key, held in value.items() for each in _each(held))
        return escape(str(value).lower() if isinstance(value, bool) else str(value))

    return f'<{name} xmlns="{NAMESPACE}">{inner(values)}</{name}>'


def _each(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [held]
