"""What was decided is written down with the test that holds it; and each type has the one place that was decided."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))

PLACES = {
    "Unit": None,
    "CityUnit": "contracts/city/rows.py",
    "Category": "contracts/city/rows.py",
    "Responsibility": "contracts/city/rows.py",
    "City": "contracts/city/city.py",
    "Directory": "contracts/city/directory.py",
    "Calendar": "contracts/calendar.py",
    "Message": "contracts/envelope.py",
    "Mode": "contracts/envelope.py",
    "Sender": "contracts/envelope.py",
    "Connection": "contracts/nouns.py",
    "Letter": "contracts/nouns.py",
    "RenderedLetter": "contracts/nouns.py",
    "Receipt": "contracts/nouns.py",
    "Role": "contracts/nouns.py",
    "Transport": "contracts/nouns.py",
    "UnitState": "contracts/nouns.py",
    "Profile": "contracts/profile.py",
    "UnitMapping": "contracts/mapping.py",
    "Adapter": "contracts/port.py",
    "DeliveryFailed": "contracts/port.py",
    "Unavailable": "contracts/port.py",
    "Refused": "contracts/port.py",
    "Unauthorised": "contracts/port.py",
    "Problem": "contracts/problem.py",
    "Violation": "contracts/problem.py",
    "Principal": "auth/principal.py",
    "SigningSecrets": "auth/port.py",
    "Secret": "auth/redaction.py",
    "Case": "hub/cases.py",
    "State": "hub/life_cycle.py",
    "Step": "hub/life_cycle.py",
    "Stage": "hub/life_cycle.py",
    "Order": "hub/facts.py",
    "Decision": "hub/decision.py",
    "Registry": "hub/registry.py",
    "CityClock": "hub/clock.py",
    "Intake": "hub/intake.py",
}
"""The shared nouns and the file of each (DESIGN.md §9); a name with no file is nobody's."""


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_each_decision_names_tests_that_hold_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    held = re.search(r"(?:由此守住 Held by|Held by)[:*\s]+(.+?)(?:\n\n|\Z)", text, re.S)
    assert held, "no line says which test holds it"
    named = re.findall(r"tests/[\w/]+\.py", held[1])
    assert named and [name for name in named if not (ROOT / name).is_file()] == []


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert len(set(numbers)) == len(numbers), numbers


def test_each_shared_type_is_defined_once_and_where_it_was_decided() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for folder in ("contracts", "auth", "monitoring", "adapters", "hub"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and node.name in PLACES:
                    found[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found[name] for name in PLACES} == {name: [place] if place else [] for name, place in PLACES.items()}


@pytest.mark.parametrize("folder", ["contracts", "auth", "monitoring", "adapters", "hub", "hub/store", "hub/delivery"])
def test_each_folder_says_what_lives_in_it(folder: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8")))
