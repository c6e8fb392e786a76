"""The rounds of the crowd, and what they come to: figures at 8 and at 200 units side by side."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALL = "all"


@dataclass(frozen=True, slots=True)
class Turn:
    """One round with so many units connected: milliseconds to delivery in order, over all and by way, and what it took
    of the processor, in microseconds a letter."""

    units: int
    spans: Mapping[str, Sequence[float]]
    resident_mb: Mapping[str, float]
    cpu_us: Mapping[str, float]

    def at(self, way: str, share: float) -> float:
        """The milliseconds that such a share of the letters did not exceed."""
        ordered = self.spans[way]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def total_mb(self) -> float:
        """Of all processes."""
        return sum(self.resident_mb.values())


def summary(turns: Sequence[Turn]) -> dict[str, Any]:
    """The figures: medians of the rounds; the first one is from before the crowd came."""
    before, later = turns[0], turns[1:]
    counts = sorted({turn.units for turn in later})
    few, many = ([turn for turn in later if turn.units == count] for count in counts)
    most = max(many, key=lambda turn: turn.total_mb)

    def both(way: str, share: float) -> list[float]:
        return [round(statistics.median(turn.at(way, share) for turn in each), 2) for each in (few, many)]

    p99 = both(ALL, 0.99)
    return {
        "units": counts,
        "p50_ms": both(ALL, 0.5),
        "p99_ms": p99,
        "p99_ratio": round(p99[1] / p99[0], 2),
        "by_way": {
            way: {"p50_ms": both(way, 0.5), "p99_ms": both(way, 0.99)} for way in sorted(before.spans) if way != ALL
        },
        "cpu_us_per_letter": {
            who: [round(statistics.median(turn.cpu_us[who] for turn in each)) for each in (few, many)]
            for who in before.cpu_us
        },
        "resident_mb_of_rounds": [[turn.units, round(turn.total_mb, 1)] for turn in turns],
        "resident_mb": [round(before.total_mb, 1), round(most.total_mb, 1)],
        "resident_mb_by_process": {
            slot: [round(mb, 1), round(most.resident_mb[slot], 1)] for slot, mb in before.resident_mb.items()
        },
        "resident_growth_mb": round(most.total_mb - before.total_mb, 1),
    }


def lines(told: Mapping[str, Any]) -> list[str]:
    """The figures for people."""
    few, many = told["units"]
    made = [
        f"units {few} → {many}   p50 {_both(told['p50_ms'])} ms   p99 {_both(told['p99_ms'])} ms "
        f"(× {told['p99_ratio']})   memory {_both(told['resident_mb'])} MB (+{told['resident_growth_mb']})"
    ]
    for way, one in told["by_way"].items():
        count = told["ways_of_eight"].get(way)
        share = f"{count}/8" if count else ""
        made.append(f"  {way:16} {share:4} p50 {_both(one['p50_ms'])} ms   p99 {_both(one['p99_ms'])} ms")
    for slot, mb in told["resident_mb_by_process"].items():
        made.append(f"  {slot:16}      memory {_both(mb)} MB")
    made += [f"  {who:16}      CPU {_both(us)} µs a letter" for who, us in told["cpu_us_per_letter"].items()]
    return made


def _both(pair: Sequence[float]) -> str:
    return f"{pair[0]} → {pair[1]}"
