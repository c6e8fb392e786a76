"""The command line's own sentences in both languages: what is wrong with a line, and the headings of ``--help``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

USAGE = "用法 usage: "

SENTENCES: tuple[tuple[str, str], ...] = (
    (r"the following arguments are required: (.+)", "缺少参数 {0}"),
    (r"one of the arguments (.+) is required", "须给出其中之一:{0}"),
    (r"unrecognized arguments: (.+)", "不认识的参数 {0}"),
    (r"expected one argument", "须有一个值"),
    (r"expected at most one argument", "最多一个值"),
    (r"expected at least one argument", "至少一个值"),
    (r"expected (\d+) arguments?", "须有 {0} 个值"),
    (r"not allowed with argument (.+)", "不能与 {0} 同时给出"),
    (r"ignored explicit argument (.+)", "不带值,却给了 {0}"),
    (r"ambiguous option: (.+) could match (.+)", "{0} 不明确,可能是 {1}"),
    (r"invalid (\w+) value: (.+)", "{1} 应为{0}"),
    (r"invalid choice: (.+?) \(choose from (.+)\)", "没有 {0},可选 {1}"),
)
"""What argparse says, and the same in Chinese. What is not among them is told in English after a Chinese heading."""

KINDS = {"int": "整数", "float": "数", "Path": "路径"}


class Parser(argparse.ArgumentParser):
    """argparse in Chinese and English; a line that cannot be understood ends with exit status 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": Formatter, **settings, "add_help": False})
        self._positionals.title = "参数 / arguments"
        self._optionals.title = "选项 / options"
        self.add_argument("-h", "--help", action="help", help="显示本说明 / show this and end")

    def error(self, message: str) -> NoReturn:
        """The usage, then what is wrong."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {in_both(message)}\n")


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as it was written, under headings of both languages."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """The usage line."""
        super().add_usage(usage, actions, groups, USAGE if prefix is None else prefix)


def in_both(message: str) -> str:
    """What argparse says of a line, Chinese and English. A sentence of our own has both already."""
    named = re.fullmatch(r"argument (\S+): (.+)", message, re.DOTALL)
    argument, said = (named[1], named[2]) if named else ("", message)
    chinese = _chinese(said)
    if chinese is None and re.search(r"[\u4e00-\u9fff]", said):
        return f"{argument}: {said}" if argument else said
    return f"{argument + ': ' if argument else ''}{chinese or '无法理解'} / {message}"


def _chinese(said: str) -> str | None:
    for pattern, sentence in SENTENCES:
        found = re.fullmatch(pattern, said, re.DOTALL)
        if found:
            return sentence.format(*(KINDS.get(each, each) for each in found.groups()))
    return None
