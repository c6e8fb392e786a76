"""SOAP out as a whole, in one process: letters that lie in the store, by a lane to the service, each recorded.

Reads one JSON line {"ports", "letters", "rounds", "callers"}; writes one: for each profile [letters a second,
microseconds of CPU a letter], by round. The unit that the reports fall to takes each profile's place in turn.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import uvloop

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.soap import SoapAdapter, SoapCalls
from bench.parts import hub_parts
from bench.soap_load import NoPhotos, Secrets, shipped
from bench.stage import CODES, UNIT, reports
from contracts.arrival import Arrival, Said
from contracts.envelope import Sender
from contracts.messages import Report
from contracts.nouns import Transport
from contracts.problem import Problem
from contracts.profile import Profile
from hub.logs import logs_to_stderr
from hub.process_life import settle_garbage
from hub.reception import Reception

PROFILES = ("water_asmx", "gas_axis", "power_wsse")
COLLECTOR = Sender("collection", "bench", "bench")
BATCH, PARTS = 200, 4
"""How many reports are handed in at once, and turns that share a window of them: none repeats another."""


async def main() -> None:
    """All rounds."""
    told = json.loads(sys.stdin.readline())
    logs_to_stderr("warning")
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(hub_parts())
        http = HttpCalls(OutboundGuard(allow=(IPv4Network("127.0.0.0/8"),)), "bench")
        stack.push_async_callback(http.close)
        adapter = SoapAdapter(SoapCalls(Authenticator(Secrets(), http)), NoPhotos())
        stack.push_async_callback(adapter.close)
        turns = parts.turns
        settle_garbage()
        made: dict[str, list[tuple[float, float]]] = {name: [] for name in PROFILES}
        for turn in range((told["rounds"] + 1) * len(PROFILES)):
            name = PROFILES[turn % len(PROFILES)]
            await turns.goes_live(_taking_the_place_of(name, told["ports"][name], told["callers"]))
            await _fill(parts.reception, told["letters"], turn)
            gc.collect()
            began, cpu = time.perf_counter(), time.process_time()
            await turns.work_off(told["letters"], {Transport.SOAP: adapter})
            rates = told["letters"] / (time.perf_counter() - began), (time.process_time() - cpu) / told["letters"] * 1e6
            await turns.check(told["letters"])
            if turn >= len(PROFILES):  # the first of each only warms up
                made[name].append(rates)
    print(json.dumps(made), flush=True)


def _taking_the_place_of(name: str, port: int, callers: int) -> Profile:
    """A shipped profile under the name of the unit to which everything is dispatched."""
    document = shipped(name).model_dump(mode="json", exclude_none=True)
    (connection,) = document["connections"]
    connection |= {"name": "main", "receives": ["case.dispatch"], "concurrency": callers, "per_second": 10_000}
    connection["soap"] |= {"endpoint": f"http://127.0.0.1:{port}/"}
    for table in connection["mapping"].get("codes", ()):
        if table["name"] == "category":
            table["pairs"] += [{"ours": code, "theirs": code} for code in CODES]
    return Profile.model_validate({**document, "unit": UNIT}, strict=False)


async def _fill(reception: Reception, count: int, turn: int) -> None:
    """Cases that are reported and dispatched while no lane runs."""
    window, part = divmod(turn, PARTS)
    bodies = reports(window)[part::PARTS][:count]
    arrivals = [_arrival(body, f"soap-{turn}-{n}") for n, body in enumerate(bodies)]
    for start in range(0, count, BATCH):
        for outcome in await reception.receive(arrivals[start : start + BATCH]):
            if isinstance(outcome, Problem) or outcome.state != "dispatched":
                raise SystemExit(f"a report was not dispatched: {outcome}")


def _arrival(body: dict[str, Any], message_id: str) -> Arrival:
    said = Said(Report.model_validate(body, strict=False), message_id, "/bench")
    return Arrival(COLLECTOR, said, b"", "application/json", "bench", datetime.now(UTC))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
