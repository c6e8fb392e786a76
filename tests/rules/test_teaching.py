"""``--help`` teaches: every verb says what it is for, in both languages, with lines that run as they stand."""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
from collections.abc import Iterator

import pytest

from hub.cli import parser

CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")
INNER = {"worker"}
"""What only the hub itself starts."""

ELSEWHERE = {"demo", "bench"}
"""Their JSON is made, and tested, where they live."""


def verbs(made: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each verb, or job of a verb, that does something."""
    below = [action for action in made._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for word, parsed in action.choices.items():
            if word not in INNER:
                yield from verbs(parsed, f"{name} {word}".strip())
    if not below:
        yield name, made


ALL = list(verbs(parser()))
of_every_verb = pytest.mark.parametrize(("name", "verb"), ALL, ids=[name for name, _ in ALL])


@of_every_verb
def test_a_verb_says_what_it_is_for_and_its_examples_are_commands(name: str, verb: argparse.ArgumentParser) -> None:
    told = verb.format_help()
    assert CHINESE.search(verb.description or "") and ENGLISH.search(verb.description or ""), "no sentence"
    assert "Raises" not in told and "``" not in told
    examples = re.findall(r"^  \./cityhub (.+)$", verb.epilog or "", re.M)
    assert examples, "no example"
    for example in examples:
        assert example.startswith(name)
        # argparse ends the program where it does not understand the line.
        parser().parse_args(shlex.split(example))


@of_every_verb
def test_each_argument_is_explained_in_both_languages(name: str, verb: argparse.ArgumentParser) -> None:
    bare = [
        action.option_strings or action.dest
        for action in verb._actions
        if not isinstance(action, argparse._HelpAction)
        and action.help is not argparse.SUPPRESS
        and not (action.help and ENGLISH.search(action.help))
    ]
    assert bare == []


@of_every_verb
def test_a_verb_that_offers_json_gives_json(name: str, verb: argparse.ArgumentParser) -> None:
    offers = any("--json" in action.option_strings for action in verb._actions)
    run = verb.get_default("run")
    told = inspect.getsource(run if " " in name else inspect.getmodule(run))
    assert not offers or name in ELSEWHERE or re.search(r"given\.json|done\(given|show_json\(", told)
