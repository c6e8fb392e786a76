"""The public interface as partners meet it: a stranger's HTTP client against the running hub."""

from __future__ import annotations

import json
import threading
import time
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from tests.builders import a_place
from tests.stories.conftest import RunningHub, wait_for


def a_body(**more: Any) -> dict[str, Any]:
    return {"category_code": "E0402", "description": "自来水管破裂", "place": a_place(), **more}


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def keys(hub: RunningHub) -> dict[str, str]:
    units = ("collection", "housing_construction", "telecom", "kecheng", "command_center")
    return {unit: hub.key_of(unit) for unit in units}


def report(hub: RunningHub, keys: dict[str, str], **more: Any) -> str:
    key = uuid.uuid4().hex
    status, said, _ = hub.call("POST", "/api/v1/cases", a_body(**more), keys["collection"], idempotency_key=key)
    assert status == 201, said
    number: str = said["case_number"]
    return number


def test_a_case_travels_from_report_to_close(hub: RunningHub, keys: dict[str, str]) -> None:
    number, lead, collector = report(hub, keys), keys["housing_construction"], keys["collection"]
    for what, body, key in (
        ("acknowledgement", {"handler": "抢修一班"}, lead),
        ("feedback", {"description": "已到场", "final": False}, lead),
        ("feedback", {"description": "已修复"}, lead),
        ("verification", {"finding": "failed", "description": "仍渗水"}, collector),
        ("feedback", {"description": "再次修复"}, lead),
        ("verification", {"finding": "passed"}, collector),
    ):
        assert hub.call("POST", f"/api/v1/cases/{number}/{what}", body, key)[0] == 200
    status, case, headers = hub.call("GET", f"/api/v1/cases/{number}", key=collector)
    assert (status, case["state"], case["stage"]) == (200, "closed", "evaluate")
    assert headers["etag"] == f'"v{case["version"]}"'
    log = hub.call("GET", f"/api/v1/cases/{number}/entries", key=collector)[1]["items"]
    assert [entry["sequence"] for entry in log] == list(range(1, case["version"] + 1))
    assert len({entry["traceparent"][3:35] for entry in log}) == 1


def test_the_same_key_takes_effect_once_and_gives_the_same_answer(hub: RunningHub, keys: dict[str, str]) -> None:
    key, body = uuid.uuid4().hex, a_body()
    first = hub.call("POST", "/api/v1/cases", body, keys["collection"], idempotency_key=f'"{key}"')
    again = hub.call("POST", "/api/v1/cases", body, keys["collection"], idempotency_key=key)
    assert (first[0], first[1]) == (again[0], again[1])
    assert again[2]["idempotency-replayed"] == "true"
    other = hub.call("POST", "/api/v1/cases", {**body, "description": "别的"}, keys["collection"], idempotency_key=key)
    assert (other[0], other[1]["type"].rpartition("/")[2]) == (422, "key_reused")


@pytest.mark.parametrize("door", ["cases", "messages"])
def test_an_answer_names_the_trace_that_the_log_has(hub: RunningHub, keys: dict[str, str], door: str) -> None:
    def said(body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if door == "cases":
            return hub.call("POST", "/api/v1/cases", body, keys["collection"])
        event = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/rounds", "type": "case.report", "data": body}
        media = "application/cloudevents+json"
        return hub.call("POST", "/api/v1/messages", event, keys["collection"], content_type=media)

    _, taken, headers = said(a_body())
    entries = hub.call("GET", f"/api/v1/cases/{taken['case_number']}/entries")[1]["items"]
    assert {each["traceparent"][3:35] for each in entries} == {headers["traceparent"][3:35]}
    status, refused, headers = said({**a_body(), "category_code": "NONE"})
    assert (status, refused["trace_id"]) == (422, headers["traceparent"][3:35])


@pytest.mark.parametrize("form", ["structured", "binary", "batch"])
def test_cloudevents_are_taken_in_every_form(hub: RunningHub, keys: dict[str, str], form: str) -> None:
    event = {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/rounds", "type": "case.report", "data": a_body()}
    key = keys["collection"]
    if form == "structured":
        status, said, _ = hub.call("POST", "/api/v1/messages", event, key, content_type="application/cloudevents+json")
    elif form == "binary":
        headers = {f"ce_{name}": str(event[name]) for name in ("specversion", "id", "source", "type")}
        status, said, _ = hub.call("POST", "/api/v1/messages", a_body(), key, **headers)
    else:
        batch = [event, {**event, "id": uuid.uuid4().hex}, {**event, "id": "x", "data": {}}, {"nothing": 1}]
        media = "application/cloudevents-batch+json"
        status, said, _ = hub.call("POST", "/api/v1/messages", batch, key, content_type=media)
        assert [each["status"] for each in said] == [201, 201, 422, 400]
        assert said[2]["problem"]["errors"][0]["pointer"].startswith("#/data/")
        return
    assert status == 201
    assert said["message_id"] == event["id"]


def test_a_broken_message_is_refused_with_every_violation_and_kept_raw(hub: RunningHub, keys: dict[str, str]) -> None:
    broken = {"category_code": "", "place": {"longitude": 200, "latitude": None}, "extra": 1}
    status, said, _ = hub.call("POST", "/api/v1/cases", broken, keys["collection"], accept_language="en")
    assert status == 422
    pointers = {each["pointer"] for each in said["errors"]}
    assert {"#/category_code", "#/description", "#/place/longitude", "#/place/latitude", "#/extra"} <= pointers
    assert all(each["detail_zh"] and each["detail_en"] for each in said["errors"])
    kept = hub.call("GET", "/api/v1/refused?unit_id=collection")[1]["items"][0]
    raw = hub.call("GET", f"/api/v1/refused/{kept['refused_id']}")[1]["raw"]
    assert json.loads(raw) == broken


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ('{"category_code":"井盖"}'.encode("gbk"), 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"[" * 100_000, 422),
        (b'{"description":"' + b"x" * 2_000_000 + b'"}', 413),
        (b"null", 422),
        (b'{"category_code":"E0402","description":"a\\u0000b","place":{"longitude":118.87,"latitude":28.95}}', 422),
    ],
)
def test_bytes_that_are_no_message_get_a_clear_answer(
    hub: RunningHub, keys: dict[str, str], body: bytes, status: int
) -> None:
    said = hub.call("POST", "/api/v1/cases", body, keys["collection"])
    assert said[0] == status, said
    assert said[2]["content-type"].startswith("application/problem+json")


def test_without_a_key_every_interface_is_closed(hub: RunningHub) -> None:
    document = hub.call("GET", "/openapi.json")[1]
    for path, methods in document["paths"].items():
        if not path.startswith("/api/"):
            continue
        for method in methods:
            concrete = path.replace("{number}", "330800-20261123-000001").replace("{refused_id}", "1")
            concrete = concrete.replace("{", "").replace("}", "")
            body = {} if method != "get" else None
            status, said, headers = hub.call(method.upper(), concrete, body, key="chk_nonsense")
            assert status == 401, (method, path, status, said)
            assert headers["www-authenticate"].startswith("Bearer")


def test_a_unit_sees_only_what_is_its_own_on_every_route(hub: RunningHub, keys: dict[str, str]) -> None:
    number, stranger = report(hub, keys), keys["telecom"]
    for path in (f"/api/v1/cases/{number}", f"/api/v1/cases/{number}/entries", f"/api/v1/cases/{number}/letters"):
        assert hub.call("GET", path, key=stranger)[0] == 404
    assert hub.call("POST", f"/api/v1/cases/{number}/feedback", {"description": "x"}, stranger)[0] == 404
    listed = hub.call("GET", "/api/v1/cases?limit=500", key=stranger)[1]["items"]
    assert number not in {case["case_number"] for case in listed}
    letters = hub.call("GET", "/api/v1/letters?limit=500&unit_id=housing_construction", key=stranger)[1]["items"]
    assert {letter["unit_id"] for letter in letters} <= {"telecom"}
    changes = hub.call("GET", "/api/v1/changes?limit=500", key=stranger)[1]["items"]
    assert number not in {change["case_number"] for change in changes}
    assert hub.call("GET", "/api/v1/lanes", key=stranger)[0] == 403


def test_the_district_sees_the_cases_of_its_area(hub: RunningHub, keys: dict[str, str]) -> None:
    number = report(hub, keys)
    assert hub.call("GET", f"/api/v1/cases/{number}", key=keys["kecheng"])[0] == 200


def test_the_feed_never_skips_and_wakes_who_waits(hub: RunningHub, keys: dict[str, str]) -> None:
    cursor = hub.call("GET", "/api/v1/changes?limit=500", key=keys["command_center"])[1]
    while cursor["more"]:
        cursor = hub.call("GET", f"/api/v1/changes?limit=500&after={cursor['cursor']}", key=keys["command_center"])[1]
    made: list[str] = []
    timer = threading.Timer(0.5, lambda: made.append(report(hub, keys)))
    timer.start()
    began = time.monotonic()
    woken = hub.call("GET", f"/api/v1/changes?wait=20&after={cursor['cursor']}", key=keys["command_center"])[1]
    timer.join()
    assert time.monotonic() - began < 10
    assert woken["items"][0]["case_number"] == made[0]
    assert [each["step"] for each in woken["items"]] == ["report", "accept", "dispatch"]


def test_a_cursor_of_another_epoch_is_gone_and_shows_the_way(hub: RunningHub, keys: dict[str, str]) -> None:
    status, said, _ = hub.call("GET", "/api/v1/changes?after=9-1", key=keys["kecheng"])
    assert (status, said["snapshot"]) == (410, "/api/v1/cases")


def test_pages_lead_on_by_link(hub: RunningHub, keys: dict[str, str]) -> None:
    for _ in range(3):
        report(hub, keys)
    seen, path = [], "/api/v1/cases?limit=2"
    for _ in range(2):
        _, said, headers = hub.call("GET", path, key=keys["collection"])
        seen += [case["case_number"] for case in said["items"]]
        assert f'<{said["next"]}>; rel="next"' == headers["link"]
        path = said["next"]
    assert len(set(seen)) == 4 and seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "path", ["cases", "letters", "units", "refused", "cases/{number}/entries", "cases/{number}/letters"]
)
def test_every_list_comes_whole_page_by_page(hub: RunningHub, keys: dict[str, str], path: str) -> None:
    number, lead = report(hub, keys), keys["housing_construction"]
    assert hub.call("POST", f"/api/v1/cases/{number}/feedback", {"description": "已修复"}, lead)[0] == 200
    for _ in range(2):
        assert hub.call("POST", "/api/v1/cases", {}, keys["collection"])[0] == 422
    where = f"/api/v1/{path.format(number=number)}"
    whole = hub.call("GET", f"{where}?limit=500")[1]["items"]
    found: list[Any] = []
    following: str | None = f"{where}?limit={max(1, len(whole) // 3)}"
    while following and len(found) <= len(whole):
        _, said, headers = hub.call("GET", following)
        following = said.get("next")
        assert headers.get("link") == (f'<{following}>; rel="next"' if following else None)
        found += said["items"]
    assert len(whole) > 1 and found == whole


def test_a_wrong_parameter_is_told_in_the_callers_language(hub: RunningHub) -> None:
    query = "/api/v1/cases?limit=0&state=nope&lead_unit_id=a%20b"
    said = {lang: hub.call("GET", query, accept_language=lang)[1]["errors"] for lang in ("zh-CN", "en")}
    told = {each["pointer"]: each["detail"] for each in said["en"]}
    assert told["#/query/limit"] == "must not be less than 1"
    assert told["#/query/state/0"].startswith("must be one of: reported, ")
    assert {each["detail"] for each in said["zh-CN"]} >= {"不得小于 1", "只含字母、数字和 _ . -"}
    day = hub.call("GET", "/api/v1/evaluation?from=x&until=y")[1]["errors"]
    assert {each["detail_zh"] for each in day} == {"应为日期,例如 2026-11-23"}


def test_a_nul_in_an_address_is_a_case_that_is_not_there(hub: RunningHub, keys: dict[str, str]) -> None:
    for path in ("/api/v1/cases/x%00y/feedback", "/api/v1/cases/%00/acknowledgement"):
        assert hub.call("POST", path, {}, keys["housing_construction"])[0] in (404, 422)
    assert hub.call("GET", "/api/v1/cases/x%00y")[0] == 404


def test_a_photo_is_kept_and_read_by_who_may_see_the_case(hub: RunningHub, keys: dict[str, str]) -> None:
    status, photo, _ = hub.call("POST", "/api/v1/attachments", PNG, keys["collection"], content_type="image/png")
    assert (status, photo["media_type"], photo["width"]) == (201, "image/png", 1)
    number = report(hub, keys, photos=[photo["attachment_id"]])
    href = f"{photo['href']}?case_number={number}"
    assert hub.call("GET", href, key=keys["housing_construction"])[1] == PNG
    assert hub.call("GET", href, key=keys["telecom"])[0] == 404
    assert hub.call("POST", "/api/v1/attachments", b"<svg/>", keys["collection"])[0] == 422


def test_a_stale_if_match_is_refused(hub: RunningHub, keys: dict[str, str]) -> None:
    number, lead = report(hub, keys), keys["housing_construction"]
    etag = hub.call("GET", f"/api/v1/cases/{number}", key=lead)[2]["etag"]
    for named in (etag, f"W/{etag}", f'"v1", {etag}', "*"):
        assert hub.call("GET", f"/api/v1/cases/{number}", key=lead, if_none_match=named)[0] == 304
    assert hub.call("GET", f"/api/v1/cases/{number}", key=lead, if_none_match='"v1"')[0] == 200
    assert hub.call("POST", f"/api/v1/cases/{number}/acknowledgement", {}, lead, if_match=etag)[0] == 200
    stale = hub.call("POST", f"/api/v1/cases/{number}/feedback", {"description": "x"}, lead, if_match=etag)
    assert (stale[0], stale[1]["state"]) == (412, "acknowledged")


def test_a_revoked_key_is_refused_within_seconds(hub: RunningHub) -> None:
    made = hub.call("POST", "/api/v1/units/power/keys", {})[1]
    assert hub.call("GET", "/api/v1/cases", key=made["key"])[0] == 200
    assert hub.call("DELETE", f"/api/v1/keys/{made['key_id']}")[0] == 200
    wait_for(lambda: hub.call("GET", "/api/v1/cases", key=made["key"])[0] == 401, 10)


def test_a_profile_that_reaches_inside_is_refused(hub: RunningHub) -> None:
    profile = {
        "unit": "power",
        "connections": [{"name": "main", "transport": "rest", "rest": {"endpoint": "http://169.254.1.1/x"}}],
    }
    status, said, _ = hub.call("PUT", "/api/v1/units/power/profile", profile)
    assert (status, said["errors"][0]["pointer"]) == (422, "#/connections/0/rest/endpoint")


def test_metrics_count_what_happened_and_pass_prometheus_own_parser(hub: RunningHub, keys: dict[str, str]) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    def accepted() -> float:
        families = text_string_to_metric_families(hub.call("GET", "/metrics")[1].decode())
        return sum(s.value for f in families for s in f.samples if s.name == "cityhub_messages_accepted_total")

    before = accepted()
    report(hub, keys)
    assert accepted() == before + 1


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/contracts", "/api/v1/cases", "/api/v1/cases/x", "/login"]
)
def test_head_says_what_get_would_without_the_body(hub: RunningHub, path: str) -> None:
    got, asked = hub.call("GET", path), hub.call("HEAD", path)
    assert asked[0] == got[0] and asked[2]["content-type"] == got[2]["content-type"] and not asked[1]


def test_head_takes_no_letters_from_the_inbox(hub: RunningHub, keys: dict[str, str]) -> None:
    assert hub.call("HEAD", "/api/v1/inbox", key=keys["housing_construction"])[0] == 405


def test_readiness_names_its_checks(hub: RunningHub) -> None:
    status, said, _ = hub.call("GET", "/readyz")
    assert (status, said["status"]) == (200, "ready")
    assert {check["name"] for check in said["checks"]} >= {"database", "directory"}


def test_contracts_and_problems_are_published(hub: RunningHub) -> None:
    items = hub.call("GET", "/contracts/")[1]["items"]
    assert items == hub.call("GET", "/contracts")[1]["items"]
    for item in items:
        schema = hub.call("GET", item["href"])[1]
        assert schema["$id"].endswith(item["contract"])
        valid, invalid = (hub.call("GET", example)[1] for example in item["examples"])
        judge = jsonschema.Draft202012Validator(schema)
        assert judge.is_valid(valid) and not judge.is_valid(invalid), item["contract"]
        assert item in hub.call("GET", f"/contracts/{item['contract'].partition('/')[0]}")[1]["items"]
    kinds = hub.call("GET", "/problems")[1]["items"]
    assert all(hub.call("GET", f"/problems/{each['kind']}")[0] == 200 for each in kinds[:5])


def test_a_case_is_asked_for_as_it_was_by_what_was_known(hub: RunningHub, keys: dict[str, str]) -> None:
    number, lead = report(hub, keys), keys["housing_construction"]
    before = hub.call("GET", f"/api/v1/cases/{number}/entries")[1]["items"][-1]["known_at"]
    assert hub.call("POST", f"/api/v1/cases/{number}/feedback", {"description": "已修复"}, lead)[0] == 200
    states = [
        hub.call("GET", f"/api/v1/cases/{number}{asked}")[1]["state"]
        for asked in ("", f"?known_at={quote(before)}", f"?as_of={quote(before)}")
    ]
    assert states == ["in_verification", "dispatched", "dispatched"]
    status, said, _ = hub.call("GET", f"/api/v1/cases/{number}?as_of=2020-01-01T00:00:00Z")
    assert (status, said["type"].rpartition("/")[2]) == (404, "case_unknown")


def test_a_unit_asks_for_more_time_and_the_command_centre_decides(hub: RunningHub, keys: dict[str, str]) -> None:
    number, lead = report(hub, keys), keys["housing_construction"]
    due = hub.call("GET", f"/api/v1/cases/{number}")[1]["due_at"]
    later = (datetime.fromisoformat(due) + timedelta(days=1)).isoformat()
    path = f"/api/v1/cases/{number}"
    assert hub.call("POST", f"{path}/extension", {"reason": "待停气审批", "due_at": later}, lead)[0] == 200
    status, said, _ = hub.call("POST", f"{path}/extension-decision", {"granted": True, "reason": "属实"}, lead)
    assert (status, said["type"].rpartition("/")[2]) == (403, "forbidden")
    assert (
        hub.call("POST", f"{path}/extension-decision", {"granted": True, "reason": "属实"}, keys["command_center"])[0]
        == 200
    )
    assert datetime.fromisoformat(hub.call("GET", path)[1]["due_at"]) == datetime.fromisoformat(later)
