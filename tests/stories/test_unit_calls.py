"""Units that call the hub in their own format: a SOAP service of 2009 with GBK XML in a string, JSON, a form."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import zeep
from zeep.transports import Transport

from tests.builders import a_place
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub, wait_for

LEAD = "housing_construction"
PASSWORD, TOKEN = "口令-9f3c7b21", "tk-5d0b8a3e77"
WSDL = (Path(__file__).parent / "unit_service.wsdl").read_text(encoding="utf-8")
PROFILE = f"""
profile: "1.0"
unit: {LEAD}
connections:
  - name: asmx
    transport: pull
    receives: []
    inbound:
      user: szcg
      secret: asmx
      wsdl: |
{"".join(f"        {line}" for line in WSDL.splitlines(keepends=True))}
      answers:
        - outcome: accepted
          code: "0"
          body: '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><NotifyResponse xmlns="http://water.example/szcg/"><NotifyResult>${{inner}}</NotifyResult></NotifyResponse></soap:Body></soap:Envelope>'
          inner:
            body: '<?xml version="1.0" encoding="GB2312"?><RESULT id="${{/soap:Envelope.soap:Body.w:Notify.w:xml.REPLY.@id}}"><CODE>${{code}}</CODE><NO>${{case_number}}</NO><MSG>${{reason_zh}}</MSG></RESULT>'
        - outcome: refused
          code: "9"
          body: '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><NotifyResponse xmlns="http://water.example/szcg/"><NotifyResult>${{inner}}</NotifyResult></NotifyResponse></soap:Body></soap:Envelope>'
          inner:
            body: '<?xml version="1.0" encoding="GB2312"?><RESULT><CODE>${{code}}</CODE><KIND>${{kind}}</KIND><MSG>${{reason_zh}}</MSG></RESULT>'
    mapping:
      written_as:
        format: xml
        encoding: utf-8
        namespaces:
          - {{prefix: soap, uri: "http://schemas.xmlsoap.org/soap/envelope/"}}
          - {{prefix: w, uri: "http://water.example/szcg/"}}
        wrap:
          - {{inside: "soap:Envelope.soap:Body.w:Notify.w:xml", encoding: gbk}}
      codes:
        - name: result
          unknown: park
          pairs:
            - {{ours: done, theirs: "01"}}
      in:
        - contract: case.acknowledgement
          base: "soap:Envelope.soap:Body.w:Notify.w:xml.REPLY"
          when: [{{path: "@type", equals: TAKE}}]
          fields:
            - {{to: envelope.id, from: "@id", required: true}}
            - {{to: envelope.case_number, from: TASKNUM, required: true}}
            - {{to: handler, from: WORKER}}
        - contract: case.feedback
          base: "soap:Envelope.soap:Body.w:Notify.w:xml.REPLY"
          when: [{{path: "@type", equals: FINISH}}]
          fields:
            - {{to: envelope.id, from: "@id", required: true}}
            - {{to: envelope.case_number, from: TASKNUM, required: true}}
            - {{to: description, from: CONTENT}}
            - {{to: result, from: RESULT, codes: result}}
  - name: json
    transport: pull
    receives: []
    inbound:
      token: {{place: field, name: auth.token, secret: token}}
    mapping:
      in:
        - contract: case.feedback
          fields:
            - {{to: envelope.case_number, from: no, required: true}}
            - {{to: description, from: text}}
  - name: form
    transport: pull
    receives: []
    inbound:
      token: {{place: query, name: key, secret: token}}
      answers:
        - {{outcome: accepted, body: "code=0&no=${{case_number}}"}}
        - {{outcome: refused, status: 200, code: "1", body: "code=${{code}}&msg=${{reason_zh}}"}}
    mapping:
      written_as: {{format: form, encoding: gbk}}
      in:
        - contract: case.acknowledgement
          fields:
            - {{to: envelope.case_number, from: no, required: true}}
            - {{to: handler, from: who}}
"""  # noqa: E501


def shell(hub: RunningHub, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", *words, f"--data={hub.data}"],
        input=text,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def goes_live(hub: RunningHub, connection: str) -> None:
    """The unit is live, and every process of the hub has heard of it: each answers at its own door."""
    status, said, _ = hub.call("POST", f"/api/v1/units/{LEAD}/state", {"state": "live", "reason": "x"})
    assert status == 200, said
    wsdl = f"/units/{LEAD}/in/{connection}?wsdl"
    wait_for(lambda: all(hub.call("GET", wsdl)[0] == 200 for _ in range(8)))


def apply(hub: RunningHub, text: str) -> None:
    status, said, _ = hub.call("PUT", f"/api/v1/units/{LEAD}/profile", text.encode(), content_type="application/yaml")
    assert status == 200, said


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    running = start_hub(tmp_path_factory.mktemp("own") / "data")
    try:
        apply(running, PROFILE)
        for name, value in (("asmx", PASSWORD), ("token", TOKEN)):
            assert shell(running, "secrets", "put", LEAD, name, text=value).returncode == 0
        goes_live(running, "asmx")
        yield running
    finally:
        stop_hub(running)


@pytest.fixture(scope="module")
def collector(hub: RunningHub) -> str:
    return hub.key_of("collection")


def a_case(hub: RunningHub, collector: str) -> str:
    body = {"category_code": "E0402", "description": "自来水管破裂", "place": a_place()}
    status, said, _ = hub.call("POST", "/api/v1/cases", body, collector, idempotency_key=uuid.uuid4().hex)
    assert status == 201, said
    number: str = said["case_number"]
    return number


def a_reply(kind: str, number: str, **more: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in more.items())
    return f'<REPLY id="{uuid.uuid4().hex[:12]}" type="{kind}"><TASKNUM>{number}</TASKNUM>{inner}</REPLY>'


class Asmx:
    """The unit's old client: it was made from the unit's own WSDL, by zeep for want of the real one."""

    def __init__(self, hub: RunningHub, password: str = PASSWORD) -> None:
        transport = Transport()
        transport.session.auth = (b"szcg", password.encode())
        self.service = zeep.Client(f"{hub.url}/units/{LEAD}/in/asmx?wsdl", transport=transport).service

    def notify(self, reply: str) -> Any:
        from lxml import etree

        said = self.service.Notify(xml=f'<?xml version="1.0" encoding="GB2312"?>{reply}')
        return etree.fromstring(said.partition("?>")[2])


def log_of(hub: RunningHub, number: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = hub.call("GET", f"/api/v1/cases/{number}/entries")[1]["items"]
    return [each for each in items if each["unit_id"] == LEAD]


def test_a_service_of_2009_binds_its_own_wsdl_here_and_is_answered_in_its_own_words(
    hub: RunningHub, collector: str
) -> None:
    number, client = a_case(hub, collector), Asmx(hub)
    taken = a_reply("TAKE", number, WORKER="抢修二班")
    said = client.notify(taken)
    assert (said.findtext("CODE"), said.findtext("NO"), said.findtext("MSG")) == ("0", number, "已接收")
    assert f'id="{said.get("id")}"' in taken
    # Its network swallowed the answer: it sends the same again.
    assert client.notify(taken).findtext("CODE") == "0"
    client.notify(a_reply("FINISH", number, CONTENT="更换水管", RESULT="01"))
    assert [each["step"] for each in log_of(hub, number)] == ["acknowledge", "answer"]
    refused = client.notify(taken.replace("抢修二班", "抢修三班"))
    assert (refused.findtext("CODE"), refused.findtext("KIND")) == ("9", "key_reused")


def test_an_unknown_code_waits_and_takes_effect_once_when_the_table_is_mended(hub: RunningHub, collector: str) -> None:
    number, client = a_case(hub, collector), Asmx(hub)
    reply = a_reply("FINISH", number, CONTENT="更换水管", RESULT="07")
    assert client.notify(reply).findtext("KIND") == "mapping_parked"
    (row,) = [each for each in hub.call("GET", "/api/v1/refused")[1]["items"] if each["kind"] == "mapping_parked"]
    assert row["connection_id"] == f"{LEAD}.asmx" and "profile line" in row["problem"]
    early = shell(hub, "refused", "replay", str(row["refused_id"]))
    assert early.returncode == 1 and "07" in early.stdout
    apply(
        hub,
        PROFILE.replace(
            '{ours: done, theirs: "01"}', '{ours: done, theirs: "01"}\n            - {ours: done, theirs: "07"}'
        ),
    )
    done = shell(hub, "refused", "replay", "--all", "--kind", "mapping_parked", "--unit", LEAD, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == [{"refused_id": row["refused_id"], "case_number": number, "repeated": False}]
    # Once more by a second click, and once more by the unit: nothing happens twice.
    status, said, _ = hub.call("POST", f"/api/v1/refused/{row['refused_id']}/replay", {})
    assert (status, said["type"].rpartition("/")[2]) == (409, "already_settled")
    assert client.notify(reply).findtext("CODE") == "0"
    assert [each["step"] for each in log_of(hub, number)] == ["answer"]
    # It counts from when it came, not from when the profile was mended.
    came, counted = (datetime.fromisoformat(at) for at in (row["received_at"], log_of(hub, number)[0]["effective_at"]))
    assert abs(came - counted) < timedelta(milliseconds=50)
    kept = hub.call("GET", f"/api/v1/refused/{row['refused_id']}")[1]
    assert kept["settled_as"].startswith(f"replayed: {number}") and kept["settled_by"] and kept["settled_at"]


def test_json_with_a_token_in_it_is_taken_and_the_token_is_kept_nowhere(hub: RunningHub, collector: str) -> None:
    number = a_case(hub, collector)
    asked = {"auth": {"token": TOKEN}, "no": number, "text": "已修复"}
    path = f"/units/{LEAD}/in/json"
    status, said, _ = hub.call("POST", path, asked, authorization="")
    assert (status, said["code"], said["case_number"]) == (200, "0", number)
    assert hub.call("POST", path, asked, authorization="")[1]["message_id"] == said["message_id"]
    assert [each["step"] for each in log_of(hub, number)] == ["answer"]
    status, said, _ = hub.call("POST", path, {**asked, "text": 5 * [1]}, authorization="")
    assert (status, said["type"].rpartition("/")[2]) == (422, "mapping_failed")
    newest = hub.call("GET", "/api/v1/refused?limit=1")[1]["items"][0]
    raw = hub.call("GET", f"/api/v1/refused/{newest['refused_id']}")[1]["raw"]
    assert TOKEN not in raw and number in raw


def test_a_gbk_form_is_taken_and_answered_as_a_form(hub: RunningHub, collector: str) -> None:
    number = a_case(hub, collector)
    path = f"/units/{LEAD}/in/form?key={TOKEN}"
    body = urlencode({"no": number, "who": "三班"}, encoding="gbk").encode()
    form = {"content_type": "application/x-www-form-urlencoded", "authorization": ""}
    assert hub.call("POST", path, body, **form)[1] == f"code=0&no={number}".encode()
    assert log_of(hub, number)[0]["fact"]["handler"] == "三班"
    said = hub.call("POST", path, urlencode({"no": "330800-20261123-999999"}).encode(), **form)[1].decode("ascii")
    assert said.startswith("code=1&msg=%C3%BB%D3%D0")


@pytest.mark.parametrize(
    ("connection", "headers", "query"),
    [
        ("asmx", {}, ""),
        ("asmx", {"authorization": "Basic " + base64.b64encode(b"szcg:wrong").decode()}, ""),
        ("asmx", {"authorization": "Basic " + base64.b64encode(f"other:{PASSWORD}".encode()).decode()}, ""),
        ("asmx", {"authorization": "Basic !!"}, ""),
        ("json", {}, ""),
        ("form", {}, "?key=wrong"),
        ("form", {"authorization": "Bearer chk_wrong"}, f"?key={TOKEN}"),
    ],
)
def test_who_does_not_show_what_the_profile_asks_for_is_not_let_in(
    hub: RunningHub, connection: str, headers: dict[str, str], query: str
) -> None:
    before = len(hub.call("GET", "/api/v1/refused?limit=500")[1]["items"])
    status, said, _ = hub.call(
        "POST", f"/units/{LEAD}/in/{connection}{query}", b"<a/>", **{"authorization": "", **headers}
    )
    assert status == 401 or b"unauthenticated" in said or said.startswith(b"code=1")
    assert len(hub.call("GET", "/api/v1/refused?limit=500")[1]["items"]) == before


def test_another_units_key_opens_nothing(hub: RunningHub, collector: str) -> None:
    status, said, _ = hub.call("POST", f"/units/{LEAD}/in/json", {"no": "x"}, collector)
    assert (status, said["type"].rpartition("/")[2]) == (403, "forbidden")


def test_a_unit_without_such_a_connection_is_told_so(hub: RunningHub) -> None:
    status, said, _ = hub.call("POST", "/units/telecom/in", b"{}")
    assert (status, said["type"].rpartition("/")[2]) == (404, "not_found")
