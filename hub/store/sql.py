"""Reads the statements of a ``.sql`` file: each begins with ``-- name: what_it_does``."""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def statements(module: str) -> dict[str, str]:
    """The statements of ``hub/store/<module>.sql`` by name."""
    text = files("hub.store").joinpath(f"{module}.sql").read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    return {name: body.strip() for name, body in zip(pieces[::2], pieces[1::2], strict=True)}
