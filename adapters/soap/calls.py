"""One call of an operation of a unit's SOAP service, from its arguments to what the answer says."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.http.authentication import Authenticator, Caller
from adapters.http.calls import HttpAnswer, machine_now
from adapters.soap.messages import MessageFault, build_envelope, envelope_bytes
from adapters.soap.outcomes import soap_outcome
from adapters.soap.photos import Part, package
from adapters.soap.prepared import Preparation, Prepared
from adapters.soap.replies import read_reply
from adapters.soap.security import Credentials, secure
from adapters.soap.signature import SigningKey, read_signing_key
from adapters.soap.wsdl import Operation
from contracts.nouns import Connection, Receipt
from contracts.paths import parse_path
from contracts.port import DeliveryFailed, Refused, Unauthorised, Unavailable

ANSWER_READ_MAX = 256 * 1024
"""Bytes of an answer that are read; of a longer one nothing can be made."""
_WANTED = ("content-type", "retry-after", "webhook-delivery")
_KEYS_MAX = 1024


@dataclass(frozen=True, slots=True)
class Wire:
    """A call as it goes over HTTP."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """What came back: what stood in ``soap:Body`` by name, and what it means."""

    document: Mapping[str, Any]
    outcome: Receipt | DeliveryFailed
    http: HttpAnswer


class SoapCalls:
    """Calls units' SOAP services; keeps what each connection's profile was made into."""

    def __init__(self, authenticator: Authenticator, now: Callable[[], datetime] = machine_now) -> None:
        self._authenticator = authenticator
        self._now = now
        self._preparation = Preparation()
        self._keys: dict[bytes, SigningKey] = {}

    async def prepared(self, connection: Connection) -> Prepared:
        """The connection's profile, ready; read once for each version, within the time limit.

        Raises ``Unauthorised`` where it cannot work, ``Unavailable`` where the time is up.
        """
        ready = self._preparation.at_hand(connection)
        if ready is not None:
            return ready
        try:
            async with asyncio.timeout(connection.timeout_seconds):
                return await self._preparation.of(connection)
        except TimeoutError:
            raise Unavailable("WSDL 未能及时读入 / the WSDL was not read in time") from None

    async def call(
        self,
        connection: Connection,
        operation: str,
        arguments: dict[str, Any],
        *,
        message_id: str,
        parts: tuple[Part, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> SoapAnswer:
        """Call once, within ``connection.timeout_seconds``. ``arguments`` are written to.

        Raises the port's ``Unavailable``, ``Unauthorised`` or ``Refused`` where no answer came of it; an answer that
        is a failure is returned.
        """
        began = time.monotonic()
        ready = await self.prepared(connection)
        found = ready.service.operations.get(operation)
        if found is None:
            raise Unauthorised(f"WSDL 中没有操作 {operation} / the WSDL has no operation {operation}")
        wire = await self._wire(ready, connection, found, arguments, message_id, parts)
        answer = await self._authenticator.call(
            Caller(connection.unit_id, ready.settings.authentication, ready.settings.client_certificate),
            ready.endpoint,
            {**wire.headers, **(headers or {})},
            wire.body,
            limit_seconds=max(connection.timeout_seconds - (time.monotonic() - began), 0.001),
            wanted=_WANTED,
            answer_max=ANSWER_READ_MAX,
        )
        reply = read_reply(answer.body, answer.headers.get("content-type", ""), ready.answers_written)
        outcome = soap_outcome(answer.status, answer.headers, answer.body, reply, ready.answers, answer.answered_at)
        return SoapAnswer(reply.document if reply is not None else {}, outcome, answer)

    async def close(self) -> None:
        """Let go of threads; the HTTP client is its owner's."""
        await self._preparation.close()
        await self._authenticator.close()

    async def _wire(
        self,
        ready: Prepared,
        connection: Connection,
        operation: Operation,
        arguments: dict[str, Any],
        message_id: str,
        parts: tuple[Part, ...],
    ) -> Wire:
        for wanted in ready.settings.secrets:
            secret = await self._authenticator.secret(connection.unit_id, wanted.secret)
            put_at(arguments, wanted.to, secret)
        try:
            envelope = build_call(ready, operation, arguments, message_id)
        except MessageFault as fault:
            raise Refused(f"{fault.zh} / {fault.en}") from None
        security = ready.settings.security
        if security is not None:
            credentials = await self._credentials(connection.unit_id, ready)
            try:
                secure(envelope, security, credentials, self._now())
            except MessageFault as fault:
                raise Unauthorised(f"{fault.zh} / {fault.en}") from None
        return wire_of(ready, operation, envelope, message_id, parts)

    async def _credentials(self, unit_id: str, ready: Prepared) -> Credentials:
        security = ready.settings.security
        password, key = "", None
        if security is not None and security.secret is not None:
            password = await self._authenticator.secret(unit_id, security.secret)
        if security is not None and security.certificate is not None:
            key = self._key(security.certificate, await self._authenticator.secret(unit_id, security.certificate))
        return Credentials(password, key)

    def _key(self, name: str, pem: str) -> SigningKey:
        known = hashlib.sha256(pem.encode()).digest()
        key = self._keys.get(known)
        if key is None:
            try:
                key = read_signing_key(pem.encode())
            except ValueError as fault:
                zh, en = f"密钥 {name} 不是带私钥的证书", f"the secret {name} is no certificate with its key"
                raise Unauthorised(f"{zh} / {en}: {fault}") from None
            if len(self._keys) >= _KEYS_MAX:
                self._keys.clear()
            self._keys[known] = key
        return key


def build_call(ready: Prepared, operation: Operation, arguments: Mapping[str, Any], message_id: str) -> Any:
    """The envelope of a call, without the security header. Raises ``MessageFault``."""
    named = message_id if ready.settings.addressing else ""
    return build_envelope(ready.service, operation, arguments, to=ready.endpoint, message_id=named)


def wire_of(
    ready: Prepared, operation: Operation, envelope: Any, message_id: str, parts: tuple[Part, ...] = ()
) -> Wire:
    """The envelope as bytes with the headers that SOAP 1.1 or 1.2 asks for."""
    action = operation.action
    kind = "application/soap+xml" if ready.service.is_12 else "text/xml"
    # The letter's id also goes where services look that see no SOAP header.
    headers = {"x-hub-delivery": message_id}
    if not ready.service.is_12:
        headers["soapaction"] = f'"{action}"'
    if parts:
        body, headers["content-type"] = package(envelope, parts, kind, message_id)
        return Wire(headers, body)
    said = f'; action="{action}"' if ready.service.is_12 and action else ""
    headers["content-type"] = f"{kind}; charset=utf-8{said}"
    return Wire(headers, envelope_bytes(envelope))


def put_at(arguments: dict[str, Any], to: str, value: Any) -> None:
    """Put a value at a path of the arguments."""
    *way, last = (str(part) for part in parse_path(to))
    here = arguments
    for part in way:
        here = here.setdefault(part, {})
    here[last] = value
