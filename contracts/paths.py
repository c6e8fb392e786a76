"""Paths into a document: ``Case.Photos[0]``, ``Case.@id``, ``["dotted.name"]``, ``.`` for the value itself. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field

Path = tuple[str | int, ...]

_NAME = r'[^.\[\]/"\s\\][^.\[\]/"\s\\]*'
_QUOTED = r'\["[^"\\]+"\]'
PATH_PATTERN = rf"^(\.|/?({_NAME}|{_QUOTED})(\.{_NAME}|\[[0-9]{{1,3}}\]|{_QUOTED})*)$"

PathText = Annotated[str, Field(max_length=300, pattern=PATH_PATTERN)]
"""A path as a profile writes it. A leading ``/`` begins at the document's root, past the table's ``base``."""

_PART = re.compile(rf'\.?(?P<name>{_NAME})|\[(?P<index>[0-9]+)\]|\["(?P<quoted>[^"\\]+)"\]')


@lru_cache(maxsize=4096)
def parse_path(text: str) -> Path:
    """The names and positions of a path that keeps ``PATH_PATTERN``; ``.`` is the empty path."""
    if text == ".":
        return ()
    return tuple(
        int(found["index"]) if found["index"] else found["name"] or found["quoted"]
        for found in _PART.finditer(text.removeprefix("/"))
    )


def path_text(path: Path) -> str:
    """The path as a profile writes it."""
    made = ""
    for part in path:
        if isinstance(part, int):
            made += f"[{part}]"
        elif re.fullmatch(_NAME, part):
            made += f".{part}" if made else part
        else:
            made += f'["{part}"]'
    return made or "."


def walk(value: Any, path: Path) -> Any:
    """What stands at a path, or None."""
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value
