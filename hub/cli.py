"""The command line: one verb per job. Exit 0 done, 1 failed, 2 misused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hub.commands import (
    bench,
    city,
    contracts,
    demo,
    docs,
    evaluate,
    keys,
    letters,
    notice,
    refused,
    register,
    retention,
    secrets,
    serving,
    simulate,
    units,
    whatif,
)
from hub.commands.speaking import Parser
from hub.commands.teaching import teach

VERBS = (
    *(serving, demo, simulate, bench, city, contracts, units, keys, secrets),
    *(letters, refused, register, evaluate, notice, whatif, retention, docs),
)

EPILOG = """\
先从这里开始 / begin here:
  ./cityhub demo                       看一天的案件走完全程 / watch a day of cases
  ./cityhub serve                      启动枢纽 / start the hub
  ./cityhub test                       全部检查和测试 / all checks and tests
每个命令都有 --help / every verb explains itself with --help
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    made = Parser(
        prog="cityhub",
        description="CityHub 城市管理枢纽: one hub, shared contracts, every unit in its own protocol",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = made.add_subparsers(dest="verb", metavar="VERB")
    for module in VERBS:
        module.add(verbs)
    teach(made)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; its exit status."""
    given = parser().parse_args(arguments)
    if given.verb is None:
        parser().print_help()
        return 2
    try:
        status: int = given.run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
