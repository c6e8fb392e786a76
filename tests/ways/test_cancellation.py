"""What is cancelled ends, at whatever moment: a lane or a source that went on would speak to a unit beside its heir."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from ipaddress import ip_network

import pytest
from aiohttp import web

from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.http.tokens import Tokens
from contracts.port import Unavailable
from contracts.ways.http import Authentication

LOCAL = (ip_network("127.0.0.0/8"),)
TRIALS = 150


async def ends(again: Callable[[], Awaitable[object]]) -> None:
    """Tasks that do this again and again, each cancelled once, a little later than the one before."""

    async def work() -> None:
        while True:
            await again()

    for trial in range(TRIALS):
        task = asyncio.create_task(work())
        await asyncio.sleep(trial % 50 * 0.0001)
        task.cancel()
        await asyncio.wait([task], timeout=2)
        assert task.done(), f"trial {trial} goes on"
        assert task.cancelled(), task.exception()


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A unit's system that answers at once; with a token, whoever asks for one."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "token_type": "Bearer", "expires_in": 0})

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@pytest.fixture
async def calls() -> AsyncIterator[HttpCalls]:
    made = HttpCalls(OutboundGuard(LOCAL), "0.1.0")
    yield made
    await made.close()


async def test_a_call(calls: HttpCalls, url: str) -> None:
    await ends(lambda: calls.call(url, {}, b"{}", limit_seconds=5))


async def test_a_call_that_fails(calls: HttpCalls) -> None:
    async def call() -> None:
        with pytest.raises(Unavailable):
            await calls.call("http://127.0.0.1:9/", {}, b"{}", limit_seconds=5)

    await ends(call)


async def test_asking_for_the_address_of_a_name() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(0)
        return ["127.0.0.1"]

    guard = OutboundGuard(LOCAL, resolve=resolve, fresh_seconds=0)
    await ends(lambda: guard.pin("http://unit.example/"))


async def test_waiting_for_a_token(calls: HttpCalls, url: str) -> None:
    tokens = Tokens(calls)
    asked = Authentication.model_validate(
        {"kind": "oauth2", "token_endpoint": url, "client_id": "hub", "secret": "name"}, strict=False
    )
    await ends(lambda: tokens.token("telecom", asked, "secret", 5))
