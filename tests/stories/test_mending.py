"""An operator mends the traffic at the command line: dead letters seen, replayed, cancelled; a secret rotated."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.builders import a_place
from tests.stories.conftest import RunningHub, start_hub, stop_hub, wait_for
from tests.stories.test_running import cityhub

UNIT = "housing_construction"


@dataclass(slots=True)
class Receiver:
    """The unit's system: answers as it is told, keeps what came."""

    status: int = 200
    port: int = 0
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def of(self, letter: str) -> list[bytes]:
        return [body for headers, body in self.came if headers["webhook-id"] == letter]

    def last(self, case: str) -> tuple[dict[str, str], bytes] | None:
        return next((each for each in reversed(self.came) if json.loads(each[1])["subject"] == case), None)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub of its own: here a unit goes live, whose letters others look for at its desk."""
    running = start_hub(tmp_path_factory.mktemp("mending") / "data")
    yield running
    stop_hub(running)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            said = b"no such street" if made.status >= 400 else b""
            self.send_response(made.status)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def secret(hub: RunningHub, receiver: Receiver) -> str:
    """The unit is live from here on; its signing secret."""
    rest = {"endpoint": f"http://127.0.0.1:{receiver.port}/letters"}
    profile = {"unit": UNIT, "connections": [{"name": "main", "transport": "rest", "rest": rest}]}
    applied = hub.call("PUT", f"/api/v1/units/{UNIT}/profile", profile)[1]
    assert hub.call("POST", f"/api/v1/units/{UNIT}/state", {"state": "live", "reason": "试"})[0] == 200
    wait_for(lambda: any(lane.get("running") for lane in hub.call("GET", "/api/v1/lanes")[1]["items"]))
    shown: str = applied["secrets"][0]["secret"]
    return shown


def a_case(hub: RunningHub) -> str:
    body = {"category_code": "E0402", "description": "自来水管破裂", "place": a_place()}
    number: str = hub.call("POST", "/api/v1/cases", body, hub.key_of("collection"))[1]["case_number"]
    return number


def a_dead_letter(hub: RunningHub, receiver: Receiver) -> str:
    receiver.status = 400
    case = a_case(hub)

    def buried() -> str | None:
        dead = hub.call("GET", "/api/v1/letters?dead=true&limit=500")[1]["items"]
        return next((each["letter_id"] for each in dead if each["case_number"] == case), None)

    found: str = wait_for(buried)
    return found


def told(hub: RunningHub, *words: str) -> str:
    run = cityhub(*words, f"--data={hub.data}")
    assert run.returncode == 0, run.stderr
    return run.stdout


def state(hub: RunningHub, letter: str) -> str:
    listed = json.loads(told(hub, "letters", "list", "--limit=500", "--json"))
    items = listed["items"] if isinstance(listed, dict) else listed
    found: str = next(each["state"] for each in items if each["letter_id"] == letter)
    return found


def attempts(hub: RunningHub, letter: str) -> list[str]:
    return [each["outcome"] for each in hub.call("GET", f"/api/v1/letters/{letter}/attempts")[1]["items"]]


def test_a_dead_letter_is_seen_with_what_the_unit_said_and_replayed_with_the_same_bytes(
    hub: RunningHub, receiver: Receiver, secret: str
) -> None:
    letter = a_dead_letter(hub, receiver)
    assert letter in told(hub, "letters", "list", "--dead")
    shown = told(hub, "letters", "show", letter)
    assert "400" in shown and "no such street" in shown
    receiver.status = 200
    replayed = json.loads(told(hub, "letters", "replay", letter, "--reason=对方已修复", "--json"))
    assert replayed == {"replayed": [letter]}
    wait_for(lambda: len(receiver.of(letter)) > 1)
    wait_for(lambda: len(attempts(hub, letter)) > 1)
    assert attempts(hub, letter)[-1] == "processed", hub.call("GET", f"/api/v1/letters/{letter}/attempts")[1]
    assert state(hub, letter) == "delivered"
    first, *again = receiver.of(letter)
    assert again and {first} == set(again)


def test_a_cancelled_letter_never_comes_and_leaves_the_shelf(hub: RunningHub, receiver: Receiver, secret: str) -> None:
    letter = a_dead_letter(hub, receiver)
    receiver.status, tries = 200, len(receiver.of(letter))
    told(hub, "letters", "cancel", letter, "--reason=已电话告知")
    assert state(hub, letter) == "cancelled"
    wait_for(lambda: receiver.last(a_case(hub)))
    assert len(receiver.of(letter)) == tries


@pytest.mark.parametrize("job", ["show", "replay", "cancel"])
@pytest.mark.parametrize("letter", ["ltr_0000009999999999", "42", "信"])
def test_a_letter_that_is_not_there_is_said_in_a_sentence(hub: RunningHub, job: str, letter: str) -> None:
    run = cityhub("letters", job, letter, f"--data={hub.data}", *(["--reason=x"] if job != "show" else []))
    assert run.returncode == 1 and "信件" in run.stderr and "letter" in run.stderr and "Traceback" not in run.stderr


def test_a_rotated_secret_signs_beside_the_old_one(hub: RunningHub, receiver: Receiver, secret: str) -> None:
    receiver.status = 200
    rotated = json.loads(told(hub, "units", "rotate", f"{UNIT}.main", "--json"))
    new = next(word for word in _words(rotated) if word.startswith("whsec_"))

    def signed_by_both() -> bool:
        headers, body = wait_for(lambda: receiver.last(a_case(hub)))
        return _verifies(secret, headers, body) and _verifies(new, headers, body)

    wait_for(signed_by_both)
    assert secret not in json.dumps(rotated)


def test_one_trace_goes_from_the_report_to_the_last_feedback_in_out_and_on_each_line(
    hub: RunningHub, receiver: Receiver, secret: str
) -> None:
    receiver.status, trace = 200, uuid.uuid4().hex
    body = {"category_code": "E0402", "description": "自来水管破裂", "place": a_place()}
    sender = f"00-{trace}-{uuid.uuid4().hex[:16]}-01"
    said = hub.call("POST", "/api/v1/cases", body, hub.key_of("collection"), traceparent=sender)
    case, answered = said[1]["case_number"], said[2]["traceparent"]
    headers, _ = wait_for(lambda: receiver.last(case))
    assert answered[3:35] == headers["traceparent"][3:35] == trace
    # The unit's system knows nothing of traces: its answer goes on in the case's.
    fed = {"description": "已修复"}
    assert hub.call("POST", f"/api/v1/cases/{case}/feedback", fed, hub.key_of(UNIT))[0] == 200
    entries = hub.call("GET", f"/api/v1/cases/{case}/entries")[1]["items"]
    assert {each["traceparent"][3:35] for each in entries} == {trace}
    assert _pulled(hub, "collection", case)["traceparent"][3:35] == trace

    def logged() -> bool:
        lines = [json.loads(line) for line in _log(hub) if trace in line]
        told = {(line["event"], line.get("contract")) for line in lines if line.get("trace_id") == trace}
        return {("message.accepted", "case.report/1.0"), ("letter.delivered", "case.dispatch/1.0")} <= told

    wait_for(logged)


def _pulled(hub: RunningHub, unit: str, case: str) -> dict[str, Any]:
    key = hub.key_of(unit)
    while items := hub.call("GET", "/api/v1/inbox?limit=200&wait=5", key=key)[1]["items"]:
        for each in items:
            if each["event"]["subject"] == case:
                found: dict[str, Any] = each
                return found
    raise AssertionError(f"nothing about {case} for {unit}")


def _log(hub: RunningHub) -> list[str]:
    return (hub.data.parent / f"{hub.data.name}.log").read_text(encoding="utf-8").splitlines()


def _verifies(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def _words(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for value in document.values():
            yield from _words(value)
    elif isinstance(document, list):
        for value in document:
            yield from _words(value)
    else:
        yield str(document)
