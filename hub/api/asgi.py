"""The few things that plain ASGI doors need: reading a bounded body, answering, choosing the caller's language."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

import orjson
from msgspec import Struct

from contracts.problem import Problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PROBLEM_JSON = b"application/problem+json; charset=utf-8"
JSON = b"application/json; charset=utf-8"

BODY_SECONDS = 20.0
"""A body that drips longer than this is given up: one slow sender must not hold a place."""

DRAIN_FACTOR = 8
"""So many times the limit is still listened to before the connection is cut."""


class Gone(Exception):
    """The caller hung up before it said everything."""


class Response(Struct, frozen=True):
    """An answer, ready to be sent."""

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def headers_of(scope: Scope) -> dict[str, str]:
    """Header names in lower case; values as Latin-1 text, a repeated header's last value."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(receive: Receive, length: str | None, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body. Raises ``Problem`` past ``limit`` bytes or ``seconds``, ``Gone`` where the caller hung up."""
    if length is not None and length.isdigit() and int(length) > limit * DRAIN_FACTOR:
        raise too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _whole_body(receive, limit)
    except TimeoutError:
        raise Problem("too_slow") from None


async def _whole_body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        pieces, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > limit * DRAIN_FACTOR:
                raise too_large(limit)
            # What is over the limit is read, not kept: many clients read no answer before they have said everything.
            if size <= limit:
                pieces.append(piece)
        if size > limit:
            raise too_large(limit)
        body = b"".join(pieces)
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> Problem:
    """The body is over the limit."""
    return Problem("too_large", f"请求体不得超过 {limit} 字节。", f"The body has at most {limit} bytes.")


def language_of(headers: Mapping[str, str]) -> str:
    """zh-CN unless the caller prefers English."""
    wanted = headers.get("accept-language", "")
    best, best_weight = "zh-CN", -1.0
    for piece in wanted.split(","):
        tag, _, weight = piece.strip().partition(";q=")
        tag = tag.strip().lower()
        if not tag.startswith(("zh", "en")):
            continue
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            continue
        if value > best_weight:
            best, best_weight = ("en" if tag.startswith("en") else "zh-CN"), value
    return best


def json_response(
    document: object, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = (), content_type: bytes = JSON
) -> Response:
    """A JSON answer."""
    return Response(status, orjson.dumps(document), content_type, tuple(headers))


def problem_response(problem: Problem, language: str, trace_id: str | None = None) -> Response:
    """A refusal as RFC 9457 says, with the headers that belong to it."""
    document = problem.document(language)
    if trace_id:
        document["trace_id"] = trace_id
    headers = [(b"content-language", language.encode())]
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    if problem.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="CityHub"'))
    return Response(problem.status, orjson.dumps(document), PROBLEM_JSON, tuple(headers))


async def send_response(send: Send, response: Response, extra: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Send an answer whole."""
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (b"content-type", response.content_type),
                (b"content-length", str(len(response.body)).encode()),
                *response.headers,
                *extra,
            ],
        }
    )
    await send({"type": "http.response.body", "body": response.body})
