"""Each unit sees and touches only what is its own: every route of the published document, tried by a stranger."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.samples import VALID
from hub.api.incoming import NEWEST, ROUTES
from tests.builders import a_place
from tests.stories.conftest import RunningHub
from tests.stories.test_readme import a_png

OWNER, STRANGER = "housing_construction", "telecom"

ADMINISTRATION = {
    "/api/v1/units/{unit}/profile": {"unit": OWNER, "connections": [{"name": "main", "transport": "pull"}]},
    "/api/v1/units/{unit}/state": {"state": "retired", "reason": "x"},
    "/api/v1/letters/{id}/replay": {"reason": "x"},
    "/api/v1/letters/{id}/cancel": {"reason": "x"},
}
"""Bodies that would be taken from an administrator."""

COMMON = {"/api/v1/units", "/api/v1/clock"}
"""What every unit may read whole: the city's directory, the city's time."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What belongs to the owner, and the names under which a stranger may ask for it."""

    case: str
    letter: str
    photo: str
    lease: str
    key_id: str
    refused_id: int

    def names(self) -> dict[str, str]:
        return {
            "number": self.case,
            "unit": OWNER,
            "connection": f"{OWNER}.desk",
            "key_id": self.key_id,
            "refused_id": str(self.refused_id),
            "month": "2026-11",
            "code": "3308020107000001",
        }

    def path(self, template: str) -> str:
        names = self.names() | {"id": self.photo if "/attachments/" in template else self.letter}
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], "unknown"), template)

    def secrets(self) -> list[str]:
        """What no answer to a stranger may hold."""
        return [self.case, self.letter, self.photo, self.lease, self.key_id, "井盖响得厉害"]


@pytest.fixture(scope="module")
def keys(hub: RunningHub) -> dict[str, str]:
    return {unit: hub.key_of(unit) for unit in (OWNER, STRANGER, "collection", "command_center")}


def a_report(hub: RunningHub, keys: dict[str, str], **more: Any) -> str:
    body = {"category_code": "E0104", "description": "井盖响得厉害", "place": a_place(), **more}
    said = hub.call("POST", "/api/v1/cases", body, keys["collection"], idempotency_key=uuid.uuid4().hex)[1]
    number: str = said["case_number"]
    return number


@pytest.fixture(scope="module")
def owned(hub: RunningHub, keys: dict[str, str]) -> Owned:
    made = hub.call("POST", f"/api/v1/units/{OWNER}/keys", {})[1]
    photo = hub.call("POST", "/api/v1/attachments", a_png(), made["key"], content_type="image/png")[1]
    number = a_report(hub, keys)
    hub.call("POST", "/api/v1/cases", {"category_code": "井盖响得厉害"}, made["key"])
    refused = hub.call("GET", f"/api/v1/refused?unit_id={OWNER}")[1]["items"][0]
    lease = hub.call("GET", "/api/v1/inbox?limit=200", key=made["key"])[1]
    letter = next(each for each in lease["items"] if each["event"]["subject"] == number)["letter_id"]
    note = {"description": "已到场", "photos": [photo["attachment_id"]], "final": False}
    assert hub.call("POST", f"/api/v1/cases/{number}/feedback", note, made["key"])[0] == 200
    return Owned(number, letter, photo["attachment_id"], lease["lease_id"], made["key_id"], refused["refused_id"])


def operations(hub: RunningHub) -> Iterator[tuple[str, str]]:
    """Every (method, path template) of the interface that needs a key."""
    document = hub.call("GET", "/openapi.json")[1]
    for path, methods in document["paths"].items():
        for method in methods:
            if path.startswith("/api/"):
                yield method.upper(), path


def body_for(path: str, owned: Owned) -> Any:
    last = path.rpartition("/")[2]
    if path.startswith("/api/v1/cases/{number}/") and last in ROUTES:
        return VALID[NEWEST[ROUTES[last]].contract]
    if path == "/api/v1/inbox/ack":
        return {"lease_id": owned.lease, "letters": [owned.letter]}
    return ADMINISTRATION.get(path, {})


def test_a_stranger_gets_nothing_and_changes_nothing_on_any_route(
    hub: RunningHub, keys: dict[str, str], owned: Owned
) -> None:
    before = hub.call("GET", f"/api/v1/cases/{owned.case}/entries")[1]
    leaks, taken = [], []
    for method, template in operations(hub):
        body = body_for(template, owned) if method != "GET" else None
        status, said, _ = hub.call(method, owned.path(template), body, keys[STRANGER])
        text = json.dumps(said, ensure_ascii=False) if not isinstance(said, bytes) else said.decode("utf-8", "replace")
        # An answer may repeat what the question named; it must not confirm it.
        told = [secret for secret in owned.secrets() if secret in text and (status < 300 or secret not in template)]
        if "{" in template and status not in (403, 404):
            taken.append((method, template, status))
        if status < 300 and told and template not in COMMON and template != "/api/v1/inbox/ack":
            leaks.append((method, template, told))
        if status == 409 or "state" in (said if isinstance(said, dict) and status >= 400 else {}):
            leaks.append((method, template, said))
    assert (taken, leaks) == ([], [])
    acknowledged = hub.call("POST", "/api/v1/inbox/ack", body_for("/api/v1/inbox/ack", owned), keys[STRANGER])[1]
    assert (acknowledged["acknowledged"], acknowledged["lease_lost"]) == ([], [owned.letter])
    assert hub.call("GET", f"/api/v1/cases/{owned.case}/entries")[1] == before
    assert hub.call("GET", f"/api/v1/units/{OWNER}/profile")[0] == 404
    assert hub.call("GET", f"/api/v1/refused/{owned.refused_id}")[1].get("settled_at") is None


@pytest.mark.parametrize("filters", ["lead_unit_id=housing_construction", "category_code=E0104", "stage=handle", ""])
def test_no_filter_of_a_list_shows_a_stranger_what_is_not_its_own(
    hub: RunningHub, keys: dict[str, str], owned: Owned, filters: str
) -> None:
    for path in ("cases", "letters", "changes"):
        query = filters if path == "cases" else f"unit_id={OWNER}" if path == "letters" else ""
        said = hub.call("GET", f"/api/v1/{path}?limit=500&{query}", key=keys[STRANGER])[1]
        assert [secret for secret in owned.secrets() if secret in json.dumps(said, ensure_ascii=False)] == []


def test_a_message_about_a_strangers_case_is_refused_by_every_door_alike(
    hub: RunningHub, keys: dict[str, str], owned: Owned
) -> None:
    for kind, model in NEWEST.items():
        if kind == "case.report":
            continue
        event = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/x", "type": kind, "subject": owned.case}
        event["data"] = VALID[model.contract]
        status, said, _ = hub.call(
            "POST", "/api/v1/messages", event, keys[STRANGER], content_type="application/cloudevents+json"
        )
        assert status in (403, 404) and "state" not in said, (kind, status, said)


def test_a_photo_is_not_shown_to_a_unit_that_only_writes_down_its_name(
    hub: RunningHub, keys: dict[str, str], owned: Owned
) -> None:
    number = a_report(hub, keys, category_code="E0104")
    moved = {"unit_id": STRANGER, "reason": "核实权属"}
    assert hub.call("POST", f"/api/v1/cases/{number}/dispatch", moved, keys["command_center"])[0] == 200
    note = {"description": owned.photo, "final": False}
    assert hub.call("POST", f"/api/v1/cases/{number}/feedback", note, keys[STRANGER])[0] == 200
    href = f"/api/v1/attachments/{owned.photo}?case_number={number}"
    assert hub.call("GET", href, key=keys[STRANGER])[0] == 404
    own = f"/api/v1/attachments/{owned.photo}?case_number={owned.case}"
    assert hub.call("GET", own, key=keys["collection"])[1] == a_png()


def test_a_unit_that_lost_a_case_keeps_its_own_part_and_learns_nothing_more(
    hub: RunningHub, keys: dict[str, str]
) -> None:
    number = a_report(hub, keys)
    path = f"/api/v1/cases/{number}"
    moved = {"unit_id": STRANGER, "reason": "核实权属"}
    assert hub.call("POST", f"{path}/dispatch", moved, keys["command_center"])[0] == 200
    _, case, headers = hub.call("GET", path, key=keys[OWNER])
    assert case["sight_ended"] and "state" not in case and "lead_unit_id" not in case
    assert [each["unit_id"] for each in case["dispatches"]] == [OWNER]
    log = hub.call("GET", f"{path}/entries", key=keys[OWNER])[1]["items"]
    feed = hub.call("GET", f"/api/v1/changes?limit=500&after={log[0]['position']}", key=keys[OWNER])[1]["items"]
    assert [each for each in feed if each["case_number"] == number][-1] == log[-1]
    assert hub.call("POST", f"{path}/acknowledgement", {}, keys[STRANGER])[0] == 200
    assert hub.call("GET", f"{path}/entries", key=keys[OWNER])[1]["items"] == log
    _, later, now = hub.call("GET", path, key=keys[OWNER])
    assert (later, now["etag"]) == (case, headers["etag"])
    assert {each["unit_id"] for each in hub.call("GET", f"{path}/letters", key=keys[OWNER])[1]["items"]} == {OWNER}
    clock = hub.call("GET", f"{path}/clock", key=keys[OWNER])[1]
    assert {each["unit_id"] for each in clock["dispatches"]} == {OWNER}
    refused = hub.call("POST", f"{path}/feedback", {"description": "迟到"}, keys[OWNER])
    assert (refused[0], refused[1]["type"].rpartition("/")[2]) == (409, "not_responsible")
