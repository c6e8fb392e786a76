"""The command line says what is wrong with it in both languages, and ends with 2."""

from __future__ import annotations

import pytest

from hub.cli import main, parser
from hub.commands.speaking import verbs_of

WRONG = {
    "no such verb": (["fly"], "不能是 'fly'", "invalid choice"),
    "no such option": (["serve", "--fast"], "没有这些参数:--fast", "unrecognized arguments: --fast"),
    "no number": (["serve", "--processes", "many"], "参数 --processes:应为整数", "invalid int value: 'many'"),
    "no value": (["serve", "--host"], "参数 --host:后面应有一个值", "expected one argument"),
    "too few": (["units", "rollback", "telecom"], "缺少参数:version, --reason", "arguments are required"),
    "which one": (["serve", "--outbound"], "选项 --outbound 不明确", "could match"),
    "none of these": (["units", "state", "telecom", "asleep", "--reason", "x"], "不能是 'asleep'", "choose from"),
    "a value too many": (["docs", "--check=yes"], "参数 --check:不带值", "ignored explicit argument"),
    "no folder": (["simulate", "--city", "/no/such"], "没有该文件夹", "no such folder"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_said_in_both_languages(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, zh, en = WRONG[wrong]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    last = said.err.splitlines()[-1]
    assert zh in last and en in last and said.err.startswith("用法 / usage: cityhub")


def test_every_verb_explains_itself_under_headings_of_both_languages() -> None:
    verbs = dict(verbs_of(parser()))
    assert {"serve", "units draft", "refused replay"} <= set(verbs)
    for name, verb in verbs.items():
        text = verb.format_help()
        assert "选项 / options" in text and "显示本说明" in text, name
        assert not {"options:", "positional arguments:"} & set(text.splitlines()), name
