"""YAML with its line numbers: what an administrator wrote, and on which line each value stands.

Only what JSON also has: no tags, no aliases, no dates. ``yes``, ``01`` and ``12:30`` are texts, as they look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from contracts.problem import Problem, Violation

TEXT_MAX = 1024 * 1024
NODES_MAX = 50_000
DEPTH_MAX = 32

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Which line each value stands on, counted from 1."""

    of: Mapping[Place, int]

    def at(self, place: Place) -> int | None:
        """The line of a place, or of the nearest that holds it."""
        while place and place not in self.of:
            place = place[:-1]
        return self.of.get(place)


NO_LINES = Lines({})


def read_yaml(text: str) -> tuple[Any, Lines]:
    """The value of a YAML (or JSON) text, and its lines. Raises ``Problem`` (``profile_invalid``) with the line."""
    if len(text) > TEXT_MAX:
        zh, en = f"文本不得超过 {TEXT_MAX} 字符。", f"The text has at most {TEXT_MAX} characters."
        raise Problem("profile_invalid", zh, en)
    try:
        text.encode()
        _bounded(text)
        node = yaml.compose(text, _Loader)
    except (yaml.YAMLError, UnicodeEncodeError) as fault:
        mark = getattr(fault, "problem_mark", None)
        if mark is None:
            raise Problem("profile_invalid", "不是有效的 YAML。", "It is not valid YAML.") from None
        raise _fault(mark.line + 1, "不是有效的 YAML", "it is not valid YAML") from None
    lines: dict[Place, int] = {}
    return (None if node is None else _value(node, (), lines)), Lines(lines)


def write_yaml(document: Any) -> str:
    """The document as YAML that ``read_yaml`` reads back unchanged."""
    made: str = yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
    return made


def line_of(violation: Violation, lines: Lines) -> Violation:
    """The violation, with the line that it is about."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in violation.pointer.split("/")[1:]]
    line = lines.at(tuple(int(part) if part.isdigit() else part for part in parts))
    if line is None:
        return violation
    zh, en = f"第 {line} 行:{violation.zh}", f"line {line}: {violation.en}"
    return Violation(violation.pointer, zh, en, violation.rule)


# libyaml reads ten times as fast, where it is.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012, PyYAML's own way


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012, PyYAML's own way

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # Other styles fold what YAML takes for the end of a line.
        style = None
        if _FOLDED.search(data):
            # Whole documents stand line by line, to be read and compared; whatever that could change is quoted.
            style = "|" if "\n" in data and _PLAIN_LINES.fullmatch(data) else '"'
        return self.represent_scalar(_STR, data, style=style)


_PLAIN_LINES = re.compile(r"[!-~](?:[ -~]|[\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\U00010000-\U0010fffe]|(?<! )\n)*")
_FOLDED = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff]")


_NULL, _BOOL, _INT, _FLOAT, _STR = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))
_Dumper.add_representer(str, _Dumper.represent_str)
for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(_NULL, re.compile(r"^(~|null|)$"), ["~", "n", ""])
    _side.add_implicit_resolver(_BOOL, re.compile(r"^(true|false)$"), ["t", "f"])
    _side.add_implicit_resolver(_INT, re.compile(r"^-?(0|[1-9][0-9]{0,18})$"), list("-0123456789"))
    _side.add_implicit_resolver(
        _FLOAT,
        re.compile(r"^-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18}([eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})$"),
        list("-0123456789"),
    )


def _bounded(text: str) -> None:
    # Before anything is built: a text can nest or refer to itself beyond all memory.
    depth = 0
    for count, event in enumerate(yaml.parse(text, _Loader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise _fault(line, "不支持引用(*)", "aliases (*) are not taken")
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            depth += 1
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            depth -= 1
        if depth > DEPTH_MAX or count > 2 * NODES_MAX:
            raise _fault(line, "嵌套过深或过大", "it is nested too deeply or too large")


def _value(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(place, line)
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        made: dict[str, Any] = {}
        for key, inner in node.value:
            name = key.value
            if not isinstance(key, yaml.ScalarNode) or name in made:
                raise _fault(key.start_mark.line + 1, "字段名重复或不是文本", "a name stands twice or is no text")
            lines[(*place, name)] = key.start_mark.line + 1
            made[name] = _value(inner, (*place, name), lines)
        return made
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return [_value(inner, (*place, index), lines) for index, inner in enumerate(node.value)]
    match node.tag:
        case tag if tag == _STR:
            return node.value
        case tag if tag == _NULL:
            return None
        case tag if tag == _BOOL:
            return node.value == "true"
        case tag if tag == _INT and _is(node.value, int):
            return int(node.value)
        case tag if tag == _FLOAT and _is(node.value, float):
            return float(node.value)
    raise _fault(line, f"不支持的标签 {node.tag[:60]}", f"the tag {node.tag[:60]} is not taken")


def _is(text: str, kind: type[int] | type[float]) -> bool:
    # A tag can stand before any text: `!!int abc`.
    try:
        return len(text) < 40 and abs(kind(text)) < 1e300
    except ValueError:
        return False


def _fault(line: int, zh: str, en: str) -> Problem:
    return Problem("profile_invalid", f"第 {line} 行:{zh}。", f"Line {line}: {en}.")
