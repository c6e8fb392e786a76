"""The doors that carry traffic, as plain ASGI in front of the FastAPI app: messages in, by event or by route."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from auth.principal import Principal
from contracts.envelope import Message
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
from hub.api.incoming import ROUTES, Arrival, by_events, by_route
from hub.api.services import Services
from hub.api.speaker import charge, speaker
from hub.api.views import answer_document
from hub.clock import machine_now
from hub.decision import Answer
from hub.store import reading
from hub.store.pool import LOST
from hub.trace import TRACEPARENT, new_traceparent, trace_id_of

_CASE_ROUTE = re.compile(r"/api/v1/cases/([^/]{1,64})/([a-z-]{1,32})")
REPLAYED = (b"idempotency-replayed", b"true")
SHELF_BYTES_MAX = 256 * 1024
SHELVED = frozenset({"category_unknown", "unit_unknown", "attachment_unknown", "place_impossible", "moment_impossible"})
"""Refusals of content that an operator may mend (a missing category, a wrong unit): they are kept raw too."""


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
            response = await self._handled(scope["path"], headers, receive, kind, case_number, language)
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
    ) -> Response:
        services = self.services
        principal = speaker(services, headers)
        raw = await read_body(receive, headers.get("content-length"), services.settings.body_max_bytes)
        arrival = Arrival(
            principal, headers, raw, machine_now(), services.registry().division_code, services.settings.batch_max
        )
        try:
            if kind is not None:
                message = by_route(arrival, kind, case_number)
                return await self._single(arrival, message, language, created=kind == "case.report")
            messages, ids, batch = by_events(arrival)
        except Problem as problem:
            await self._shelve(arrival, path, [problem])
            raise
        if not batch:
            only = messages[0]
            if isinstance(only, Problem):
                raise only
            return await self._single(arrival, only, language, created=only.kind == "case.report")
        charge(services, principal, max(0, len(messages) - 1))
        return await self._batch(arrival, path, messages, ids, language)

    async def _single(self, arrival: Arrival, message: Message, language: str, *, created: bool) -> Response:
        outcome = (await self._received(arrival.principal, [message]))[0]
        if isinstance(outcome, Problem):
            if outcome.kind in SHELVED:
                await self._shelve(arrival, message.kind, [outcome])
            return problem_response(outcome, language, trace_id_of(message.traceparent))
        document = answer_document(outcome, self.services.registry().epoch, message.message_id)
        location = f"/api/v1/cases/{outcome.case_number}".encode()
        headers = [(b"location", location)] if created else []
        headers.append((b"etag", f'"v{outcome.version}"'.encode()))
        if outcome.repeated:
            headers.append(REPLAYED)
        return json_response(document, 201 if created else 200, headers)

    async def _batch(
        self, arrival: Arrival, path: str, messages: Sequence[Message | Problem], ids: Sequence[str], language: str
    ) -> Response:
        sound = [message for message in messages if isinstance(message, Message)]
        outcomes = iter(await self._received(arrival.principal, sound))
        answers = [next(outcomes) if isinstance(message, Message) else message for message in messages]
        refused = [
            answer
            for message, answer in zip(messages, answers, strict=True)
            if isinstance(answer, Problem) and (isinstance(message, Problem) or answer.kind in SHELVED)
        ]
        if refused:
            await self._shelve(arrival, path, refused)
        epoch = self.services.registry().epoch
        results: list[dict[str, Any]] = []
        for message, message_id, outcome in zip(messages, ids, answers, strict=True):
            if isinstance(outcome, Problem):
                results.append({"id": message_id, "status": outcome.status, "problem": outcome.document(language)})
            else:
                status = 201 if isinstance(message, Message) and message.kind == "case.report" else 200
                answer = answer_document(outcome, epoch, message_id)
                results.append({"id": message_id, "status": status, "answer": answer})
        return json_response(results)

    async def _received(self, principal: Principal, messages: Sequence[Message]) -> list[Answer | Problem]:
        began = perf_counter()
        outcomes = await self.services.intake.receive(messages)
        seconds = perf_counter() - began
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Problem):
                self.services.say(
                    "message.refused",
                    contract=message.contract,
                    unit_id=principal.unit_id,
                    message_id=message.message_id,
                    kind=outcome.kind,
                    traceparent=message.traceparent,
                )
            else:
                self.services.say(
                    "message.repeated" if outcome.repeated else "message.accepted",
                    contract=message.contract,
                    unit_id=principal.unit_id,
                    message_id=message.message_id,
                    case_number=outcome.case_number,
                    seconds=seconds,
                    traceparent=message.traceparent,
                )
        return outcomes

    async def _shelve(self, arrival: Arrival, path: str, problems: Sequence[Problem]) -> None:
        """Keep what was refused, raw, so that an operator can see it. The refusal is answered even if this fails."""
        worst = problems[0]
        text = "; ".join(sorted({str(problem) for problem in problems}))[:2000]
        if worst.violations:
            text += ": " + "; ".join(f"{v.pointer} {v.en}" for v in worst.violations)[:2000]
        row = (
            arrival.principal.unit_id,
            arrival.principal.credential_id,
            path[:200],
            arrival.content_type,
            worst.kind,
            text.replace("\0", ""),
            arrival.raw[:SHELF_BYTES_MAX],
        )
        try:
            await reading.shelve(self.services.pool, [row])
        except LOST as fault:
            self.services.say("store.troubled", reason=type(fault).__name__)
            return
        self.services.say("message.shelved", unit_id=arrival.principal.unit_id, kind=worst.kind)


def _door(kind: str | None) -> str:
    return kind or "messages"
