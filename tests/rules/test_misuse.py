"""A line that the program does not understand is told in both languages, with what is wrong and the usage; exit 2."""

from __future__ import annotations

import argparse
import inspect
import re

import pytest

from hub.cli import parser
from hub.commands.parsing import SENTENCES, in_both


@pytest.mark.parametrize(
    ("line", "chinese", "english"),
    [
        ("nothing", "没有 'nothing',可选", "invalid choice"),
        ("units nothing", "没有 'nothing',可选", "invalid choice"),
        ("units apply", "缺少参数 -f/--file", "the following arguments are required: -f/--file"),
        ("units apply -f", "-f/--file: 须有一个值", "expected one argument"),
        ("serve --port=many", "--port: 'many' 应为整数", "invalid int value"),
        ("serve --clock-rate=fast", "--clock-rate: 'fast' 应为数", "invalid float value"),
        ("serve --sideways", "不认识的参数 --sideways", "unrecognized arguments"),
        ("serve --print-ready=1", "--print-ready: 不带值,却给了 '1'", "ignored explicit argument"),
        ("serve --clock=1", "--clock=1 不明确,可能是 --clock-rate, --clock-start", "ambiguous option"),
        ("simulate --month=May", "应为 YYYY-MM", "write YYYY-MM"),
    ],
)
def test_a_misused_line_says_what_is_wrong_in_both_languages(
    capsys: pytest.CaptureFixture[str], line: str, chinese: str, english: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(line.split())
    told = capsys.readouterr()
    assert ended.value.code == 2 and told.out == ""
    usage, said = told.err.split("\n", 1)[0], told.err.rstrip("\n").rpartition("\n")[2]
    assert usage.startswith("用法 usage: cityhub")
    assert chinese in said and english in said and said.startswith("cityhub")


def test_everything_that_argparse_says_of_a_line_has_a_chinese_sentence() -> None:
    # Its own words, with what it puts in for each mark.
    said = re.findall(r"""_\((['"])((?:expected|invalid|ignored|not allowed|ambiguous|unrec|one of|the foll).*?)\1\)""",
                      inspect.getsource(argparse))  # fmt: skip
    of_lines = [text for _, text in said if not re.search(r"option string|conflict_resolution|for positionals", text)]
    assert len(of_lines) >= 10
    for text in of_lines:
        filled = re.sub(r"%\(\w+\)[rs]|%[rs]", "x", text)
        assert re.search(r"[\u4e00-\u9fff]", in_both(filled)) and "无法理解" not in in_both(filled), text


def test_what_is_not_foreseen_is_still_told() -> None:
    assert in_both("a sentence of another day") == "无法理解 / a sentence of another day"
    assert len({pattern for pattern, _ in SENTENCES}) == len(SENTENCES)


def test_help_has_headings_of_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["units", "apply", "--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    for heading in ("用法 usage:", "选项 / options", "显示本说明 / show this"):
        assert heading in told
