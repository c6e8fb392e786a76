"""simulate: a month of a city from a seed, in memory; what its units did, and the digest of its logs."""

from __future__ import annotations

import argparse
import gc
from dataclasses import asdict
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

from hub.commands.common import add_json, folder, show_json, table

HEADS = (
    ("dispatched", "派遣"),
    ("second_dispatched", "二次派遣"),
    ("in_time", "按期"),
    ("late", "超期"),
    ("late_proofs", "补传"),
    ("returned_founded", "退回成立"),
    ("returned_unfounded", "退回不成立"),
    ("rework", "返工"),
    ("extensions", "延期"),
    ("suspensions", "挂账"),
    ("disputes", "争议"),
    ("acknowledged_late", "签收超时"),
    ("reminded", "被提醒"),
)


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("simulate", help="模拟一个月的案件,不用数据库 / a month of cases in memory, from a seed")
    made.add_argument("--month", type=_month, default=date(2026, 10, 1), metavar="YYYY-MM", help="月份 / the month")
    made.add_argument("--cases", type=_count, default=15_000, metavar="N", help="上报数 / how many reports")
    made.add_argument("--seed", type=int, default=7, help="相同的种子得到相同的日志 / the same seed, the same logs")
    made.add_argument("--city", type=folder, help="城市文件夹 / the city's folder")
    add_json(made)
    made.set_defaults(run=_simulate)


def _simulate(given: argparse.Namespace) -> int:
    from contracts.city import load_city
    from hub.registry import build
    from hub.simulation import Month, simulate

    shipped = Path(__file__).parent.parent.parent / "contracts" / "cities" / "quzhou"
    registry = build(load_city(given.city or shipped), 1, {}, 1)
    # Whatever a month makes is kept to its end: there is nothing to collect.
    gc.disable()
    began = perf_counter()
    outcome = simulate(Month(registry, given.month, given.cases, given.seed))
    digest, seconds = outcome.digest(), perf_counter() - began
    entries = sum(len(log) for log in outcome.logs.values())
    tallies = sorted(outcome.tallies.items(), key=lambda each: (-each[1].dispatched, each[0]))
    if given.json:
        show_json(
            {
                "month": f"{given.month:%Y-%m}",
                "seed": given.seed,
                "cases": len(outcome.cases),
                "entries": entries,
                "messages": outcome.messages,
                "refused": dict(outcome.refused),
                "steps": {step.value: count for step, count in sorted(outcome.steps().items())},
                "units": {unit: asdict(tally) for unit, tally in tallies},
                "digest": digest,
            }
        )
        return 0
    rows = [[unit, *(getattr(tally, name) for name, _ in HEADS)] for unit, tally in tallies]
    table(rows, ("单位 / unit", *(f"{zh}\n{name}" for name, zh in HEADS)))
    print(f"{len(outcome.cases)} 案件 cases, {entries} 日志 entries, {outcome.messages} 消息 messages, {seconds:.1f} s")
    print(f"摘要 / digest {digest}")
    return 0


def _month(text: str) -> date:
    try:
        year, month = text.split("-")
        return date(int(year), int(month), 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: 应为 YYYY-MM / write YYYY-MM") from None


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text}: 1–1000000")
    return int(text)
