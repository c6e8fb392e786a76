"""Claims on callers that drip: over real sockets, nobody holds a place by saying a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from contracts.problem import Problem
from hub.api.asgi import read_body
from hub.api.wire import Http

LIMIT_SECONDS = 0.3
WAIT_SECONDS = 10.0


class QuickToGiveUp(Http):
    head_seconds = LIMIT_SECONDS


@asynccontextmanager
async def a_server() -> AsyncIterator[int]:
    """Uvicorn with our protocol; it answers each request with its body."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            body, status = await read_body(receive, None, 1000, seconds=LIMIT_SECONDS), 200
        except Problem as problem:
            body, status = problem.kind.encode(), problem.status
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, http=QuickToGiveUp, lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def all_that_is_said(port: int, *pieces: bytes) -> bytes:
    """What comes back until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
        async with asyncio.timeout(WAIT_SECONDS):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "begun", [b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nhost: a\r\nx-long: "], ids=["nothing", "line", "header"]
)
async def test_a_head_without_an_end_is_given_up(begun: bytes) -> None:
    async with a_server() as port:
        assert await all_that_is_said(port, begun) == b""


async def test_a_second_request_on_the_same_connection_has_the_same_time_for_its_head() -> None:
    async with a_server() as port:
        said = await all_that_is_said(port, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"GET / HTTP/1.1\r\nx: ")
        assert said.startswith(b"HTTP/1.1 200") and said.count(b"HTTP/1.1") == 1


async def test_a_body_that_drips_is_told_so_and_the_place_is_free() -> None:
    async with a_server() as port:
        head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\nconnection: close\r\n\r\n"
        said = await all_that_is_said(port, head, b"the beginning")
        assert said.startswith(b"HTTP/1.1 408") and b"too_slow" in said


async def test_who_says_all_at_once_is_heard_however_long_the_answer_takes() -> None:
    async with a_server() as port:
        head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"
        assert b"whole" in await all_that_is_said(port, head, b"whole")
