"""The answers of a profile that says none: what a system of that format most likely understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson
from lxml import etree

from adapters.documents import DocumentFault
from adapters.documents.xml import parse_xml
from adapters.soap_in.encoding import xml_text
from adapters.soap_in.envelope import CONTENT_TYPES, NAMESPACES, written
from adapters.soap_in.wire import Wire
from contracts.mapping import Encoding, Format
from contracts.own_format import OwnAnswer
from contracts.problem import Problem
from contracts.soap.wire import SoapVersion

_TOLD = ("code", "reason", "case_number", "message_id")


def default_answer(
    format: Format, encoding: Encoding | None, raw: bytes, values: Mapping[str, str], problem: Problem | None
) -> OwnAnswer:
    """An answer of the same format as what was sent."""
    if format is not Format.XML:
        return _json(values, problem)
    asked = _operation(raw, encoding)
    if asked is None:
        return _xml(values, problem)
    version, name = asked
    if problem is not None:
        made = Wire().fault(version, problem)
        return OwnAnswer(made.status, made.content_type.decode(), made.body)
    # As .asmx services have it: XyzResponse holds XyzResult.
    said = xml_text(values["code"])
    body = f"<{name.localname}Response xmlns={quoteattr(name.namespace or '')}>"
    body += f"<{name.localname}Result>{said}</{name.localname}Result></{name.localname}Response>"
    return OwnAnswer(200, CONTENT_TYPES[version].decode(), written(version, body))


def _json(values: Mapping[str, str], problem: Problem | None) -> OwnAnswer:
    if problem is not None:
        return OwnAnswer(problem.status, "application/problem+json", orjson.dumps(problem.document()))
    return OwnAnswer(200, "application/json", orjson.dumps(_told(values)))


def _xml(values: Mapping[str, str], problem: Problem | None) -> OwnAnswer:
    if problem is not None:
        made = Wire().problem(problem)
        return OwnAnswer(made.status, made.content_type.decode(), made.body)
    inner = "".join(f"<{name}>{xml_text(value)}</{name}>" for name, value in _told(values).items())
    body = f'<?xml version="1.0" encoding="utf-8"?><answer>{inner}</answer>'
    return OwnAnswer(200, "text/xml; charset=utf-8", body.encode())


def _told(values: Mapping[str, str]) -> dict[str, str]:
    return {name: values[name] for name in _TOLD if values.get(name)}


def _operation(raw: bytes, encoding: Encoding | None) -> tuple[SoapVersion, Any] | None:
    """Which operation a SOAP message asks for; None where it is no SOAP."""
    try:
        root = parse_xml(raw, encoding)
    except DocumentFault:
        return None
    for version, namespace in NAMESPACES.items():
        if root.tag == f"{{{namespace}}}Envelope":
            body = root.find(f"{{{namespace}}}Body")
            held = [child for child in body if isinstance(child.tag, str)] if body is not None else []
            return version, etree.QName(held[0] if held else f"{{{namespace}}}Empty")
    return None
