"""What many connected units cost: the same traffic spread over 8 units and over 200, in turn, in one hub.

The city is Quzhou with 200 more units in all ways, each the owner of its own components; a report on a component goes
to its owner. Between rounds the 192 that are not in play are suspended, so both numbers are measured by the same
processes. Most reports are a collector's, by HTTP; some are fetched from polled units and from queues.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench.crowd_city import Reporting, city_with
from bench.crowd_turns import ALL, Turn, summary
from bench.crowd_ways import (
    CALLED,
    CONNECTION,
    FETCHED,
    FILE,
    POLLED,
    QUEUE,
    REST,
    of_way,
    profile,
    secrets_of,
    unit_of,
    way_of,
)
from bench.stage import Child, Stage, stage
from contracts.ways.rabbitmq import names_of
from hub.demo.broker import Broker, running_broker
from hub.demo.broker_node import BrokerFault

FEW, MANY = 8, 200
PER_SECOND = 150.0
"""A load well below the hub's limit: what is asked is whether a crowd slows anybody down."""

FETCHED_PER_SECOND = 10.0
"""Reports that the units themselves have, beside it: half are polled, half come by queue."""

LEAD_SECONDS = 2.0
SETTLE_SECONDS = 120.0
GATHER_SECONDS = 8.0
"""How long units may have a report lie before it is asked for: the longest pause between two polls, and some more."""


async def measure(rounds: int, seconds: float, processes: int) -> dict[str, Any]:
    """Alternating rounds; resident memory before the crowd came, and with it."""
    few, many = _units(FEW), _units(MANY)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cityhub-crowd-")))
        broker = await _broker(stack)
        files, city = folder / "files", city_with(many, folder / "city")
        files.mkdir()
        on = await stack.enter_async_context(
            stage(folder / "data", processes, city, "bench.crowd_partner", _environment(files, broker))
        )
        crowd = _Crowd(on, files, broker.url if broker else "")
        await crowd.connect(few)
        await crowd.round(few, seconds, "warm")
        turns = [await crowd.round(few, seconds, "before")]
        await crowd.connect(many[FEW:])
        # Each WSDL is read with the first letter.
        await crowd.round(many, seconds, "warmer")
        for number in range(rounds):
            turns.append(await crowd.round(many, seconds, f"many{number}"))
            await crowd.set_states(many[FEW:], "suspended")
            turns.append(await crowd.round(few, seconds, f"few{number}"))
            if number < rounds - 1:
                await crowd.set_states(many[FEW:], "live")
    ways = Counter(way_of(unit, broker is not None) for unit in few)
    return {**summary(turns), "ways_of_eight": ways, "per_second": PER_SECOND + FETCHED_PER_SECOND}


async def _broker(stack: AsyncExitStack) -> Broker | None:
    """A node of the bench's own; None, and a line that says so, where there can be none."""
    try:
        return await stack.enter_async_context(running_broker())
    except BrokerFault as fault:
        instead = "其余照测,队列的单位改由 REST 推送 / the rest is measured, units at a queue are pushed to by REST"
        print(f"{fault}: {instead}", file=sys.stderr)
        return None


def _environment(files: Path, broker: Broker | None) -> dict[str, str]:
    told = {"CITYHUB_FILES_ROOT": str(files)}
    if broker is not None:
        told |= {"CITYHUB_RABBITMQ": broker.url, "CITYHUB_RABBITMQ_MANAGEMENT": broker.management_url}
    return told


class _Crowd:
    """The units of the crowd: connected, suspended and reported to."""

    def __init__(self, on: Stage, files: Path, broker: str) -> None:
        self._on = on
        self._files = files
        self._broker = broker
        self._units: list[str] = []
        self._secrets: dict[str, str] = {}
        self._reporting = Reporting()

    async def connect(self, units: Sequence[str]) -> None:
        """Give each its profile and its secrets, and let it go live."""
        ports = await self._partner({"listen": {unit: self._way(unit) for unit in units if self._way(unit) in CALLED}})
        for unit in units:
            way, path = self._way(unit), f"/api/v1/units/{unit}"
            applied = await self._call("PUT", f"{path}/profile", profile(unit, way, ports.get(unit, 0)))
            if way == REST:
                self._secrets[f"/{unit}"] = applied["secrets"][0]["secret"]
            for name, value in secrets_of(way).items():
                await self._call("PUT", f"{path}/secrets/{name}", {"value": value})
        self._units += units
        await self.set_states(units, "live")
        await self._partner(
            {
                "secrets": self._secrets,
                "folders": [str(self._files / unit / "派遣单") for unit in self._of(self._units, FILE)],
                "queues": [names_of(f"{unit}.{CONNECTION}").queue_out for unit in self._of(units, QUEUE)],
                "broker": self._broker,
            }
        )

    async def set_states(self, units: Sequence[str], state: str) -> None:
        """Move units to a state, and wait until just the live ones have their lanes and are fetched from."""
        wanted = {"state": state, "reason": "bench"}
        await asyncio.gather(*(self._call("POST", f"/api/v1/units/{unit}/state", wanted) for unit in units))
        deadline = time.monotonic() + SETTLE_SECONDS
        lanes = {f"{unit}.{CONNECTION}" for unit in units}
        sources = {f"{unit}.{CONNECTION}" for unit in units if self._way(unit) in FETCHED}
        while True:
            running, fetched = await self._running("lanes"), await self._running("sources")
            if state == "live" and lanes <= running and sources <= fetched:
                return
            if state != "live" and not (lanes & running or sources & fetched):
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(units)} units did not become {state}")
            await asyncio.sleep(0.2)

    async def _running(self, what: str) -> set[str]:
        rows = (await self._call("GET", f"/api/v1/{what}"))["items"]
        return {row["connection_id"] for row in rows if row["running"]}

    async def round(self, units: Sequence[str], seconds: float, run: str) -> Turn:
        """Report on the components of these units at a steady rate; when each dispatch arrived at its unit.

        What is sent in the first seconds is not counted: the units have just come or gone.
        """
        seconds, began = seconds + LEAD_SECONDS, time.time()
        bodies = self._reporting.bodies(self._of(units, REST), int(seconds * FETCHED_PER_SECOND))
        fetched = {
            "bodies": bodies,
            "polled": self._of(units, POLLED),
            "connections": [f"{unit}.{CONNECTION}" for unit in self._of(units, QUEUE)],
            **{"per_second": FETCHED_PER_SECOND, "seconds": seconds, "run": run},
        }
        before = self._on.cpu_seconds()
        await self._partner({"report": fetched})
        sent = await self._sent(units, seconds, run)
        sent |= await self._fetched(len(bodies))
        arrived = await self._on.arrived(set(sent))
        ways = (await self._partner("reported"))["ways"]
        spans: dict[str, list[float]] = {ALL: []}
        for key, at in sent.items():
            if at < began + LEAD_SECONDS:
                continue
            took = (arrived[key] - at) * 1000
            spans[ALL].append(took)
            spans.setdefault("fetched" if key.startswith("own-") else ways[key], []).append(took)
        cpu = {who: (after - before[who]) / len(sent) * 1e6 for who, after in self._on.cpu_seconds().items()}
        return Turn(len(units), {way: sorted(each) for way, each in spans.items()}, self._on.resident_mb(), cpu)

    async def _sent(self, units: Sequence[str], seconds: float, run: str) -> dict[str, float]:
        """The collector's reports: case number → when it was sent."""
        bodies = self._reporting.bodies(units, int(seconds * PER_SECOND))
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
        return dict(said["sent"])

    async def _fetched(self, count: int) -> dict[str, float]:
        """The units' own reports: mark → when it was put into the queue, or the page that holds it was answered."""
        found: dict[str, float] = {}
        deadline = time.monotonic() + GATHER_SECONDS
        while len(found) < count and time.monotonic() < deadline:
            found = (await self._partner("reported"))["reported"]
            await asyncio.sleep(0.1)
        return found

    async def _partner(self, told: Any) -> Any:
        await self._on.receiver.tell(told if isinstance(told, str) else json.dumps(told))
        return await self._on.receiver.hear()

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        return await asyncio.to_thread(self._on.call, method, path, body)

    def _way(self, unit: str) -> str:
        return way_of(unit, bool(self._broker))

    def _of(self, units: Sequence[str], way: str) -> list[str]:
        return of_way(units, way, bool(self._broker))


def _units(count: int) -> list[str]:
    return [unit_of(number) for number in range(count)]
