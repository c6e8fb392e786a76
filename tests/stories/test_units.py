"""Connecting a unit as an administrator does: drafted, applied, its secrets put, compared and rolled back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.stories.conftest import ROOT, RunningHub

UNIT = "unicom"
DRAFTS = ROOT / "tests/rules/drafts"


def command(hub: RunningHub, *words: str, given: str = "", status: int = 0) -> str:
    """What a verb prints, run against the hub's data."""
    data = [] if "draft" in words else [f"--data={hub.data}"]
    run = subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", *words, *data],
        input=given.encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert run.returncode == status, run.stderr.decode()
    return run.stdout.decode() + run.stderr.decode()


@pytest.fixture(scope="module")
def draft(hub: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile that was drafted of an OpenAPI document and applied."""
    path = tmp_path_factory.mktemp("draft") / "unit.yaml"
    document = str(DRAFTS / "orders.openapi.yaml")
    said = command(hub, "units", "draft", "--openapi", document, "--unit", UNIT, "-o", str(path))
    assert "open questions" in said
    return path


def test_what_is_drafted_can_be_applied_and_waits_as_a_draft(hub: RunningHub, draft: Path) -> None:
    said = command(hub, "units", "apply", "-f", str(draft))
    assert "状态 / state draft" in said
    assert f"cityhub secrets put {UNIT} client-secret" in said
    assert "line " in said


def test_a_draft_never_writes_over_a_file(hub: RunningHub, draft: Path) -> None:
    document = str(DRAFTS / "orders.openapi.yaml")
    assert "写不了文件" in command(hub, "units", "draft", "--openapi", document, "-o", str(draft), status=1)


def test_a_draft_can_be_tried_at_once(hub: RunningHub, draft: Path) -> None:
    run = [sys.executable, "-P", "-m", "hub.cli", "units", "try", "-f", str(draft), "--out", "--json"]
    said = subprocess.run(run, capture_output=True, cwd=ROOT, timeout=60, check=True)
    made = json.loads(json.loads(said.stdout)["made"])
    assert made["orderNo"] == "330800-20261123-000042"


def test_a_secret_is_read_from_standard_input_and_never_shown(hub: RunningHub, draft: Path) -> None:
    said = command(hub, "secrets", "put", UNIT, "client-secret", given="s3cret-value\n")
    said += command(hub, "secrets", "list", UNIT)
    status, listed, _ = hub.call("GET", f"/api/v1/units/{UNIT}/secrets")
    assert status == 200
    assert [(each["name"], each["version"]) for each in listed["items"]] == [("client-secret", 1)]
    assert "s3cret" not in said + json.dumps(listed)
    assert "client-secret" in said
    assert command(hub, "units", "apply", "-f", str(draft)).count("注意") == 0


def test_a_secret_is_kept_and_removed_over_http_too(hub: RunningHub) -> None:
    path = f"/api/v1/units/{UNIT}/secrets/api-key"
    assert hub.call("PUT", path, {"value": "x" * 30_000})[1]["version"] == 1
    assert hub.call("PUT", path, {"value": "y"})[1]["version"] == 2
    assert hub.call("DELETE", path)[0] == 200
    assert hub.call("DELETE", path)[0] == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("secrets/Api", {"value": "x"}),
        ("secrets/a", {"value": ""}),
        ("secrets/a", {"valu": "x"}),
        ("secrets/a", {"value": 7}),
        ("secrets/a", []),
    ],
)
def test_a_wrong_secret_is_refused_without_repeating_it(hub: RunningHub, path: str, body: Any) -> None:
    status, said, _ = hub.call("PUT", f"/api/v1/units/{UNIT}/{path}", body)
    assert status == 422, said


def test_only_administrators_see_or_change_secrets(hub: RunningHub) -> None:
    key = hub.key_of(UNIT)
    assert hub.call("GET", f"/api/v1/units/{UNIT}/secrets", key=key)[0] == 403
    assert hub.call("PUT", f"/api/v1/units/{UNIT}/secrets/a", {"value": "x"}, key)[0] == 403
    assert hub.call("GET", f"/api/v1/units/{UNIT}/profile/diff", key=key)[0] == 403


def test_a_changed_file_is_shown_against_what_is_in_force_then_applied_and_rolled_back(
    hub: RunningHub, draft: Path
) -> None:
    changed = draft.with_name("changed.yaml")
    text = draft.read_text(encoding="utf-8")
    changed.write_text(text.replace("  transport: rest\n", "  transport: rest\n  per_second: 5\n"), encoding="utf-8")
    said = command(hub, "units", "diff", "-f", str(changed))
    assert "每秒上限" in said and "+  per_second: 5" in said
    status, found, _ = hub.call("POST", f"/api/v1/units/{UNIT}/profile/diff", changed.read_bytes())
    assert status == 200
    assert [(each["path"], each["before"], each["after"]) for each in found["changes"]] == [
        ("connections[rest].per_second", "100.0", "5.0")
    ]
    command(hub, "units", "apply", "-f", str(changed))
    assert "连接 rest" in command(hub, "units", "diff", UNIT)
    back = hub.call("POST", f"/api/v1/units/{UNIT}/profile/rollback", {"version": 1, "reason": "对方吃不消"})
    assert (back[0], back[1]["version"]) == (200, 3)
    history = json.loads(command(hub, "units", "history", UNIT, "--json"))
    assert [(each["version"], each["in_force"]) for each in history] == [(3, True), (2, False), (1, False)]
    assert history[0]["reason"] == "back to version 1: 对方吃不消"
    assert hub.call("GET", f"/api/v1/units/{UNIT}/profile/diff?from=1&to=3")[1]["changes"] == []
    assert hub.call("GET", f"/api/v1/units/{UNIT}/profile/diff?from=1&to=9")[0] == 404
    assert hub.call("GET", f"/api/v1/units/{UNIT}/profile/diff?from=x")[0] == 422


def test_the_schema_for_editors_is_served_and_an_exported_profile_keeps_it(hub: RunningHub, draft: Path) -> None:
    status, schema, _ = hub.call("GET", "/contracts/profile/1.0/schema.json")
    assert status == 200
    text = command(hub, "units", "export", UNIT, "--schema", f"{hub.url}/contracts/profile/1.0/schema.json")
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={hub.url}/contracts/profile/1.0/schema.json"
    # As an editor does: YAML by its common rules, the schema by a stock validator.
    import yaml

    assert list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(text))) == []


def test_what_is_fetched_for_a_draft_is_guarded(hub: RunningHub) -> None:
    said = command(hub, "units", "draft", "--wsdl", f"{hub.url}/x?wsdl", status=1)
    assert "取不到" in said
