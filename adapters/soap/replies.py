"""What a unit's SOAP service answered: what stands in its body, as plain values, and its fault if it is one.

Answers are read by name, not by the WSDL: real services answer with what their own WSDL does not have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any

from lxml import etree
from zeep import ns

from adapters.documents.encodings import named
from adapters.documents.faults import DocumentFault
from adapters.documents.reading import unwrap
from adapters.documents.xml import element_values, parse_xml, referred_in
from contracts.mapping import Encoding, Written

_ENVELOPES = (ns.SOAP_ENV_11, ns.SOAP_ENV_12)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault's codes, the outermost first, without prefixes: ``Client``, ``Server.userException`` …"""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """``document`` holds what stands in ``soap:Body`` by name; ``fault`` is set where that is a fault."""

    document: dict[str, Any]
    fault: Fault | None = None


def read_reply(raw: bytes, content_type: str, written: Written) -> Reply | None:
    """The reply, or None where the bytes are no SOAP message (a gateway's page, half an answer)."""
    try:
        root = parse_xml(*_root_part(raw, content_type))
        body = _body_of(root)
        if body is None:
            return None
        referred = referred_in(body)
        document: dict[str, Any] = {}
        for child in body:
            if child.get("id") not in referred:
                document |= element_values(child, written, (), referred)
        fault = next((child for child in body if child.tag == f"{{{etree.QName(body).namespace}}}Fault"), None)
        return Reply(unwrap(document, written), _fault_of(fault) if fault is not None else None)
    except (DocumentFault, RecursionError):
        return None


def _root_part(raw: bytes, content_type: str) -> tuple[bytes, Encoding | None]:
    """The XML of an answer, out of its MIME package where it is in one, and the encoding that HTTP names."""
    if content_type.lower().startswith("multipart/"):
        package = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + raw)
        start = package.get_param("start")
        parts = [part for part in package.walk() if not part.is_multipart()]
        if not parts:
            raise DocumentFault("不是有效的 MIME。", "It is not valid MIME.")
        root = next((part for part in parts if start and part.get("Content-ID") == start), parts[0])
        content = root.get_payload(decode=True)
        raw, content_type = (content if isinstance(content, bytes) else b""), str(root.get("Content-Type") or "")
    said = _CHARSET.search(content_type)
    return raw, named(said[1]) if said else None


def _body_of(root: Any) -> Any:
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in _ENVELOPES:
        return None
    return root.find(f"{{{name.namespace}}}Body")


def _fault_of(node: Any) -> Fault:
    if node.tag == f"{{{ns.SOAP_ENV_11}}}Fault":
        return Fault((_local(node.findtext("faultcode")),))
    found = node.iterfind(f"{{{ns.SOAP_ENV_12}}}Code//{{{ns.SOAP_ENV_12}}}Value")
    return Fault(tuple(_local(value.text) for value in found))


def _local(text: str | None) -> str:
    return (text or "").strip().rpartition(":")[2][:100]
