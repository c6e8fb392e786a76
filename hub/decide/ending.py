"""Ends besides the closing: a report that repeats another case (重复), a case made void (作废). Pure."""

from __future__ import annotations

from typing import cast

from contracts.bends import Duplicate, Void
from contracts.problem import Problem, Violation
from hub.case_numbers import parse
from hub.decide.course import Course
from hub.facts import LinkedDuplicate, Voided
from hub.life_cycle import STATE_WORDS, State, Step

NOBODY_DEALS_WITH = frozenset({State.DUPLICATE, State.REJECTED, State.VOIDED})
"""Nothing can be left to a case in these states."""


def link_duplicate(course: Course) -> None:
    """The command centre links a report to the case that it repeats."""
    body = cast(Duplicate, course.message.body)
    course.refuse_unless(Step.LINK_DUPLICATE)
    _another_case(course, body.original, "#/original")
    course.take(Step.LINK_DUPLICATE, LinkedDuplicate(body.original, body.reason, body.reason))


def void(course: Course) -> None:
    """The command centre voids the case; whoever has it is told to stop."""
    body = cast(Void, course.message.body)
    if body.duplicate_of is not None:
        _another_case(course, body.duplicate_of, "#/duplicate_of")
    course.take(Step.VOID, Voided(body.reason, body.duplicate_of))


def _another_case(course: Course, number: str, pointer: str) -> None:
    case_id = parse(number, course.context.registry.division_code)
    other = course.context.others.get(case_id or 0)
    if other is None or case_id == course.known.case_id or other.mode is not course.known.mode:
        said = Violation(pointer, f"没有可关联的案件 {number}", f"there is no other case {number}", "case")
        raise Problem("contract_broken", violations=(said,))
    if other.state in NOBODY_DEALS_WITH:
        # Two cases that each repeat the other would both be forgotten.
        zh, en = STATE_WORDS[other.state].zh, STATE_WORDS[other.state].en
        said = Violation(
            pointer, f"案件 {number} {zh},无人处置", f"case {number} is {en}: nobody deals with it", "case"
        )
        raise Problem("contract_broken", violations=(said,))
