"""The REST adapter meets the suite, and the claims that only HTTP can break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network

import pytest

from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.rest import RestAdapter
from contracts.nouns import Receipt
from contracts.port import Refused, Unauthorised, Unavailable
from tests.conformance.adapter_suite import GRACE_SECONDS, LIMIT_SECONDS, AdapterSuite, MovingClock, a_letter
from tests.conformance.rest_unit import FixedSecrets, RestUnit, a_rest_unit
from tests.conformance.shipped import KeptPhotos


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestUnit]:
    """A unit's REST system, shared by the claims of this file."""
    with a_rest_unit(tmp_path_factory.mktemp("unit")) as unit:
        yield unit


@pytest.fixture
async def adapter(clock: MovingClock) -> AsyncIterator[RestAdapter]:
    """An adapter that may call this machine."""
    guard = OutboundGuard(allow=(ip_network("127.0.0.0/8"),))
    adapter = RestAdapter(FixedSecrets(), HttpCalls(guard, "0.1.0", now=clock), KeptPhotos({}))
    yield adapter
    await adapter.close()


class TestRest(AdapterSuite):
    """The suite over REST."""


async def test_a_204_without_a_body_is_processed(adapter: RestAdapter, partner: RestUnit) -> None:
    delivered = await adapter.deliver(partner.connection("says_nothing"), a_letter())
    assert (delivered.receipt, delivered.status, delivered.answer) == (Receipt.PROCESSED, 204, b"")


async def test_a_redirect_is_not_followed_and_calls_a_person(adapter: RestAdapter, partner: RestUnit) -> None:
    with pytest.raises(Unauthorised):
        await adapter.deliver(partner.connection("redirects"), a_letter())
    assert await partner.calls_of("/processes/elsewhere") == []


async def test_a_head_that_drips_ends_with_the_time_limit(adapter: RestAdapter, partner: RestUnit) -> None:
    with pytest.raises(Unavailable) as caught:
        async with asyncio.timeout(LIMIT_SECONDS + GRACE_SECONDS):
            await adapter.deliver(partner.connection("drips_head", LIMIT_SECONDS), a_letter())
    assert caught.value.in_doubt


async def test_an_endless_head_ends_the_call(adapter: RestAdapter, partner: RestUnit) -> None:
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(partner.connection("floods_head"), a_letter())
    assert caught.value.in_doubt


async def test_a_header_that_is_not_text_is_as_if_it_were_not_there(adapter: RestAdapter, partner: RestUnit) -> None:
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(partner.connection("odd_header"), a_letter())
    assert caught.value.retry_after_seconds is None


async def test_a_unit_can_stop_its_deliveries_by_a_header(adapter: RestAdapter, partner: RestUnit) -> None:
    with pytest.raises(Unauthorised):
        await adapter.deliver(partner.connection("asks_to_stop"), a_letter())


async def test_a_unit_can_drop_one_letter_by_a_header(adapter: RestAdapter, partner: RestUnit) -> None:
    with pytest.raises(Refused):
        await adapter.deliver(partner.connection("asks_to_drop"), a_letter())
