"""bench: measures of the hub beside pgbench, interleaved in one run."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import crowd, crowd_turns, rabbitmq, soap, soap_in
from bench.mapping import measure as measure_mapping
from bench.stage import Child, Stage, reports, stage
from bench.yardstick import transactions_per_second

MEASURES = ("pipeline", "intake", "delivery")


@dataclass(slots=True)
class Round:
    """One round of a measure."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float] = field(default_factory=dict)
    answered_p50_ms: float = 0.0
    answered_p99_ms: float = 0.0


async def run(given: argparse.Namespace) -> int:
    """Measure and print; status 1 where something was lost or refused on the way."""
    chosen = list(given.measures) or list(MEASURES)
    unknown = [name for name in chosen if name not in (*MEASURES, *ALONE)]
    if unknown:
        print(f"没有这种测量 / no such measure: {', '.join(unknown)}", file=sys.stderr)
        return 2
    alone: dict[str, Any] = {}
    for name in [name for name in chosen if name in ALONE]:
        _say(name)
        alone[name] = await ALONE[name](given)
    chosen = [name for name in chosen if name not in ALONE]
    if not chosen:
        _tell(alone | {"conditions": {"cores": os.cpu_count(), "rounds": given.rounds}}, given.json)
        return 0
    rounds: dict[str, list[Round]] = {name: [] for name in chosen}
    yardstick: list[float] = []
    with tempfile.TemporaryDirectory(prefix="cityhub-bench-") as folder:
        data = Path(folder)
        async with stage(data, given.processes) as on:
            await _warm_up(on, given)
            for number in range(given.rounds):
                for name in chosen:
                    _say(f"{name} {number + 1}/{given.rounds}")
                    rounds[name].append(await _MEASURE[name](on, given, number))
                _say(f"pgbench {number + 1}/{given.rounds}")
                yardstick.append(await _pgbench(on, given))
    made: dict[str, Any] = {name: _summary(each, yardstick, name) for name, each in rounds.items()}
    made["pgbench_per_second"] = round(statistics.median(yardstick))
    made["conditions"] = {
        "callers": given.callers,
        "seconds": given.seconds,
        "rounds": given.rounds,
        "processes": given.processes,
        "cores": os.cpu_count(),
        "fsync": "on",
    }
    _tell(made | alone, given.json)
    return 0


def _tell(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(made, ensure_ascii=False))
    else:
        _show(made)


def _summary(each: list[Round], yardstick: list[float], name: str) -> dict[str, Any]:
    ratios = [one.per_second / tps for one, tps in zip(each, yardstick, strict=True)]
    made: dict[str, Any] = {
        "per_second": round(statistics.median(one.per_second for one in each)),
        "p50_ms": round(statistics.median(one.p50_ms for one in each), 2),
        "p99_ms": round(statistics.median(one.p99_ms for one in each), 2),
        "cpu_us_per_message": {
            who: round(statistics.median(one.cpu_us.get(who, 0.0) for one in each)) for who in each[0].cpu_us
        },
        "ratio_pgbench": round(statistics.median(ratios), 2),
    }
    if name == "pipeline":
        made["answered_p50_ms"] = round(statistics.median(one.answered_p50_ms for one in each), 2)
        made["answered_p99_ms"] = round(statistics.median(one.answered_p99_ms for one in each), 2)
    return made


async def _loaded(on: Stage, given: argparse.Namespace, seconds: float, bodies: list[dict[str, Any]], run: str) -> Any:
    load = await Child.start("bench.load")
    try:
        await load.tell(
            json.dumps(
                {
                    "port": on.port,
                    "key": on.collector_key,
                    "callers": given.callers,
                    "seconds": seconds,
                    "messages_max": 10_000_000,
                    "bodies": bodies,
                    "seed": 1,
                    "run": run,
                }
            )
        )
        said = await load.hear(seconds + 60)
    finally:
        await load.end()
    if said["failed"]:
        raise SystemExit(f"reports were not accepted: {said['failed']}")
    return said


async def _warm_up(on: Stage, given: argparse.Namespace) -> None:
    said = await _loaded(on, given, 2.0, reports(0), "warm")
    await on.arrived(set(said["sent"]))


async def _pipeline(on: Stage, given: argparse.Namespace, number: int) -> Round:
    before = on.cpu_seconds()
    began = time.time()
    said = await _loaded(on, given, given.seconds, reports(1 + number), f"p{number}")
    arrived = await on.arrived(set(said["sent"]))
    spans = sorted((arrived[case] - at) * 1000 for case, at in said["sent"].items())
    ended = max(arrived[case] for case in said["sent"])
    first = min(said["sent"].values())
    made = _round(on, before, spans, len(spans) / (ended - max(first, began)))
    took = sorted(each * 1000 for each in said["took"])
    made.answered_p50_ms, made.answered_p99_ms = _at(took, 0.5), _at(took, 0.99)
    return made


async def _intake(on: Stage, given: argparse.Namespace, number: int) -> Round:
    # A category whose responsibility is unclear: decided and committed, but no letter is pushed.
    bodies = [{**body, "category_code": "C0107"} for body in reports(number)]
    before = on.cpu_seconds()
    said = await _loaded(on, given, given.seconds, bodies, f"i{number}")
    took = sorted(each * 1000 for each in said["took"])
    return _round(on, before, took, len(took) / said["seconds"])


async def _delivery(on: Stage, given: argparse.Namespace, number: int) -> Round:
    """A backlog is written while the lanes stand still, then worked off."""
    lanes = [pid for slot, pid in on.workers().items() if slot.startswith(("l", "w"))]
    for pid in lanes:
        os.kill(pid, signal.SIGSTOP)
    try:
        said = await _loaded(on, given, min(given.seconds, 8.0) / 2, reports(4 + number), f"d{number}")
    finally:
        before, began = on.cpu_seconds(), time.time()
        for pid in lanes:
            os.kill(pid, signal.SIGCONT)
    arrived = await on.arrived(set(said["sent"]))
    spans = sorted((arrived[case] - began) * 1000 for case in said["sent"])
    return _round(on, before, spans, len(spans) / (spans[-1] / 1000))


def _round(on: Stage, before: dict[str, float], spans: list[float], per_second: float) -> Round:
    after = on.cpu_seconds()
    cpu = {who: (after[who] - before[who]) / len(spans) * 1e6 for who in after}
    return Round(per_second, _at(spans, 0.5), _at(spans, 0.99), cpu)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _pgbench(on: Stage, given: argparse.Namespace) -> float:
    """The same rows, one transaction per message, by the same server."""
    from hub.store.embedded import running_server

    async with running_server(on.data / "postgresql") as server:
        return await transactions_per_second(server.dsn, datetime.now(UTC), max(2, int(given.seconds)))


async def _mapping(given: argparse.Namespace) -> dict[str, Any]:
    return measure_mapping(given.rounds)


async def _soap(given: argparse.Namespace) -> dict[str, Any]:
    out = await soap.measure(given.rounds, given.seconds, given.callers)
    return out | {"in": await soap_in.measure(given.rounds, given.seconds, given.callers)}


async def _units(given: argparse.Namespace) -> dict[str, Any]:
    return await crowd.measure(given.rounds, given.seconds, given.processes)


ALONE: dict[str, Callable[[argparse.Namespace], Awaitable[dict[str, Any]]]] = {
    "mapping": _mapping,
    "soap": _soap,
    "rabbitmq": rabbitmq.measure,
    "units": _units,
}
"""Measures with a stage of their own, or none."""

_MEASURE = {"pipeline": _pipeline, "intake": _intake, "delivery": _delivery}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show(made: dict[str, Any]) -> None:
    if "mapping" in made:
        for name, us in made["mapping"]["us"].items():
            print(f"{name:22} {us:>7} µs")
    for name in MEASURES:
        if name in made:
            one = made[name]
            print(
                f"{name:10} {one['per_second']:>7}/s   p50 {one['p50_ms']:>8} ms   p99 {one['p99_ms']:>8} ms   "
                f"× pgbench {one['ratio_pgbench']:<5} CPU µs {one['cpu_us_per_message']}"
            )
    for name, one in made.get("soap", {}).get("out", {}).items():
        print(
            f"soap out {name:12} {one['per_second']:>6}/s   {one['cpu_us_per_call']:>5} µs CPU   "
            f"× bare zeep {one['ratio_zeep']} ({one['zeep_per_second']}/s)"
        )
    for name, one in made.get("soap", {}).get("out_lane", {}).items():
        print(f"soap lane {name:11} {one['per_second']:>6}/s   {one['cpu_us']:>5} µs CPU")
    if "in" in made.get("soap", {}):
        one = made["soap"]["in"]
        print(
            f"soap in               {one['per_second']:>6}/s   {one['cpu_us_per_call']:>5} µs CPU "
            f"({one['per_cpu_second']}/s of a core)   "
            f"XML in and out {one['wire_us']} µs, × bare zeep {one['ratio_zeep']} ({one['zeep_us']} µs)"
        )
    if "units" in made:
        print(*crowd_turns.lines(made["units"]), sep="\n")
    if "rabbitmq" in made:
        print(*rabbitmq.lines(made["rabbitmq"]), sep="\n")
    if "pgbench_per_second" in made:
        print(f"pgbench    {made['pgbench_per_second']:>7}/s   the same rows, one transaction per message")
