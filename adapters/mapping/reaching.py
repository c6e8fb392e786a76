"""Paths at work: a step into a document, a value put at a path, whether conditions hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adapters.mapping.faults import Trouble
from adapters.mapping.operations import text_of
from contracts.mapping import Condition
from contracts.paths import Path, parse_path


def compile_conditions(conditions: Sequence[Condition], base: Path = ()) -> Callable[[Any], bool]:
    """Whether all conditions hold for a document. The parts of a path that are lists hold for none."""
    checks = [_check(condition, base) for condition in conditions]
    return lambda document: all(check(document) for check in checks)


def full_path(text: str, base: Path) -> Path:
    """The path from the document's root: ``base`` comes first unless the path begins with ``/``."""
    return parse_path(text) if text.startswith("/") else (*base, *parse_path(text))


def reach(value: Any, part: str | int) -> Any:
    """One step of a path off the quick road: into a list, a text, or nothing. Raises ``Trouble`` for a repeated one."""
    if isinstance(part, int):
        # One that stands alone is the first.
        listed = value if isinstance(value, list) else [value]
        return listed[part] if part < len(listed) else None
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list):
        raise Trouble(
            "repeated",
            f"“{part}”之前的部分重复出现;请用 each 或 [0]",
            f"what holds “{part}” is repeated: use each, or a position such as [0]",
        )
    # An element without attributes is its text.
    return value if part == "#text" else None


def put(target: dict[str, Any], path: Path, value: Any) -> None:
    """Write at a path with positions; lists grow as needed."""
    here: Any = target
    for part, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(part, int):
            while len(here) <= part:
                here.append(None)
            known = here[part]
        else:
            known = here.get(part)
        if following is None:
            here[part] = value
            return
        if known is None:
            known = here[part] = [] if isinstance(following, int) else {}
        here = known


def _check(condition: Condition, base: Path) -> Callable[[Any], bool]:
    path = full_path(condition.path, base)
    wanted = frozenset((condition.equals,) if condition.equals is not None else condition.among)

    def found(document: Any) -> Any:
        for part in path:
            try:
                document = reach(document, part)
            except Trouble:
                return None
            if document is None:
                return None
        return document if document != "" else None

    if condition.exists:
        return lambda document: found(document) is not None
    if condition.absent:
        return lambda document: found(document) is None

    def among(document: Any) -> bool:
        value = found(document)
        try:
            return value is not None and text_of(value) in wanted
        except Trouble:
            return False

    return among
