"""Joins the verbs to their log lines. Apart from ``hub.app``, which brings every transport with it."""

from __future__ import annotations

from monitoring.logs import configure


def logs_to_stderr(level: str) -> None:
    """Log lines of a verb go to standard error: standard output is for what was asked."""
    configure(level)
