"""What is cancelled ends, at whatever moment: a lane or a source that went on would speak to a unit beside its heir."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from ipaddress import ip_network

import asyncpg
import pytest
from aiohttp import web

from adapters.cancellation import cancellation_heard
from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.http.tokens import Tokens
from adapters.rest import RestAdapter
from auth.api_keys import KeyCheck
from contracts.nouns import Transport
from contracts.port import Unavailable
from contracts.ways.http import Authentication
from hub.delivery.lanes import Lanes
from hub.refresher import Refresher
from hub.sources import Sources
from hub.store.pool import Pool, open_pool
from tests.conformance.rest_unit import FixedSecrets
from tests.conformance.shipped import KeptPhotos
from tests.ways.conftest import House
from tests.ways.test_sources import POLLED, Nobody, Steps

LOCAL = (ip_network("127.0.0.0/8"),)
TRIALS = 150


async def unheard(again: Callable[[], Awaitable[object]]) -> list[object]:
    """Of tasks that do this again and again, each cancelled once and a little later than the one before: what became of
    those that did not end by it."""
    others: list[object] = []

    async def work() -> None:
        while True:
            await again()
            # What is there already comes without a pause, and the others must have their turn.
            await asyncio.sleep(0)

    for trial in range(TRIALS):
        task = asyncio.create_task(work())
        await asyncio.sleep(trial % 50 * 0.0001)
        task.cancel()
        await asyncio.wait([task], timeout=2)
        if not task.cancelled():
            others.append((trial, task.exception() if task.done() else "goes on"))
    return others


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
    assert not await unheard(lambda: calls.call(url, {}, b"{}", limit_seconds=5))


async def test_a_call_that_fails(calls: HttpCalls) -> None:
    async def call() -> None:
        with pytest.raises(Unavailable):
            await calls.call("http://127.0.0.1:9/", {}, b"{}", limit_seconds=5)

    assert not await unheard(call)


async def test_asking_for_the_address_of_a_name() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(0)
        return ["127.0.0.1"]

    guard = OutboundGuard(LOCAL, resolve=resolve, fresh_seconds=0)
    assert not await unheard(lambda: guard.pin("http://unit.example/"))


async def test_waiting_for_a_token(calls: HttpCalls, url: str) -> None:
    tokens = Tokens(calls)
    asked = Authentication.model_validate(
        {"kind": "oauth2", "token_endpoint": url, "client_id": "hub", "secret": "name"}, strict=False
    )
    assert not await unheard(lambda: tokens.token("telecom", asked, "secret", 5))


async def test_what_a_library_swallows_is_heard_all_the_same() -> None:
    """As asyncssh does to connect: Python 3.11's ``wait_for`` gives what came, and forgets the cancellation."""

    async def connect() -> str:
        with cancellation_heard():
            return await asyncio.wait_for(asyncio.shield(asyncio.sleep(0.001, "made")), 5)

    assert not await unheard(connect)


# -- the store goes at the same moment ---------------------------------------------------------------------------------


async def outlast_the_store(house: House, work: Callable[[Pool], Coroutine[None, None, None]]) -> list[int]:
    """The trials that go on though cancelled while the server ends their connections, as where a machine stops both."""
    others = list[int]()
    admin = await asyncpg.connect(house.dsn)
    for trial in range(15):
        pool = await open_pool(house.dsn, size_min=2, size_max=3, role="victim")
        task = asyncio.create_task(work(pool))
        await asyncio.sleep(0.02 + random.random() * 0.05)
        killing = asyncio.create_task(admin.execute(KILL))
        await asyncio.sleep(random.random() * 0.004)
        task.cancel()
        await asyncio.wait([task], timeout=3)
        if not task.done():
            others.append(trial)
        await killing
        pool.terminate()
    await admin.close()
    return others


KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cityhub victim'"


async def test_looking_at_the_registry_ends_though_the_store_goes(house: House) -> None:
    assert not await outlast_the_store(
        house, lambda pool: Refresher(pool, KeyCheck(), house.say, every_seconds=0.0005).run()
    )


async def test_lanes_end_though_the_store_goes(house: House) -> None:
    rest = {"name": "main", "transport": "rest", "rest": {"endpoint": "http://127.0.0.1:9/"}}
    await house.goes_live({"unit": "telecom", "connections": [rest]})

    async def work(pool: Pool) -> None:
        calls = HttpCalls(OutboundGuard(LOCAL), "0.1.0")
        adapters = {Transport.REST: RestAdapter(FixedSecrets(), calls, KeptPhotos({}))}
        lanes = Lanes(pool, pool, house.refresher.registry, house.refresher.clock, adapters, "one", house.say)
        looking = asyncio.create_task(look(lanes))
        try:
            await lanes.run()
        finally:
            looking.cancel()
            await calls.close()

    async def look(lanes: Lanes) -> None:
        while True:
            lanes.look()
            await asyncio.sleep(0.0005)

    assert not await outlast_the_store(house, work)


async def test_sources_end_though_the_store_goes(house: House) -> None:
    await house.goes_live(POLLED)

    async def work(pool: Pool) -> None:
        source = Steps("x")
        for _ in range(100_000):
            source.go.release()
        await Sources(pool, house.refresher.registry, {"poll": source}, Nobody(), "one", house.say).run()

    assert not await outlast_the_store(house, work)
