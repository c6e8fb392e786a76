"""The page on mapping: its example does what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from adapters.mapping import Mapper
from contracts.profile_text import read_profile
from contracts.samples import VALID

PAGE = (Path(__file__).parents[2] / "docs/mapping.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_of_the_page_gives_the_message_of_the_page() -> None:
    mapping = read_profile(block("yaml"))[0].connections[0].mapping
    assert mapping is not None
    made = Mapper(mapping).read(block("xml").encode())
    assert made.body.document() == json.loads(block("json"))
    body = VALID["case.dispatch/1.0"]
    sent = Mapper(mapping).write("case.dispatch", {"id": "L1", "subject": body["case_number"], "data": body})
    assert 'encoding="GBK"' in sent.body.decode() and "&lt;URGENT&gt;1" in sent.body.decode()


def test_every_key_of_a_rule_is_on_the_page() -> None:
    from contracts.mapping import Rule

    for name, field in Rule.model_fields.items():
        assert f"`{field.alias or name}" in PAGE or name == "note", name
