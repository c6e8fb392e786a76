"""How what lives here tells what happened: the hub hands in its own ``Say``."""

from __future__ import annotations

from typing import Protocol


class Say(Protocol):
    """Says one event, ``noun.past_verb``, with its fields. Never raises."""

    def __call__(self, event: str, /, **fields: object) -> None: ...
