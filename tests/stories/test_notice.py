"""The monthly notice and what-if as people meet them: in the console, over HTTP, by the command line."""

from __future__ import annotations

import http.cookiejar
import io
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.builders import QUZHOU
from tests.journeys import ZONE
from tests.stories.conftest import ROOT, RunningHub
from tests.stories.test_interface import report

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def month(hub: RunningHub) -> str:
    """This month, with a case reported in it."""
    report(hub, {"collection": hub.key_of("collection")})
    return f"{datetime.now(ZONE):%Y-%m}"


def fetch(url: str, **headers: str) -> tuple[int, bytes, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named), timeout=60) as answer:
            return answer.status, answer.read(), answer.url
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read(), url


def text_of(body: bytes) -> str:
    return re.sub(r"[\s\x00]", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages))


def command(hub: RunningHub, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", *arguments, f"--data={hub.data}"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=90,
        check=False,
    )


def test_the_command_centre_takes_the_pdf_and_a_unit_does_not(hub: RunningHub, month: str) -> None:
    url = f"{hub.url}/api/v1/notices/{month}.pdf"
    status, body, _ = fetch(url, x_api_key=hub.key_of("command_center"))
    assert status == 200 and body.startswith(b"%PDF") and "衢州市城市管理月度通报" in text_of(body)
    assert fetch(url, x_api_key=hub.key_of("city_government"))[0] == 200
    assert fetch(url, x_api_key=hub.key_of("telecom"))[0] == 403
    assert fetch(url)[0] == 401
    assert fetch(f"{hub.url}/api/v1/notices/2026-99.pdf", x_api_key=hub.key_of("command_center"))[0] == 422


def test_the_page_is_for_who_signed_in(hub: RunningHub, month: str) -> None:
    page = f"{hub.url}/notices/{month}"
    assert fetch(page)[2].startswith(f"{hub.url}/login")
    people = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = urllib.parse.urlencode({"key": hub.admin_key}).encode()
    people.open(hub.url + "/login", form, timeout=20).close()
    with people.open(page, timeout=60) as answer:
        said = answer.read().decode()
        assert "style-src 'self'" in answer.headers["content-security-policy"]
    assert "衢州市城市管理月度通报" in said and "全市共上报" in said and "未满月" in said
    with people.open(page + ".pdf", timeout=60) as answer:
        assert answer.read(4) == b"%PDF"
    with people.open(page + "?lang=en", timeout=60) as answer:
        assert "Monthly notice" in answer.read().decode()


def test_the_command_writes_pdf_page_and_text(hub: RunningHub, month: str, tmp_path: Path) -> None:
    for name in ("notice.pdf", "notice.html"):
        done = command(hub, "notice", "--month", month, "--out", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
    assert "城市管理月度通报" in text_of((tmp_path / "notice.pdf").read_bytes())
    assert "故每一数字可复算" in (tmp_path / "notice.html").read_text(encoding="utf-8")
    assert "全市共上报" in command(hub, "notice", "--month", month).stdout.decode()
    assert command(hub, "notice", "--month", "november").returncode == 2


def test_a_changed_matrix_is_tried_on_past_cases(hub: RunningHub, month: str, tmp_path: Path) -> None:
    folder = tmp_path / "city"
    shutil.copytree(QUZHOU, folder)
    same = command(hub, "whatif", "--month", month, "--city", str(folder), "--json")
    assert same.returncode == 0, same.stderr
    found = json.loads(same.stdout)
    assert found["moves"] == [] and found["units"] == []
    path = folder / "responsibilities.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    moved = [row.replace("housing_construction", "power") if ",E0402," in row else row for row in rows]
    path.write_text("\n".join(moved) + "\n", encoding="utf-8")
    done = command(hub, "whatif", "--month", month, "--city", str(folder), "--json")
    found = json.loads(done.stdout)
    assert {(move["from"], move["to"]) for move in found["moves"]} == {("housing_construction", "power")}
    assert "power" in command(hub, "whatif", "--month", month, "--city", str(folder)).stdout.decode()
    formula = (QUZHOU / "evaluation" / "1.toml").read_text(encoding="utf-8")
    (tmp_path / "2.toml").write_text(formula.replace('version = "1"', 'version = "2"'), encoding="utf-8")
    told = command(hub, "whatif", "--month", month, "--formula", str(tmp_path / "2.toml"), "--json")
    assert json.loads(told.stdout)["formula_after"] == "2"
    assert command(hub, "whatif", "--month", month).returncode == 2
    (tmp_path / "2.toml").write_text(formula.replace("reckoning", "wrong"), encoding="utf-8")
    assert command(hub, "whatif", "--month", month, "--formula", str(tmp_path / "2.toml")).returncode == 1
