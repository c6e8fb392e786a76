"""A month past its retention goes while the hub runs; whoever comes later with something of it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stories.conftest import start_hub, stop_hub
from tests.stories.test_running import cityhub, report

pytestmark = pytest.mark.story


def test_a_month_is_dropped_by_the_command_line_beside_a_running_hub(tmp_path: Path) -> None:
    data = tmp_path / "data"
    hub = start_hub(data, "--clock-start=2022-03-01T09:00:00+08:00")
    try:
        admin, key, command = hub.admin_key, hub.key_of("collection"), hub.key_of("command_center")
        old = report(hub, key)
        cursor = hub.call("GET", "/api/v1/changes?limit=1")[1]["cursor"]
        assert hub.call("POST", f"/api/v1/cases/{old}/void", {"reason": "试报"}, command)[0] == 200
    finally:
        stop_hub(hub)
    hub = start_hub(data, "--clock-start=2026-01-05T09:00:00+08:00")
    try:
        hub.admin_key = admin
        new = report(hub, key)
        drop = ("retention", "drop", f"--data={data}", "--json")
        held = cityhub(*drop, "2026-01")
        assert held.returncode == 1 and "未结案件" in held.stderr and "cases are open" in held.stderr
        dry = cityhub(*drop, "2022-03", "--dry-run")
        assert dry.returncode == 0, dry.stderr
        assert (json.loads(dry.stdout)["cases"], json.loads(dry.stdout)["dropped"]) == (1, False)
        assert hub.call("GET", f"/api/v1/cases/{old}")[0] == 200
        done = cityhub(*drop, "2022-03", "--reason=三年已满")
        assert done.returncode == 0 and "partition.dropped" in done.stderr, done.stderr
        assert hub.call("GET", f"/api/v1/cases/{old}")[0] == 404
        assert hub.call("GET", f"/api/v1/cases/{new}")[0] == 200
        # An old cursor is told; the way that it is told of leads on, and so does the beginning.
        status, gone, _ = hub.call("GET", f"/api/v1/changes?after={cursor}")
        assert (status, gone["type"].rpartition("/")[2]) == (410, "cursor_gone")
        assert hub.call("GET", f"/api/v1/changes?after={gone['cursor']}")[0] == 200
        page = hub.call("GET", "/api/v1/changes?limit=1")[1]
        assert page["items"][0]["case_number"] == new
        assert hub.call("GET", f"/api/v1/changes?after={page['cursor']}")[0] == 200
        status, gone, _ = hub.call("GET", "/api/v1/evaluation?period=2022-03")
        assert (status, gone["type"].rpartition("/")[2]) == (410, "period_gone"), gone
        assert hub.call("GET", "/api/v1/evaluation?period=2026-01")[0] == 200
        assert report(hub, key) != new
    finally:
        stop_hub(hub)
    listed = json.loads(cityhub("retention", "list", f"--data={data}", "--json").stdout)
    assert [each["month"] for each in listed["dropped"]] == ["2022-03"]
    assert "2022-03" not in [each["month"] for each in listed["kept"]]
