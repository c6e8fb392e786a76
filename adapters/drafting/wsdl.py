"""A WSDL as described operations: their arguments with the types, labels and codes that it and its schemas have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from lxml import etree
from zeep import xsd

from adapters.documents.faults import DocumentFault
from adapters.documents.xml import parse_xml
from adapters.drafting.fields import Described, DraftFault, Shape, UnitField
from adapters.drafting.values import codes_said
from adapters.soap.wsdl import Service, WsdlFault, read_wsdl
from contracts.mapping import Written
from contracts.paths import path_text

DEPTH_MAX = 6
FIELDS_MAX = 500
_XS = {"xs": "http://www.w3.org/2001/XMLSchema", "w": "http://schemas.xmlsoap.org/wsdl/"}
_SHAPES: Mapping[str, Shape] = {
    **dict.fromkeys(("int", "integer", "long", "short", "byte", "unsignedInt", "positiveInteger"), Shape.INTEGER),
    **dict.fromkeys(("unsignedLong", "unsignedShort", "nonNegativeInteger"), Shape.INTEGER),
    **dict.fromkeys(("decimal", "double", "float"), Shape.NUMBER),
    "boolean": Shape.BOOLEAN,
    **dict.fromkeys(("dateTime", "date"), Shape.MOMENT),
}


@dataclass(frozen=True, slots=True)
class Operations:
    """What can be called: the service, and each operation's request as a document."""

    service: Service
    requests: tuple[Described, ...]


def read_operations(text: str, imported: Mapping[str, str]) -> Operations:
    """The operations of a WSDL. Raises ``DraftFault``."""
    try:
        service = read_wsdl(text, imported)
    except WsdlFault as fault:
        raise DraftFault(fault.zh, fault.en) from None
    told = _Told()
    for each in (text, *imported.values()):
        told.take(each)
    made = []
    for name, operation in service.operations.items():
        fields = tuple(_fields(operation.arguments, (), told, count(1))) if operation.wrapped else ()
        about = f"{name} {told.operations.get(name, '')}"
        made.append(Described(name, about, fields, Written()))
    return Operations(service, tuple(made))


@dataclass(slots=True)
class _Told:
    """What zeep forgets: documentation and enumerations, by the names of elements and types."""

    labels: dict[str, str] = field(default_factory=dict)
    codes: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)

    def take(self, text: str) -> None:
        try:
            root = parse_xml(text)
        except DocumentFault as fault:
            raise DraftFault(fault.zh, fault.en) from None
        for element in root.iterfind(".//xs:element[@name]", _XS):
            label = _documentation(element)
            if label:
                self.labels.setdefault(element.get("name"), label)
            inner = element.find("xs:simpleType", _XS)
            if inner is not None:
                self._enumerate(element.get("name"), inner)
        for kind in root.iterfind(".//xs:simpleType[@name]", _XS):
            self._enumerate(kind.get("name"), kind)
        for part in root.iterfind(".//w:part[@name]", _XS):
            label = _text(part.find("w:documentation", _XS))
            if label:
                self.labels.setdefault(part.get("name"), label)
        for operation in root.iterfind(".//w:portType/w:operation", _XS):
            self.operations.setdefault(operation.get("name"), _text(operation.find("w:documentation", _XS)))

    def _enumerate(self, name: str, kind: Any) -> None:
        found = tuple(
            (each.get("value"), _documentation(each)) for each in kind.iterfind("xs:restriction/xs:enumeration", _XS)
        )
        if found:
            self.codes.setdefault(name, found)


def _documentation(element: Any) -> str:
    return _text(element.find("xs:annotation/xs:documentation", _XS))


def _text(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())[:200] if node is not None else ""


def _fields(kind: Any, path: tuple[str, ...], told: _Told, seen: Iterator[int]) -> Iterator[UnitField]:
    if len(path) > DEPTH_MAX or not isinstance(kind, xsd.ComplexType):
        return
    for name, element in kind.elements:
        held = getattr(element, "type", None)
        # A type may be made of itself, many times over.
        if held is None or next(seen) > FIELDS_MAX:
            continue
        here = (*path, name)
        if isinstance(held, xsd.ComplexType) and held.elements:
            single = _array_of(held)
            if single is not None and not isinstance(single[1], xsd.Element):
                # SOAP's own array says what it holds only in the message.
                yield UnitField(path_text(here), name, told.labels.get(name, ""), element=".")
                continue
            if single is not None:
                yield _leaf((*here, single[0]), single[1], told, listed=True)
                continue
            if element.accepts_multiple:
                yield _leaf(here, element, told, listed=True)
                continue
            yield from _fields(held, here, told, seen)
        else:
            yield _leaf(here, element, told, listed=bool(element.accepts_multiple))


def _array_of(held: Any) -> tuple[str, Any] | None:
    """The one repeated element of what .NET calls an array: ``<pics><string>…</string></pics>``."""
    inner = list(held.elements)
    if len(inner) == 1 and getattr(inner[0][1], "accepts_multiple", False):
        return inner[0][0], inner[0][1]
    return None


def _leaf(path: tuple[str, ...], element: Any, told: _Told, *, listed: bool) -> UnitField:
    name = path[-1] if path[-1].lower() not in ("string", "int", "item") or len(path) < 2 else path[-2]
    held = element.type
    kind = etree.QName(held.qname).localname if getattr(held, "qname", None) is not None else ""
    label = told.labels.get(path[-1], "") or (
        told.labels.get(path[-2], "") if len(path) > 1 and name == path[-2] else ""
    )
    codes = told.codes.get(path[-1]) or told.codes.get(kind) or codes_said(label)
    shape = _SHAPES.get(kind) or _SHAPES.get(_ancestor(held), Shape.TEXT)
    inside = None
    if listed:
        inside = _inside(held)
    required = not element.is_optional and not element.nillable
    return UnitField(path_text(path), name, label, shape, (), codes, required, inside)


def _ancestor(held: Any) -> str:
    # A restricted simple type is a subclass of what it restricts.
    for each in type(held).__mro__:
        name = getattr(each, "_default_qname", None)
        if name is not None:
            return str(etree.QName(name).localname)
    return ""


def _inside(held: Any) -> str:
    if not isinstance(held, xsd.ComplexType):
        return "."
    names = [name for name, _ in held.elements]
    told = [name for name in names if name.lower() in ("id", "no", "code", "url", "fileid", "picid", "photoid")]
    return told[0] if told else names[0] if names else "."
