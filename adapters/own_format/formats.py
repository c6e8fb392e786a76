"""What units send in their own format, and what they are told; implements ``contracts.own_format.OwnFormat``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from adapters.documents import DocumentFault
from adapters.documents.encodings import encode
from adapters.documents.writing import CONTENT_TYPES, content_type, write_document
from adapters.documents.xml import xml_bytes
from adapters.kept import Kept
from adapters.mapping import Mapper, MappingFailed, mapper_of, said_of
from adapters.mapping.tables import Compiled
from adapters.own_format.defaults import default_answer
from adapters.own_format.mapped import compiled_answer, source_of_answer
from adapters.own_format.opening import Opened, open_document
from adapters.own_format.templates import filled
from adapters.photos import without_photos
from contracts.arrival import Answer, Said
from contracts.json_text import parse_json
from contracts.mapping import Encoding, Format
from contracts.nouns import Connection
from contracts.own_format import Heard, OwnAnswer
from contracts.paths import parse_path, walk
from contracts.photos import SentPhoto
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
    tables: Mapping[InboundOutcome, Compiled]
    format: Format
    encoding: Encoding | None


@dataclass(slots=True)
class OwnFormats:
    """Every unit's own format, by its connection."""

    _ways: Kept[_Way] = field(default_factory=lambda: Kept(_way))

    def takes_photos(self, connection: Connection) -> bool:
        """Whether the unit's documents have photos in them."""
        return bool(self._ways.of(connection).mapper.mapping.photos_at)

    def field(self, connection: Connection, raw: bytes, content_type: str, path: str) -> str:
        """The text at a path of the unit's document; empty where there is none."""
        try:
            return _text_at(_opened(self._ways.of(connection), raw, content_type).document, path)
        except DocumentFault:
            return ""

    def read(self, connection: Connection, raw: bytes, content_type: str = "") -> Heard:
        """The message that a unit's bytes are by its mapping; their type tells whether they are a package."""
        way = self._ways.of(connection)
        document: Any = None
        photos: tuple[SentPhoto, ...] = ()
        try:
            if not way.alike:
                return Heard(said_of(way.mapper.read(raw), raw, connection), raw, content_type=content_type)
            opened = _opened(way, raw, content_type)
            raw, content_type, document = opened.raw, opened.content_type, opened.document
            photos = way.mapper.take_photos(document)
            raw = without_photos(raw, photos)
            said: Said | Problem = said_of(way.mapper.read_values(document), raw, connection)
        except (MappingFailed, DocumentFault) as fault:
            said = fault.problem()
        except Problem as problem:
            said = problem
        return Heard(said, raw, document, photos, content_type)

    def read_values(self, connection: Connection, raw: bytes) -> Heard:
        """The same for a document that was fetched and kept as JSON."""
        way = self._ways.of(connection)
        photos: tuple[SentPhoto, ...] = ()
        try:
            document = parse_json(raw)
            photos = way.mapper.take_photos(document)
            raw = without_photos(raw, photos)
            said: Said | Problem = said_of(way.mapper.read_values(document), raw, connection)
        except (MappingFailed, DocumentFault) as fault:
            said = fault.problem()
        except Problem as problem:
            said = problem
        return Heard(said, raw, photos=photos)

    def answer(
        self, connection: Connection, heard: Heard, outcome: Answer | Problem, now: datetime, position: str = ""
    ) -> OwnAnswer:
        """What the unit's system is told: by the profile's template or table, else by the habit of its format."""
        way = self._ways.of(connection)
        came_to = _outcome(outcome)
        answer = way.answers.get(came_to)
        if answer is None and came_to is InboundOutcome.REPEATED:
            answer = way.answers.get(InboundOutcome.ACCEPTED)
        values = _values(heard, outcome, came_to, answer, now) | ({"position": position} if position else {})
        if answer is not None and answer.body is not None:
            return _written(way, answer, answer.body, values, heard.document)
        mapped = _mapped(way, answer, values, outcome, heard.document) if answer is not None else None
        if mapped is not None and mapped.body:
            return mapped
        problem = outcome if isinstance(outcome, Problem) else None
        made = default_answer(way.format, way.mapper.mapping.written_as.encoding, heard.raw, values, problem)
        return replace(made, trouble=mapped.trouble) if mapped is not None else made

    def wsdl(self, connection: Connection, address: str) -> bytes | None:
        """The unit's own WSDL with the hub's address in it, if its profile carries one."""
        text = self._ways.of(connection).settings.wsdl
        if text is None:
            return None
        said = quoteattr(address)
        # It goes out as UTF-8, whatever it was written in.
        text = re.sub(r"^\ufeff?\s*<\?xml[^>]*\?>", "", text)
        return f'<?xml version="1.0" encoding="utf-8"?>{_ADDRESS.sub(lambda found: found[1] + said, text)}'.encode()


def _opened(way: _Way, raw: bytes, content_type: str) -> Opened:
    mapping = way.mapper.mapping
    return open_document(raw, content_type, mapping.written_as, photos=bool(mapping.photos_at))


def _way(connection: Connection) -> _Way:
    settings = InboundSettings.model_validate(connection.settings.get("inbound", {}), strict=False)
    mapper = mapper_of(connection.settings)
    written_as = mapper.mapping.written_as
    return _Way(
        settings,
        mapper,
        alike=all(table.written_as is None for table in mapper.mapping.into),
        answers={each.outcome: each for each in settings.answers},
        tables={each.outcome: compiled_answer(each, mapper.mapping) for each in settings.answers if each.fields},
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


def _mapped(
    way: _Way, answer: InboundAnswer, values: Mapping[str, str], outcome: Answer | Problem, document: Any
) -> OwnAnswer:
    """By the answer's table; its body is empty where nothing can be written. What a field lacks keeps none back."""
    made, faults = way.tables[answer.outcome].run(source_of_answer(values, outcome, document))
    said = [f"{each.field}: {each.en}" for each in faults]
    written = way.mapper.mapping.written_as.model_copy(update={"format": way.format, "encoding": way.encoding})
    body = b""
    if made:
        try:
            body = write_document(made, written)
        except DocumentFault as fault:
            said.append(fault.en)
    return OwnAnswer(answer.status, content_type(written), body, "; ".join(said)[:500])


def _written(way: _Way, answer: InboundAnswer, body: str, values: dict[str, str], document: Any) -> OwnAnswer:
    encoding = way.encoding or Encoding.UTF_8

    def at(path: str) -> str:
        return _text_at(document, path)

    if answer.inner is not None:
        values["inner"] = filled(answer.inner.body, values, at, answer.inner.format, encoding)
    text = filled(body, values, at, way.format, encoding)
    # A letter that the encoding lacks never keeps an answer back.
    made = xml_bytes(text, encoding) if way.format is Format.XML else encode(text, encoding, "replace")
    return OwnAnswer(answer.status, f"{CONTENT_TYPES[way.format]}; charset={encoding.value}", made)


def _text_at(document: Any, path: str) -> str:
    held = walk(document, parse_path(path))
    if isinstance(held, dict):
        held = held.get("#text")
    if isinstance(held, bool):
        return "true" if held else "false"
    return str(held) if isinstance(held, str | int | float) else ""
