"""Clients nobody here wrote bind the hub's WSDL as it is and do a unit's whole round."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken

from contracts.soap.operations import NAMESPACE
from tests.builders import a_place
from tests.stories.conftest import RunningHub, start_hub, stop_hub
from tests.stories.soap_stacks import PNG, STACKS, missing


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub of its own: these stories empty a unit's inbox."""
    running = start_hub(tmp_path_factory.mktemp("soap") / "data")
    try:
        yield running
    finally:
        stop_hub(running)


@pytest.fixture(scope="module")
def keys(hub: RunningHub) -> dict[str, str]:
    return {unit: hub.key_of(unit) for unit in ("collection", "housing_construction", "telecom")}


def a_case(hub: RunningHub, keys: dict[str, str]) -> str:
    body = {"category_code": "E0402", "description": "自来水管破裂", "place": a_place()}
    status, said, _ = hub.call("POST", "/api/v1/cases", body, keys["collection"], idempotency_key=uuid.uuid4().hex)
    assert status == 201, said
    number: str = said["case_number"]
    return number


def a_zeep(hub: RunningHub, unit: str, key: str, port: str = "CityHubSoap11") -> Any:
    return zeep.Client(f"{hub.url}/soap/v1?wsdl", wsse=UsernameToken(unit, key), port_name=port).service


@pytest.mark.parametrize("port", ["CityHubSoap11", "CityHubSoap12"])
def test_zeep_does_a_round(hub: RunningHub, keys: dict[str, str], port: str) -> None:
    number = a_case(hub, keys)
    service = a_zeep(hub, "housing_construction", keys["housing_construction"], port)
    inbox = service.fetchLetters(limit=200)
    (letter,) = [each for each in inbox.letters if each.case_number == number]
    assert letter.dispatch.category_code == "E0402" and letter.recall_notice is None
    receipt = service.acknowledge(case_number=number, data={"handler": "抢修一班"})
    assert (receipt.case_number, receipt.repeated) == (number, False)
    service.progress(case_number=number, data={"description": "已到场"})
    service.feedback(envelope={"message_id": f"f-{number}"}, case_number=number, data={"description": "已修复"})
    again = service.feedback(envelope={"message_id": f"f-{number}"}, case_number=number, data={"description": "已修复"})
    assert again.repeated
    assert service.queryCase(case_number=number).state == "in_verification"
    assert service.confirmLetters(inbox.lease_id, [letter.letter_id]).acknowledged == [letter.letter_id]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_binds_the_wsdl_as_it_is_and_does_the_round_of_the_page(
    hub: RunningHub, keys: dict[str, str], stack: str, tmp_path: Path
) -> None:
    if absent := missing(stack):
        pytest.skip(f"this stack needs {', '.join(absent)}")
    number = a_case(hub, keys)
    key = keys["housing_construction"]
    (tmp_path / "after.png").write_bytes(PNG)
    environment = {"CITYHUB_URL": hub.url, "CITYHUB_UNIT": "housing_construction", "CITYHUB_KEY": key}
    assert STACKS[stack](tmp_path, environment).split() == [number, "in_verification"]
    log = hub.call("GET", f"/api/v1/cases/{number}/entries", key=key)[1]["items"]
    mine = [entry for entry in log if entry["unit_id"] == "housing_construction"]
    assert [entry["step"] for entry in mine] == ["acknowledge", "progress", "answer"]
    (photo,) = mine[-1]["fact"]["photos"]
    assert hub.call("GET", f"/api/v1/attachments/{photo}", key=key)[1] == PNG
    assert hub.call("GET", "/api/v1/inbox", key=key)[1]["items"] == []


# -- who calls, and what is kept ---------------------------------------------------------------------------------------

WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
ENV = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}


def post(hub: RunningHub, inner: str, header: str = "", version: str = "1.1", **headers: str) -> tuple[int, Any, Any]:
    """(status, the answer's root, headers) of a call that shows nothing but what is given."""
    asked = inner.replace(">", f' xmlns="{NAMESPACE}">', 1)
    envelope = (
        f'<s:Envelope xmlns:s="{ENV[version]}"><s:Header>{header}</s:Header><s:Body>{asked}</s:Body></s:Envelope>'
    )
    named = {"authorization": "", "content_type": "text/xml", **headers}
    status, said, told = hub.call("POST", "/soap/v1", envelope.encode(), **named)
    return status, etree.fromstring(said), told


def a_token(user: str, password: str, kind: str = "PasswordText") -> str:
    of = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
    return (
        f'<w:Security xmlns:w="{WSS}" s:mustUnderstand="1"><w:UsernameToken><w:Username>{user}</w:Username>'
        f'<w:Password Type="{of}#{kind}">{password}</w:Password></w:UsernameToken></w:Security>'
    )


def problem(root: Any) -> dict[str, str]:
    (found,) = root.iter(f"{{{NAMESPACE}}}problem")
    return {etree.QName(node).localname: node.text for node in found if len(node) == 0}


def test_a_password_digest_is_refused_with_the_reason(hub: RunningHub, keys: dict[str, str]) -> None:
    status, root, _ = post(hub, "<fetchLetters></fetchLetters>", a_token("telecom", "x", "PasswordDigest"))
    said = problem(root)
    assert (status, said["status"]) == (500, "401")
    assert "PasswordText" in said["detail_zh"] and "digest" in said["detail_en"]


@pytest.mark.parametrize("user", ["collection", "", "chk_x"])
def test_a_key_goes_with_its_own_unit_or_its_own_id_only(hub: RunningHub, keys: dict[str, str], user: str) -> None:
    status, root, _ = post(hub, "<fetchLetters></fetchLetters>", a_token(user, keys["telecom"]))
    assert (status, problem(root)["status"]) == (500, "401")
    key_id = keys["telecom"].split("_")[1]
    assert post(hub, "<fetchLetters></fetchLetters>", a_token(key_id, keys["telecom"]))[0] == 200


def test_who_shows_nothing_is_asked_as_http_asks(hub: RunningHub) -> None:
    status, root, headers = post(hub, "<fetchLetters></fetchLetters>")
    assert (status, headers["www-authenticate"][:5]) == (401, "Basic")
    assert headers["content-type"].startswith("application/problem+xml")
    assert root.findtext(f"{{{NAMESPACE}}}status") == "401"


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_refused_message_lists_every_fault_and_is_kept_without_the_password(
    hub: RunningHub, keys: dict[str, str], version: str
) -> None:
    inner = (
        "<feedback><case_number>nr-1</case_number><data><final>perhaps</final><photos>!</photos><more>1</more>"
        "</data></feedback>"
    )
    status, root, _ = post(hub, inner, a_token("telecom", keys["telecom"]), version)
    assert status == (500 if version == "1.1" else 400)
    assert problem(root)["type"].endswith("/contract_broken")
    pointers = [node.text for node in root.iter(f"{{{NAMESPACE}}}pointer")]
    assert pointers == ["#/case_number", "#/data/description", "#/data/final", "#/data/photos/0", "#/data/more"]
    for language in ("detail_zh", "detail_en"):
        assert all(node.text for node in root.iter(f"{{{NAMESPACE}}}{language}"))
    newest = hub.call("GET", "/api/v1/refused?limit=1")[1]["items"][0]
    raw = hub.call("GET", f"/api/v1/refused/{newest['refused_id']}")[1]["raw"]
    assert newest["door"] == "/soap/v1" and newest["unit_id"] == "telecom"
    assert "perhaps" in raw and keys["telecom"] not in raw and "UsernameToken" not in raw


def test_what_was_sent_by_rest_and_again_by_soap_is_one_message(hub: RunningHub, keys: dict[str, str]) -> None:
    number, key = a_case(hub, keys), keys["housing_construction"]
    path = f"/api/v1/cases/{number}/acknowledgement"
    assert hub.call("POST", path, {"handler": "三班"}, key, idempotency_key="once-1")[0] == 200
    service = a_zeep(hub, "housing_construction", key)
    assert service.acknowledge({"message_id": "once-1"}, number, {"handler": "三班"}).repeated
    with pytest.raises(zeep.exceptions.Fault) as fault:
        service.acknowledge({"message_id": "once-1"}, number, {"handler": "四班"})
    assert problem(fault.value.detail)["type"].endswith("/key_reused")


def test_a_refusal_by_the_case_says_how_the_case_stands(hub: RunningHub, keys: dict[str, str]) -> None:
    number = a_case(hub, keys)
    with pytest.raises(zeep.exceptions.Fault) as fault:
        a_zeep(hub, "telecom", keys["telecom"]).acknowledge(case_number=number, data={})
    said = problem(fault.value.detail)
    assert said["status"] in ("404", "409") and fault.value.code.endswith("Client")


def test_photos_go_in_and_out_and_only_pictures(hub: RunningHub, keys: dict[str, str]) -> None:
    service = a_zeep(hub, "telecom", keys["telecom"])
    photo = service.sendPhoto(PNG)
    assert (photo.media_type, photo.width) == ("image/png", 1)
    assert service.fetchPhoto(photo.attachment_id).content == PNG
    with pytest.raises(zeep.exceptions.Fault) as fault:
        a_zeep(hub, "collection", keys["collection"]).fetchPhoto(photo.attachment_id)
    assert problem(fault.value.detail)["status"] == "404"
    with pytest.raises(zeep.exceptions.Fault) as fault:
        service.sendPhoto(b"not a picture")
    assert problem(fault.value.detail)["type"].endswith("/attachment_invalid")
    large = PNG + bytes(3 * 1024 * 1024)
    assert service.fetchPhoto(service.sendPhoto(large).attachment_id).content == large
