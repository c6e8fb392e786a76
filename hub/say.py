"""How the hub tells what happened: one callable, handed in; the table of events is monitoring's."""

from __future__ import annotations

from typing import Protocol


class Say(Protocol):
    """Says one event, ``noun.past_verb``, with its fields: a log line and the metrics counted from it. Never raises."""

    def __call__(self, event: str, /, **fields: object) -> None: ...


def say_nothing(event: str, /, **fields: object) -> None:
    """For rules' tests and tools that tell their story otherwise."""
