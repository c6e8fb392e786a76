"""RPC/encoded (SOAP 1.1, section 5): every value says its type. zeep writes such messages as if they were literal."""

from __future__ import annotations

from typing import Any

from lxml import etree
from zeep import ns, xsd

_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ARRAY_TYPE = "{http://schemas.xmlsoap.org/soap/encoding/}arrayType"
_STYLE = f"{{{ns.SOAP_ENV_11}}}encodingStyle"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"


def mark_types(call: Any, kind: Any) -> None:
    """Name the type of every value below the element of a call, whose zeep type is given."""
    call.set(_STYLE, ENCODING)
    _mark_children(call, kind)


def _mark_children(node: Any, kind: Any) -> None:
    held = {element.name: element for _, element in kind.elements if hasattr(element, "type")}
    for child in node:
        element = held.get(etree.QName(child).localname)
        if element is not None:
            _mark(child, element.type)


def _mark(node: Any, kind: Any) -> None:
    if _TYPE not in node.attrib and kind.qname is not None:
        name = _prefixed(node, kind.qname)
        if name:
            node.set(_TYPE, name)
    if not isinstance(kind, xsd.ComplexType):
        return
    array = kind._array_type
    if array is None or array.array_type is None:
        _mark_children(node, kind)
        return
    # Section 5.4.2: an array says what it holds, and how many.
    name = _prefixed(node, array.array_type.qname)
    node.set(_ARRAY_TYPE, f"{name}[{len(node)}]")
    for child in node:
        _mark(child, array.array_type)


def _prefixed(node: Any, name: Any) -> str:
    prefix = next((prefix for prefix, uri in node.nsmap.items() if uri == name.namespace and prefix), None)
    return f"{prefix}:{name.localname}" if prefix else ""
