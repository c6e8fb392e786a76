"""A command line that says what is wrong with it in Chinese and in English, as the rest of the hub does."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any, NoReturn

SENTENCES: tuple[tuple[str, str], ...] = (
    (r"the following arguments are required: (.+)", "缺少参数:{0}"),
    (r"one of the arguments (.+) is required", "以下参数须给出一个:{0}"),
    (r"unrecognized arguments: (.+)", "没有这些参数:{0}"),
    (r"ambiguous option: (.+) could match (.+)", "选项 {0} 不明确,可能是:{1}"),
    (r"invalid choice: (.+) \(choose from (.+)\)", "不能是 {0},应为:{1}"),
    (r"invalid int value: (.+)", "应为整数,而不是 {0}"),
    (r"invalid float value: (.+)", "应为数,而不是 {0}"),
    (r"invalid \S+ value: (.+)", "不能是 {0}"),
    (r"expected one argument", "后面应有一个值"),
    (r"expected at most one argument", "后面至多有一个值"),
    (r"expected at least one argument", "后面至少有一个值"),
    (r"expected (\d+) arguments?", "后面应有 {0} 个值"),
    (r"ignored explicit argument (.+)", "不带值,而给了 {0}"),
    (r"not allowed with argument (.+)", "不能与 {0} 同用"),
)
"""What the standard library says of a command line, and how to say it in Chinese."""

_OF_ONE = re.compile(r"argument (\S+): (.+)", re.DOTALL)
_SENTENCES = [(re.compile(pattern, re.DOTALL), zh) for pattern, zh in SENTENCES]
_HEADINGS = {"positional arguments": "参数 / arguments", "options": "选项 / options"}


class Parser(argparse.ArgumentParser):
    """An argument parser of both languages; its verbs' parsers are of its kind."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for group in (self._positionals, self._optionals):
            group.title = _HEADINGS.get(group.title or "", group.title)
        for action in self._actions:
            if isinstance(action, argparse._HelpAction):
                action.help = "显示本说明 / show this help"

    def format_usage(self) -> str:
        """How the verb is called."""
        return _both(super().format_usage())

    def format_help(self) -> str:
        """All that the verb takes."""
        return _both(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end with 2."""
        self.exit(2, f"{self.format_usage()}{self.prog}: {in_both(message)}\n")


def in_both(message: str) -> str:
    """What the standard library says of a command line, in Chinese and in English."""
    of_one = _OF_ONE.fullmatch(message)
    name, said = of_one.groups() if of_one else ("", message)
    zh = _chinese(said)
    if zh is None:
        # A type of our own, which says it in both already.
        return f"{name}: {said}" if name else said
    return f"参数 {name}:{zh} / {message}" if name else f"{zh} / {message}"


def _chinese(said: str) -> str | None:
    for pattern, zh in _SENTENCES:
        if found := pattern.fullmatch(said):
            return zh.format(*found.groups())
    return None


def _both(text: str) -> str:
    return re.sub(r"^usage: ", "用法 / usage: ", text)


def verbs_of(parser: argparse.ArgumentParser) -> Iterable[tuple[str, argparse.ArgumentParser]]:
    """Every verb and job below a parser, with its own parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield below.prog.partition(" ")[2], below
                yield from verbs_of(below)
