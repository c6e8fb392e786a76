"""Trying a mapping out: what a sample becomes, and where each field of it came from. For people; nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from adapters.documents.encodings import decode
from adapters.documents.faults import DocumentFault
from adapters.documents.reading import read_document
from adapters.mapping.agreed import live
from adapters.mapping.faults import MappingFailed
from adapters.mapping.inverse import NoWayBack, inverse
from adapters.mapping.mapper import Mapper, Outbound, source_of
from adapters.mapping.tables import BadTable, compile_table
from contracts.mapping import Encoding, Rule, Table, UnitMapping
from contracts.paths import parse_path, walk
from contracts.problem import Problem
from contracts.samples import VALID
from contracts.yaml_text import Lines, Place

Write = Callable[[Mapper, str, Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one field came from: the profile's line, source and target, what was done, and both values."""

    line: int | None
    source: str
    given: Any
    did: str
    target: str
    made: Any


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a sample: its text, what was made of it, and the faults (Chinese, English).

    ``lost`` names what a unit that has the document cannot tell the message's value from.
    """

    contract: str
    sample: str
    made: str
    faults: tuple[tuple[str, str], ...] = ()
    parked: bool = False
    origins: tuple[Origin, ...] = field(default=())
    lost: tuple[NoWayBack, ...] = ()


def try_out(
    mapping: UnitMapping, lines: Lines, place: Place, contract: str, raw: bytes | None, write: Write | None = None
) -> Trial:
    """A letter (a CloudEvent, a body, or the contract's own example) through the out table. Raises ``BadTable``.

    ``write`` makes the text that goes over the wire, where a transport writes it; it raises as the mapper does.
    """
    name = contract.partition("/")[0]
    event = _event(name, raw)
    mapper, sample = Mapper(mapping, lines, place), _pretty(event)
    origins: tuple[Origin, ...] = ()
    lost: tuple[NoWayBack, ...] = ()
    for index, table in enumerate(mapping.out):
        if table.contract == name:
            here = (*place, "out", index)
            origins = tuple(_origins(table, mapping, lines, here, source_of(event), outward=True))
            lost = inverse(table, mapping).lost
    try:
        told = write(mapper, name, event) if write is not None else _text(mapper.write(name, event))
    except (MappingFailed, DocumentFault) as fault:
        return Trial(name, sample, "", *_told(fault), origins, lost)
    return Trial(name, sample, told, origins=origins, lost=lost)


def try_in(mapping: UnitMapping, lines: Lines, place: Place, raw: bytes, contract: str | None = None) -> Trial:
    """A unit's document through the in table of a contract, or through the one that applies. Raises ``BadTable``."""
    mapper = Mapper(mapping, lines, place)
    shown = _shown(raw, mapping)
    chosen = contract
    try:
        made = mapper.read(raw, contract)
        chosen = made.contract.partition("/")[0]
        told = _pretty({"contract": made.contract, "envelope": dict(made.envelope), "data": made.body.document()})
        trial = Trial(chosen, shown, told)
    except (MappingFailed, DocumentFault) as fault:
        if isinstance(fault, MappingFailed):
            chosen = chosen or fault.faults[0].table.removeprefix("in ")
        trial = Trial(chosen or "", shown, "", *_told(fault))
    for index, table in enumerate(mapping.into):
        if table.contract == chosen:
            try:
                document = read_document(raw, table.written_as or mapping.written_as)
            except DocumentFault:
                break
            found = tuple(_origins(table, mapping, lines, (*place, "in", index), document, outward=False))
            return Trial(trial.contract, trial.sample, trial.made, trial.faults, trial.parked, found)
    return trial


def _event(name: str, raw: bytes | None) -> Mapping[str, Any]:
    try:
        found: dict[str, Any] = VALID[live(name).contract] if raw is None else orjson.loads(raw)
    except (KeyError, orjson.JSONDecodeError):
        raise Problem("contract_unknown" if raw is None else "not_json") from None
    if "data" in found:
        return found
    moment = "2026-11-23T09:13:00+08:00"
    number = found.get("case_number", "330800-20261123-000042")
    return {"id": "L000000000001", "type": name, "subject": number, "time": moment, "mode": "test", "data": found}


def _origins(
    table: Table, mapping: UnitMapping, lines: Lines, place: Place, source: Any, *, outward: bool
) -> Iterator[Origin]:
    base = table.base or ""
    for index, rule in enumerate(table.fields):
        here = (*place, "fields", index)
        alone = table.model_copy(update={"fields": (rule.model_copy(update={"required": False}),)})
        try:
            made, faults = compile_table(alone, mapping, outward=outward, lines=lines, place=place).run(source)
        except BadTable:
            continue
        for said, target, path in _ends(rule, base, outward):
            value = walk(made, path)
            given = _given(source, said, base, outward) if rule.source or rule.coordinates else None
            told = faults[0].zh + " / " + faults[0].en if faults else value
            yield Origin(lines.at(here), said, given, _did(rule), target, told)


def _ends(rule: Rule, base: str, outward: bool) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """What a rule reads and writes: (source, target, the target's path in what the table makes)."""
    prefix = parse_path(base) if base and outward else ()
    if rule.coordinates is not None:
        unit = (rule.coordinates.longitude, rule.coordinates.latitude)
        for ours, theirs in zip(("longitude", "latitude"), unit, strict=True):
            if outward:
                yield f"{rule.source}.{ours}", theirs, _absolute(theirs, prefix)
            else:
                yield theirs, f"{rule.to}.{ours}", parse_path(f"{rule.to}.{ours}")
        return
    if rule.source is not None:
        said = rule.source
    elif rule.constant is not None:
        said = f"“{rule.constant}”"
    elif rule.join is not None:
        said = " + ".join(rule.join.of)
    else:
        said = f"JSONata {rule.expression}"
    target = rule.to or "."
    yield said, target, _absolute(target, prefix)


def _absolute(text: str, prefix: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return parse_path(text) if text.startswith("/") else (*prefix, *parse_path(text))


def _given(source: Any, said: str, base: str, outward: bool) -> Any:
    prefix = parse_path(base) if base and not outward else ()
    return walk(source, _absolute(said, prefix))


def _did(rule: Rule) -> str:
    """What happens to the value, in the profile's own words."""
    done = [
        *(["when"] if rule.when else []),
        *(["trim"] if rule.trim else []),
        *([f"split {rule.split.by!r}"] if rule.split else []),
        *([f"codes {rule.codes}"] if rule.codes else []),
        *([f"date {rule.date}"] if rule.date else []),
        *([f"as {rule.kind}"] if rule.kind else []),
        *([f"decimals {rule.decimals}"] if rule.decimals is not None else []),
        *(["number"] if rule.number else []),
        *([f"each ({len(rule.each)})"] if rule.each else []),
        *([f"join {rule.join.by!r}"] if rule.join else []),
        *([f"limit {rule.limit} {rule.longer}"] if rule.limit else []),
        *([f"{rule.coordinates.system}"] if rule.coordinates else []),
        *([f"default {rule.default!r}"] if rule.default is not None else []),
    ]
    return ", ".join(done)


def _told(fault: MappingFailed | DocumentFault) -> tuple[tuple[tuple[str, str], ...], bool]:
    if isinstance(fault, DocumentFault):
        return ((fault.zh, fault.en),), False
    return tuple(each.sentence() for each in fault.faults), fault.parked


def _text(made: Outbound) -> str:
    said = made.content_type.rpartition("charset=")[2]
    return decode(made.body, Encoding(said))


def _shown(raw: bytes, mapping: UnitMapping) -> str:
    for encoding in (mapping.written_as.encoding, Encoding.UTF_8, Encoding.GB18030):
        try:
            return decode(raw, encoding)
        except DocumentFault:
            continue
    return repr(raw[:2000])


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
