"""A call as a SOAP envelope: the mapped fields become the operation's arguments, the letter's id its message id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import ValidationError
from zeep.xsd.const import Nil

from adapters.soap.encoded import mark_types
from adapters.soap.wsdl import ADDRESSING, Operation, Service

HEADER = "soap:Header"
"""The name under which a mapping writes headers that the WSDL declares; no argument can be called so."""
_MESSAGE_ID = "urn:cityhub:letter:"


# Exceptions are not frozen: contextlib sets their traceback.
@dataclass(eq=False)
class MessageFault(Exception):
    """The arguments do not fit the operation. The sentences name elements, never their contents."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.en


def build_envelope(
    service: Service, operation: Operation, arguments: Mapping[str, Any], *, to: str = "", message_id: str = ""
) -> Any:
    """The envelope of a call; with the WS-Addressing headers where a message id is given. Raises ``MessageFault``."""
    given = dict(arguments)
    headers = given.pop(HEADER, None)
    try:
        named: dict[str, Any] = {}
        if headers is not None:
            named["_soapheaders"] = _native(headers)
        if operation.encoded and operation.wrapped:
            # Every part is named in an encoded call; one without a value is nil.
            given = {name: Nil for name, _ in operation.arguments.elements} | given
        if operation.wrapped or operation.message._is_body_wrapped:
            envelope = operation.message.serialize(**_native(given), **named).content
        else:
            only = tuple(_native(value) for value in given.values())
            envelope = operation.message.serialize(*only, **named).content
    except ValidationError as fault:
        at = ".".join(str(part) for part in fault.path or ())
        said = f"{operation.name} {at}: {fault.message}"[:300]
        raise MessageFault(f"内容不符合 WSDL:{said}", f"it does not fit the WSDL: {said}") from None
    except (ZeepError, etree.LxmlError, LookupError, ValueError, TypeError, AttributeError, AssertionError) as fault:
        # The error's own words may repeat a value.
        said = f"{operation.name}: {type(fault).__name__}"
        raise MessageFault(f"内容不符合 WSDL:{said}", f"it does not fit the WSDL: {said}") from None
    if operation.encoded and operation.wrapped:
        mark_types(envelope[-1][0], operation.arguments)
    if message_id:
        _address(envelope, service, operation, to, message_id)
    return envelope


def header_of(envelope: Any) -> Any:
    """The envelope's header; one is made where there is none."""
    namespace = etree.QName(envelope).namespace
    if envelope[0].tag == f"{{{namespace}}}Header":
        return envelope[0]
    header = etree.Element(f"{{{namespace}}}Header")
    envelope.insert(0, header)
    return header


def envelope_bytes(envelope: Any) -> bytes:
    """The envelope as it goes over the wire."""
    raw: bytes = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return raw


def _address(envelope: Any, service: Service, operation: Operation, to: str, message_id: str) -> None:
    header = header_of(envelope)
    said = (("Action", operation.addressed), ("MessageID", _MESSAGE_ID + message_id), ("To", to))
    for name, text in said:
        etree.SubElement(header, f"{{{ADDRESSING}}}{name}").text = text


def _native(value: Any) -> Any:
    """As zeep takes it: attributes and texts beside them go by plain names."""
    if isinstance(value, dict):
        return {_NAMES.get(name) or name.removeprefix("@"): _native(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_native(each) for each in value]
    return value


_NAMES = {"#text": "_value_1"}
