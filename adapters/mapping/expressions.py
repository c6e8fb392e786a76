"""JSONata for what a table cannot say: compiled once, bounded in time, depth and size, without what has no bound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from jsonata import Jsonata

from adapters.mapping.faults import Trouble

SECONDS_MAX = 0.05
"""Of CPU: a busy machine must not make a letter fail."""
DEPTH_MAX = 100
SIZE_MAX = 100_000
"""Characters of a text and elements of a list, of what goes in and of each step on the way."""

_BANNED = frozenset(
    {"eval", "pad", "power", "replace", "join", "match", "formatNumber", "formatBase"}
    | {"random", "shuffle", "now", "millis"}
)
"""Functions without a bound in time or memory, or that do not answer the same twice."""


class BadExpression(ValueError):
    """The expression is not taken. ``zh`` and ``en`` say why."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(en)


class Expression:
    """One compiled expression. Calling it gives its value of a document, or None; raises ``Trouble``."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._compiled = Jsonata(text)
        except Exception as fault:  # The parser raises its own and Python's errors alike.
            said = str(fault)[:200]
            raise BadExpression(f"表达式有误:{said}", f"the expression is wrong: {said}") from None
        for kind, name in _symbols(self._compiled.ast):
            if kind == "regex" or name in _BANNED:
                said = "regex" if kind == "regex" else f"${name}"
                raise BadExpression(f"表达式不得使用 {said}", f"an expression may not use {said}")

    def __call__(self, document: Any) -> Any:
        if _size(document) > SIZE_MAX:
            raise Trouble("expression", "文档对表达式过大", "the document is too large for an expression")
        # Its functions ask the thread which expression is running; another may have been compiled since.
        Jsonata.CURRENT.jsonata = self._compiled
        frame = self._compiled.create_frame(self._compiled.environment)
        bound = _Bound(time.thread_time() + SECONDS_MAX)
        frame.set_evaluate_entry_callback(bound.entered)
        frame.set_evaluate_exit_callback(bound.left)
        try:
            value = self._compiled.evaluate(document, frame)
        except Trouble:
            raise
        except Exception as fault:  # Its faults are Python's own as often as its own.
            said = str(fault)[:200]
            raise Trouble("expression", f"表达式求值失败:{said}", f"the expression failed: {said}") from None
        return _plain(value)


class _Bound:
    """Looks at each step of an evaluation."""

    def __init__(self, until: float) -> None:
        self.until, self.depth = until, 0

    def entered(self, *_: Any) -> None:
        self.depth += 1
        if self.depth > DEPTH_MAX or time.thread_time() > self.until:
            raise Trouble("expression", "表达式耗时过长或嵌套过深", "the expression takes too long or too deep")

    def left(self, _expr: Any, _input: Any, _env: Any, result: Any) -> None:
        self.depth -= 1
        if isinstance(result, str | list | tuple) and len(result) > SIZE_MAX:
            raise Trouble("expression", "表达式的结果过大", "the expression's result is too large")


def _symbols(ast: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of every symbol below a parsed expression."""
    seen: set[int] = set()
    waiting = [ast]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or node is None or isinstance(node, str | int | float):
            continue
        seen.add(id(node))
        if isinstance(node, list | tuple):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(node.values())
        elif type(node).__module__.startswith("jsonata"):
            yield str(getattr(node, "type", "")), str(getattr(node, "value", ""))
            waiting.extend(getattr(node, "__dict__", {}).values())


def _size(value: Any) -> int:
    total, waiting = 0, [value]
    while waiting and total <= SIZE_MAX:
        each = waiting.pop()
        total += len(each) if isinstance(each, str) else 1
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return total


def _plain(value: Any, depth: int = 0) -> Any:
    # The library's sequences are lists with more to them, and a function is no value.
    if depth > 20 or _size(value) > SIZE_MAX:
        raise Trouble("expression", "表达式的结果过大", "the expression's result is too large")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    raise Trouble("expression", "表达式的结果不是值", "the expression's result is no value")
