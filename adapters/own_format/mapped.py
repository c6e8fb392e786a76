"""Answers by a field table: what a call came to is the source, the unit's own document is made of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.mapping.tables import BadRule, BadTable, Compiled, compile_table
from contracts.mapping import Table, UnitMapping
from contracts.problem import PROBLEM_BASE, PROBLEMS, Problem
from contracts.ways.inbound import InboundAnswer, InboundSettings

WHOLE = frozenset({"status", "version", "retry_after_seconds"})
"""What is a number."""


def compiled_answer(answer: InboundAnswer, mapping: UnitMapping) -> Compiled:
    """The function of an answer's fields. Raises ``BadTable``."""
    table = Table.model_construct(contract=f"answer {answer.outcome}", base=answer.base, fields=answer.fields)
    return compile_table(table, mapping, outward=True)


def refused_answers(settings: InboundSettings, mapping: UnitMapping) -> Iterator[BadRule]:
    """What of the answers cannot be compiled, each at its place in the inbound section."""
    for index, answer in enumerate(settings.answers):
        if answer.fields:
            try:
                compiled_answer(answer, mapping)
            except BadTable as bad:
                for rule in bad.rules:
                    yield BadRule(("answers", index, *rule.place), rule.zh, rule.en)


def source_of_answer(values: Mapping[str, str], outcome: Any, document: Any) -> dict[str, Any]:
    """What the rules see: the outcome's values, ``problem`` where it was refused, ``request`` as the unit wrote it."""
    made: dict[str, Any] = {
        name: int(text) if name in WHOLE else text for name, text in values.items() if text != "" and name != "inner"
    }
    if isinstance(outcome, Problem):
        made["problem"] = _problem(outcome)
    if document is not None:
        made["request"] = document
    return made


def _problem(problem: Problem) -> dict[str, Any]:
    row = PROBLEMS[problem.kind]
    zh, en = problem.zh or row.title_zh, problem.en or row.title_en
    return {
        "type": PROBLEM_BASE + problem.kind,
        "kind": problem.kind,
        "title": f"{row.title_zh} / {row.title_en}",
        "title_zh": row.title_zh,
        "title_en": row.title_en,
        "detail": f"{zh} / {en}",
        "detail_zh": zh,
        "detail_en": en,
        "retryable": row.retryable,
        "violations": [
            {"pointer": each.pointer, "detail_zh": each.zh, "detail_en": each.en, "rule": each.rule}
            for each in problem.violations
        ],
    }
