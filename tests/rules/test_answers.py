"""Claims on a profile's answer rules: what the unit's own words come to, before the status is asked."""

from __future__ import annotations

from typing import Any

from adapters.answers import Answers
from contracts.nouns import Receipt
from contracts.port import Refused, Unauthorised, Unavailable
from contracts.ways.answers import AnswerRules


def by(*rules: dict[str, Any], **written: Any) -> Answers:
    return Answers(AnswerRules.model_validate({"rules": rules, "written_as": written}, strict=False))


BUSY = {"means": "retry", "when": [{"path": "code", "in": ["99", "busy"]}], "retry_after_seconds": 30, "reason": "msg"}
WRONG = {"means": "refused", "when": [{"path": "code", "exists": True}], "reason": "msg"}
FINE = {"means": "processed", "when": [{"path": "code", "equals": "0"}]}


def test_an_error_inside_a_200_is_a_refusal_with_the_units_words() -> None:
    said = by(FINE, BUSY, WRONG).of_bytes(200, '{"code": 7, "msg": "编号重复"}'.encode())
    assert isinstance(said, Refused) and said.status == 200
    assert "编号重复" in said.reason


def test_the_first_rule_that_holds_decides() -> None:
    said = by(FINE, BUSY, WRONG).of_bytes(200, b'{"code": 99, "msg": "later"}')
    assert isinstance(said, Unavailable) and said.retry_after_seconds == 30 and "later" in said.reason


def test_a_code_of_success_is_a_receipt_whatever_type_the_unit_gives_it() -> None:
    assert by(FINE, WRONG).of_bytes(200, b'{"code": 0}') is Receipt.PROCESSED
    assert by(FINE, WRONG).of_bytes(200, b'{"code": "0"}') is Receipt.PROCESSED


def test_a_rule_may_hold_for_some_statuses_only() -> None:
    answers = by({"means": "unauthorised", "statuses": [400], "when": [{"path": "error", "equals": "token"}]})
    assert isinstance(answers.of_bytes(400, b'{"error": "token"}'), Unauthorised)
    assert answers.of_bytes(200, b'{"error": "token"}') is None


def test_an_answer_that_is_no_document_leaves_it_to_the_status() -> None:
    assert by(FINE, WRONG).of_bytes(502, b"<html>Bad gateway</html>") is None


def test_answers_in_gbk_xml_are_read_as_the_profile_says() -> None:
    answers = by(
        {"means": "refused", "when": [{"path": "RESULT.CODE", "equals": "-1"}], "reason": "RESULT.MSG"},
        format="xml",
        encoding="gbk",
    )
    said = answers.of_bytes(200, "<RESULT><CODE>-1</CODE><MSG>工单不存在</MSG></RESULT>".encode("gbk"))
    assert isinstance(said, Refused) and "工单不存在" in said.reason
