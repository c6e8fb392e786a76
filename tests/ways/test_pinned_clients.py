"""Which endpoints are called by one client, and which by a client of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network

import pytest

from adapters.guard import OutboundGuard, Pin
from adapters.http.clients import PinnedClients
from bench.signing import a_signing_certificate


@pytest.fixture
async def clients() -> AsyncIterator[PinnedClients]:
    made = PinnedClients("test")
    yield made
    await made.close()


async def pinned(url: str) -> Pin:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    return await OutboundGuard((ip_network("127.0.0.0/8"),), resolve=resolve).pin(url)


async def test_units_that_are_called_by_address_share_one_client(clients: PinnedClients) -> None:
    one, other = [await clients.client(await pinned(url)) for url in ("http://127.0.0.1:81/", "http://127.0.0.2:82/")]
    assert one is other


async def test_a_name_is_called_by_a_client_that_knows_its_one_address(clients: PinnedClients) -> None:
    urls = ("https://one.example/", "https://two.example/", "https://127.0.0.1/")
    made = [await clients.client(await pinned(url)) for url in urls]
    assert len({id(each) for each in made}) == 3


async def test_an_address_that_is_called_under_a_certificate_shares_its_client_with_nobody(
    clients: PinnedClients,
) -> None:
    pin = await pinned("https://127.0.0.1/")
    plain, known = await clients.client(pin), await clients.client(pin, a_signing_certificate().encode())
    assert plain is not known
    assert await clients.client(await pinned("https://127.0.0.2/")) is plain
