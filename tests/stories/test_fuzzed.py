"""A schema fuzzer nobody here wrote, over the published OpenAPI document: no 5xx, and only answers that it names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stories.conftest import RunningHub

LONG_POLLS = "(/inbox$|/changes$)"
"""Left out: a random ``wait`` waits. Their parameters are tried in test_interface."""

REVOKING = "keys/"
"""Left out: the fuzzer would revoke its own key."""


def test_no_request_made_from_the_document_ends_in_a_5xx(hub: RunningHub, tmp_path: Path) -> None:
    run = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "run", f"{hub.url}/openapi.json",
            "-H", f"Authorization: Bearer {hub.admin_key}",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
                        "response_schema_conformance,unsupported_method,ignored_auth",
            "--phases", "examples,coverage,fuzzing", "--max-examples", "6", "--seed", "7",
            "--exclude-path-regex", f"({LONG_POLLS}|{REVOKING})",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:]


def test_the_long_polls_answer_whatever_they_are_asked(hub: RunningHub) -> None:
    for path in ("inbox", "changes"):
        for query in (
            "wait=-1",
            "wait=x",
            "wait=61",
            "limit=0",
            "limit=99999",
            "after=%00",
            "after=1-%F0%9F",
            "lease=0",
        ):
            status, said, _ = hub.call("GET", f"/api/v1/{path}?{query}")
            assert status in (200, 410, 422), (path, query, said)
