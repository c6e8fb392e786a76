"""The stage of a measurement: a hub with its own database, a partner that takes letters, and how much CPU each uses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNIT = "housing_construction"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Child:
    """A process of ours that speaks JSON lines."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, *arguments: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start ``python -m …``."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # The hub writes every log line, as a city's would; nobody reads them here.
            stderr=asyncio.subprocess.DEVNULL if "serve" in arguments else None,
            limit=512 * 1024 * 1024,
            env={**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)},
        )
        return cls(process)

    async def tell(self, line: str) -> None:
        """One line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def hear(self, seconds: float = 120.0) -> Any:
        """One JSON line from it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(seconds):
            line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process ended early, status {await self.process.wait()}")
        return json.loads(line)

    async def end(self) -> None:
        """End it, gently first."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                async with asyncio.timeout(20):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


@dataclass(slots=True)
class Stage:
    """A running hub, its receiver, and the keys."""

    hub: Child
    receiver: Child
    url: str
    port: int
    admin_key: str
    collector_key: str
    data: Path
    receiver_port: int

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """One request of the administrator's."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode()),
            method=method,
            headers={"authorization": f"Bearer {key or self.admin_key}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    async def arrived(self, wanted: set[str], seconds: float = 120.0) -> dict[str, float]:
        """Arrival time of every wanted case; waits until all letters are there."""
        found: dict[str, float] = {}
        deadline = time.monotonic() + seconds
        while not wanted <= found.keys():
            await self.receiver.tell("take")
            said = await self.receiver.hear()
            found.update(said["arrivals"])
            if said["bad_signature"]:
                raise SystemExit(f"{said['bad_signature']} letters had a wrong signature")
            if time.monotonic() > deadline:
                missing = sorted(wanted - found.keys())
                raise SystemExit(f"{len(missing)} letters did not arrive in {seconds:g} s: {', '.join(missing[:5])} …")
            await asyncio.sleep(0.05)
        return found

    def resident_mb(self) -> dict[str, float]:
        """Memory of each of the hub's workers, what they share counted once (proportional set size)."""
        found = {}
        for slot, pid in sorted(self.workers().items()):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kilobytes = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
            found[slot] = kilobytes / 1024
        return found

    def workers(self) -> dict[str, int]:
        """Slot → process id of the hub's workers."""
        found: dict[str, int] = {}
        for pid, arguments in _processes():
            slot = next((a.removeprefix("--slot=") for a in arguments if a.startswith("--slot=")), None)
            if slot and any(str(self.data) in a for a in arguments):
                found[slot] = pid
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """CPU used so far: the doors, the lanes, the database."""
        used = {"api": 0.0, "lanes": 0.0, "postgres": 0.0}
        for slot, pid in self.workers().items():
            used["api" if slot.startswith("a") else "lanes"] += _cpu(pid)
        pid_file = next(self.data.glob("postgresql/**/postmaster.pid"))
        postmaster = int(pid_file.read_text().split()[0])
        # What a backend used counts with its parent once it ended; while it lives it is counted itself.
        used["postgres"] = _cpu(postmaster, children=True) + sum(_cpu(pid) for pid in _children(postmaster))
        return used


@contextlib.asynccontextmanager
async def stage(
    data: Path,
    processes: int,
    city: Path | None = None,
    receiver: str = "bench.receiver",
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """A hub made for measuring, with its own city or Quzhou; everything is ended afterwards."""
    children: list[Child] = []
    try:
        hub = await Child.start(
            "hub.cli", "serve", "--data", str(data), "--port", "0", "--print-ready", 
            "--processes", str(processes), "--outbound-allow", "127.0.0.0/8", "--rate-per-second", "1000000",
            *(("--city", str(city)) if city else ()),
            environment=environment,
        )  # fmt: skip
        children.append(hub)
        ready = await hub.hear()
        taking = await Child.start(receiver)
        children.append(taking)
        told = await taking.hear()
        url = ready["url"]
        made = Stage(hub, taking, url, int(url.rpartition(":")[2]), ready["admin_key"], "", data, told["port"])
        made.collector_key = made.call("POST", "/api/v1/units/collection/keys", {})["key"]
        if city is None:
            await _connect(made)
        yield made
    finally:
        for child in reversed(children):
            await child.end()


async def _connect(made: Stage) -> None:
    profile: dict[str, Any] = {
        "unit": UNIT,
        "connections": [
            {
                "name": "main",
                "transport": "rest",
                "receives": ["case.dispatch"],
                "rest": {"endpoint": f"http://127.0.0.1:{made.receiver_port}/letters"},
                "concurrency": 64,
                "per_second": 10000,
            }
        ],
    }
    applied = made.call("PUT", f"/api/v1/units/{UNIT}/profile", profile)
    await made.receiver.tell(json.dumps({"secrets": {"/letters": applied["secrets"][0]["secret"]}}))
    made.call("POST", f"/api/v1/units/{UNIT}/state", {"state": "live", "reason": "bench"})
    for _ in range(300):
        lanes = made.call("GET", "/api/v1/lanes")["items"]
        if any(lane["connection_id"] == f"{UNIT}.main" and lane["running"] for lane in lanes):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("the lane of the receiver did not begin to run")


def _processes() -> list[tuple[int, list[str]]]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                found.append(
                    (int(folder.name), (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0"))
                )
    return found


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(parent: int) -> list[int]:
    found = []
    for pid, _ in _processes():
        with contextlib.suppress(OSError):
            if int(_stat(pid)[1]) == parent:
                found.append(pid)
    return found


def _cpu(pid: int, *, children: bool = False) -> float:
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    ticks = int(fields[11]) + int(fields[12])
    if children:
        ticks += int(fields[13]) + int(fields[14])
    return ticks / os.sysconf("SC_CLK_TCK")


SPOTS = 125
"""So many rows and columns of places, more than 30 m apart: no report repeats another (重复案件)."""

WINDOW = 2000
CODES = ("E0104", "E0102", "E0108", "E0117", "E0152", "E0404", "E0157", "E0451")


def reports(window: int) -> list[dict[str, Any]]:
    """Realistic reports that a single unit must handle, about 0.6 KB of Chinese text each.

    Each is a problem of its own, and so are those of other windows: 16,000 in each of seven.
    """
    text = "巡查发现路面存在明显问题,影响通行与市容,周边有学校和菜市场,人流较大,请尽快到场处置并拍照反馈。" * 3
    return [
        {
            "category_code": code,
            "description": f"{text}(第 {spot} 号点位)",
            "place": {
                "longitude": round(118.852 + spot % SPOTS * 0.04 / SPOTS, 6),
                "latitude": round(28.932 + spot // SPOTS * 0.04 / SPOTS, 6),
                "address": f"上街{spot * 7 % 200 + 1}号门前人行道",
            },
            "attributes": [{"name": "weather", "value": "晴"}],
        }
        for spot in range(window % 7 * WINDOW, (window % 7 + 1) * WINDOW)
        for code in CODES
    ]
