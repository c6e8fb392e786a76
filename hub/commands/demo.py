"""demo: a day of cases between real processes."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

TOLD_TO_END = 130
"""The exit status after Ctrl-C, as shells know it."""


def add(verbs: Any) -> None:
    """The verb's arguments."""
    from hub.demo.arguments import add_arguments

    made = verbs.add_parser("demo", help="演示:一天的案件走完全程 / watch a day of cases go from report to close")
    add_arguments(made)
    made.set_defaults(run=_demo)


def _demo(given: argparse.Namespace) -> int:
    from hub.demo.main import run

    try:
        return asyncio.run(run(given))
    except asyncio.CancelledError:
        return TOLD_TO_END
