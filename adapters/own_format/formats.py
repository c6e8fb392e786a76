"""What units send in their own format, and what they are told; implements ``contracts.own_format.OwnFormat``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from adapters.documents import DocumentFault, read_document
from adapters.documents.encodings import encode
from adapters.documents.writing import CONTENT_TYPES
from adapters.documents.xml import xml_bytes
from adapters.kept import Kept
from adapters.mapping import Mapper, MappingFailed, mapper_of, said_of
from adapters.own_format.defaults import default_answer
from adapters.own_format.templates import filled
from contracts.arrival import Answer, Said
from contracts.json_text import parse_json
from contracts.mapping import Encoding, Format
from contracts.nouns import Connection
from contracts.own_format import Heard, OwnAnswer
from contracts.paths import parse_path, walk
from contracts.problem import PROBLEMS, Problem
from contracts.ways.inbound import InboundAnswer, InboundOutcome, InboundSettings

DONE = ("已接收", "accepted")
_ADDRESS = re.compile(r"""(<(?:[\w.-]+:)?address\b[^<>]*?\blocation\s*=\s*)("[^"<>]*"|'[^'<>]*')""")


@dataclass(frozen=True, slots=True)
class _Way:
    """What is made of one connection's profile, once."""

    settings: InboundSettings
    mapper: Mapper
    alike: bool
    answers: Mapping[InboundOutcome, InboundAnswer]
    format: Format
    encoding: Encoding | None


@dataclass(slots=True)
class OwnFormats:
    """Every unit's own format, by its connection."""

    _ways: Kept[_Way] = field(default_factory=lambda: Kept(_way))

    def field(self, connection: Connection, raw: bytes, path: str) -> str:
        """The text at a path of the unit's document; empty where there is none."""
        try:
            document = read_document(raw, self._ways.of(connection).mapper.mapping.written_as)
        except DocumentFault:
            return ""
        return _text_at(document, path)

    def read(self, connection: Connection, raw: bytes) -> Heard:
        """The message that a unit's bytes are by its mapping."""
        way = self._ways.of(connection)
        document: Any = None
        try:
            if not way.alike:
                return Heard(said_of(way.mapper.read(raw), raw, connection), raw)
            document = read_document(raw, way.mapper.mapping.written_as)
            return Heard(said_of(way.mapper.read_values(document), raw, connection), raw, document)
        except (MappingFailed, DocumentFault) as fault:
            return Heard(fault.problem(), raw, document)
        except Problem as problem:
            return Heard(problem, raw, document)

    def read_values(self, connection: Connection, raw: bytes) -> Heard:
        """The same for a document that was fetched and kept as JSON."""
        way = self._ways.of(connection)
        try:
            return Heard(said_of(way.mapper.read_values(parse_json(raw)), raw, connection), raw)
        except (MappingFailed, DocumentFault) as fault:
            return Heard(fault.problem(), raw)
        except Problem as problem:
            return Heard(problem, raw)

    def answer(self, connection: Connection, heard: Heard, outcome: Answer | Problem, now: datetime) -> OwnAnswer:
        """What the unit's system is told: by the profile's template, else by the habit of its format."""
        way = self._ways.of(connection)
        came_to = _outcome(outcome)
        answer = way.answers.get(came_to)
        if answer is None and came_to is InboundOutcome.REPEATED:
            answer = way.answers.get(InboundOutcome.ACCEPTED)
        values = _values(heard, outcome, came_to, answer, now)
        if answer is None:
            problem = outcome if isinstance(outcome, Problem) else None
            return default_answer(way.format, way.mapper.mapping.written_as.encoding, heard.raw, values, problem)
        return _written(way, answer, values, heard.document)

    def wsdl(self, connection: Connection, address: str) -> bytes | None:
        """The unit's own WSDL with the hub's address in it, if its profile carries one."""
        text = self._ways.of(connection).settings.wsdl
        if text is None:
            return None
        said = quoteattr(address)
        # It goes out as UTF-8, whatever it was written in.
        text = re.sub(r"^\ufeff?\s*<\?xml[^>]*\?>", "", text)
        return f'<?xml version="1.0" encoding="utf-8"?>{_ADDRESS.sub(lambda found: found[1] + said, text)}'.encode()


def _way(connection: Connection) -> _Way:
    settings = InboundSettings.model_validate(connection.settings.get("inbound", {}), strict=False)
    mapper = mapper_of(connection.settings)
    written_as = mapper.mapping.written_as
    return _Way(
        settings,
        mapper,
        alike=all(table.written_as is None for table in mapper.mapping.into),
        answers={each.outcome: each for each in settings.answers},
        format=settings.answer_format or written_as.format,
        encoding=settings.answer_encoding or written_as.encoding,
    )


def _outcome(outcome: Answer | Problem) -> InboundOutcome:
    if isinstance(outcome, Answer):
        return InboundOutcome.REPEATED if outcome.repeated else InboundOutcome.ACCEPTED
    return InboundOutcome.RETRY if PROBLEMS[outcome.kind].retryable else InboundOutcome.REFUSED


def _values(
    heard: Heard, outcome: Answer | Problem, came_to: InboundOutcome, answer: InboundAnswer | None, now: datetime
) -> dict[str, str]:
    made = {"outcome": came_to.value, "now": now.isoformat(timespec="seconds")}
    if isinstance(heard.said, Said):
        made |= {"message_id": heard.said.message_id, "case_number": heard.said.case_number or ""}
    if isinstance(outcome, Problem):
        zh, en = outcome.sentences()
        made |= {"kind": outcome.kind, "code": outcome.kind, "status": str(outcome.status)}
        if outcome.retry_after_seconds is not None:
            made["retry_after_seconds"] = str(outcome.retry_after_seconds)
    else:
        (zh, en), made["code"], made["status"] = DONE, "0", "200"
        made |= {"case_number": outcome.case_number, "state": outcome.state, "version": str(outcome.version)}
    made |= {"reason": f"{zh} / {en}", "reason_zh": zh, "reason_en": en}
    if answer is not None and answer.code is not None:
        made["code"] = answer.code
    return made


def _written(way: _Way, answer: InboundAnswer, values: dict[str, str], document: Any) -> OwnAnswer:
    encoding = way.encoding or Encoding.UTF_8

    def at(path: str) -> str:
        return _text_at(document, path)

    if answer.inner is not None:
        values["inner"] = filled(answer.inner.body, values, at, answer.inner.format, encoding)
    text = filled(answer.body, values, at, way.format, encoding)
    # A letter that the encoding lacks never keeps an answer back.
    body = xml_bytes(text, encoding) if way.format is Format.XML else encode(text, encoding, "replace")
    return OwnAnswer(answer.status, f"{CONTENT_TYPES[way.format]}; charset={encoding.value}", body)


def _text_at(document: Any, path: str) -> str:
    held = walk(document, parse_path(path))
    if isinstance(held, dict):
        held = held.get("#text")
    if isinstance(held, bool):
        return "true" if held else "false"
    return str(held) if isinstance(held, str | int | float) else ""
