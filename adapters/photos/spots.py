"""Every text that stands at a path of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.paths import Path


@dataclass(slots=True)
class Spot:
    """Where a text stands."""

    holder: Any
    key: Any

    @property
    def text(self) -> str:
        """What stands there."""
        return str(self.holder[self.key])

    def put(self, value: Any) -> None:
        """Let something else stand there."""
        self.holder[self.key] = value


def spots(value: Any, path: Path) -> Iterator[Spot]:
    """Every text at a path; lists on the way and at its end are gone through, attributes of an element are not."""
    if not path:
        return
    here, *rest = path
    for holder in value if isinstance(value, list) else (value,):
        if not isinstance(holder, dict) or not isinstance(here, str) or here not in holder:
            continue
        held = holder[here]
        if rest:
            yield from spots(held, tuple(rest))
        elif isinstance(held, list):
            yield from (Spot(held, index) for index, each in enumerate(held) if isinstance(each, str))
            yield from (Spot(each, "#text") for each in held if _is_element(each))
        elif isinstance(held, str):
            yield Spot(holder, here)
        elif _is_element(held):
            yield Spot(held, "#text")


def _is_element(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("#text"), str)
