"""The console has a word for whatever a page may have to name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.envelope import Mode
from contracts.nouns import Transport
from hub.console import rendering
from hub.console.units_table import Condition
from hub.console.words import TEXTS

NAMED = [
    *(f"transport_{each.value}" for each in Transport),
    *(f"lane_{each.value}" for each in Condition),
    *(f"mode_{each.value}" for each in Mode),
]
TEMPLATES = sorted(Path(rendering.__file__).with_name("templates").glob("*.html"))


@pytest.mark.parametrize("name", NAMED)
def test_whatever_a_page_names_has_a_word_in_both_languages(name: str) -> None:
    assert TEXTS[name].zh and TEXTS[name].en


def test_every_word_that_a_template_writes_is_there() -> None:
    written = {name for each in TEMPLATES for name in re.findall(r"\bt\.(\w+)", each.read_text(encoding="utf-8"))}
    assert len(written) > 50
    assert written - TEXTS.keys() == set()
