"""What the documents say, done: links lead somewhere, commands exist, the README's lines run as they stand."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import struct
import subprocess
import sys
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.settings import Settings
from tests.builders import QUZHOU, a_place
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def named() -> list[tuple[str, ...]]:
    """Each command that a page names, with its job and long options."""
    found = set()
    for page in PAGES:
        for line in re.findall(r"\./cityhub ([^`\n#]*)", page.read_text(encoding="utf-8")):
            words = line.split()
            plain = [word for word in words if re.fullmatch(r"[a-z]+", word)][:2]
            options = [word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)]
            if plain:
                found.add((*plain, *options))
    return sorted(found)


def test_every_command_that_is_named_exists_with_its_options() -> None:
    helps: dict[str, str] = {}

    def told(*words: str) -> str:
        key = " ".join(words)
        if key not in helps:
            run = subprocess.run(
                [sys.executable, "-P", "-m", "hub.cli", *words, "--help"],
                env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
                capture_output=True,
                text=True,
                timeout=60,
            )
            helps[key] = run.stdout if run.returncode == 0 else ""
        return helps[key]

    missing = []
    for verb, *more in named():
        if verb == "test":
            continue
        job = more[0] if more and not more[0].startswith("--") else None
        text = (told(verb, job) if job else "") or told(verb)
        wanted = [option for option in more if option.startswith("--")]
        if not text or any(option not in text for option in wanted):
            missing.append((verb, *more))
    assert missing == []


class TestTheReadme:
    """Its shell lines run against a hub that was just started, in the order in which they stand."""

    @pytest.fixture(scope="class")
    @classmethod
    def hub(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
        running = start_hub(tmp_path_factory.mktemp("readme") / "data")
        yield running
        stop_hub(running)

    def run(self, hub: RunningHub, script: str, **values: str) -> subprocess.CompletedProcess[str]:
        (hub.data.parent / "cityhub").unlink(missing_ok=True)
        (hub.data.parent / "cityhub").symlink_to(ROOT / "cityhub")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", 'curl() { command curl -sS --fail-with-body "$@"; echo; }\n' + script],
            cwd=hub.data.parent,
            env={**os.environ, "CITYHUB_PYTHON": sys.executable, "HUB": hub.url, **values},
            capture_output=True,
            text=True,
            timeout=180,
        )

    def test_the_lines_for_units_run_as_they_stand(self, hub: RunningHub) -> None:
        curls = [block for block in blocks(ROOT / "README.md", "sh") if "curl" in block]
        assert len(curls) == 3
        key, collector = hub.key_of("housing_construction"), hub.key_of("collection")
        report = {"category_code": "E0104", "description": "井盖破损", "place": a_place()}
        number = hub.call("POST", "/api/v1/cases", report, collector, idempotency_key=uuid.uuid4().hex)[1][
            "case_number"
        ]
        taken = hub.call("GET", "/api/v1/inbox", key=key)[1]
        photo = hub.call("POST", "/api/v1/attachments", a_png(), key, content_type="image/png")[1]["attachment_id"]
        (hub.data.parent / "after.png").write_bytes(a_png())
        values = {
            "KEY": key,
            "CASE": f"{hub.url}/api/v1/cases/{number}",
            "LEASE": taken["lease_id"],
            "LETTER": taken["items"][0]["letter_id"],
            "PHOTO": photo,
            "CURSOR": hub.call("GET", "/api/v1/changes?limit=1", key=key)[1]["cursor"],
        }
        for block in curls:
            run = self.run(hub, block.replace("wait=30", "wait=0"), **values)
            assert run.returncode == 0, f"{block}\n{run.stdout}\n{run.stderr}"
        assert hub.call("GET", f"/api/v1/cases/{number}")[1]["state"] == "in_verification"

    def test_the_lines_for_administrators_run_as_they_stand(self, hub: RunningHub) -> None:
        (script,) = [block for block in blocks(ROOT / "README.md", "sh") if "./cityhub" in block]
        census = (ROOT / "docs" / "components.sample.csv").read_bytes()
        (hub.data.parent / "census.csv").write_bytes(census)
        shutil.copytree(QUZHOU, hub.data.parent / "changed")
        # What a telecom sends, and its system's password, as an administrator has them at hand.
        answer = ROOT / "adapters" / "profiles" / "telecom_rest" / "in.case.feedback.json"
        shutil.copy(answer, hub.data.parent / "answer.json")
        (hub.data.parent / "password.txt").write_text("correct horse\n", encoding="utf-8")
        run = self.run(hub, script)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "whsec_" in run.stdout and "chk_" in run.stdout
        assert (hub.data.parent / "city.tar").stat().st_size > 10_000


def a_png() -> bytes:
    """A picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )


def test_every_setting_stands_in_the_page_on_operations_with_its_flag_and_variable() -> None:
    told = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = [field.name for field in dataclasses.fields(Settings)]
    rows = [f"| `--{name.replace('_', '-')}` | `CITYHUB_{name.upper()}` |" for name in names]
    assert [row for row in rows if row not in told] == []
