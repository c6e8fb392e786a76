"""A running hub for stories: the real program in a process of its own, with its own data, ports and database."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 180.0


@dataclass(slots=True)
class RunningHub:
    """A hub that answers, and how to speak to it with nothing but the standard library."""

    process: subprocess.Popen[bytes]
    url: str
    admin_key: str
    data: Path

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, JSON or bytes, headers)."""
        data = body if isinstance(body, bytes | None) else json.dumps(body, ensure_ascii=False).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self.url + path,
            data=data,
            method=method,
            headers={"authorization": f"Bearer {key or self.admin_key}", "content-type": "application/json", **named},
        )
        try:
            with urllib.request.urlopen(request, timeout=70) as answer:
                return answer.status, _read(answer), {k.lower(): v for k, v in answer.headers.items()}
        except urllib.error.HTTPError as refusal:
            return refusal.code, _read(refusal), {k.lower(): v for k, v in refusal.headers.items()}

    def key_of(self, unit: str) -> str:
        """A new key for a unit, known to every process of the hub."""
        key: str = self.call("POST", f"/api/v1/units/{unit}/keys", {})[1]["key"]
        # Each call is a connection of its own, and any process may take it; the others hear of the key a little later.
        wait_for(lambda: all(self.call("GET", "/api/v1/clock", key=key)[0] == 200 for _ in range(8)))
        return key


def _read(answer: Any) -> Any:
    raw = answer.read()
    return json.loads(raw) if "json" in answer.headers.get("content-type", "") and raw else raw


def start_hub(data: Path, *more: str) -> RunningHub:
    """Start a hub on a data folder and wait until it is ready."""
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "hub.cli", "serve", f"--data={data}", "--port=0", "--print-ready",
             "--outbound-allow=127.0.0.0/8", "--rate-per-second=100000", *more],
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    # It says one line, whole, once it is ready; its output ends with it where it cannot start.
    line = process.stdout.readline() if select.select([process.stdout], [], [], START_SECONDS)[0] else b""
    if not line:
        process.kill()
    assert line, (data.parent / f"{data.name}.log").read_text()[-3000:]
    said = json.loads(line)
    return RunningHub(process, said["url"], said["admin_key"] or "", data)


def stop_hub(hub: RunningHub) -> None:
    """End it as an operator would."""
    if hub.process.poll() is None:
        hub.process.send_signal(signal.SIGTERM)
        try:
            hub.process.wait(30)
        except subprocess.TimeoutExpired:
            hub.process.kill()
            hub.process.wait(10)


def wait_for(claim: Any, seconds: float = 30.0) -> Any:
    """What ``claim`` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, f"{claim} did not come true in {seconds} s"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub for all stories that do not hurt it."""
    running = start_hub(tmp_path_factory.mktemp("hub") / "data")
    try:
        yield running
    finally:
        stop_hub(running)
