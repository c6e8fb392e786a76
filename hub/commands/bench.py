"""bench: honest figures, each beside its measure in the same run."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from hub.logs import logs_to_stderr


def add(verbs: Any) -> None:
    """The verb's arguments."""
    from bench.arguments import add_arguments

    made = verbs.add_parser("bench", help="性能测量 / honest measures of the hub's parts")
    add_arguments(made)
    made.set_defaults(run=_bench)


def _bench(given: argparse.Namespace) -> int:
    from bench.main import run

    logs_to_stderr("warning")
    return asyncio.run(run(given))
