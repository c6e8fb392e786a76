"""What a mapped document says to the hub: its body, its envelope, and the id that its connection's rule gives it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from adapters.mapping.mapper import Inbound
from contracts.arrival import Said, content_id
from contracts.cloudevents import TEXT, moment_of
from contracts.ids import IdRule, IdRules
from contracts.messages import Report
from contracts.nouns import Connection
from contracts.paths import parse_path, walk
from contracts.problem import Problem, Violation

EXTENSIONS: Mapping[str, str] = {
    "mode": "mode",
    "sequence": "sequence",
    "version": "basedonversion",
    "sender_case_id": "sendercase",
    "actor": "actor",
    "on_behalf_of": "onbehalfof",
}
"""What a rule calls a part of the envelope → what CloudEvents calls it."""


def said_of(inbound: Inbound, raw: bytes, connection: Connection) -> Said:
    """What a unit said with ``raw``, mapped. ``raw`` is the document alone: a repeat of it has the same bytes.

    The message's source is the connection, so two systems of a unit may count alike. Raises ``Problem``.
    """
    envelope = inbound.envelope
    opens = isinstance(inbound.body, Report)
    if not opens and "case_number" not in envelope:
        raise _missing(inbound, "envelope.case_number", "没有案件号", "it has no case number")
    return Said(
        inbound.body,
        message_id=_id(inbound, raw, IdRules.model_validate(connection.settings.get("ids", {}), strict=False)),
        source=f"/connections/{connection.connection_id}",
        # A report opens a case: what the unit calls it is its own number.
        case_number=None if opens else envelope["case_number"],
        time=moment_of(envelope["time"]) if "time" in envelope else None,
        extensions={EXTENSIONS[name]: text for name, text in envelope.items() if name in EXTENSIONS},
    )


def _id(inbound: Inbound, raw: bytes, rules: IdRules) -> str:
    theirs = inbound.envelope.get("id")
    match rules.rule:
        case IdRule.FIELDS:
            made = _of_fields(inbound, rules)
        case IdRule.BOTH:
            made = f"{theirs}.{content_id(raw)}" if theirs else content_id(raw)
        case IdRule.MAPPED if theirs:
            made = theirs
        case _:
            made = content_id(raw)
    kind = f"{inbound.contract.partition('/')[0]}:" if rules.per_contract else ""
    made = f"{rules.prefix or ''}{kind}{made}"
    if not TEXT.accepts(made):
        raise _missing(inbound, "envelope.id", f"标识{TEXT.zh}", f"the id {TEXT.en}")
    return made


def _of_fields(inbound: Inbound, rules: IdRules) -> str:
    message: dict[str, Any] = {**inbound.body.document(), "envelope": dict(inbound.envelope)}
    found = [walk(message, parse_path(path)) for path in rules.of]
    if all(value is None for value in found):
        said = ", ".join(rules.of)
        raise _missing(
            inbound, "envelope.id", f"标识所需字段都没有值:{said}", f"the id's fields are all absent: {said}"
        )
    return hashlib.sha256(orjson.dumps(found, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _missing(inbound: Inbound, field: str, zh: str, en: str) -> Problem:
    name = inbound.contract.partition("/")[0]
    said = Violation("#", f"in {name} 字段 {field}:{zh}", f"in {name} field {field}: {en}", "envelope")
    return Problem("mapping_failed", violations=(said,))
