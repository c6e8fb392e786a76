"""What of a SOAP connection cannot work, before its profile is applied: the WSDL, the operations, the arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zeep import xsd

from adapters.soap.messages import HEADER
from adapters.soap.prepared import read_service
from adapters.soap.wsdl import Operation, WsdlFault
from contracts.mapping import Rule, Table, UnitMapping, Written
from contracts.paths import Path, parse_path, path_text
from contracts.port import ProfileFault
from contracts.profile import ConnectionProfile
from contracts.ways.soap import PhotosAs, SoapCall, SoapSettings
from contracts.yaml_text import Place


@dataclass(frozen=True, slots=True)
class SoapCheck:
    """What was found; ``endpoint`` is the address that the connection would call."""

    faults: list[ProfileFault]
    endpoint: str = ""


def check_soap(entry: ConnectionProfile) -> SoapCheck:
    """Everything that is wrong with a SOAP connection, each at its place in the connection."""
    said = entry.soap
    if said is None:
        return SoapCheck([])
    try:
        service = read_service(said)
    except WsdlFault as fault:
        return SoapCheck([ProfileFault(("soap", *fault.place), fault.zh, fault.en, "wsdl")])
    found = list(_unsent(entry, said))
    for index, call in enumerate(said.calls):
        operation = service.operations.get(call.operation)
        place: Place = ("soap", "calls", index)
        if operation is None:
            have = "、".join(sorted(service.operations))[:500] or "—"
            zh, en = (
                f"WSDL 中没有操作 {call.operation};有:{have}",
                f"the WSDL has no operation {call.operation}: {have}",
            )
            found.append(ProfileFault((*place, "operation"), zh, en, "operation"))
        elif entry.mapping is None:
            found += _event(call, operation, place)
        else:
            found += _mapped(call, operation, place, entry.mapping, said)
    endpoint = said.endpoint or service.endpoint
    if not endpoint:
        zh, en = "WSDL 没有给出地址,请写 endpoint", "the WSDL gives no address: write an endpoint"
        found.append(ProfileFault(("soap",), zh, en, "endpoint"))
    return SoapCheck(found, endpoint)


def _unsent(entry: ConnectionProfile, said: SoapSettings) -> Iterator[ProfileFault]:
    called = {call.contract for call in said.calls}
    for index, contract in enumerate(entry.receives):
        if contract not in called:
            zh, en = f"soap.calls 没有 {contract} 的操作", f"soap.calls names no operation for {contract}"
            yield ProfileFault(("receives", index), zh, en, "operation")
    wraps = _wraps(entry.mapping.written_as) if entry.mapping is not None else ()
    if said.photos is not None and said.photos.sent_as is PhotosAs.MTOM:
        for index, at in enumerate(said.photos.at):
            if _inside(parse_path(at), wraps):
                zh, en = (
                    "内嵌文档之内不能用 MTOM,请用 base64",
                    "inside a document that is a text there is no MTOM: use base64",
                )
                yield ProfileFault(("soap", "photos", "at", index), zh, en, "photos")


def _event(call: SoapCall, operation: Operation, place: Place) -> Iterator[ProfileFault]:
    if call.event is None:
        zh = "没有映射时须用 event 指明放信件原文的参数"
        yield ProfileFault(place, zh, "without a mapping, event names the argument that takes the letter", "event")
    elif not _known(operation, parse_path(call.event)):
        yield _stranger((*place, "event"), operation, call.event)


def _mapped(
    call: SoapCall, operation: Operation, place: Place, mapping: UnitMapping, said: SoapSettings
) -> Iterator[ProfileFault]:
    if call.event is not None:
        zh, en = (
            "有映射时不用 event:参数由 out 表写",
            "event goes without a mapping: the out table writes the arguments",
        )
        yield ProfileFault((*place, "event"), zh, en, "event")
    index = next((at for at, table in enumerate(mapping.out) if table.contract == call.contract), None)
    if index is None:
        zh, en = f"映射没有 {call.contract} 的 out 表", f"the mapping has no out table for {call.contract}"
        yield ProfileFault((*place, "contract"), zh, en, "mapping")
        return
    table = mapping.out[index]
    wraps = _wraps(table.written_as or mapping.written_as)
    written: set[str] = {str(parse_path(wanted.to)[0]) for wanted in said.secrets}
    for number, path in _targets(table):
        written.add(str(path[0]) if path else "")
        outer = _inside(path, wraps) or path
        if not _known(operation, outer):
            yield _stranger(("mapping", "out", index, "fields", number), operation, path_text(path))
    for number, wanted in enumerate(said.secrets):
        if not _known(operation, parse_path(wanted.to)):
            yield _stranger(("soap", "secrets", number, "to"), operation, wanted.to)
    missing = [name for name in _required(operation) if name not in written]
    if missing:
        names = "、".join(missing)
        zh, en = (
            f"操作 {operation.name} 必填的参数没有规则:{names}",
            f"no rule writes what {operation.name} needs: {names}",
        )
        yield ProfileFault(("mapping", "out", index), zh, en, "argument")


def _targets(table: Table) -> Iterator[tuple[int, Path]]:
    """Where each rule of a table writes, from the arguments' root."""
    base = parse_path(table.base) if table.base else ()
    for number, rule in enumerate(table.fields):
        for path in _written_by(rule, base):
            yield number, path


def _written_by(rule: Rule, base: Path) -> Iterator[Path]:
    if rule.coordinates is not None:
        for text in (rule.coordinates.longitude, rule.coordinates.latitude):
            yield _absolute(text, base)
        return
    here = _absolute(rule.to or ".", base)
    if not rule.each:
        yield here
    for inner in rule.each:
        yield from _written_by(inner, here)


def _absolute(text: str, base: Path) -> Path:
    return parse_path(text) if text.startswith("/") else (*base, *parse_path(text))


def _wraps(written: Written) -> tuple[Path, ...]:
    return tuple(parse_path(wrap.inside) for wrap in written.wrap)


def _inside(path: Path, wraps: Sequence[Path]) -> Path:
    """The argument that holds the path as part of its text; nothing where none does."""
    return next((wrap for wrap in sorted(wraps, key=len) if wrap and path[: len(wrap)] == wrap), ())


def _known(operation: Operation, path: Path) -> bool:
    names = [part for part in path if isinstance(part, str)]
    if not names:
        return False
    if names[0] == HEADER:
        return operation.header is not None and _has(operation.header, names[1:])
    if not operation.wrapped:
        return operation.body is not None and len(names) == 1
    return _has(operation.arguments, names)


def _has(kind: Any, names: Sequence[str]) -> bool:
    for at, name in enumerate(names):
        if not isinstance(kind, xsd.ComplexType):
            # A plain value has no parts; its own text is no part.
            return isinstance(kind, xsd.AnyType) and not isinstance(kind, xsd.AnySimpleType)
        if name.startswith("@"):
            return at == len(names) - 1 and name[1:] in {each for each, _ in kind.attributes}
        if name == "#text":
            return at == len(names) - 1
        elements = dict(kind.elements)
        if name not in elements:
            return any(isinstance(each, xsd.Any) for each in elements.values())
        kind = elements[name].type
    return True


def _required(operation: Operation) -> Iterator[str]:
    # What an encoded call leaves out goes as nil.
    if not operation.wrapped or operation.encoded:
        return
    for _, group in operation.arguments.elements_nested:
        for element in group if isinstance(group, xsd.Sequence | xsd.All) else ():
            if isinstance(element, xsd.Element) and not element.is_optional and not element.nillable:
                yield str(element.name)


def _stranger(place: Place, operation: Operation, path: str) -> ProfileFault:
    zh, en = f"操作 {operation.name} 没有参数 {path}", f"the operation {operation.name} has no argument {path}"
    return ProfileFault(place, zh, en, "argument")
