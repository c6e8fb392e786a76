"""What the hub calls and what it does not: no profile can turn a letter against the city's own machines."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from adapters.guard import EndpointRefused, EndpointRule, OutboundGuard, parse_endpoint
from contracts.port import Unavailable

URL = "https://unit.example/letters"


class NameServer:
    """A name server that says what it is told to, and counts the questions."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.fault: OSError | None = None
        self.questions = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.questions += 1
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        return self.addresses


class Seconds:
    """A clock of seconds that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def rule_broken(guard: OutboundGuard, url: str) -> EndpointRule:
    with pytest.raises(EndpointRefused) as caught:
        await guard.check_endpoint(url)
    assert caught.value.zh and caught.value.en and caught.value.zh in str(caught.value)
    return caught.value.rule


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
    ],
)
async def test_a_name_or_a_literal_that_leads_inside_is_refused(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    assert await rule_broken(OutboundGuard(resolve=NameServer(address)), URL) is EndpointRule.ADDRESS
    assert await rule_broken(OutboundGuard(), f"http://{literal}/x") is EndpointRule.ADDRESS


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "172.32.0.1", "100.128.0.1", "2400:3200::1"])
async def test_a_public_address_is_called(address: str) -> None:
    assert (await OutboundGuard(resolve=NameServer(address)).pin(URL)).address == address


async def test_private_networks_open_by_one_setting_and_loopback_and_metadata_do_not() -> None:
    for inside in ("10.1.2.3", "192.168.7.7", "172.16.0.1", "fd12::1"):
        pin = await OutboundGuard(allow_private=True, resolve=NameServer(inside)).pin(URL)
        assert pin.address == inside
    for never in ("127.0.0.1", "::1", "169.254.169.254", "fe80::1", "100.64.0.1", "::ffff:10.0.0.1"):
        guard = OutboundGuard(allow_private=True, resolve=NameServer(never))
        assert await rule_broken(guard, URL) is EndpointRule.ADDRESS


async def test_a_listed_network_opens_and_the_rest_stays_shut() -> None:
    allow = (ip_network("127.0.0.0/8"), ip_network("59.0.0.0/8"))
    assert (await OutboundGuard(allow, resolve=NameServer("127.0.0.9")).pin(URL)).address == "127.0.0.9"
    assert await rule_broken(OutboundGuard(allow, resolve=NameServer("10.0.0.1")), URL) is EndpointRule.ADDRESS


async def test_not_even_a_list_of_everything_opens_group_addresses_or_the_unspecified_one() -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    for address in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"):
        guard = OutboundGuard(everything, resolve=NameServer(address))
        assert await rule_broken(guard, URL) is EndpointRule.ADDRESS


@given(st.ip_addresses())
async def test_without_a_setting_only_global_addresses_are_ever_called(address: object) -> None:
    guard = OutboundGuard(resolve=NameServer(str(address)))
    try:
        pin = await guard.pin(URL)
    except EndpointRefused:
        return
    called = ip_address(pin.address)
    assert called.is_global and not called.is_multicast
    assert called.version == 4 or called in ip_network("2000::/3")


async def test_of_several_addresses_only_a_permitted_one_is_called() -> None:
    guard = OutboundGuard(resolve=NameServer("127.0.0.1", "8.8.8.8", "169.254.169.254"))
    pin = await guard.pin(URL)
    guard.avoid(pin)
    assert {pin.address, (await guard.pin(URL)).address} == {"8.8.8.8"}


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://unit.example/", EndpointRule.SCHEME),
        ("file:///etc/passwd", EndpointRule.SCHEME),
        ("gopher://unit.example/", EndpointRule.SCHEME),
        ("//unit.example/", EndpointRule.SCHEME),
        (" https://unit.example/", EndpointRule.SCHEME),
        ("https://user@unit.example/", EndpointRule.USER_INFO),
        ("https://user:pw@unit.example/", EndpointRule.USER_INFO),
        ("https://8.8.8.8@127.0.0.1/", EndpointRule.USER_INFO),
        ("https://unit.example\\@127.0.0.1/", EndpointRule.USER_INFO),
        ("https://unit.example/\\..", EndpointRule.MALFORMED),
        ("https://unit.example/#fragment", EndpointRule.MALFORMED),
        ("https://unit.example/\r\nhost: x", EndpointRule.MALFORMED),
        ("https://unit.exa\tmple/", EndpointRule.MALFORMED),
        ("https://unit.example/\n", EndpointRule.MALFORMED),
        ("https:///x", EndpointRule.MALFORMED),
        ("https://", EndpointRule.MALFORMED),
        ("https://%31%32%37.0.0.1/", EndpointRule.MALFORMED),
        ("https://１２７.0.0.1/", EndpointRule.MALFORMED),
        ("https://localhost。/", EndpointRule.MALFORMED),
        ("https://衢州.example/", EndpointRule.MALFORMED),
        ("https://a..b/", EndpointRule.MALFORMED),
        ("https://[::1%25eth0]/", EndpointRule.MALFORMED),
        ("https://[1:2]/", EndpointRule.MALFORMED),
        ("http://127.1/", EndpointRule.MALFORMED),
        ("http://0x7f.1/", EndpointRule.MALFORMED),
        ("http://0177.0.0.1/", EndpointRule.MALFORMED),
        ("http://2130706433/", EndpointRule.MALFORMED),
        ("http://0x7f000001/", EndpointRule.MALFORMED),
        ("http://127.0.0.1./", EndpointRule.ADDRESS),
        ("http://unit.example:0/", EndpointRule.PORT),
        ("http://unit.example:65536/", EndpointRule.PORT),
        ("http://unit.example:80:90/", EndpointRule.MALFORMED),
    ],
)
async def test_an_endpoint_that_two_parsers_might_read_differently_is_refused(url: str, rule: EndpointRule) -> None:
    assert await rule_broken(OutboundGuard(resolve=NameServer("8.8.8.8")), url) is rule


@given(
    st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("。\t\n衢"), max_size=30)
)
def test_what_the_guard_reads_the_client_reads_alike(rest: str) -> None:
    for url in (f"http://{rest}", f"https://unit.example{rest}"):
        try:
            endpoint = parse_endpoint(url)
        except EndpointRefused:
            continue
        read = Url(endpoint.url)
        assert (read.scheme, read.host_str, read.port_or_known_default, read.username, read.password) == (
            endpoint.scheme,
            endpoint.host,
            endpoint.port,
            "",
            None,
        )


async def test_a_list_of_ports_shuts_the_others() -> None:
    guard = OutboundGuard(ports=frozenset({443}), resolve=NameServer("8.8.8.8"))
    assert (await guard.pin(URL)).endpoint.port == 443
    assert await rule_broken(guard, "https://unit.example:22/") is EndpointRule.PORT


async def test_a_name_is_asked_once_while_its_answer_is_fresh_however_many_call() -> None:
    names, clock = NameServer("8.8.8.8"), Seconds()
    guard = OutboundGuard(resolve=names, clock=clock, fresh_seconds=30)
    pins = await asyncio.gather(*[guard.pin(URL) for _ in range(64)])
    assert {pin.address for pin in pins} == {"8.8.8.8"}
    assert names.questions == 1
    clock.now += 29
    await guard.pin(URL)
    assert names.questions == 1
    clock.now += 2
    await guard.pin(URL)
    assert names.questions == 2


async def test_a_name_that_turns_inward_is_refused_as_soon_as_it_is_asked_again() -> None:
    names, clock = NameServer("8.8.8.8"), Seconds()
    guard = OutboundGuard(resolve=names, clock=clock, fresh_seconds=30)
    assert (await guard.pin(URL)).address == "8.8.8.8"
    names.addresses = ("127.0.0.1",)
    assert (await guard.pin(URL)).address == "8.8.8.8", "the judged address, never the new one unjudged"
    clock.now += 31
    assert await rule_broken(guard, URL) is EndpointRule.ADDRESS


async def test_a_unit_behind_many_addresses_keeps_its_warm_one_and_leaves_it_when_it_does_not_answer() -> None:
    names, clock = NameServer("8.8.8.8", "9.9.9.9"), Seconds()
    guard = OutboundGuard(resolve=names, clock=clock, fresh_seconds=30)
    pin = await guard.pin(URL)
    names.addresses = ("9.9.9.9", "8.8.8.8")
    clock.now += 31
    assert (await guard.pin(URL)).address == "8.8.8.8"
    guard.avoid(pin)
    assert (await guard.pin(URL)).address == "9.9.9.9"


async def test_a_silent_name_server_stops_no_dispatch_for_minutes_and_then_says_so() -> None:
    names, clock = NameServer("8.8.8.8"), Seconds()
    guard = OutboundGuard(resolve=names, clock=clock, fresh_seconds=30)
    await guard.pin(URL)
    names.fault = socket.gaierror(socket.EAI_AGAIN, "silent")
    clock.now += 60
    assert (await guard.pin(URL)).address == "8.8.8.8"
    clock.now += 600
    with pytest.raises(Unavailable):
        await guard.pin(URL)


async def test_a_name_that_is_gone_is_not_called_from_memory() -> None:
    names, clock = NameServer("8.8.8.8"), Seconds()
    guard = OutboundGuard(resolve=names, clock=clock, fresh_seconds=30)
    await guard.pin(URL)
    names.fault = socket.gaierror(socket.EAI_NONAME, "no such name")
    clock.now += 31
    with pytest.raises(Unavailable):
        await guard.pin(URL)


async def test_a_name_server_that_hangs_costs_no_more_than_the_time_given() -> None:
    async def hangs(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return ()

    with pytest.raises(Unavailable):
        await OutboundGuard(resolve=hangs).pin(URL, within_seconds=0.05)


async def test_the_machines_own_resolver_finds_the_machine_and_the_guard_refuses_it() -> None:
    assert await rule_broken(OutboundGuard(), "http://localhost:8080/") is EndpointRule.ADDRESS
