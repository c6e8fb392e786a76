"""A place in the hub's log as callers keep it: ``<epoch>-<position>``. A restore begins a new epoch, which it tells."""

from __future__ import annotations


def cursor(epoch: int, position: int) -> str:
    """The cursor of a position."""
    return f"{epoch}-{position}"


def read_cursor(text: str) -> tuple[int, int] | None:
    """(epoch, position) of a cursor; None where it is none."""
    epoch, _, position = text.partition("-")
    if not (epoch.isascii() and epoch.isdigit() and position.isascii() and position.isdigit()):
        return None
    if len(epoch) > 9 or len(position) > 18:
        return None
    return int(epoch), int(position)
