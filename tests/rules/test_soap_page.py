"""The page on SOAP: its example can be applied, and every field of the section is on it."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.mapping import Mapper
from adapters.soap.checks import check_soap
from adapters.soap.trial import envelope_writer
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from contracts.samples import VALID
from contracts.ways.soap import SoapSettings, WsSecurity

PAGE = (Path(__file__).parents[2] / "docs/soap.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_example_of_the_page_works() -> None:
    profile, _ = read_profile(with_files(block("yaml"), {"bureau.wsdl": block("xml")}.__getitem__))
    (entry,) = profile.connections
    assert check_soap(entry).faults == []
    assert entry.soap is not None and entry.mapping is not None
    letter = {"id": "L1", "subject": "330800-20261123-000042", "data": VALID["case.dispatch/1.0"]}
    made = envelope_writer(entry.soap)(Mapper(entry.mapping), "case.dispatch", letter)
    assert 'encoding="GBK"?&gt;&lt;CASE&gt;&lt;NO&gt;330800-20261123-000042' in made
    assert "urn:cityhub:letter:L1" in made and "<t0:token>***</t0:token>" in made


def test_every_field_of_the_section_is_on_the_page() -> None:
    for name in (*SoapSettings.model_fields, *WsSecurity.model_fields):
        assert re.search(rf"`{name}|\b{name}: ", PAGE), name
