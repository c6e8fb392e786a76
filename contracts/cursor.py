"""A place in the log (游标) as callers keep it, the same over every way: ``<epoch>-<position>``."""

from __future__ import annotations


def cursor(epoch: int, position: int) -> str:
    """The place as text. A restore begins a new epoch, so that a place from before it is noticed."""
    return f"{epoch}-{position}"


def read_cursor(text: str) -> tuple[int, int] | None:
    """(epoch, position) of a cursor; None where it is none."""
    epoch, _, position = text.partition("-")
    if not (epoch.isascii() and epoch.isdigit() and position.isascii() and position.isdigit()):
        return None
    if len(epoch) > 9 or len(position) > 18:
        return None
    return int(epoch), int(position)
