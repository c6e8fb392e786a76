"""The mapper of one connection: letters into the unit's documents, the unit's documents into contract messages.

Made once of a profile and kept; it has no state, so any number of tasks may use it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from adapters.documents.faults import DocumentFault
from adapters.documents.reading import read_document
from adapters.documents.writing import content_type, write_document
from adapters.mapping.agreed import kind_at, live
from adapters.mapping.faults import MappingFailed, MappingFault, Trouble
from adapters.mapping.operations import shown, text_of
from adapters.mapping.reaching import compile_conditions
from adapters.mapping.tables import BadRule, BadTable, Compiled, compile_table
from adapters.photos import take_photos
from contracts.checking import check_value
from contracts.cloudevents import EXTENSIONS, MOMENT, TEXT
from contracts.cloudevents import Rule as AttributeRule
from contracts.mapping import Rule, Table, UnitMapping, Written
from contracts.messages import Body
from contracts.paths import parse_path
from contracts.photos import SentPhoto
from contracts.problem import Problem, Violation
from contracts.profile import profile_yaml
from contracts.yaml_text import NO_LINES, Lines, Place, read_yaml

ENVELOPE_RULES: Mapping[str, AttributeRule] = {
    "id": TEXT,
    "case_number": TEXT,
    "time": MOMENT,
    "sequence": EXTENSIONS["sequence"],
    "mode": EXTENSIONS["mode"],
    "version": EXTENSIONS["basedonversion"],
    "sender_case_id": EXTENSIONS["sendercase"],
    "actor": EXTENSIONS["actor"],
    "on_behalf_of": EXTENSIONS["onbehalfof"],
}
"""What a unit's document may say of the envelope, each as a CloudEvent would carry it."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """A letter as the unit's document. ``value`` is what ``body`` was written from, for transports that write it."""

    value: dict[str, Any]
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Inbound:
    """A unit's document as a contract message: its checked body, and what of the envelope the document had."""

    contract: str
    body: Body
    envelope: Mapping[str, str]
    photos: tuple[SentPhoto, ...] = ()


@dataclass(frozen=True, slots=True)
class _Way:
    table: Table
    place: Place
    compiled: Compiled
    applies: Callable[[Any], bool]
    written: Written


def mapper_of(settings: Mapping[str, Any]) -> Mapper:
    """The mapper of a connection's settings; its faults name lines of the exported profile. Raises ``BadTable``."""
    said, index = settings["profile"], settings["mapping_of"]
    mapping = UnitMapping.model_validate_json(orjson.dumps(said["connections"][index]["mapping"]))
    _, lines = read_yaml(profile_yaml(said))
    return Mapper(mapping, lines, ("connections", index, "mapping"), said["unit"])


class Mapper:
    """Maps both ways by one profile's tables. Making it raises ``BadTable`` with every rule that cannot be."""

    def __init__(self, mapping: UnitMapping, lines: Lines = NO_LINES, place: Place = (), unit_id: str = "") -> None:
        # Of the lines only those of tables and rules are ever told.
        kept = {at: line for at, line in lines.of.items() if len(at) - len(place) in (2, 4)}
        self.mapping, self._lines, self._unit_id = mapping, Lines(kept), unit_id
        bad: list[BadRule] = []
        self._out = {way.table.contract: way for way in self._ways(mapping.out, (*place, "out"), True, bad, lines)}
        self._in = self._ways(mapping.into, (*place, "in"), False, bad, lines)
        if bad:
            raise BadTable(tuple(bad))

    @property
    def writes(self) -> frozenset[str]:
        """The contracts (by name) that it can write for the unit."""
        return frozenset(self._out)

    def values(self, contract: str, event: bytes | Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the unit's document for a letter (a CloudEvent). Raises ``MappingFailed``."""
        made, faults = self._way_out(contract).compiled.run(source_of(event))
        if faults:
            raise MappingFailed(tuple(faults))
        fields: dict[str, Any] = made
        return fields

    def written_out(self, contract: str) -> Written:
        """How the unit's document for a contract is written. Raises ``MappingFailed``."""
        return self._way_out(contract).written

    def write(self, contract: str, event: bytes | Mapping[str, Any]) -> Outbound:
        """The unit's document for a letter (a CloudEvent). Raises ``MappingFailed`` or ``DocumentFault``."""
        value, written = self.values(contract, event), self._way_out(contract).written
        body = write_document(value, written)
        return Outbound(value, content_type(written), body)

    def take_photos(self, document: Any) -> tuple[SentPhoto, ...]:
        """The photos in a unit's document, ids in their places from now on. Raises ``DocumentFault``."""
        return take_photos(document, self.mapping.photos_at, self._unit_id) if self.mapping.photos_at else ()

    def read(self, raw: bytes, contract: str | None = None) -> Inbound:
        """The message of a unit's bytes. Raises ``MappingFailed`` or ``DocumentFault``."""
        read: dict[int, Any] = {}
        photos: tuple[SentPhoto, ...] = ()
        fault: DocumentFault | None = None
        for way in self._in:
            if contract is not None and way.table.contract != contract:
                continue
            # Tables that are written alike share one reading.
            key = id(way.written)
            if key not in read:
                try:
                    read[key] = read_document(raw, way.written)
                    photos += self.take_photos(read[key])
                except DocumentFault as found:
                    read[key], fault = None, found
            document = read[key]
            if document is not None and (contract is not None or way.applies(document)):
                return replace(self._message(way, document), photos=photos)
        raise fault or _no_table()

    def read_values(self, document: Any, contract: str | None = None) -> Inbound:
        """The message of a document that a transport has parsed. Raises ``MappingFailed``."""
        for way in self._in:
            if way.table.contract == contract or (contract is None and way.applies(document)):
                return self._message(way, document)
        raise _no_table()

    def _message(self, way: _Way, document: Any) -> Inbound:
        made, faults = way.compiled.run(document)
        if faults:
            raise MappingFailed(tuple(faults))
        envelope = self._envelope(way, made.pop("envelope", {}))
        try:
            body = check_value(live(way.table.contract), made)
        except Problem as problem:
            raise MappingFailed(self._broken(way, problem)) from None
        return Inbound(body.contract, body, envelope)

    def _envelope(self, way: _Way, made: Mapping[str, Any]) -> dict[str, str]:
        """The envelope's texts, each checked as a CloudEvent's; one that is empty says nothing."""
        kept: dict[str, str] = {}
        faults: list[MappingFault] = []
        for name, value in made.items():
            rule, field = ENVELOPE_RULES[name], f"envelope.{name}"
            line = self._lines.at(_writer(way, Violation(f"#/envelope/{name}", "", "")))
            try:
                text = text_of(value)
            except Trouble as trouble:
                faults += trouble.at(line, f"in {way.table.contract}", field)
                continue
            if text and not rule.accepts(text):
                zh, en = f"{rule.zh},实为 {shown(text)}", f"{rule.en}, is {shown(text)}"
                faults.append(MappingFault("envelope", zh, en, field, line, f"in {way.table.contract}"))
            elif text:
                kept[name] = text
        if faults:
            raise MappingFailed(tuple(faults))
        return kept

    def _broken(self, way: _Way, problem: Problem) -> tuple[MappingFault, ...]:
        """What the contract says of a mapped body, each with the rule that wrote the field."""
        return tuple(
            MappingFault(
                f"contract_{violation.rule}",
                violation.zh,
                violation.en,
                violation.pointer.removeprefix("#/").replace("/", ".") or ".",
                self._lines.at(_writer(way, violation)),
                f"in {way.table.contract}",
            )
            for violation in problem.violations or (Violation("#", problem.zh, problem.en, problem.kind),)
        )

    def _way_out(self, contract: str) -> _Way:
        way = self._out.get(contract.partition("/")[0])
        if way is None:
            said = f"档案没有 {contract} 的 out 映射", f"the profile has no out table for {contract}"
            raise MappingFailed((MappingFault("no_table", *said, ".", None, f"out {contract}"),))
        return way

    def _ways(
        self, tables: tuple[Table, ...], place: Place, outward: bool, bad: list[BadRule], lines: Lines
    ) -> list[_Way]:
        made = []
        for index, table in enumerate(tables):
            here = (*place, index)
            try:
                compiled = compile_table(table, self.mapping, outward=outward, lines=lines, place=here)
            except BadTable as fault:
                bad += fault.rules
                continue
            bad += _strangers(table, here, outward)
            base = parse_path(table.base) if table.base else ()
            applies = compile_conditions(table.when, base)
            made.append(_Way(table, here, compiled, applies, table.written_as or self.mapping.written_as))
        return made


def source_of(event: bytes | Mapping[str, Any]) -> dict[str, Any]:
    """What the rules of an out table see of a CloudEvent: the body's fields, and the envelope."""
    read: Mapping[str, Any] = orjson.loads(event) if isinstance(event, bytes) else event
    envelope = {
        "id": read.get("id"),
        "case_number": read.get("subject"),
        "contract": read.get("type"),
        "time": read.get("time"),
        "sequence": read.get("sequence"),
        "mode": read.get("mode"),
        "version": read.get("basedonversion"),
    }
    return {**read["data"], "envelope": envelope}


def refused_rules(mapping: UnitMapping) -> tuple[BadRule, ...]:
    """What of a mapping cannot be compiled, or names what the contracts do not have."""
    try:
        Mapper(mapping)
    except BadTable as bad:
        return bad.rules
    return ()


def _strangers(table: Table, place: Place, outward: bool) -> list[BadRule]:
    """Rules that name fields which the contract does not have."""
    found = []
    for index, rule in enumerate(table.fields):
        for text in _our_paths(rule, outward):
            path = parse_path(text)
            told = not outward and path[:1] == ("envelope",) and path[1:2] and path[1] not in ENVELOPE_RULES
            if told or kind_at(table.contract, path) is None:
                zh, en = f"契约 {table.contract} 没有字段 {text}", f"the contract {table.contract} has no field {text}"
                found.append(BadRule((*place, "fields", index), zh, en))
    return found


def _our_paths(rule: Rule, outward: bool) -> tuple[str, ...]:
    if not outward:
        return (rule.to,) if rule.to else ()
    return (*((rule.source,) if rule.source else ()), *(rule.join.of if rule.join else ()))


def _writer(way: _Way, violation: Violation) -> Place:
    """The place of the rule that wrote what a violation points to; the table's where none did."""
    parts = violation.pointer.split("/")[1:]
    best: tuple[int, Place] = (0, way.place)
    for index, rule in enumerate(way.table.fields):
        target = [str(part) for part in parse_path(rule.to)] if rule.to else []
        shared = min(len(target), len(parts))
        if shared > best[0] and target[:shared] == parts[:shared]:
            best = (shared, (*way.place, "fields", index))
    return best[1]


def _no_table() -> MappingFailed:
    zh, en = "没有一张 in 表适用于此文档", "no in table applies to this document"
    return MappingFailed((MappingFault("no_table", zh, en, ".", None, "in"),))
