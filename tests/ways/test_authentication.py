"""How the hub shows a unit who calls, against an OAuth server and a TLS server in other processes."""

from __future__ import annotations

import asyncio
import base64
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.guard import EndpointRefused, OutboundGuard
from adapters.http.authentication import Authenticator, Caller
from adapters.http.calls import HttpCalls
from contracts.port import Unauthorised, Unavailable
from contracts.ways.http import Authentication, ClientAuthentication
from tests.conformance.adapter_suite import MovingClock
from tests.conformance.oauth_unit import SECRET, NamedSecrets, OAuthUnit, an_oauth_unit
from tests.conformance.rest_unit import RestUnit, a_rest_unit, certificates

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture(scope="module")
def unit() -> Iterator[OAuthUnit]:
    with an_oauth_unit() as unit:
        yield unit


@pytest.fixture(scope="module")
def rest_unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestUnit]:
    with a_rest_unit(tmp_path_factory.mktemp("unit")) as unit:
        yield unit


@pytest.fixture
def secrets(unit: OAuthUnit) -> NamedSecrets:
    keys = {("telecom", name.lower()): key for name, key in unit.private_keys.items()}
    return NamedSecrets({("telecom", "client"): SECRET, ("telecom", "wrong"): "guess", **keys})


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
async def calls(rest_unit: RestUnit) -> AsyncIterator[HttpCalls]:
    calls = HttpCalls(OutboundGuard(LOOPBACK), "0.1.0", (rest_unit.authority,))
    yield calls
    await calls.close()


@pytest.fixture
async def authenticator(secrets: NamedSecrets, calls: HttpCalls, clock: MovingClock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(secrets, calls, clock)
    yield authenticator
    await authenticator.close()


def plainly(kind: str, **fields: str) -> Authentication:
    return Authentication.model_validate({"kind": kind, "secret": "client", **fields}, strict=False)


async def test_basic_carries_user_and_password_in_utf_8(authenticator: Authenticator) -> None:
    headers = await authenticator.headers("telecom", plainly("basic", user="枢纽"), 5.0)
    shown = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    assert shown == f"枢纽:{SECRET}"


async def test_a_key_goes_in_the_header_that_the_profile_names(
    authenticator: Authenticator, secrets: NamedSecrets
) -> None:
    secrets.secrets["telecom", "client"] = "k-1\n"
    assert await authenticator.headers("telecom", plainly("api_key", header="X-App-Key"), 5.0) == {"x-app-key": "k-1"}
    assert await authenticator.headers("telecom", plainly("bearer"), 5.0) == {"authorization": "Bearer k-1"}


async def test_a_missing_secret_calls_a_person_and_is_named(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthorised) as caught:
        await authenticator.headers("gas", plainly("bearer"), 5.0)
    assert "单位 gas 没有名为 client 的密钥" in str(caught.value)
    assert "the unit gas has no secret named client" in str(caught.value)


async def test_a_secret_that_no_header_can_carry_is_not_sent_nor_shown(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthorised) as caught:
        await authenticator.headers("telecom", plainly("bearer"), 5.0)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("way", "secret"),
    [
        ("client_secret_basic", "client"),
        ("client_secret_post", "client"),
        ("private_key_jwt", "rs256"),
        ("private_key_jwt", "es256"),
        ("private_key_jwt", "eddsa"),
        ("private_key_jwt", "jwk"),
    ],
)
async def test_each_way_of_asking_for_a_token_is_taken_by_the_server(
    unit: OAuthUnit, authenticator: Authenticator, way: str, secret: str
) -> None:
    asked = unit.authentication(way=ClientAuthentication(way), secret=secret, scope="dispatch")
    answer = await authenticator.call(Caller("telecom", asked), unit.url(f"/api/{secret}"), {}, b"{}", limit_seconds=5)
    assert answer.status == 200
    last = (await unit.fetches())[-1]
    assert (last["way"], last["scope"]) == (way, "dispatch")


async def test_a_token_is_kept_until_shortly_before_its_end(
    unit: OAuthUnit, authenticator: Authenticator, clock: MovingClock
) -> None:
    asked, before = unit.authentication("as_text"), len(await unit.fetches("as_text"))
    for minutes, fetched in ((0, 1), (58, 1), (2, 2)):
        clock.move(timedelta(minutes=minutes))
        await authenticator.headers("telecom", asked, 5.0)
        assert len(await unit.fetches("as_text")) - before == fetched


async def test_those_who_want_a_token_together_wait_for_one_fetch(
    unit: OAuthUnit, authenticator: Authenticator
) -> None:
    asked = unit.authentication("slow")
    waiting = [asyncio.ensure_future(authenticator.headers("telecom", asked, 10.0)) for _ in range(20)]
    while not await unit.fetches("slow"):
        assert not any(task.done() for task in waiting)
    await unit.tell("let_go")
    assert len({headers["authorization"] for headers in await asyncio.gather(*waiting)}) == 1
    assert len(await unit.fetches("slow")) == 1


async def test_a_revoked_token_is_dropped_and_the_call_made_once_more(
    unit: OAuthUnit, authenticator: Authenticator
) -> None:
    caller, url = Caller("telecom", unit.authentication()), unit.url("/api/revoked")
    await authenticator.call(caller, url, {}, b"1", limit_seconds=5)
    await unit.tell("revoke")
    answer = await authenticator.call(caller, url, {}, b"2", limit_seconds=5)
    assert answer.status == 200
    assert [call["body"] for call in await unit.calls("/api/revoked")] == ["1", "2", "2"]


async def test_a_new_token_that_the_unit_does_not_take_is_not_tried_again(
    unit: OAuthUnit, authenticator: Authenticator
) -> None:
    caller = Caller("telecom", unit.authentication("useless"))
    answer = await authenticator.call(caller, unit.url("/api/useless"), {}, b"{}", limit_seconds=5)
    assert answer.status == 401
    assert len(await unit.calls("/api/useless")) == len(await unit.fetches("useless")) == 1


async def test_a_changed_secret_does_not_live_on_in_a_kept_token(
    unit: OAuthUnit, authenticator: Authenticator, secrets: NamedSecrets
) -> None:
    await authenticator.headers("telecom", unit.authentication(), 5.0)
    secrets.secrets["telecom", "client"] = "changed"
    with pytest.raises(Unauthorised):
        await authenticator.headers("telecom", unit.authentication(), 5.0)


async def test_a_token_endpoint_that_is_down_is_unavailable_and_the_letter_is_surely_not_sent(
    unit: OAuthUnit, authenticator: Authenticator
) -> None:
    with pytest.raises(Unavailable) as caught:
        await authenticator.headers("telecom", unit.authentication("down"), 5.0)
    assert (caught.value.retry_after_seconds, caught.value.in_doubt) == (7.0, False)
    closed = unit.authentication().model_copy(update={"token_endpoint": f"http://127.0.0.1:{_closed_port()}/token"})
    with pytest.raises(Unavailable) as caught:
        await authenticator.headers("telecom", closed, 5.0)
    assert not caught.value.in_doubt


@pytest.mark.parametrize(("behaviour", "secret"), [("", "wrong"), ("error_in_200", "client")])
async def test_a_token_endpoint_that_refuses_calls_a_person_and_no_secret_is_repeated(
    unit: OAuthUnit, authenticator: Authenticator, behaviour: str, secret: str
) -> None:
    way = ClientAuthentication.CLIENT_SECRET_POST
    with pytest.raises(Unauthorised) as caught:
        await authenticator.headers("telecom", unit.authentication(behaviour, way, secret), 5.0)
    told = f"{caught.value} {caught.value.answer!r}"
    assert SECRET not in told and "guess" not in told
    assert "令牌端点" in told


async def test_a_secret_that_is_no_key_cannot_sign(unit: OAuthUnit, authenticator: Authenticator) -> None:
    asked = unit.authentication(way=ClientAuthentication.PRIVATE_KEY_JWT, secret="client")
    with pytest.raises(Unauthorised, match="no private key"):
        await authenticator.headers("telecom", asked, 5.0)


async def test_a_token_endpoint_inside_the_hubs_own_network_is_not_called(
    unit: OAuthUnit, secrets: NamedSecrets
) -> None:
    calls = HttpCalls(OutboundGuard(), "0.1.0")
    with pytest.raises(EndpointRefused):
        await Authenticator(secrets, calls).headers("telecom", unit.authentication(), 5.0)


async def test_a_unit_that_demands_a_certificate_gets_ours(
    rest_unit: RestUnit, authenticator: Authenticator, secrets: NamedSecrets
) -> None:
    secrets.secrets["telecom", "certificate"] = rest_unit.identity.decode()
    caller = Caller("telecom", client_certificate="certificate")
    url = f"https://127.0.0.1:{rest_unit.demanding_port}/processes/certified"
    answer = await authenticator.call(caller, url, {}, b"{}", limit_seconds=5)
    assert answer.status == 200
    assert [call["certificate"] for call in await rest_unit.calls_of("/processes/certified")] == ["unit.example"]


async def test_a_warm_connection_under_one_certificate_carries_no_call_under_another_or_none(
    rest_unit: RestUnit, calls: HttpCalls
) -> None:
    url = f"https://127.0.0.1:{rest_unit.demanding_port}/processes/mixed"
    await calls.call(url, {}, b"{}", limit_seconds=5, identity=rest_unit.identity)
    for other in (None, certificates()[1]):
        with pytest.raises((Unavailable, Unauthorised)):
            await calls.call(url, {}, b"{}", limit_seconds=5, identity=other)
    assert len(await rest_unit.calls_of("/processes/mixed")) == 1


@pytest.mark.parametrize("pem", [b"rubbish", b""])
async def test_a_secret_that_is_no_certificate_calls_a_person(
    rest_unit: RestUnit, calls: HttpCalls, pem: bytes
) -> None:
    url = f"https://127.0.0.1:{rest_unit.demanding_port}/processes/rubbish"
    with pytest.raises(Unauthorised, match="PEM"):
        await calls.call(url, {}, b"{}", limit_seconds=5, identity=pem)


async def test_the_alert_of_a_server_that_wants_a_certificate_calls_a_person(
    calls: HttpCalls, tmp_path: Path, rest_unit: RestUnit
) -> None:
    # OpenSSL's own server says by an alert what it misses; asyncio's only hangs up.
    (tmp_path / "chain.pem").write_bytes(rest_unit.identity)
    (tmp_path / "authority.pem").write_bytes(rest_unit.authority)
    port = _closed_port()
    options = (
        "-Verify",
        "2",
        "-verify_return_error",
        "-cert",
        tmp_path / "chain.pem",
        "-CAfile",
        tmp_path / "authority.pem",
    )
    server = subprocess.Popen(
        ["openssl", "s_server", "-www", "-tls1_3", "-accept", f"127.0.0.1:{port}", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.stdout is not None
        while b"ACCEPT" not in server.stdout.readline():
            pass
        url = f"https://127.0.0.1:{port}/"
        with pytest.raises(Unauthorised, match="hub's certificate"):
            await calls.call(url, {}, None, method="GET", limit_seconds=5)
        answer = await calls.call(url, {}, None, method="GET", limit_seconds=5, identity=rest_unit.identity)
        assert answer.status == 200
    finally:
        server.kill()
        server.communicate()


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
