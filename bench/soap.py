"""SOAP out: the hub's adapter with mapping, answer rules, guard and WS-Security, beside bare zeep in the same run; and
a whole lane, from letters in the store to the record of each."""

from __future__ import annotations

import json
import statistics
from typing import Any

from bench.stage import Child

SECONDS_MAX = 4.0
"""Of one way in one round: there are six."""

LETTERS_MAX, LANE_ROUNDS_MAX = 4000, 3
"""Of the lane: no report of these repeats another."""


async def measure(rounds: int, seconds: float, callers: int) -> dict[str, Any]:
    """Medians over interleaved rounds, for each shipped profile that speaks SOAP."""
    partner = await Child.start("bench.soap_partner")
    try:
        ports = await partner.hear()
        load = await Child.start("bench.soap_load")
        try:
            plan = {"ports": ports, "seconds": min(seconds, SECONDS_MAX), "rounds": rounds, "callers": callers}
            await load.tell(json.dumps(plan))
            said = await load.hear(60 + rounds * 6 * (SECONDS_MAX + 2))
        finally:
            await load.end()
        lane = await Child.start("bench.soap_lane")
        try:
            letters = min(LETTERS_MAX, max(1000, int(1000 * seconds)))
            turns = min(rounds, LANE_ROUNDS_MAX)
            plan = {"ports": ports, "letters": letters, "rounds": turns, "callers": callers}
            await lane.tell(json.dumps(plan))
            lanes = await lane.hear(600)
        finally:
            await lane.end()
    finally:
        await partner.end()
    return {
        "out": {name: _summary(ways["hub"], ways["zeep"], ways["mapping"]) for name, ways in said.items()},
        "out_lane": {
            name: {
                "per_second": round(statistics.median(one[0] for one in by_round)),
                "cpu_us": round(statistics.median(one[1] for one in by_round)),
            }
            for name, by_round in lanes.items()
        },
    }


def _summary(hub: list[list[float]], zeep: list[list[float]], mapping: list[float]) -> dict[str, Any]:
    return {
        "per_second": round(statistics.median(one[0] for one in hub)),
        "cpu_us_per_call": round(statistics.median(one[1] for one in hub)),
        "mapping_us": round(statistics.median(mapping), 1),
        "mapping_share": round(statistics.median(us / ours[1] for us, ours in zip(mapping, hub, strict=True)), 3),
        "zeep_per_second": round(statistics.median(one[0] for one in zeep)),
        "zeep_cpu_us_per_call": round(statistics.median(one[1] for one in zeep)),
        "ratio_zeep": round(statistics.median(ours[0] / bare[0] for ours, bare in zip(hub, zeep, strict=True)), 2),
    }
