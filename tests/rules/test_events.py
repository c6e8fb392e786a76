"""The table of events is the one list of what may be said; code, metrics and the document agree with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitoring.events import EVENTS, document
from monitoring.logs import LEVELS
from monitoring.metrics import Counts, exposition, metric_name

ROOT = Path(__file__).parent.parent.parent
ALWAYS_ALLOWED = {"event", "at", "level"}


def said() -> Iterator[tuple[str, str, set[str], bool]]:
    """(where, event, fields, has further fields) of every event that the code says."""
    for path in sorted([*ROOT.glob("hub/**/*.py"), *ROOT.glob("adapters/**/*.py"), *ROOT.glob("auth/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name != "say" and not (owner == "log" and name in LEVELS):
                continue
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            events = [node.args[0]]
            if isinstance(node.args[0], ast.IfExp):
                events = [node.args[0].body, node.args[0].orelse]
            for event in events:
                if isinstance(event, ast.Constant) and isinstance(event.value, str) and "." in event.value:
                    fields = {keyword.arg for keyword in node.keywords if keyword.arg}
                    yield where, event.value, fields, any(keyword.arg is None for keyword in node.keywords)


def test_everything_that_is_said_stands_in_the_table_with_its_fields() -> None:
    unknown = [
        f"{where}: {event} {sorted(fields - set(EVENTS[event].fields)) if event in EVENTS else ''}"
        for where, event, fields, _ in said()
        if event not in EVENTS or not fields <= set(EVENTS[event].fields)
    ]
    assert unknown == []


def test_everything_in_the_table_is_said_somewhere() -> None:
    assert set(EVENTS) - {event for _, event, _, _ in said()} == set()


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_each_row_is_well_formed(name: str) -> None:
    row = EVENTS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", name)
    assert row.level in LEVELS
    assert any("\u4e00" <= letter <= "\u9fff" for letter in row.zh) and row.en.isascii()
    assert {*row.labels, *row.seconds, *filter(None, [row.amount])} <= set(row.fields)
    assert not {"case_number", "letter_id", "message_id", "traceparent"} & set(row.labels), "labels stay few"


def test_the_document_is_what_the_table_says() -> None:
    assert (ROOT / "docs/events.md").read_text(encoding="utf-8") == document(), "run ./cityhub docs"


@given(st.lists(st.sampled_from(["message.accepted", "letter.delivered", "breaker.opened"]), max_size=50))
def test_as_many_are_counted_as_were_said(events: list[str]) -> None:
    counts = Counts()
    for event in events:
        counts.count(event, {"unit_id": "power", "contract": "case.report/1.0", "receipt": "received", "seconds": 0.1})
    families = text_string_to_metric_families(exposition(counts, []).decode())
    found = {sample.name: sample.value for family in families for sample in family.samples}
    for event in set(events):
        assert found[f"{metric_name(event)}_total"] == events.count(event)


def test_a_snapshot_that_a_killed_process_left_half_written_spoils_nothing(tmp_path: Path) -> None:
    sound, broken = Counts(), tmp_path / "metrics-a1.json"
    sound.count("breaker.opened", {"unit_id": "power"})
    sound.write(tmp_path / "metrics-a0.json")
    broken.write_bytes((tmp_path / "metrics-a0.json").read_bytes()[:20])
    merged = Counts()
    for path in sorted(tmp_path.glob("metrics-*.json")):
        merged.add(path)
    assert merged.counters == {("breaker.opened", "power"): 1.0}
