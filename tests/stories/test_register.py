"""The component register over HTTP and on the command line: an administrator imports, a unit reads its own."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.conftest import ROOT, RunningHub

COVERS = ("3308020107555001", "3308020107555002")


def a_sheet(*owners: str) -> bytes:
    rows = [f"{code},C0107,{owner},118.87,28.95" for code, owner in zip(COVERS, owners, strict=True)]
    return "\n".join(["部件编码,类别编码,权属单位,经度,纬度", *rows]).encode("gb18030")


def cityhub(hub: RunningHub, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hub.cli", "register", *arguments, "--data", str(hub.data)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def keys(hub: RunningHub) -> dict[str, str]:
    return {unit: hub.key_of(unit) for unit in ("collection", "telecom", "mobile", "command_center")}


def test_a_file_is_tried_imported_read_and_its_change_of_owner_names_the_case(
    hub: RunningHub, keys: dict[str, str], tmp_path: Path
) -> None:
    path = "/api/v1/register/imports?file_name=census.csv"
    assert hub.call("POST", path, a_sheet("telecom", "mobile"), keys["telecom"])[0] == 403
    status, tried, _ = hub.call("POST", path + "&dry_run=true", a_sheet("telecom", "mobile"))
    assert (status, tried["added"], "import_id" in tried) == (200, 2, False)
    assert hub.call("POST", path + "&effective=2026-01-01", a_sheet("telecom", "mobile"))[1]["added"] == 2

    seen = {unit: hub.call("GET", "/api/v1/register", key=key)[1]["items"] for unit, key in keys.items()}
    codes = {unit: [each["component_code"] for each in items] for unit, items in seen.items()}
    assert codes == {
        "collection": [], "telecom": [COVERS[0]], "mobile": [COVERS[1]], "command_center": list(COVERS),
    }  # fmt: skip
    assert hub.call("GET", f"/api/v1/register/{COVERS[1]}", key=keys["telecom"])[0] == 404
    page = hub.call("GET", "/api/v1/register?limit=1")[1]
    assert hub.call("GET", page["next"])[1]["items"][0]["component_code"] == COVERS[1]

    report = {"category_code": "C0107", "description": "井盖破损", "place": {"longitude": 118.87, "latitude": 28.95}}
    case = hub.call("POST", "/api/v1/cases", report | {"component_code": COVERS[0]}, keys["collection"])[1]
    assert case["state"] == "dispatched"
    (tmp_path / "new.csv").write_bytes(a_sheet("mobile", "mobile"))
    done = cityhub(hub, "import", str(tmp_path / "new.csv"), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [(move["case_number"], move["to_unit_id"]) for move in said["moves"]] == [(case["case_number"], "mobile")]
    # Until the hub moves it itself, within half a minute, it is listed.
    listed, now = cityhub(hub, "moves").stdout, hub.call("GET", f"/api/v1/cases/{case['case_number']}")[1]
    assert case["case_number"] in listed or now["lead_unit_id"] == "mobile"

    history = hub.call("GET", f"/api/v1/register/{COVERS[0]}")[1]
    assert history["in_force"]["owner_unit_id"] == "mobile" and len(history["history"]) == 3
    assert "已更正" in cityhub(hub, "show", COVERS[0]).stdout


def test_what_is_exported_can_be_imported_and_changes_nothing(hub: RunningHub, tmp_path: Path) -> None:
    hub.call("POST", "/api/v1/register/imports", a_sheet("telecom", "mobile"))
    out = tmp_path / "export.csv"
    assert cityhub(hub, "export", "-o", str(out)).returncode == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
    assert [row["部件编码"] for row in rows] == list(COVERS)
    again = json.loads(cityhub(hub, "import", str(out), "--json").stdout)
    assert (again["unchanged"], again["rows"]) == (2, 2)


def test_a_refused_file_is_told_line_by_line(hub: RunningHub, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(a_sheet("telecom", "某公司"))
    refused = cityhub(hub, "import", str(tmp_path / "bad.csv"))
    assert refused.returncode == 1
    assert "第 3 行" in refused.stderr and "no such unit" in refused.stderr
    status, problem, _ = hub.call("POST", "/api/v1/register/imports", a_sheet("telecom", "某公司"))
    assert (status, problem["errors"][0]["pointer"]) == (422, "#/3/owner_unit_id")
    assert hub.call("GET", "/api/v1/register/imports")[1]["items"][0]["refused"] == 1
