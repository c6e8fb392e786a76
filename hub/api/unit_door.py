"""The door for units' own formats (``/units/{unit}/in``): the profile says who calls, what is said, how to answer."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from auth.principal import Principal
from auth.principal import Scope as KeyScope
from auth.redaction import MASK
from contracts.arrival import Answer, Arrival
from contracts.cursor import cursor
from contracts.envelope import Sender
from contracts.nouns import Connection
from contracts.own_format import Heard
from contracts.problem import Problem
from contracts.ways.inbound import InboundSettings, TokenPlace
from hub.api.asgi import (
    Gone,
    Receive,
    Response,
    Scope,
    Send,
    headers_of,
    language_of,
    problem_response,
    read_body,
    send_response,
)
from hub.api.services import Services
from hub.api.soap_door import BASE64_GROWTH, address_of
from hub.api.speaker import basic_credentials, charge, named_speaker, speaker
from hub.clock import machine_now
from hub.store.pool import LOST

_PATH = re.compile(r"/units/([A-Za-z0-9_.-]{1,64})/in(?:/([a-z][a-z0-9_-]{0,31}))?")
_KEY = "chk_"


@dataclass(frozen=True, slots=True)
class UnitDoor:
    """Answers units in their own format and hands everything else to ``inner``."""

    services: Services
    inner: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self.inner(scope, receive, send)
            return
        headers = headers_of(scope)
        try:
            connection = self._connection(found[1], found[2])
            if scope["method"] == "POST":
                response = await self._answered(scope, headers, receive, connection)
            else:
                response = self._described(scope, headers, connection)
        except Problem as problem:
            self.services.say("request.refused", kind=problem.kind, path="units/in")
            response = problem_response(problem, language_of(headers))
        except Gone:
            return
        await send_response(send, response)

    def _connection(self, unit_id: str, name: str | None) -> Connection:
        registry = self.services.registry()
        for connection in registry.connections.values():
            named = name is None or connection.connection_id == f"{unit_id}.{name}"
            if named and connection.unit_id == unit_id and "inbound" in connection.settings:
                return connection
        raise Problem(
            "not_found",
            f"单位 {unit_id} 没有启用的、带 inbound 的连接。",
            f"Unit {unit_id} has no live connection with an inbound section.",
        )

    def _described(self, scope: Scope, headers: Mapping[str, str], connection: Connection) -> Response:
        if scope["method"] in ("GET", "HEAD") and scope["query_string"].lower().startswith(b"wsdl"):
            wsdl = self.services.own.wsdl(connection, address_of(scope, headers, scope["path"]))
            if wsdl is None:
                raise Problem("not_found", "该档案没有 WSDL。", "This profile carries no WSDL.")
            return Response(200, b"" if scope["method"] == "HEAD" else wsdl, b"text/xml; charset=utf-8")
        refusal = problem_response(Problem("method_not_allowed"), language_of(headers))
        return Response(refusal.status, refusal.body, refusal.content_type, (*refusal.headers, (b"allow", b"POST")))

    async def _answered(
        self, scope: Scope, headers: Mapping[str, str], receive: Receive, connection: Connection
    ) -> Response:
        services = self.services
        heard = Heard(Problem("internal"), b"")
        outcome: Answer | Problem
        try:
            raw = await read_body(receive, headers.get("content-length"), self._limit(connection))
            heard = Heard(Problem("unauthenticated"), raw)
            principal, raw = await self._let_in(scope, headers, connection, raw)
            heard = services.own.read(connection, raw, headers.get("content-type", ""))
            outcome = await self._received(scope, headers, connection, principal, heard)
        except Problem as problem:
            services.say("request.refused", kind=problem.kind, path="units/in")
            outcome = problem
        except Gone:
            raise
        except LOST as lost:
            services.say("store.troubled", reason=type(lost).__name__)
            outcome = Problem("store_unavailable", retry_after_seconds=5)
        except Exception as bug:
            services.say("request.failed", path="units/in", fault=bug)
            outcome = Problem("internal")
        return self._told(connection, heard, outcome)

    def _told(self, connection: Connection, heard: Heard, outcome: Answer | Problem) -> Response:
        services, position = self.services, ""
        if isinstance(outcome, Answer):
            position = cursor(services.registry().epoch, outcome.position)
        made = services.own.answer(connection, heard, outcome, services.clock().now(), position)
        if made.trouble:
            services.say("answer.unmapped", connection_id=connection.connection_id, reason=made.trouble)
        headers: list[tuple[bytes, bytes]] = []
        if isinstance(outcome, Problem) and outcome.retry_after_seconds is not None:
            headers.append((b"retry-after", str(outcome.retry_after_seconds).encode()))
        if made.status == 401:
            headers.append((b"www-authenticate", b'Basic realm="CityHub", charset="UTF-8"'))
        return Response(made.status, made.body, made.content_type.encode(), tuple(headers))

    async def _received(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        connection: Connection,
        principal: Principal,
        heard: Heard,
    ) -> Answer | Problem:
        sender = Sender(connection.unit_id, connection.connection_id, principal.credential_id)
        content_type = heard.content_type[:200]
        arrival = Arrival(sender, heard.said, heard.raw, content_type, scope["path"], machine_now(), heard.photos)
        return (await self.services.reception.receive([arrival]))[0]

    async def _let_in(
        self, scope: Scope, headers: Mapping[str, str], connection: Connection, raw: bytes
    ) -> tuple[Principal, bytes]:
        """Who calls, and the bytes without what a document showed to be let in. Raises ``Problem``."""
        services, unit_id = self.services, connection.unit_id
        settings = InboundSettings.model_validate(connection.settings["inbound"], strict=False)
        basic = basic_credentials(headers)
        if basic is not None and not basic[1].startswith(_KEY):
            if settings.user is None or settings.secret is None:
                raise _stranger(services, "user")
            right = await self._secret(unit_id, settings.secret)
            # Both are compared, so that the time tells nothing.
            if not (_same(basic[0], settings.user) & _same(basic[1], right)):
                raise _stranger(services, "password")
            return self._own(unit_id, settings.secret), raw
        if basic is not None:
            return _of_unit(await named_speaker(services, *basic), unit_id), raw
        if headers.get("authorization") or headers.get("x-api-key"):
            return _of_unit(await speaker(services, headers), unit_id), raw
        if settings.token is None:
            raise _stranger(services, "missing")
        right = await self._secret(unit_id, settings.token.secret)
        if not _same(self._shown(scope, headers, connection, settings, raw), right):
            raise _stranger(services, "token")
        if settings.token.place is TokenPlace.FIELD:
            raw = raw.replace(right.encode(), MASK.encode())
        return self._own(unit_id, settings.token.secret), raw

    def _limit(self, connection: Connection) -> int:
        settings = self.services.settings
        if not self.services.own.takes_photos(connection):
            return settings.body_max_bytes
        return max(settings.body_max_bytes, int(settings.attachment_max_bytes * BASE64_GROWTH))

    def _own(self, unit_id: str, secret: str) -> Principal:
        principal = Principal(unit_id, f"secret/{secret}", frozenset({KeyScope.UNIT}))
        charge(self.services, principal, 1.0)
        return principal

    async def _secret(self, unit_id: str, name: str) -> str:
        try:
            kept = await self.services.secrets.named(unit_id, name)
        except KeyError:
            kept = ""
        if not kept:
            # An empty secret would let in whoever shows nothing.
            raise Problem(
                "unauthenticated",
                f"枢纽中还没有密钥 {name},请联系管理员。",
                f"The hub has no secret {name} yet: ask its administrator.",
            )
        return kept

    def _shown(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        connection: Connection,
        settings: InboundSettings,
        raw: bytes,
    ) -> str:
        token = settings.token
        assert token is not None
        if token.place is TokenPlace.HEADER:
            return headers.get(token.name.lower(), "")
        if token.place is TokenPlace.FIELD:
            return self.services.own.field(connection, raw, headers.get("content-type", ""), token.name)
        try:
            asked: list[tuple[str, str]] = parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=100)
        except ValueError:
            return ""
        return dict(asked).get(token.name, "")


def _of_unit(principal: Principal, unit_id: str) -> Principal:
    if principal.unit_id != unit_id:
        raise Problem("forbidden", f"该密钥不属于单位 {unit_id}。", f"This key is not of unit {unit_id}.")
    return principal


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def _stranger(services: Services, fault: str) -> Problem:
    services.say("key.refused", fault=fault)
    return Problem(
        "unauthenticated",
        "未通过身份验证:请用枢纽的接口密钥,或接入档案 inbound 所说的方式。",
        "Not authenticated: use an API key of the hub, or what the profile's inbound section says.",
    )
