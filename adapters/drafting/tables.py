"""One table of a draft's mapping, and what stands in for arguments that the unit requires."""

from __future__ import annotations

from typing import Any

from adapters.drafting.fields import Described, Question, Shape, UnitField
from adapters.drafting.matching import Matched
from adapters.drafting.rules import below, write_rules
from adapters.drafting.vocabulary import vocabulary, words_of
from contracts.paths import parse_path

CREDENTIALS = frozenset({"token", "password", "pwd", "passwd", "key", "secret", "sign", "appkey", "accesskey", "pass"})


def table_of(
    matched: Matched, document: Described, base: str
) -> tuple[dict[str, Any], list[dict[str, Any]], list[Question]]:
    written = write_rules(matched, vocabulary(), base)
    table: dict[str, Any] = {"contract": matched.contract.contract}
    if base:
        table["base"] = base
    return {**table, "fields": written.fields}, written.codes, written.questions


def required(
    request: Described, matched: Matched, secrets: dict[str, dict[str, str]], questions: list[Question]
) -> list[dict[str, Any]]:
    """What the unit requires and nothing matched: a placeholder, so that the draft can be tried."""
    have = {parse_path(each.field.path)[0] for each in matched.matches}
    made = []
    for field in request.fields:
        first = parse_path(field.path)[0]
        words = set(words_of(field.name)) | {field.name.lower()}
        if words & CREDENTIALS and first not in have and len(parse_path(field.path)) == 1:
            secrets[field.path] = {"to": field.path, "secret": "".join(words_of(field.name)) or "token"}
            have.add(first)
        elif field.required and first not in have:
            have.add(first)
            made.append(_placeholder(field, below(field.path, request.base)))
    if secrets:
        names = ", ".join(each["secret"] for each in secrets.values())
        questions.append(
            Question(f"密钥须存入:./cityhub secrets put:{names}", f"secrets to keep: ./cityhub secrets put: {names}")
        )
    return made


def _placeholder(field: UnitField, to: str) -> dict[str, Any]:
    note = "待填 to be filled"
    if field.shape is Shape.MOMENT:
        return {"to": to, "from": "envelope.time", "date": "iso", "note": note}
    value = {Shape.INTEGER: "0", Shape.NUMBER: "0", Shape.BOOLEAN: "false"}.get(field.shape, "?")
    if field.codes:
        value = field.codes[0][0]
    rule: dict[str, Any] = {"to": to, "constant": value, "note": note}
    kind = {Shape.INTEGER: "integer", Shape.NUMBER: "number", Shape.BOOLEAN: "boolean"}.get(field.shape)
    return {**rule, "as": kind} if kind else rule
