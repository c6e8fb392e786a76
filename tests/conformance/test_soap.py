"""The SOAP adapter meets the suite, and the claims that only SOAP can break."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from lxml import etree

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.soap import SoapAdapter, SoapCalls
from contracts.nouns import Receipt
from contracts.port import DeliveryFailed, Photo, Refused, Unauthorised, Unavailable
from tests.conformance.adapter_suite import AdapterSuite, MovingClock, a_letter
from tests.conformance.soap_unit import PASSWORD, PasswordSecrets, SoapUnit, a_soap_unit


class NoPhotos:
    """A hub without photos."""

    async def photo(self, attachment_id: str) -> Photo:
        """None here."""
        raise KeyError(attachment_id)


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoapUnit]:
    """A unit's SOAP system, shared by the claims of this file."""
    with a_soap_unit(tmp_path_factory.mktemp("unit")) as unit:
        yield unit


@pytest.fixture
async def adapter(clock: MovingClock) -> AsyncIterator[SoapAdapter]:
    """An adapter that may call this machine."""
    http = HttpCalls(OutboundGuard(allow=(ip_network("127.0.0.0/8"),)), "0.1.0", now=clock)
    adapter = SoapAdapter(SoapCalls(Authenticator(PasswordSecrets(), http), now=clock), NoPhotos())
    yield adapter
    await adapter.close()
    await http.close()


class TestSoap(AdapterSuite):
    """The suite over SOAP."""


def rules(*said: dict[str, Any]) -> dict[str, Any]:
    return {"written_as": {"format": "xml"}, "rules": list(said)}


async def test_an_endless_answer_is_not_read_to_its_end_and_leaves_the_letter_in_doubt(
    adapter: SoapAdapter, partner: SoapUnit
) -> None:
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(partner.connection("floods"), a_letter())
    assert caught.value.in_doubt and len(caught.value.answer) <= 2048


async def test_a_fault_of_the_service_may_pass_and_leaves_the_letter_in_doubt(
    adapter: SoapAdapter, partner: SoapUnit
) -> None:
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(partner.connection("fails"), a_letter())
    assert caught.value.in_doubt and "userException" in caught.value.reason


async def test_an_error_code_inside_a_200_is_what_the_profile_says(adapter: SoapAdapter, partner: SoapUnit) -> None:
    code_7 = {"means": "refused", "when": [{"path": "deliverResponse.code", "equals": "7"}]}
    connection = partner.connection("says_code_7", answers=rules({**code_7, "reason": "deliverResponse.code"}))
    with pytest.raises(Refused, match="7"):
        await adapter.deliver(connection, a_letter())
    assert (await adapter.deliver(partner.connection("says_code_7"), a_letter())).receipt is Receipt.PROCESSED


async def test_a_fault_is_what_the_profile_says(adapter: SoapAdapter, partner: SoapUnit) -> None:
    again = {"means": "retry", "when": [{"path": "Fault.faultstring", "equals": "无此案件"}], "retry_after_seconds": 9}
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(partner.connection("refuses", answers=rules(again)), a_letter())
    assert caught.value.retry_after_seconds == 9


@pytest.mark.parametrize("behaviour", ["forbids", "does_not_understand"])
async def test_what_no_letter_could_mend_calls_a_person(
    adapter: SoapAdapter, partner: SoapUnit, behaviour: str
) -> None:
    with pytest.raises(Unauthorised):
        await adapter.deliver(partner.connection(behaviour), a_letter())


@pytest.mark.parametrize("behaviour", ["shows_a_page", "bombs"])
async def test_a_success_that_is_no_soap_message_leaves_the_letter_in_doubt(
    adapter: SoapAdapter, partner: SoapUnit, behaviour: str
) -> None:
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(partner.connection(behaviour), a_letter())
    assert caught.value.in_doubt


async def test_an_answer_in_gbk_is_read(adapter: SoapAdapter, partner: SoapUnit) -> None:
    taken = {"means": "received", "when": [{"path": "deliverResponse.code", "equals": "已签收"}]}
    delivered = await adapter.deliver(partner.connection("answers_in_gbk", answers=rules(taken)), a_letter())
    assert delivered.receipt is Receipt.RECEIVED


async def test_all_of_two_attempts_is_the_same_but_the_security_header(adapter: SoapAdapter, partner: SoapUnit) -> None:
    connection = partner.connection("processes")
    for _ in range(2):
        await adapter.deliver(connection, a_letter())
    first, second = await partner.envelopes(connection, at_least=2)
    assert etree.tostring(first) != etree.tostring(second)
    for envelope in (first, second):
        (security,) = envelope.xpath("//*[local-name()='Security']")
        security.getparent().remove(security)
    assert etree.tostring(first) == etree.tostring(second)


async def test_a_missing_password_calls_a_person(adapter: SoapAdapter, partner: SoapUnit) -> None:
    connection = partner.connection("processes", security={"user": "cityhub", "secret": "other"})
    with pytest.raises(Unauthorised, match="other"):
        await adapter.deliver(connection, a_letter())
    assert await partner.envelopes(connection) == []


async def test_basic_authentication_goes_beside_the_envelope(adapter: SoapAdapter, partner: SoapUnit) -> None:
    basic = {"kind": "basic", "user": "szcg", "secret": "soap-password"}
    connection = partner.connection("processes", authentication=basic)
    await adapter.deliver(connection, a_letter())
    (call,) = await partner.doors.calls(connection)
    assert base64.b64decode(call["headers"]["authorization"].removeprefix("Basic ")).decode() == f"szcg:{PASSWORD}"
    assert call["headers"]["soapaction"] == '"urn:unit/deliver"'
    assert call["headers"]["x-hub-delivery"] == a_letter().letter_id
    assert call["headers"]["traceparent"] == a_letter().traceparent


async def test_a_unit_that_demands_a_certificate_is_shown_the_hubs(clock: MovingClock, partner: SoapUnit) -> None:
    doors = partner.doors
    endpoint = f"https://127.0.0.1:{doors.demanding_port}/processes/certificate"
    http = HttpCalls(OutboundGuard(allow=(ip_network("127.0.0.0/8"),)), "0.1.0", (doors.authority,), now=clock)
    adapter = SoapAdapter(SoapCalls(Authenticator(PasswordSecrets(doors.identity), http), now=clock), NoPhotos())
    shown = partner.connection("processes", endpoint=endpoint, client_certificate="hub-certificate")
    assert (await adapter.deliver(shown, a_letter())).receipt is Receipt.PROCESSED
    with pytest.raises(DeliveryFailed):
        await adapter.deliver(partner.connection("processes", endpoint=endpoint), a_letter())
    await adapter.close()
    await http.close()
