"""Claims on polling's pure parts: the request, the page, and how far it moves."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.arriving import fetched
from adapters.documents import DocumentFault
from adapters.polling.asking import request, secrets_of
from adapters.polling.page import Page, page_document, read_page
from adapters.polling.progress import Progress, asked_for, moved, progress_of
from adapters.polling.source import pause
from contracts.ways.poll import PollCursor, PollSettings

VALUES = {"cursor": "7", "limit": "50", "now": "2026-11-23T09:13:00+08:00", "secret:key": 'a"<&é'}


def settings(**more: Any) -> PollSettings:
    return PollSettings.model_validate({"endpoint": "https://bus.example/news", **more}, strict=False)


def a_cursor(**fields: Any) -> PollCursor:
    return PollCursor.model_validate(fields, strict=False)


def a_page(*rows: dict[str, Any], more: bool = False, following: str = "") -> Page:
    return Page([fetched(row) for row in rows], more, following)


@given(st.text(max_size=40))
def test_whatever_a_cursor_holds_stays_one_query_parameter(cursor: str) -> None:
    asked = request(settings(query=[{"name": "after", "value": "x{cursor}"}]), {**VALUES, "cursor": "c" + cursor})
    assert parse_qs(urlsplit(asked.url).query) == {"after": ["xc" + cursor]}


@given(st.text(max_size=40))
def test_whatever_a_cursor_holds_begins_no_header_of_its_own(cursor: str) -> None:
    asked = request(settings(headers=[{"name": "X-After", "value": "{cursor}"}]), {**VALUES, "cursor": cursor})
    assert all(" " <= letter <= "~" for letter in asked.headers["x-after"])


@pytest.mark.parametrize(
    ("kind", "body", "written"),
    [
        ("json", '{"key": "{secret:key}", "after": {cursor}}', '{"key": "a\\"<&é", "after": 7}'.encode()),
        ("xml", "<k>{secret:key}</k>", "<k>a&quot;&lt;&amp;é</k>".encode()),
        ("form", "key={secret:key}&n={limit}", b"key=a%22%3C%26%C3%A9&n=50"),
    ],
)
def test_a_value_is_escaped_as_the_body_wants_it(kind: str, body: str, written: bytes) -> None:
    made = settings(method="POST", body=body, body_as=kind)
    assert secrets_of(made) == {"key"}
    assert request(made, VALUES).body == written


def test_braces_that_are_no_placeholder_stay_what_they_are() -> None:
    made = settings(method="POST", body='{"a": {}, "b": "{else}"}')
    assert request(made, VALUES).body == b'{"a": {}, "b": "{else}"}'


def test_a_page_may_hold_more_values_than_a_message() -> None:
    rows = [{str(column): column for column in range(40)} for _ in range(200)]
    assert (
        len(read_page(page_document(orjson.dumps({"rows": rows}), settings().written_as), settings(items="rows")).items)
        == 200
    )


@pytest.mark.parametrize("document", [{"rows": 7}, {"rows": [1, 2]}, {"rows": [[]]}])
def test_items_that_are_no_records_are_a_fault(document: Any) -> None:
    with pytest.raises(DocumentFault):
        read_page(document, settings(items="rows"))


@pytest.mark.parametrize("document", [{}, {"rows": None}, {"rows": ""}, {"rows": []}])
def test_no_items_are_an_empty_page(document: Any) -> None:
    assert read_page(document, settings(items="rows")).items == []


def test_a_page_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(DocumentFault):
        page_document(b"[" * 50_000 + b"]" * 50_000, settings().written_as)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 10**6))
def test_an_id_never_moves_back(ids: list[int], before: int) -> None:
    cursor = a_cursor(kind="id", at="n")
    page = a_page(*({"n": each} for each in ids))
    assert int(moved(Progress("id", str(before)), page, cursor).progress.cursor) == max(before, *ids)


def test_ids_that_are_no_numbers_go_by_their_order() -> None:
    page = a_page({"n": "b"}, {"n": "a"})
    assert moved(Progress("id", "c"), page, a_cursor(kind="id", at="n")).progress.cursor == "a"


@pytest.mark.parametrize("kind", ["id", "time"])
def test_a_unit_that_answers_the_newest_first_is_told_so(kind: str) -> None:
    rows = [
        {"at": text} for text in (("9", "5", "1") if kind == "id" else ("2026-11-23T09:03:00", "2026-11-23T09:01:00"))
    ]
    with pytest.raises(DocumentFault, match="newest"):
        moved(Progress(kind), a_page(*rows, more=True), a_cursor(kind=kind, at="at"))


def test_records_without_what_the_cursor_goes_by_are_a_fault() -> None:
    for kind in ("id", "time"):
        with pytest.raises(DocumentFault):
            moved(Progress(kind), a_page({"x": 1}), a_cursor(kind=kind, at="at"))


def test_a_time_is_asked_for_again_from_its_overlap_in_the_units_own_zone() -> None:
    cursor = a_cursor(kind="time", at="at", date="%Y-%m-%d %H:%M:%S", overlap_seconds=300)
    progress = moved(Progress("time"), a_page({"at": "2026-11-23 09:20:00"}), cursor).progress
    assert datetime.fromisoformat(progress.cursor) == datetime.fromisoformat("2026-11-23T01:20:00+00:00")
    assert asked_for(progress, cursor, None) == "2026-11-23 09:15:00"


def test_what_lies_before_the_overlap_is_forgotten() -> None:
    cursor = a_cursor(kind="time", at="at", overlap_seconds=60)
    old, new = {"at": "2026-11-23T09:00:00"}, {"at": "2026-11-23T09:10:00"}
    progress = moved(moved(Progress("time"), a_page(old), cursor).progress, a_page(new), cursor).progress
    assert set(progress.seen) == {fetched(new).digest}


@given(st.text(max_size=60))
def test_a_bookmark_that_is_no_progress_begins_anew(text: str) -> None:
    assert progress_of(text, a_cursor(kind="id", at="n", start="5")) == Progress("id", "5")


def test_a_bookmark_of_another_kind_of_cursor_begins_anew() -> None:
    kept = Progress("id", "77", {"a": 1.0})
    assert progress_of(kept.text(), a_cursor(kind="id", at="n")) == kept
    assert progress_of(kept.text(), a_cursor(kind="page", next="n")) == Progress("page")


def test_the_same_record_has_one_digest_whatever_the_order_of_its_names() -> None:
    assert fetched({"a": 1, "b": 2}).digest == fetched({"b": 2, "a": 1}).digest != fetched({"a": 2, "b": 1}).digest


@given(st.integers(0, 500), st.floats(0, 1))
def test_a_pause_lies_within_its_bounds(idle: int, chance: float) -> None:
    assert 27 <= pause(settings(every_seconds=30, idle_seconds_max=300), idle, chance) <= 330
