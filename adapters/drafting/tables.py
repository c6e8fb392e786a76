"""One table of a draft's mapping, and what stands in for arguments that the unit requires."""

from __future__ import annotations

from collections.abc import Collection
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
    request: Described,
    matched: Matched,
    questions: list[Question],
    secrets: dict[str, dict[str, str]],
    fillable: Collection[str] = (),
) -> list[dict[str, Any]]:
    """What the unit requires and nothing matched: a placeholder, so that the draft can be tried.

    An argument that looks like a credential goes to ``secrets`` where the transport can fill it in (``fillable``).
    """
    have = {parse_path(each.field.path)[0] for each in matched.matches}
    made = []
    for field in request.fields:
        path = parse_path(field.path)
        words = set(words_of(field.name)) | {field.name.lower()}
        if path[0] in have:
            continue
        if field.path in fillable and words & CREDENTIALS:
            have.add(path[0])
            name = "".join(words_of(field.name)) or "token"
            secrets[field.path] = {"to": field.path, "secret": name}
            asked = Question(
                f"{field.path}:像是凭据,请存入 ./cityhub secrets put … {name}",
                f"{field.path}: it looks like a credential: ./cityhub secrets put … {name}",
            )
            # It was asked about as a field that nothing matched.
            questions[:] = [each for each in questions if not each.en.startswith(f"{field.path}: ")] + [asked]
        elif field.required:
            have.add(path[0])
            made.append(_placeholder(field, below(field.path, request.base)))
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
