"""The SOAP door (``/soap/v1``): who calls, what is asked, and the answer or the fault, as plain ASGI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.principal import Principal
from auth.redaction import MASK
from contracts.arrival import Arrival, Said
from contracts.envelope import Sender
from contracts.problem import Problem
from contracts.soap.operations import SEND_PHOTO, Operation
from contracts.soap.wire import Opened, SoapAnswer, SoapRefused, SoapVersion
from contracts.soap.wsdl import PATH, served
from hub.api.asgi import Gone, Receive, Response, Scope, Send, headers_of, read_body, send_response
from hub.api.incoming import unsupported
from hub.api.services import Services
from hub.api.soap_calls import QUESTIONS, sent
from hub.api.speaker import basic_credentials, named_speaker, speaker
from hub.clock import machine_now
from hub.store.pool import LOST
from hub.trace import TRACEPARENT, new_traceparent, trace_id_of

NOTHING_SHOWN = (
    "请在 wsse:UsernameToken 或 HTTP Basic 中给出单位代码和接口密钥。",
    "Give the unit's id and an API key in a wsse:UsernameToken or in HTTP Basic.",
)
BASE64_GROWTH = 1.4
_TAKEN = frozenset({"text/xml", "application/soap+xml", "application/xml", "multipart/related", ""})
_HOST = re.compile(r"[A-Za-z0-9.\[\]:_-]{1,255}")
_SECRET = re.compile(rb"(<[^<>]{0,100}Password[^<>]{0,200}>)[^<]{1,300}|chk_[0-9A-Za-z]{12}_[0-9A-Za-z]{1,60}")


@dataclass(frozen=True, slots=True)
class SoapDoor:
    """Answers the SOAP service's path and hands everything else to ``inner``."""

    services: Services
    inner: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.inner(scope, receive, send)
            return
        headers = headers_of(scope)
        if scope["method"] in ("GET", "HEAD"):
            await send_response(send, self._described(scope, headers))
            return
        given = headers.get("traceparent")
        traceparent = given if given and TRACEPARENT.fullmatch(given) else new_traceparent()
        if scope["method"] == "POST":
            try:
                response = await self._answered(headers, receive, traceparent)
            except Gone:
                return
        else:
            response = _plain(self.services, Problem("method_not_allowed"), [(b"allow", b"GET, HEAD, POST")])
        await send_response(send, response, [(b"traceparent", traceparent.encode())])

    def _described(self, scope: Scope, headers: Mapping[str, str]) -> Response:
        if not scope["query_string"].lower().startswith((b"wsdl", b"singlewsdl")):
            said = f"WSDL 在 {PATH}?wsdl;调用用 POST。", f"The WSDL is at {PATH}?wsdl; calls are posted."
            return _plain(self.services, Problem("method_not_allowed", *said), [(b"allow", b"POST")])
        body = served(address_of(scope, headers, PATH))
        kept = ((b"cache-control", b"no-store"),)
        return Response(200, b"" if scope["method"] == "HEAD" else body, b"text/xml; charset=utf-8", kept)

    async def _answered(self, headers: Mapping[str, str], receive: Receive, traceparent: str) -> Response:
        services, trace_id = self.services, trace_id_of(traceparent)
        call = _Call(headers)
        try:
            return _response(await self._handled(call, receive, traceparent))
        except SoapRefused as refused:
            services.say("request.refused", kind=refused.problem.kind, path=call.door)
            if call.principal is not None:
                await self._shelve(call, refused.problem)
            return _response(services.soap.fault(refused.version, refused.problem, trace_id, refused.code))
        except Problem as problem:
            services.say("request.refused", kind=problem.kind, path=call.door)
            if call.opened is None:
                return _plain(services, problem, trace_id=trace_id)
            return _fault(services, call.opened.version, problem, trace_id)
        except Gone:
            raise
        except LOST as lost:
            services.say("store.troubled", reason=type(lost).__name__)
            away = Problem("store_unavailable", retry_after_seconds=5)
            return _fault(services, call.version, away, trace_id)
        except Exception as bug:
            services.say("request.failed", path=call.door, fault=bug, traceparent=traceparent)
            return _fault(services, call.version, Problem("internal"), trace_id)

    async def _handled(self, call: _Call, receive: Receive, traceparent: str) -> SoapAnswer:
        services, settings = self.services, self.services.settings
        if call.media_type not in _TAKEN:
            raise unsupported(
                call.media_type, "text/xml (SOAP 1.1), application/soap+xml (SOAP 1.2), multipart/related (MTOM)"
            )
        # Who shows a key in HTTP is known before anything is read.
        call.principal = await _by_http(services, call.headers)
        limit = max(settings.body_max_bytes, int(settings.attachment_max_bytes * BASE64_GROWTH))
        call.raw = await read_body(receive, call.headers.get("content-length"), limit)
        call.received_at = machine_now()
        call.opened = opened = services.soap.open(call.raw, call.said_type, call.received_at)
        call.raw = opened.raw
        if call.principal is None:
            if opened.token is None:
                # Asked in HTTP's own way: many stacks show Basic credentials only then.
                call.opened = None
                raise Problem("unauthenticated", *NOTHING_SHOWN)
            call.principal = await named_speaker(services, opened.token.user, opened.token.password)
        try:
            operation, request = services.soap.read(opened)
            call.operation = operation
            _guard_size(operation, call.raw, settings.body_max_bytes)
        except Problem as problem:
            await self._shelve(call, problem)
            raise
        if operation.contract is None:
            values = await QUESTIONS[operation.name](services, call.principal, request)
        else:
            values = await sent(services, operation, request, traceparent, call.arrival)
        return services.soap.answer(opened.version, operation, values)

    async def _shelve(self, call: _Call, problem: Problem) -> None:
        await self.services.reception.receive([call.arrival(problem)])


@dataclass(slots=True)
class _Call:
    """What is known of one call by now."""

    headers: Mapping[str, str]
    raw: bytes = b""
    received_at: datetime | None = None
    principal: Principal | None = None
    opened: Opened | None = None
    operation: Operation | None = None

    @property
    def said_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def content_type(self) -> str:
        return (self.opened.content_type if self.opened else self.said_type)[:200]

    @property
    def media_type(self) -> str:
        return self.said_type.partition(";")[0].strip().lower()

    @property
    def version(self) -> SoapVersion:
        if self.opened is not None:
            return self.opened.version
        return SoapVersion.SOAP_12 if "soap+xml" in self.said_type.lower() else SoapVersion.SOAP_11

    @property
    def door(self) -> str:
        return f"{PATH}#{self.operation.name}" if self.operation else PATH

    def arrival(self, said: Said | Problem) -> Arrival:
        """What came, for the hub to receive; nothing of it shows a password."""
        assert self.principal is not None
        raw = self.raw if self.opened else _SECRET.sub(lambda found: (found[1] or b"") + MASK.encode(), self.raw)
        unit_id = self.principal.unit_id
        sender = Sender(unit_id, f"{unit_id}.soap_api", self.principal.credential_id)
        return Arrival(sender, said, raw, self.content_type, self.door, self.received_at or machine_now())


def address_of(scope: Scope, headers: Mapping[str, str], path: str) -> str:
    """Where the caller reached this path, by its own words."""
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        host = "localhost"
    forwarded = headers.get("x-forwarded-proto", "").lower()
    return f"{forwarded if forwarded in ('http', 'https') else scope.get('scheme', 'http')}://{host}{path}"


async def _by_http(services: Services, headers: Mapping[str, str]) -> Principal | None:
    basic = basic_credentials(headers)
    if basic is not None:
        return await named_speaker(services, *basic)
    if headers.get("authorization") or headers.get("x-api-key"):
        return await speaker(services, headers)
    return None


def _guard_size(operation: Operation, raw: bytes, limit: int) -> None:
    if operation is not SEND_PHOTO and len(raw) > limit:
        raise Problem("too_large", f"除照片外,请求不得超过 {limit} 字节。", f"But for photos at most {limit} bytes.")


def _fault(services: Services, version: SoapVersion, problem: Problem, trace_id: str | None) -> Response:
    return _response(services.soap.fault(version, problem, trace_id), problem)


def _plain(
    services: Services,
    problem: Problem,
    headers: list[tuple[bytes, bytes]] | None = None,
    trace_id: str | None = None,
) -> Response:
    return _response(services.soap.problem(problem, trace_id), problem, headers)


def _response(
    answer: SoapAnswer, problem: Problem | None = None, headers: list[tuple[bytes, bytes]] | None = None
) -> Response:
    told = list(headers or [])
    if problem is not None and problem.retry_after_seconds is not None:
        told.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    if answer.status == 401:
        told.append((b"www-authenticate", b'Basic realm="CityHub", charset="UTF-8"'))
    return Response(answer.status, answer.body, answer.content_type, tuple(told))
