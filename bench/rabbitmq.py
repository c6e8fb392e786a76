"""What RabbitMQ costs beside bare pika, interleaved in one run: letters out, messages in, per process.

Every check is on. Out: the event's headers, mandatory, a confirmation for each letter from a quorum queue. In: read,
checked against the contract, decided and committed with fsync, and only then confirmed to the broker.
``in_transport`` is the same up to the reception's door. ``out`` is the adapter alone; ``out_lane`` begins with letters
that lie in the store and ends when each is recorded there as delivered, one lane at work. The figures are of one
process, whose broker and database share the machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import uvloop

from adapters.guard import OutboundGuard
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.topology import declare, topology_of
from bench.parts import hub_parts
from bench.rabbit_lane import LaneStage
from bench.rabbit_stage import LANES, PREFETCH, UNIT, WINDOW, NoSecrets, RabbitStage, messages
from bench.stage import Child
from contracts.nouns import Connection, Transport
from hub.demo.broker import running_broker
from hub.demo.broker_node import BrokerFault
from hub.logs import logs_to_stderr
from hub.process_life import settle_garbage

ROUNDS_MAX, LETTERS_MAX = 6, 16_000
"""Of the lane: so many problems are there that do not repeat each other."""

MEASURES = ("bare_out", "out", "out_lane", "bare_in", "in_transport", "in")


@dataclass(slots=True)
class _Round:
    per_second: float
    cpu_us: float


async def _timed(work: Callable[[], Awaitable[None]], count: int) -> _Round:
    gc.collect()
    began, cpu = time.perf_counter(), time.process_time()
    await work()
    seconds = time.perf_counter() - began
    return _Round(count / seconds, (time.process_time() - cpu) / count * 1e6)


async def _rounds(stage: RabbitStage, lane: LaneStage, count: int, rounds: int) -> dict[str, list[_Round]]:
    made: dict[str, list[_Round]] = {name: [] for name in MEASURES}
    for number in range(-1, rounds):
        one: dict[str, _Round] = {}
        for name, work in (("bare_out", stage.bare_out), ("out", stage.out)):
            one[name] = await _timed(lambda work=work: work(count), count)  # type: ignore[misc]
            await stage.empty()
        letters = min(count, LETTERS_MAX)
        await lane.fill(stage, letters, number + 1)
        one["out_lane"] = await _timed(lambda letters=letters: lane.work_off(letters), letters)  # type: ignore[misc]
        await lane.check(letters)
        for name in ("bare_in", "in_transport", "in"):
            await stage.fill(messages(count, f"{name}{number}"))
            works: dict[str, Callable[[], Awaitable[None]]] = {
                "bare_in": lambda: stage.bare_in(count),
                "in_transport": lambda: stage.collected(count, None),
                "in": lambda: stage.collected(count, stage.reception),
            }
            one[name] = await _timed(works[name], count)
            await stage.empty()
        if number >= 0:  # the first only warms up
            for name, each in one.items():
                made[name].append(each)
    return made


async def _main(count: int, rounds: int) -> dict[str, Any]:
    logs_to_stderr("warning")
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running_broker())
        parts = await stack.enter_async_context(hub_parts())
        brokers = Brokers([broker.url], NoSecrets(), OutboundGuard(), "bench")
        stack.push_async_callback(brokers.close)
        settings = {"queues": "quorum", "limits": {}, "prefetch": PREFETCH}
        connections = [
            Connection(f"{UNIT}.c{n}", UNIT, Transport.RABBITMQ, 1, settings, frozenset(), WINDOW, 10_000.0, 60.0)
            for n in range(LANES)
        ]
        for each in connections:
            await declare(brokers.hub("bare"), topology_of(each.connection_id, settings))
        stage = RabbitStage(broker.url, brokers, parts.reception, connections)
        lane = LaneStage(parts.turns, brokers)
        await lane.connect()
        settle_garbage()
        made = await _rounds(stage, lane, count, rounds)
    return _summary(made)


def lines(told: dict[str, Any]) -> list[str]:
    """The figures for people."""
    made = []
    for name in MEASURES:
        one = told[name]
        ratio = f"   × pika {one['ratio_pika']}" if "ratio_pika" in one else ""
        made.append(f"rabbitmq {name:13} {one['per_second']:>7}/s   CPU {one['cpu_us']:>6} µs{ratio}")
    return made


def _summary(made: dict[str, list[_Round]]) -> dict[str, Any]:
    middle = statistics.median
    told: dict[str, Any] = {
        name: {
            "per_second": round(middle(each.per_second for each in rounds)),
            "cpu_us": round(middle(each.cpu_us for each in rounds), 1),
        }
        for name, rounds in made.items()
    }
    for name, bare in (("out", "bare_out"), ("out_lane", "bare_out"), ("in_transport", "bare_in"), ("in", "bare_in")):
        ratios = [mine.per_second / other.per_second for mine, other in zip(made[name], made[bare], strict=True)]
        told[name]["ratio_pika"] = round(middle(ratios), 2)
    return told


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """The figures, from a process of its own on the hub's loop."""
    count = max(2000, int(1000 * given.seconds))
    child = await Child.start("bench.rabbitmq", str(count), str(min(given.rounds, ROUNDS_MAX)))
    try:
        made: dict[str, Any] = await child.hear(600)
    except RuntimeError as fault:
        # Why was said on standard error: RabbitMQ is not installed, or does not start.
        raise SystemExit(1) from fault
    finally:
        await child.end()
    return made


def _run() -> int:
    try:
        made = uvloop.run(_main(int(sys.argv[1]), int(sys.argv[2])))
    except BrokerFault as fault:
        print(fault, file=sys.stderr)
        return 1
    print(json.dumps(made), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(_run())
