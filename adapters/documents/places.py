"""What stands somewhere in a document, for what a profile says outside its mapping. Pure."""

from __future__ import annotations

from typing import Any

from adapters.documents.values import text_of
from contracts.paths import parse_path


def reached(document: Any, path: str) -> Any:
    """What stands at a path; the first, where a part of it is repeated."""
    here = document
    for part in parse_path(path):
        if isinstance(here, list):
            index = part if isinstance(part, int) else 0
            here = here[index] if index < len(here) else None
            if isinstance(part, int):
                continue
        here = here.get(part) if isinstance(here, dict) else None
    return here


def as_text(value: Any) -> str:
    """A value as text; empty for nothing, and for what is no single value."""
    try:
        return "" if value is None else text_of(value).strip()
    except ValueError:
        return ""
