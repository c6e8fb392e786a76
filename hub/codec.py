"""How facts and cases are kept as text: orjson out, pydantic in. The canonical bytes of an entry are fixed here."""

from __future__ import annotations

import hashlib
from typing import Any, cast

import orjson
from pydantic import TypeAdapter

from hub.cases import Case, Entry
from hub.facts import FACT_OF, Fact
from hub.life_cycle import Step

_CASE: TypeAdapter[Case] = TypeAdapter(Case)
_FACTS: dict[Step, TypeAdapter[Any]] = {step: TypeAdapter(fact) for step, fact in FACT_OF.items()}


def case_text(case: Case) -> str:
    """The whole case as JSON text."""
    return orjson.dumps(case).decode()


def case_from(text: str) -> Case:
    """The case that ``case_text`` wrote."""
    return _CASE.validate_json(text)


def fact_text(fact: Fact) -> str:
    """A fact as JSON text."""
    return orjson.dumps(fact).decode()


def fact_from(step: Step, text: str) -> Fact:
    """The fact of a step that ``fact_text`` wrote."""
    return cast(Fact, _FACTS[step].validate_json(text))


def fact_document(fact: Fact) -> dict[str, Any]:
    """A fact as a JSON-able document, absent fields left out."""
    return cast(dict[str, Any], _without_nulls(orjson.loads(orjson.dumps(fact))))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def canonical(entry: Entry, body: str) -> bytes:
    """The bytes of an entry that the log's chain of digests covers. Never to be changed: a golden test holds them.

    ``body`` is the fact's text as it was stored, so that a fact which has grown a field since breaks no chain.
    Personal data is covered by its reference only, so erasing it breaks none either.
    """
    return orjson.dumps(
        [
            "entry/1",
            entry.position,
            entry.case_id,
            entry.sequence,
            entry.step,
            entry.state,
            entry.mode,
            entry.unit_id,
            entry.connection_id,
            entry.actor,
            entry.on_behalf_of,
            entry.message_key.hex() if entry.message_key else None,
            entry.message_digest.hex() if entry.message_digest else None,
            entry.personal_id,
            entry.effective_at,
            entry.known_at,
            entry.directory_version,
            entry.audience,
            body,
        ],
        option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC,
    )


def digest(entry: Entry, body: str) -> bytes:
    """SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical(entry, body)).digest()
