"""What many connected units cost: the same traffic spread over 8 units and over 200, in turn, in one hub.

The city is Quzhou with 200 more units, each the owner of its own components; a report on a component goes to its
owner. Between rounds the 192 that are not in play are suspended, so both numbers are measured by the same processes.
"""

from __future__ import annotations

import asyncio
import csv
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stage import ROOT, SPOTS, Child, Stage, stage

FEW, MANY = 8, 200
CITY = ROOT / "contracts" / "cities" / "quzhou"
CATEGORY = "C0107"
PER_SECOND = 150.0
"""A load well below the hub's limit: what is asked is whether a crowd slows anybody down."""

SETTLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One round with so many units connected."""

    units: int
    p50_ms: float
    p99_ms: float
    resident_mb: float


async def measure(rounds: int, seconds: float, processes: int) -> dict[str, Any]:
    """Alternating rounds; resident memory before the crowd came, and with it."""
    with tempfile.TemporaryDirectory(prefix="cityhub-crowd-") as folder:
        city = _city(Path(folder) / "city")
        async with stage(Path(folder) / "data", processes, city=city) as on:
            crowd = _Crowd(on)
            few, many = _units(FEW), _units(MANY)
            await crowd.connect(few)
            await crowd.round(few, seconds, "warm")
            turns = [await crowd.round(few, seconds, "before")]
            await crowd.connect(many[FEW:])
            for number in range(rounds):
                turns.append(await crowd.round(many, seconds, f"many{number}"))
                await crowd.set_states(many[FEW:], "suspended")
                turns.append(await crowd.round(few, seconds, f"few{number}"))
                await crowd.set_states(many[FEW:], "live")
    return _summary(turns)


class _Crowd:
    """The units of the crowd: connected, suspended and reported to."""

    def __init__(self, on: Stage) -> None:
        self._on = on
        self._secrets: dict[str, str] = {}
        self._made = 0

    async def connect(self, units: Sequence[str]) -> None:
        """Give each its profile and let it go live."""
        for unit in units:
            path = f"/api/v1/units/{unit}/profile"
            applied = await asyncio.to_thread(self._on.call, "PUT", path, self._profile(unit))
            self._secrets[f"/{unit}"] = applied["secrets"][0]["secret"]
        await self._on.receiver.tell(json.dumps({"secrets": self._secrets}))
        await self.set_states(units, "live")

    async def set_states(self, units: Sequence[str], state: str) -> None:
        """Move units to a state, and wait until just the live ones have their lanes."""
        for unit in units:
            path = f"/api/v1/units/{unit}/state"
            await asyncio.to_thread(self._on.call, "POST", path, {"state": state, "reason": "bench"})
        deadline = time.monotonic() + SETTLE_SECONDS
        names = {f"{unit}.main" for unit in units}
        while True:
            lanes = (await asyncio.to_thread(self._on.call, "GET", "/api/v1/lanes"))["items"]
            running = {lane["connection_id"] for lane in lanes if lane["running"]}
            if (names <= running) if state == "live" else not (names & running):
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(names)} lanes did not become {state}")
            await asyncio.sleep(0.2)

    async def round(self, units: Sequence[str], seconds: float, run: str) -> Turn:
        """Report on the components of these units at a steady rate; when each dispatch arrived at its unit."""
        bodies = self._bodies(units, int(seconds * PER_SECOND))
        load = await Child.start("bench.load")
        try:
            plan = {
                "port": self._on.port,
                "key": self._on.collector_key,
                "callers": 16,
                "seconds": seconds,
                "per_second": PER_SECOND,
                "messages_max": len(bodies),
                "bodies": bodies,
                "seed": 1,
                "run": run,
            }
            await load.tell(json.dumps(plan))
            said = await load.hear(seconds + 60)
        finally:
            await load.end()
        if said["failed"]:
            raise SystemExit(f"reports were not accepted: {said['failed']}")
        arrived = await self._on.arrived(set(said["sent"]))
        spans = sorted((arrived[case] - at) * 1000 for case, at in said["sent"].items())
        return Turn(len(units), _at(spans, 0.5), _at(spans, 0.99), self._on.resident_mb())

    def _bodies(self, units: Sequence[str], count: int) -> list[dict[str, Any]]:
        made = []
        for _ in range(count):
            unit, spot = units[self._made % len(units)], self._made % (SPOTS * SPOTS)
            made.append(
                {
                    "category_code": CATEGORY,
                    "component_code": _component(unit, self._made // len(units) % COMPONENTS),
                    "description": f"井盖破损({self._made})",
                    "place": {
                        "longitude": round(118.852 + spot % SPOTS * 0.04 / SPOTS, 6),
                        "latitude": round(28.932 + spot // SPOTS * 0.04 / SPOTS, 6),
                    },
                }
            )
            self._made += 1
        return made

    def _profile(self, unit: str) -> dict[str, Any]:
        return {
            "unit": unit,
            "connections": [
                {
                    "name": "main",
                    "transport": "rest",
                    "receives": ["case.dispatch"],
                    "rest": {"endpoint": f"http://127.0.0.1:{self._on.receiver_port}/{unit}"},
                }
            ],
        }


COMPONENTS = 10


def _units(count: int) -> list[str]:
    return [f"crowd_{number:03d}" for number in range(count)]


def _component(unit: str, number: int) -> str:
    return f"3308029{int(unit.rpartition('_')[2]):05d}{number:04d}"


def _city(folder: Path) -> Path:
    """Quzhou with the crowd, each unit with its own components."""
    shutil.copytree(CITY, folder)
    _append(
        folder / "units.csv",
        [
            {"unit_id": unit, "name_zh": f"单位{unit[-3:]}", "name_en": unit, "role": "terminal", "joins_phase": "1"}
            | {"source": "bench"}
            for unit in _units(MANY)
        ],
    )
    _append(
        folder / "components.csv",
        [
            {"component_code": _component(unit, number), "category_code": CATEGORY, "owner_unit_id": unit}
            | {"maintainer_unit_id": unit, "department_unit_id": "housing_construction"}
            | {"longitude": "118.87", "latitude": "28.95", "certainty": "schematic", "source": "bench"}
            for unit in _units(MANY)
            for number in range(COMPONENTS)
        ],
    )
    return folder


def _append(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, columns, restval="", lineterminator="\n").writerows(rows)


def _summary(turns: Sequence[Turn]) -> dict[str, Any]:
    first, later = turns[0], turns[1:]
    few = [turn for turn in later if turn.units == FEW]
    many = [turn for turn in later if turn.units == MANY]
    p99_few, p99_many = (statistics.median(turn.p99_ms for turn in each) for each in (few, many))
    return {
        "units": [FEW, MANY],
        "per_second": PER_SECOND,
        "p50_ms": [round(statistics.median(turn.p50_ms for turn in each), 2) for each in (few, many)],
        "p99_ms": [round(p99_few, 2), round(p99_many, 2)],
        "p99_ratio": round(p99_many / p99_few, 2),
        "resident_mb": [round(first.resident_mb, 1), round(max(turn.resident_mb for turn in many), 1)],
        "resident_growth_mb": round(max(turn.resident_mb for turn in many) - first.resident_mb, 1),
    }


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
