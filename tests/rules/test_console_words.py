"""The console has a word for whatever a page may have to name."""

from __future__ import annotations

import pytest

from contracts.envelope import Mode
from contracts.nouns import Transport
from hub.console.units_table import Condition
from hub.console.words import TEXTS

NAMED = [
    *(f"transport_{each.value}" for each in Transport),
    *(f"lane_{each.value}" for each in Condition),
    *(f"mode_{each.value}" for each in Mode),
]


@pytest.mark.parametrize("name", NAMED)
def test_whatever_a_page_names_has_a_word_in_both_languages(name: str) -> None:
    assert TEXTS[name].zh and TEXTS[name].en
