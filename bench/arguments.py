"""The options of ``./cityhub bench``; apart from the measures, so that other verbs need not wait for them."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument(
        "measures",
        nargs="*",
        metavar="MEASURE",
        help="pipeline intake delivery mapping soap rabbitmq units; 默认前三项 / the first three by default. "
        "units: 8 个与 200 个单位轮流,REST、SOAP、RabbitMQ、轮询、文件都有,流量相同;枢纽进程的内存、p50、p99 / "
        "8 and 200 units in turn, by REST, SOAP, RabbitMQ, polling and file, equal traffic: the hub's memory, p50, p99",
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="每轮秒数 / seconds of a round")
    parser.add_argument("--rounds", type=int, default=3, help="轮数,取中位数 / rounds; medians are reported")
    parser.add_argument("--callers", type=int, default=64, help="并发上报者 / callers at once")
    parser.add_argument("--processes", type=int, default=2, help="枢纽进程数 / processes of the hub")
    parser.add_argument("--json", action="store_true", help="以 JSON 输出 / print JSON")
