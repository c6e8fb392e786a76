"""The doors that carry traffic, as plain ASGI in front of the FastAPI app: messages in, by event or by route."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from contracts.arrival import Said
from contracts.messages import Report
from contracts.problem import Problem
from hub.api.asgi import (
    Gone,
    Receive,
    Response,
    Scope,
    Send,
    headers_of,
    json_response,
    language_of,
    problem_response,
    read_body,
    send_response,
)
from hub.api.incoming import ROUTES, Call, Item, by_events, by_route
from hub.api.services import Services
from hub.api.speaker import charge, speaker
from hub.api.views import answer_document
from hub.clock import machine_now
from hub.trace import TRACEPARENT, new_traceparent, trace_id_of

_CASE_ROUTE = re.compile(r"/api/v1/cases/([^/]{1,64})/([a-z-]{1,32})")
REPLAYED = (b"idempotency-replayed", b"true")


@dataclass(frozen=True, slots=True)
class Doors:
    """Answers the hot routes itself and hands everything else to ``inner``."""

    services: Services
    inner: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        path: str = scope["path"]
        if scope["method"] != "POST":
            if path == "/api/v1/messages" or ((match := _CASE_ROUTE.fullmatch(path)) and match[2] in ROUTES):
                refusal = problem_response(Problem("method_not_allowed"), language_of(headers_of(scope)))
                await send_response(send, refusal, [(b"allow", b"POST")])
            else:
                await self.inner(scope, receive, send)
            return
        if path == "/api/v1/messages":
            await self._answer(scope, receive, send, None, None)
        elif path == "/api/v1/cases":
            await self._answer(scope, receive, send, "case.report", None)
        elif (match := _CASE_ROUTE.fullmatch(path)) and match[2] in ROUTES:
            await self._answer(scope, receive, send, ROUTES[match[2]], match[1])
        else:
            await self.inner(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, kind: str | None, case_number: str | None
    ) -> None:
        headers = headers_of(scope)
        language = language_of(headers)
        given = headers.get("traceparent")
        traceparent = given if given and TRACEPARENT.fullmatch(given) else new_traceparent()
        try:
            response = await self._handled(scope["path"], headers, receive, kind, case_number, language, traceparent)
        except Problem as problem:
            self.services.say("request.refused", kind=problem.kind, path=_door(kind))
            response = problem_response(problem, language, trace_id_of(traceparent))
        except Gone:
            return
        except Exception as bug:
            self.services.say("request.failed", path=_door(kind), fault=bug, traceparent=traceparent)
            response = problem_response(Problem("internal"), language, trace_id_of(traceparent))
        await send_response(send, response, [(b"traceparent", traceparent.encode())])

    async def _handled(
        self,
        path: str,
        headers: Mapping[str, str],
        receive: Receive,
        kind: str | None,
        case_number: str | None,
        language: str,
        traceparent: str,
    ) -> Response:
        services = self.services
        principal = await speaker(services, headers)
        raw = await read_body(receive, headers.get("content-length"), services.settings.body_max_bytes)
        call = Call(principal, headers, raw, machine_now(), services.settings.batch_max)
        try:
            if kind is not None:
                said = by_route(call, kind, case_number)
                return await self._single(call, path, said, language, traceparent)
            items, batch = by_events(call)
        except Problem as problem:
            await services.reception.receive([call.arrival(problem, path, raw)])
            raise
        if not batch:
            return await self._single(call, path, items[0].said, language, traceparent)
        charge(services, principal, max(0, len(items) - 1))
        return await self._batch(call, path, items, language)

    async def _single(self, call: Call, path: str, said: Said | Problem, language: str, traceparent: str) -> Response:
        if isinstance(said, Said) and isinstance(said.body, Report) and "traceparent" not in said.extensions:
            # The trace that a report begins is the one that its sender is told.
            said = replace(said, extensions={**said.extensions, "traceparent": traceparent})
        outcome = (await self.services.reception.receive([call.arrival(said, path, call.raw)]))[0]
        if isinstance(outcome, Problem) or isinstance(said, Problem):
            assert isinstance(outcome, Problem)
            trace = said.extensions.get("traceparent") if isinstance(said, Said) else None
            return problem_response(outcome, language, trace_id_of(trace))
        document = answer_document(outcome, self.services.registry().epoch, said.message_id)
        created = isinstance(said.body, Report)
        location = f"/api/v1/cases/{outcome.case_number}".encode()
        headers = [(b"location", location)] if created else []
        headers.append((b"etag", f'"v{outcome.version}"'.encode()))
        if outcome.repeated:
            headers.append(REPLAYED)
        return json_response(document, 201 if created else 200, headers)

    async def _batch(self, call: Call, path: str, items: Sequence[Item], language: str) -> Response:
        outcomes = await self.services.reception.receive([call.arrival(item.said, path, item.raw) for item in items])
        epoch = self.services.registry().epoch
        results: list[dict[str, Any]] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Problem):
                results.append({"id": item.message_id, "status": outcome.status, "problem": outcome.document(language)})
            else:
                status = 201 if isinstance(item.said, Said) and isinstance(item.said.body, Report) else 200
                answer = answer_document(outcome, epoch, item.message_id)
                results.append({"id": item.message_id, "status": status, "answer": answer})
        return json_response(results)


def _door(kind: str | None) -> str:
    return kind or "messages"
