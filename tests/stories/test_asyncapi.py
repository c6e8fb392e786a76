"""The AsyncAPI document: the standard's own parser takes it, and a unit is told its own channels."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contracts.asyncapi import document
from contracts.live import INBOUND, OUTBOUND
from contracts.samples import INVALID, VALID
from contracts.yaml_text import read_yaml
from tests.node_packages import node_folder
from tests.stories.conftest import RunningHub, wait_for

pytestmark = pytest.mark.story

LEAD = "housing_construction"


def parsed(*documents: Any) -> list[dict[str, Any]]:
    """What the standard's parser makes of documents."""
    modules = node_folder("@asyncapi/parser@^3") / "node_modules"
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("asyncapi_check.cjs"))],
        input="".join(json.dumps(each) + "\n" for each in documents).encode(),
        capture_output=True,
        env={**os.environ, "NODE_PATH": str(modules)},
        timeout=120,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_standards_parser_finds_nothing_wrong(hub: RunningHub) -> None:
    status, served, _ = hub.call("GET", "/asyncapi.json")
    assert status == 200
    broken = {**served, "channels": {"letters": {"adress": "x"}}}
    good, bad = parsed(served, broken)
    assert good["parsed"] and good["bad"] == []
    assert bad["bad"] != [], "the parser sees what is wrong"
    assert good["operations"] == [["sendLetters", "send"], ["receiveMessages", "receive"]]


def test_the_yaml_says_the_same(hub: RunningHub) -> None:
    _, text, headers = hub.call("GET", "/asyncapi.yaml")
    assert headers["content-type"].startswith("application/yaml")
    assert read_yaml(text.decode())[0] == hub.call("GET", "/asyncapi.json")[1]
    assert hub.call("GET", "/asyncapi.xml")[0] in (404, 422)


def test_a_unit_is_told_its_own_channels_and_no_others(hub: RunningHub) -> None:
    for unit in (LEAD, "telecom"):
        profile = {"unit": unit, "connections": [{"name": "queue", "transport": "rabbitmq", "rabbitmq": {}}]}
        hub.call("PUT", f"/api/v1/units/{unit}/profile", profile)
        hub.call("POST", f"/api/v1/units/{unit}/state", {"state": "live", "reason": "story"})
    key = hub.key_of("telecom")

    def own() -> Any:
        made = hub.call("GET", "/api/v1/asyncapi.json", key=key)[1]
        return made if made["channels"] else None

    made = wait_for(own)
    (checked,) = parsed(made)
    assert checked["bad"] == []
    assert checked["channels"] == ["cityhub.telecom.queue.out", "cityhub.telecom.queue.in", None]
    assert hub.call("GET", "/api/v1/asyncapi.json", key="chk_nobody")[0] == 401


def test_every_contract_is_a_message_of_the_channel_that_it_belongs_to() -> None:
    made = document("0")
    for channel, models in (("letters", OUTBOUND), ("messages", INBOUND)):
        assert set(made["channels"][channel]["messages"]) == {each.contract.replace("/", "-") for each in models}


def test_its_schemas_judge_examples_as_the_contracts_do() -> None:
    made = document("0")
    for name, message in made["components"]["messages"].items():
        if name in ("answer", "problem"):
            continue
        contract = message["name"]
        payload = {**message["payload"], "components": made["components"]}
        judge = jsonschema.Draft202012Validator(payload)
        event = message["examples"][0]["payload"]
        assert event["data"] == VALID[contract]
        assert list(judge.iter_errors(event)) == []
        assert list(judge.iter_errors({**event, "data": INVALID[contract]})) != [], contract
