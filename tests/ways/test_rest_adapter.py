"""The REST adapter over real sockets: what goes over the wire, to which address, under which name."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from ipaddress import ip_network

import pytest
from standardwebhooks.webhooks import Webhook

from adapters.guard import EndpointRefused, OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.rest import RestAdapter
from auth.port import SigningSecrets
from contracts.nouns import Receipt
from contracts.port import Unauthorised, Unavailable
from tests.conformance.adapter_suite import a_letter
from tests.conformance.rest_unit import SYMMETRIC, UNIT_NAME, FixedSecrets, RestUnit, a_rest_unit
from tests.conformance.shipped import KeptPhotos
from tests.values import replace

LOOPBACK = (ip_network("127.0.0.0/8"),)

Made = Callable[..., RestAdapter]


class NameServer:
    """Knows one name, and counts the questions."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.questions = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.questions += 1
        if host != UNIT_NAME:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.addresses


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestUnit]:
    with a_rest_unit(tmp_path_factory.mktemp("unit")) as unit:
        yield unit


@pytest.fixture
async def make() -> AsyncIterator[Made]:
    """Makes adapters, and closes them and then their calls."""
    made: list[tuple[RestAdapter, HttpCalls]] = []

    def make(
        guard: OutboundGuard | None = None,
        secrets: SigningSecrets | None = None,
        authorities: tuple[bytes, ...] = (),
    ) -> RestAdapter:
        calls = HttpCalls(guard or OutboundGuard(LOOPBACK), "0.1.0", authorities)
        made.append((RestAdapter(FixedSecrets(secrets), calls, KeptPhotos({})), calls))
        return made[-1][0]

    yield make
    for adapter, calls in made:
        await adapter.close()
        await calls.close()


def a_guard(names: NameServer, fresh_seconds: float = 30.0) -> OutboundGuard:
    return OutboundGuard(LOOPBACK, resolve=names, fresh_seconds=fresh_seconds)


async def test_a_letter_goes_out_as_cloudevents_signed_and_traced(make: Made, unit: RestUnit) -> None:
    connection = unit.connection("processes")
    await make().deliver(connection, a_letter())
    (call,) = await unit.calls(connection)
    headers, body = call["headers"], base64.b64decode(call["body"])
    assert body == a_letter().body
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["user-agent"] == "CityHub/0.1.0"
    assert headers["traceparent"] == a_letter().traceparent
    assert "accept-encoding" not in headers
    Webhook(SYMMETRIC).verify(body, headers)


async def test_a_call_goes_to_the_judged_address_under_the_units_own_name(make: Made, unit: RestUnit) -> None:
    # No name server of this machine knows the name: had the client asked for itself, nothing would have arrived.
    names = NameServer("127.0.0.1")
    connection = unit.at(f"http://{UNIT_NAME}:{unit.plain_port}/processes/pinned")
    await make(a_guard(names)).deliver(connection, a_letter())
    (call,) = await unit.calls_of("/processes/pinned")
    assert call["headers"]["host"] == f"{UNIT_NAME}:{unit.plain_port}"
    assert names.questions == 1


async def test_a_certificate_of_the_citys_own_authority_is_trusted_when_it_is_set(make: Made, unit: RestUnit) -> None:
    connection = unit.at(f"https://{UNIT_NAME}:{unit.secure_port}/processes/tls")
    guard = a_guard(NameServer("127.0.0.1"))
    delivered = await make(guard, authorities=(unit.authority,)).deliver(connection, a_letter())
    assert delivered.receipt is Receipt.PROCESSED
    with pytest.raises(Unauthorised):
        await make(guard).deliver(connection, a_letter())


async def test_a_genuine_certificate_for_another_name_is_not_trusted(make: Made, unit: RestUnit) -> None:
    async def any_name(host: str, port: int) -> Sequence[str]:
        return ("127.0.0.1",)

    guard = OutboundGuard(LOOPBACK, resolve=any_name)
    adapter = make(guard, authorities=(unit.authority,))
    with pytest.raises(Unauthorised):
        await adapter.deliver(unit.at(f"https://other.example:{unit.secure_port}/processes/other"), a_letter())
    assert await unit.calls_of("/processes/other") == []


async def test_letters_in_a_row_share_one_connection(make: Made, unit: RestUnit) -> None:
    connection, adapter = unit.connection("processes"), make()
    for serial in range(20):
        await adapter.deliver(connection, a_letter(serial))
    assert len({call["peer"] for call in await unit.calls(connection)}) == 1


async def test_a_name_that_turns_inward_is_not_called_even_over_a_warm_connection(make: Made, unit: RestUnit) -> None:
    names = NameServer("127.0.0.1")
    connection = unit.at(f"http://{UNIT_NAME}:{unit.plain_port}/processes/rebound")
    adapter = make(a_guard(names, fresh_seconds=0.0))
    await adapter.deliver(connection, a_letter(1))
    names.addresses = ("169.254.169.254",)
    with pytest.raises(EndpointRefused):
        await adapter.deliver(connection, a_letter(2))
    assert len(await unit.calls_of("/processes/rebound")) == 1


async def test_a_unit_that_moved_is_called_at_its_new_address_and_a_dead_address_is_left(
    make: Made, unit: RestUnit
) -> None:
    # Nothing listens on 127.0.0.2: the unit's port is bound on 127.0.0.1 only.
    names = NameServer("127.0.0.2", "127.0.0.1")
    connection = unit.at(f"http://{UNIT_NAME}:{unit.plain_port}/processes/moved")
    adapter = make(a_guard(names))
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(connection, a_letter())
    assert not caught.value.in_doubt
    delivered = await adapter.deliver(connection, a_letter())
    assert delivered.receipt is Receipt.PROCESSED


async def test_a_guarded_address_is_refused_before_anything_is_sent(make: Made, unit: RestUnit) -> None:
    with pytest.raises(Unauthorised, match="loopback"):
        await make(OutboundGuard()).deliver(unit.connection("processes"), a_letter())


async def test_a_connection_without_a_secret_pauses_and_sends_nothing(make: Made, unit: RestUnit) -> None:
    connection = unit.connection("processes")
    with pytest.raises(Unauthorised):
        await make(secrets=SigningSecrets()).deliver(connection, a_letter())
    assert await unit.calls(connection) == []


async def test_no_failure_repeats_the_address_it_called(make: Made, unit: RestUnit) -> None:
    async def reason_at(endpoint: str) -> str:
        with pytest.raises((Unavailable, Unauthorised)) as caught:
            await make().deliver(unit.at(endpoint, 0.3), a_letter())
        return str(caught.value)

    for behaviour in ("hangs", "drips", "resets", "breaks_off", "talks_gibberish", "redirects"):
        told = await reason_at(f"http://127.0.0.1:{unit.plain_port}/{behaviour}/x?token=hunter2")
        assert told and "hunter2" not in told


async def test_a_proxy_of_the_environment_is_not_used(
    make: Made, unit: RestUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    delivered = await make().deliver(unit.connection("processes"), a_letter())
    assert delivered.receipt is Receipt.PROCESSED


async def test_a_trace_id_that_someone_made_up_does_not_stop_a_letter(make: Made, unit: RestUnit) -> None:
    connection = unit.connection("processes")
    await make().deliver(connection, replace(a_letter(), traceparent="nonsense\r\nx-evil: 1"))
    (call,) = await unit.calls(connection)
    assert not {"traceparent", "x-evil"} & set(call["headers"])


async def test_a_letter_given_up_by_its_lane_lets_the_next_one_through(make: Made, unit: RestUnit) -> None:
    adapter, stuck = make(), unit.connection("hangs", 30.0)
    task = asyncio.ensure_future(adapter.deliver(stuck, a_letter()))
    await unit.seen(stuck, at_least=1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await adapter.deliver(unit.connection("processes"), a_letter())).receipt is Receipt.PROCESSED


async def test_calls_under_way_end_as_in_doubt_when_their_client_closes(unit: RestUnit) -> None:
    calls, stuck = HttpCalls(OutboundGuard(LOOPBACK), "0.1.0"), unit.connection("hangs", 30.0)
    adapter = RestAdapter(FixedSecrets(), calls, KeptPhotos({}))
    task: Awaitable[object] = asyncio.ensure_future(adapter.deliver(stuck, a_letter()))
    await unit.seen(stuck, at_least=1)
    await adapter.close()
    await calls.close()
    with pytest.raises(Unavailable) as caught:
        await task
    assert caught.value.in_doubt
