"""The page on connecting a unit: its profile is one, its verbs are there."""

from __future__ import annotations

import re
from pathlib import Path

from contracts.profile_text import read_profile
from hub.cli import parser
from hub.registry import connections_of

PAGE = (Path(__file__).parents[2] / "docs/onboarding.md").read_text(encoding="utf-8")


def test_the_profile_of_the_page_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(unit: .*?)```", PAGE, re.DOTALL)
    profile, _ = read_profile(text)
    assert len(profile.contacts) == 2
    (connection,) = connections_of(profile, 1)
    assert connection.maintenance is not None and connection.calendar is not None


def test_every_command_of_the_page_is_one() -> None:
    lines = [line.partition("#")[0].partition("<")[0] for line in re.findall(r"^\./cityhub (.*)$", PAGE, re.MULTILINE)]
    lines += re.findall(r"`(units (?:history|diff|rollback)[^`\[]*)", PAGE)
    assert len(lines) > 8
    for line in lines:
        words = [word.strip('"') for word in line.split() if word != "--reason"]
        if "rollback" in words:
            words = [*words[:4], "--reason", "x"]
        given = parser().parse_args(words)
        assert given.run
