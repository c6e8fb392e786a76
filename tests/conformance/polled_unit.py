"""Starts a unit's system that only answers when asked, in another process, and speaks of it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import a_place


def a_row(number: int, at: str = "2026-11-23 09:13:00", **more: Any) -> dict[str, Any]:
    """What a bus driver reported: a record of the unit's own system."""
    lng, lat = a_place()["longitude"], a_place()["latitude"]
    return {"id": str(number), "at": at, "kind": "1", "text": f"站台水管破裂 {number}", "lng": lng, "lat": lat, **more}


@dataclass
class PolledUnit:
    """A running system."""

    port: int

    def url(self, path: str) -> str:
        """An address of the unit."""
        return f"http://127.0.0.1:{self.port}{path}"

    def add(self, log: str, *rows: dict[str, Any]) -> None:
        """Something happened at the unit."""
        self._call(f"/_/add/{log}", rows)

    def goes_down(self, log: str) -> None:
        """It answers 503 to the next question."""
        self._call(f"/_/down/{log}", [])

    def asked(self, log: str, least: int = 0) -> list[dict[str, Any]]:
        """How it was asked for a log; waits until it was so often."""
        with urllib.request.urlopen(self.url(f"/_/asked/{log}?least={least}"), timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found

    def _call(self, path: str, body: Sequence[Any]) -> None:
        request = urllib.request.Request(self.url(path), json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=30).close()


@contextmanager
def a_polled_unit() -> Iterator[PolledUnit]:
    """A system in another process, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("polled_partner.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        yield PolledUnit(json.loads(process.stdout.readline())["port"])
    finally:
        process.kill()
        process.communicate()
