"""The options of ``./cityhub demo``; apart from the demo, so that other verbs need not wait for it."""

from __future__ import annotations

import argparse
from pathlib import Path

from hub.demo.config import SPEED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``./cityhub demo``."""
    parser.description = "演示:全城各单位进程协同,案件从上报走到结案 / a day of cases between real processes"
    parser.add_argument("--cases", type=_count, default=200, metavar="N", help="案件数,默认 200 / how many reports")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=SPEED,
        metavar="X",
        help=f"城市时钟倍率,默认 {SPEED:g} / how fast city time runs",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="随机种子,默认 1 / the same seed, the same day"
    )
    parser.add_argument("--headless", action="store_true", help="不显示实时画面 / no live view")
    parser.add_argument(
        "--json", action="store_true", help="最后一行输出 JSON 结果 / the result as JSON on the last line"
    )
    parser.add_argument("--notice", type=Path, metavar="FILE", help="月度通报存为 PDF / the monthly notice as PDF")
    parser.add_argument(
        "--keep", action="store_true", help="保留数据并继续运行,直到 Ctrl-C / keep the data and the hub until Ctrl-C"
    )


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError("1 … 100000")
    return number


def _speed(text: str) -> float:
    number = float(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError("1 … 100000")
    return number
