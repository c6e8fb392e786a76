"""A month past its retention, through the whole program: listed, tried, dropped, and told to who reads on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import a_place
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub

pytestmark = pytest.mark.story

COLLECTOR, COMMAND = "collection", "command_center"


def verb(hub: RunningHub, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", "retention", *words, f"--data={hub.data}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def said(hub: RunningHub, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    status, answer, _ = hub.call(method, path, body, key)
    assert status < 300, answer
    return answer


def voided(hub: RunningHub, keys: dict[str, str]) -> str:
    """The number of a case that is over at once."""
    report = {"category_code": "C0107", "place": a_place(), "description": "人行道通讯井盖破损"}
    number: str = said(hub, "POST", "/api/v1/cases", report, keys[COLLECTOR])["case_number"]
    said(hub, "POST", f"/api/v1/cases/{number}/void", {"reason": "重复录入"}, keys[COMMAND])
    return number


@pytest.fixture(scope="module")
def old_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHub, str, str]]:
    """A hub of today with a case of March 2023; its number, and a cursor from before the case was over."""
    data = tmp_path_factory.mktemp("hub") / "data"
    hub = start_hub(data, "--clock-start=2023-03-30T09:00:00+08:00")
    try:
        keys = {unit: hub.key_of(unit) for unit in (COLLECTOR, COMMAND)}
        number = voided(hub, keys)
        cursor = said(hub, "GET", "/api/v1/changes?limit=1")["cursor"]
        admin = hub.admin_key
    finally:
        stop_hub(hub)
    hub = start_hub(data, "--clock-start=2026-11-24T09:00:00+08:00")
    hub.admin_key = admin
    try:
        voided(hub, keys)
        yield hub, number, cursor
    finally:
        stop_hub(hub)


def test_a_month_is_listed_tried_and_dropped_and_old_cursors_are_told(old_hub: tuple[RunningHub, str, str]) -> None:
    hub, number, cursor = old_hub
    listed = json.loads(verb(hub, "list", "--json").stdout)
    assert next((each["month"], each["reasons"]) for each in listed["kept"] if each["cases"]) == ("2023-03", [])
    tried = verb(hub, "drop", "2023-03", "--reason=过保存期", "--dry-run")
    assert tried.returncode == 0 and "would be dropped: 1 cases" in tried.stdout, tried.stderr
    assert said(hub, "GET", f"/api/v1/cases/{number}")["case_number"] == number
    assert hub.call("GET", f"/api/v1/changes?after={cursor}")[0] == 200

    kept = verb(hub, "drop", "2026-11", "--reason=过保存期")
    assert kept.returncode == 1 and "保存期内" in kept.stderr and "kept for 36 months" in kept.stderr
    assert verb(hub, "drop", "2023-3", "--reason=x").returncode == 2
    assert verb(hub, "list", "--keep-months=3").returncode == 2

    dropped = verb(hub, "drop", "2023-03", "--reason=过保存期")
    assert dropped.returncode == 0 and "month.dropped" in dropped.stderr, dropped.stderr
    assert hub.call("GET", f"/api/v1/cases/{number}")[0] == 404
    status, problem, _ = hub.call("GET", f"/api/v1/changes?after={cursor}")
    assert (status, problem["type"].rpartition("/")[2]) == (410, "cursor_gone")
    # Who begins anew, and who goes on from where the problem says, misses nothing of what is kept.
    anew = said(hub, "GET", "/api/v1/changes")
    assert anew["items"] and not [item for item in anew["items"] if item["case_number"] == number]
    assert hub.call("GET", f"/api/v1/changes?after={anew['cursor']}")[0] == 200
    assert hub.call("GET", f"/api/v1/changes?after={problem['cursor']}")[0] == 200

    status, problem, _ = hub.call("GET", "/api/v1/evaluation?period=2023-03")
    assert (status, problem["type"].rpartition("/")[2]) == (410, "period_gone")
    assert hub.call("GET", "/api/v1/evaluation?period=2026-11")[0] == 200
    assert [each["month"] for each in json.loads(verb(hub, "list", "--json").stdout)["dropped"]] == ["2023-03"]
