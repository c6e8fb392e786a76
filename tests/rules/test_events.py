"""The table of events is the one list of what may be said; code, metrics and the document agree with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitoring.event_page import document
from monitoring.events import COMMON, EVENTS
from monitoring.logs import LEVELS, configure
from monitoring.metrics import Counts, exposition
from monitoring.process import Watch
from monitoring.say import NotInTheTable, Say

ROOT = Path(__file__).parent.parent.parent


def said() -> Iterator[tuple[str, str, set[str], bool]]:
    """(where, event, fields, has further fields) of every event that the code says."""
    folders = ("hub", "adapters", "auth", "monitoring")
    for path in sorted(path for folder in folders for path in ROOT.glob(f"{folder}/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name not in ("say", "_say") and not (owner == "log" and name in LEVELS):
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
        f"{where}: {event} {sorted(fields - COMMON - set(EVENTS[event].fields)) if event in EVENTS else ''}"
        for where, event, fields, _ in said()
        if event not in EVENTS or not fields <= COMMON | set(EVENTS[event].fields)
    ]
    assert unknown == []


def test_everything_in_the_table_is_said_somewhere() -> None:
    by_the_log_itself = {"event.unknown", "library.said", "line.lost"}
    assert set(EVENTS) - {event for _, event, _, _ in said()} - by_the_log_itself == set()


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_each_row_is_well_formed(name: str) -> None:
    row = EVENTS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", name)
    assert row.level in LEVELS
    assert any("\u4e00" <= letter <= "\u9fff" for letter in row.zh) and row.en.isascii()
    spread = {label for each in row.spreads for label in (each.field, *each.labels)}
    assert {*row.labels, *spread, *filter(None, [row.amount])} <= set(row.fields)
    labels = {*row.labels, *(label for each in row.spreads for label in each.labels)}
    assert not {"case_number", "letter_id", "message_id", "traceparent"} & labels, "labels stay few"


def test_the_document_is_what_the_table_says() -> None:
    assert (ROOT / "docs/events.md").read_text(encoding="utf-8") == document(), "run ./cityhub docs"


FIELDS = {
    "message.accepted": {"contract": "case.report/1.0", "unit_id": "power", "message_id": "m1", "seconds": 0.1},
    "lane.acquired": {"connection_id": "power.main", "fencing": 3},
    "breaker.opened": {"connection_id": "power.main", "unit_id": "power", "reason": "503"},
}


@given(st.lists(st.sampled_from(sorted(FIELDS)), max_size=50))
def test_as_many_are_counted_as_were_said(events: list[str]) -> None:
    counts = Counts()
    for event in events:
        counts.count(event, FIELDS[event])
    families = text_string_to_metric_families(exposition(counts, []).decode())
    found = {sample.name: sample.value for family in families for sample in family.samples}
    for event in set(events):
        assert found[f"cityhub_{EVENTS[event].counts}_total"] == events.count(event)


def test_a_snapshot_that_is_no_snapshot_is_told_and_spoils_nothing() -> None:
    sound = Counts()
    sound.count("breaker.opened", FIELDS["breaker.opened"])
    raw = orjson.dumps(sound.snapshot())
    merged = Counts()
    merged.add(raw)
    with pytest.raises(ValueError):
        merged.add(raw[:20])
    merged.add(raw)
    assert b'cityhub_breakers_opened_total{unit_id="power"} 2.0' in exposition(merged, [])


class TestAVoice:
    """What one process says, as it comes out."""

    @pytest.fixture
    def lines(self) -> Iterator[BytesIO]:
        stream = BytesIO()
        configure("info", stream, pretty=False)
        yield stream
        configure("info")

    def said(self, lines: BytesIO) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in lines.getvalue().splitlines()]

    def test_a_line_carries_the_ids_of_its_trace(self, lines: BytesIO) -> None:
        traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
        Say(Counts(), "info")("breaker.opened", **FIELDS["breaker.opened"], traceparent=traceparent)
        (line,) = self.said(lines)
        assert line["event"] == "breaker.opened" and line["unit_id"] == "power"
        assert (line["trace_id"], line["span_id"]) == ("a" * 32, "b" * 16)

    def test_a_fault_is_told_by_its_type_and_place_never_by_its_text(self, lines: BytesIO) -> None:
        say = Say(Counts(), "info", strict=True)
        try:
            raise ValueError("李四 13800000000")
        except ValueError as fault:
            say("task.died", task="clock", fault=fault)
        (line,) = self.said(lines)
        assert line["fault"] == "ValueError" and "test_events.py" in line["frames"][0]
        assert "13800000000" not in lines.getvalue().decode()

    def test_what_is_below_the_level_is_counted_all_the_same(self, lines: BytesIO) -> None:
        counts = Counts()
        Say(counts, "info")("batch.committed", messages=7, seconds=0.01)
        assert self.said(lines) == []
        assert b"cityhub_batches_committed_total 1.0" in exposition(counts, [])

    def test_what_is_not_in_the_table_is_told_once_by_its_name(self, lines: BytesIO) -> None:
        say = Say(Counts(), "info")
        for _ in range(3):
            say("nobody.knew", phone="13800000000")
        assert [line["name"] for line in self.said(lines)] == ["nobody.knew"]
        with pytest.raises(NotInTheTable):
            Say(Counts(), "info", strict=True)("nobody.knew")


def test_a_successor_goes_on_counting_where_a_killed_process_stopped(tmp_path: Path) -> None:
    for _ in range(2):
        watch = Watch.open(tmp_path, "a0", "error")
        watch.say("breaker.opened", **FIELDS["breaker.opened"])
        watch.close()
    merged = Counts()
    merged.add((tmp_path / "metrics-a0.json").read_bytes())
    assert b'cityhub_breakers_opened_total{unit_id="power"} 2.0' in exposition(merged, [])
