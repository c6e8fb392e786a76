"""A profile that names files beside it (``wsdl_file: water.wsdl``): their texts take the places of their names.

Every line keeps its number, so that faults name the lines of the administrator's own file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from contracts.problem import Problem, Violation
from contracts.yaml_text import read_yaml

KEYS = {"wsdl_file": "wsdl", "text_file": "text"}
"""The keys that name a file, and those that its text goes under."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A key and its value in the text."""

    start: int
    end: int
    line: int
    key: str
    name: str


def with_files(text: str, read: Callable[[str], str]) -> str:
    """The profile with the texts of its files in it. ``read`` raises ``OSError`` or ``UnicodeDecodeError``.

    Raises ``Problem`` (``profile_invalid``) with the line of a file that cannot be read.
    """
    if not any(key in text for key in KEYS):
        return text
    read_yaml(text)
    faults: list[Violation] = []
    for place in sorted(_places(yaml.compose(text, yaml.SafeLoader)), key=lambda place: -place.start):
        try:
            held = read(place.name)
        except (OSError, UnicodeDecodeError) as fault:
            why = (isinstance(fault, OSError) and fault.strerror) or fault
            faults.append(
                Violation(
                    "#",
                    f"第 {place.line} 行:读不到文件 {place.name}:{why}",
                    f"line {place.line}: cannot read the file {place.name}: {why}",
                    "file",
                )
            )
            continue
        text = f"{text[: place.start]}{KEYS[place.key]}: {_on_one_line(held)}{text[place.end :]}"
    if faults:
        raise Problem("profile_invalid", violations=tuple(reversed(faults)))
    return text


def _on_one_line(text: str) -> str:
    # A JSON text is a YAML text, once what YAML takes for the end of a line is escaped.
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


_ODD = re.compile(r"[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")


def _places(node: yaml.Node | None) -> Iterator[_Place]:
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _places(inner)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in KEYS and isinstance(value, yaml.ScalarNode) and value.value:
                start = key.start_mark
                yield _Place(start.index, value.end_mark.index, start.line + 1, key.value, value.value)
            else:
                yield from _places(value)
