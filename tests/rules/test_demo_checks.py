"""The demo's checks are seen to fail: one fault is put into a sound story at a time, and the right check names it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from hub.demo.checks import Verdict, judge, redelivered
from hub.demo.evidence import Evidence
from hub.demo.tally import tally, ways_in
from tests.values import replace

CASE = "330800-20261123-000001"


def an_entry(sequence: int, step: str, unit: str, state: str) -> dict[str, Any]:
    return {
        "position": f"1-{100 + sequence}",
        "case_number": CASE,
        "sequence": sequence,
        "step": step,
        "state": state,
        "unit_id": unit,
    }


def a_message(unit: str, kind: str, key: str, version: int, **more: Any) -> dict[str, Any]:
    return {
        "what": "message.sent",
        "unit": unit,
        "message_id": key,
        "kind": kind,
        "case_number": CASE,
        "version": version,
        "position": f"1-{100 + version}",
        "replayed": False,
        **more,
    }


def handed_over(unit: str, kind: str, key: str, by: str = "poll") -> dict[str, Any]:
    return {"what": "message.handed", "unit": unit, "message_id": key, "kind": kind, "case_number": CASE, "by": by}


def a_letter(letter_id: str, unit: str, contract: str, sequence: int) -> dict[str, Any]:
    return {
        "letter_id": letter_id,
        "unit_id": unit,
        "case_number": CASE,
        "contract": contract,
        "sequence": sequence,
        "state": "delivered",
        "attempts": 1,
    }


def its_arrival(letter: dict[str, Any]) -> list[dict[str, Any]]:
    row = {
        "unit": letter["unit_id"],
        "via": "rest",
        "letter_id": letter["letter_id"],
        "case_number": CASE,
        "sequence": letter["sequence"],
    }
    return [{"what": "letter.received", "repeat": False, **row}, {"what": "letter.taken", **row}]


def a_sound_story() -> Evidence:
    """One case from report to close: telecom handled it, kecheng governs the area and followed the feed."""
    entries = [
        an_entry(1, "report", "collection", "reported"),
        an_entry(2, "accept", "hub", "accepted"),
        an_entry(3, "dispatch", "hub", "dispatched"),
        an_entry(4, "acknowledge", "telecom", "acknowledged"),
        an_entry(5, "answer", "telecom", "answered"),
        an_entry(6, "request_verification", "hub", "in_verification"),
        an_entry(7, "pass", "collection", "in_verification"),
        an_entry(8, "close", "hub", "closed"),
    ]
    letters = [
        a_letter("ltr_1", "telecom", "case.dispatch/1.0", 1),
        a_letter("ltr_2", "collection", "case.verification_request/1.0", 1),
        a_letter("ltr_3", "telecom", "case.status/1.0", 2),
    ]
    case = {
        "case_number": CASE,
        "sender_case_id": "demo-1",
        "area_id": "kecheng",
        "state": "closed",
        "stage": "evaluate",
        "version": 8,
        "changed_at": "2026-11-23T12:00:00+08:00",
        "dispatches": [
            {
                "unit_id": "telecom",
                "round": 1,
                "due_at": "2026-11-23T12:00:00+08:00",
                "answered_at": "2026-11-23T11:00:00+08:00",
            }
        ],
    }
    rows = [
        a_message("collection", "case.report", "r-1", 3, sender_case="demo-1"),
        a_message("telecom", "case.acknowledgement", "a-1", 4),
        a_message("telecom", "case.feedback", "f-1", 6),
        a_message("collection", "case.verification", "v-1", 8),
        *(row for letter in letters for row in its_arrival(letter)),
        *(
            {
                "what": "change.seen",
                "unit": "kecheng",
                "case_number": CASE,
                "sequence": entry["sequence"],
                "position": entry["position"],
            }
            for entry in entries
        ),
    ]
    return Evidence(["demo-1"], {"kecheng": "kecheng"}, [case], entries, letters, rows)


def row_of(story: Evidence, what: str, **known: str) -> dict[str, Any]:
    return next(row for row in story.rows if row["what"] == what and known.items() <= row.items())


def without(story: Evidence, row: dict[str, Any]) -> Evidence:
    return replace(story, rows=[each for each in story.rows if each is not row])


def with_row(story: Evidence, row: dict[str, Any]) -> Evidence:
    return replace(story, rows=[*story.rows, row])


def a_report_that_vanished(story: Evidence) -> Evidence:
    return replace(story, cases=[], entries=[], letters=[], rows=[story.rows[0]])


def a_report_never_answered(story: Evidence) -> Evidence:
    return without(story, row_of(story, "message.sent", kind="case.report"))


def a_letter_that_never_came(story: Evidence) -> Evidence:
    return without(story, row_of(story, "letter.taken", letter_id="ltr_1"))


def a_dead_letter(story: Evidence) -> Evidence:
    return replace(story, letters=[{**story.letters[0], "state": "dead"}, *story.letters[1:]])


def a_letter_that_the_hub_forgot(story: Evidence) -> Evidence:
    return replace(story, letters=story.letters[1:])


def an_answer_without_an_entry(story: Evidence) -> Evidence:
    return with_row(story, {**row_of(story, "message.sent", kind="case.feedback"), "position": "1-999"})


def an_answer_with_anothers_entry(story: Evidence) -> Evidence:
    """The answer names an entry that exists, but its sender took no step of the kind."""
    return with_row(story, a_message("power", "case.feedback", "x", 6))


def a_hole_in_the_log(story: Evidence) -> Evidence:
    return replace(story, entries=[entry for entry in story.entries if entry["sequence"] != 2])


def a_change_that_the_feed_skipped(story: Evidence) -> Evidence:
    return without(story, row_of(story, "change.seen", position="1-105"))


def a_report_that_became_two_cases(story: Evidence) -> Evidence:
    return replace(story, cases=[*story.cases, {**story.cases[0], "case_number": "330800-20261123-000002"}])


def a_letter_that_took_effect_twice(story: Evidence) -> Evidence:
    return with_row(story, row_of(story, "letter.taken", letter_id="ltr_1"))


def a_message_that_took_effect_twice(story: Evidence) -> Evidence:
    again = {**story.entries[3], "position": "1-150", "sequence": 9}
    return replace(story, entries=[*story.entries, again])


def a_change_told_twice(story: Evidence) -> Evidence:
    return with_row(story, row_of(story, "change.seen", position="1-108"))


def letters_of_a_case_out_of_order(story: Evidence) -> Evidence:
    first = row_of(story, "letter.taken", letter_id="ltr_1")
    return with_row(without(story, first), first)


def a_feed_out_of_order(story: Evidence) -> Evidence:
    early = row_of(story, "change.seen", position="1-103")
    return with_row(without(story, early), early)


def a_bad_signature(story: Evidence) -> Evidence:
    return with_row(story, {"what": "signature.refused", "unit": "telecom", "reason": "no match"})


def a_repeat_answered_differently(story: Evidence) -> Evidence:
    return with_row(story, {"what": "answer.differed", "unit": "unicom", "message_id": "a-1"})


def a_word_that_nobody_heard(story: Evidence) -> Evidence:
    """It was handed over without an answer, and the log has no such step of the unit."""
    return with_row(story, handed_over("telecom", "case.return", "r-1"))


def a_word_heard_twice(story: Evidence) -> Evidence:
    """The same feedback by two doors, each time under the same number, took two steps."""
    again = {**story.entries[4], "position": "1-150", "sequence": 9}
    return with_row(replace(story, entries=[*story.entries, again]), handed_over("telecom", "case.feedback", "f-1"))


def a_receipt_without_an_entry(story: Evidence) -> Evidence:
    """A way that tells no position told of a version that the log does not have."""
    told = {**row_of(story, "message.sent", kind="case.feedback"), "version": 99}
    del told["position"]
    return with_row(story, told)


def a_case_that_hangs(story: Evidence) -> Evidence:
    return replace(story, cases=[{**story.cases[0], "state": "dispatched", "lead_unit_id": "telecom"}])


FAULTS: list[tuple[str, Callable[[Evidence], Evidence]]] = [
    ("lost", a_report_that_vanished),
    ("lost", a_report_never_answered),
    ("lost", a_letter_that_never_came),
    ("lost", a_dead_letter),
    ("lost", a_letter_that_the_hub_forgot),
    ("lost", an_answer_without_an_entry),
    ("lost", an_answer_with_anothers_entry),
    ("lost", a_word_that_nobody_heard),
    ("lost", a_receipt_without_an_entry),
    ("lost", a_hole_in_the_log),
    ("lost", a_change_that_the_feed_skipped),
    ("duplicated", a_report_that_became_two_cases),
    ("duplicated", a_letter_that_took_effect_twice),
    ("duplicated", a_message_that_took_effect_twice),
    ("duplicated", a_word_heard_twice),
    ("duplicated", a_change_told_twice),
    ("out_of_order", letters_of_a_case_out_of_order),
    ("out_of_order", a_feed_out_of_order),
    ("unexpected", a_bad_signature),
    ("unexpected", a_repeat_answered_differently),
    ("hanging", a_case_that_hangs),
]


def test_a_sound_story_passes_every_check() -> None:
    assert judge(a_sound_story()) == Verdict()


@pytest.mark.parametrize(("claim", "fault"), FAULTS, ids=[fault.__name__ for _, fault in FAULTS])
def test_a_fault_is_named_by_its_check(claim: str, fault: Callable[[Evidence], Evidence]) -> None:
    verdict = judge(fault(a_sound_story()))
    assert getattr(verdict, claim)
    assert not verdict.ok


def test_what_was_on_its_way_when_the_case_was_taken_away_is_not_lost() -> None:
    story = with_row(a_sound_story(), handed_over("telecom", "case.return", "r-1"))
    recall = {**row_of(story, "letter.taken", letter_id="ltr_3"), "contract": "case.recall_notice/1.0"}
    told = with_row(without(story, row_of(story, "letter.taken", letter_id="ltr_3")), recall)
    assert judge(told) == Verdict()


def test_messages_are_counted_once_by_the_way_they_took() -> None:
    story = with_row(a_sound_story(), handed_over("telecom", "case.acknowledgement", "a-2"))
    again = with_row(story, handed_over("telecom", "case.acknowledgement", "a-2"))
    assert ways_in(again) == {"rest": 4, "poll": 1}


def test_a_redelivery_that_was_dropped_is_counted_and_no_fault() -> None:
    story = a_sound_story()
    again = {**row_of(story, "letter.received", letter_id="ltr_1"), "repeat": True}
    told = with_row(story, again)
    assert (redelivered(told), judge(told).ok) == (1, True)


def test_each_dispatch_is_counted_in_time_late_returned_or_open() -> None:
    story = a_sound_story()
    case = copy.deepcopy(dict(story.cases[0]))
    on_time = case["dispatches"][0]
    case["dispatches"] = [
        on_time,
        {**on_time, "answered_at": "2026-11-23T12:00:01+08:00"},
        {**on_time, "returned_at": "2026-11-23T11:00:00+08:00"},
        {name: value for name, value in on_time.items() if name != "answered_at"} | {"round": 2},
    ]
    unit = tally(replace(story, cases=[case]), {})["telecom"]
    assert (unit.dispatched, unit.in_time, unit.late, unit.returned, unit.open, unit.rework) == (4, 1, 1, 1, 1, 1)
