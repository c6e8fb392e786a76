"""How facts and cases are kept as text: JSON, without the fields that are as by default.

So a default is part of what was written, and is never changed. The canonical bytes of an entry are fixed here too.
"""

from __future__ import annotations

import hashlib
from typing import Any, cast

import msgspec
import orjson

from hub.cases import Case, Entry
from hub.facts import FACT_OF, Fact
from hub.life_cycle import Step

_ENCODER = msgspec.json.Encoder()
_CASE = msgspec.json.Decoder(Case)
_FACTS: dict[Step, msgspec.json.Decoder[Any]] = {step: msgspec.json.Decoder(fact) for step, fact in FACT_OF.items()}


def case_text(case: Case) -> str:
    """The whole case as JSON text."""
    return _ENCODER.encode(case).decode()


def case_from(text: str) -> Case:
    """The case that ``case_text`` wrote."""
    return _CASE.decode(text)


def fact_text(fact: Fact) -> str:
    """A fact as JSON text."""
    return _ENCODER.encode(fact).decode()


def fact_from(step: Step, text: str) -> Fact:
    """The fact of a step that ``fact_text`` wrote."""
    return cast(Fact, _FACTS[step].decode(text))


def fact_document(fact: Fact) -> dict[str, Any]:
    """A fact as a JSON-able document, absent fields left out."""
    return cast(dict[str, Any], orjson.loads(orjson.dumps(fact, default=_fields)))


def _fields(value: Any) -> dict[str, Any]:
    if not isinstance(value, msgspec.Struct):
        raise TypeError(f"{type(value).__name__} is not a value that is kept")
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return {name: inner for name, inner in fields if inner is not None}


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
