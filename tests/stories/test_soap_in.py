"""Clients nobody here wrote bind the hub's WSDL as it is and do a unit's whole round."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zeep
from zeep.wsse.username import UsernameToken

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
