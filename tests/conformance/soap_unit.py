"""A unit's SOAP system in another process, for a test."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from contracts.nouns import Connection, Transport
from tests.conformance.adapter_suite import Behaviour, SeenLetter
from tests.conformance.rest_unit import FixedSecrets, RestUnit, a_rest_unit
from tests.values import replace

PASSWORD = "口令 of the unit"
WSDL = """<?xml version="1.0" encoding="utf-8"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
             xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:unit" targetNamespace="urn:unit">
  <types>
    <xs:schema targetNamespace="urn:unit" elementFormDefault="qualified">
      <xs:element name="deliver"><xs:complexType><xs:sequence>
        <xs:element name="event" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="deliverResponse"><xs:complexType><xs:sequence>
        <xs:element name="code" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:schema>
  </types>
  <message name="in"><part name="parameters" element="t:deliver"/></message>
  <message name="out"><part name="parameters" element="t:deliverResponse"/></message>
  <portType name="Letters">
    <operation name="deliver"><input message="t:in"/><output message="t:out"/></operation>
  </portType>
  <binding name="LettersSoap" type="t:Letters">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="deliver"><soap:operation soapAction="urn:unit/deliver"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
  </binding>
  <service name="Letters">
    <port name="Letters" binding="t:LettersSoap"><soap:address location="http://unit.example/"/></port>
  </service>
</definitions>
"""
NAMES = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "a": "http://www.w3.org/2005/08/addressing",
    "t": "urn:unit",
    "u": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
}


class PasswordSecrets(FixedSecrets):
    """The unit's password, the hub's certificate for it if given, and no other secret."""

    def __init__(self, identity: bytes = b"") -> None:
        super().__init__()
        self._held = {"soap-password": PASSWORD, "hub-certificate": identity.decode()}

    async def named(self, unit_id: str, name: str) -> str:
        """The secret."""
        return self._held[name]


@dataclass
class SoapUnit:
    """A running SOAP system."""

    doors: RestUnit
    # An endless answer is no SOAP message, so it is never a success here: it has a claim of its own.
    behaviours: frozenset[Behaviour] = frozenset(Behaviour) - {Behaviour.FLOODS}

    def connection(self, behaviour: Behaviour | str, timeout_seconds: float = 10.0, **settings: Any) -> Connection:
        """A new connection to a unit that behaves so."""
        reached = self.doors.connection(behaviour, timeout_seconds)
        return replace(
            reached,
            connection_id=f"water.{reached.settings['endpoint']}",
            transport=Transport.SOAP,
            settings={
                "wsdl": WSDL,
                "endpoint": reached.settings["endpoint"],
                "calls": [{"contract": "case.dispatch", "operation": "deliver", "event": "event"}],
                "security": {"user": "cityhub", "secret": "soap-password"},
                **settings,
            },
        )

    async def seen(self, connection: Connection, at_least: int = 0) -> Sequence[SeenLetter]:
        """The letters that reached the unit over this connection; waits until there are so many."""
        return [
            SeenLetter(
                letter_id=_text(envelope, "//a:MessageID").removeprefix("urn:cityhub:letter:"),
                body=_text(envelope, "/s:Envelope/s:Body/t:deliver/t:event").encode(),
                attempted_at=_text(envelope, "//u:Timestamp/u:Created"),
            )
            for envelope in await self.envelopes(connection, at_least)
        ]

    async def envelopes(self, connection: Connection, at_least: int = 0) -> list[Any]:
        """The envelopes that came."""
        calls = await self.doors.calls(connection, at_least)
        return [etree.fromstring(base64.b64decode(call["body"])) for call in calls]


@contextmanager
def a_soap_unit(folder: Path) -> Iterator[SoapUnit]:
    """A SOAP system in another process, ended with the block."""
    with a_rest_unit(folder, "soap_partner.py") as doors:
        yield SoapUnit(doors)


def _text(envelope: Any, path: str) -> str:
    (found,) = envelope.xpath(path, namespaces=NAMES)
    return str(found.text)
