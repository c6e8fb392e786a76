"""The outbound guard (出站防护): no unit's profile can make the hub call what it must not (SSRF).

The guard takes an endpoint apart by one strict grammar, resolves its name once, judges every address, and returns the
address that the call must then use. The call never resolves again, so a name that changes its address between check
and use (DNS rebinding) gains nothing; the ``Host`` header and the TLS name stay the name's.

An answer is kept for some seconds. That is safe because what is kept is a judged address, not a leave to resolve.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from contracts.port import Unauthorised, Unavailable

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a name and a port to its addresses, best first. Raises ``OSError``."""

FRESH_SECONDS = 30.0
STALE_SECONDS = 300.0
"""A silent name server stops no dispatch for this long: the address judged last is used on."""
RESOLVE_SECONDS = 5.0
_ASK_AGAIN_SECONDS = 5.0
_KEPT_MAX = 4096
_RESOLVER_THREADS = 16


class EndpointRule(StrEnum):
    """What an endpoint can break."""

    MALFORMED = "malformed"
    SCHEME = "scheme"
    USER_INFO = "user_info"
    PORT = "port"
    ADDRESS = "address"


@dataclass(eq=False)
class EndpointRefused(Unauthorised):
    """The hub does not call this endpoint. Every letter would fail alike, so the lane pauses and a person is called."""

    rule: EndpointRule = EndpointRule.MALFORMED
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint taken apart. ``url`` is its canonical text, the only one that may be called."""

    url: str
    scheme: str
    host: str
    port: int
    literal: Address | None


@dataclass(frozen=True, slots=True)
class Pin:
    """Where a call must go: this address and no other, under the endpoint's own name."""

    asked_for: str
    endpoint: Endpoint
    address: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """A judged answer: the permitted addresses, the one in use, and how long it stays good."""

    pin: Pin
    addresses: tuple[str, ...]
    resolved_at: float
    fresh_until: float


class OutboundGuard:
    """Judges endpoints. ``allow`` lists networks called whatever they are; ``allow_private`` opens the private ones.

    ``allow_private`` opens RFC 1918 and IPv6 unique local addresses, where a city's own network lies. Loopback,
    link-local (cloud metadata) and the like open only by name in ``allow``. ``ports`` limits the ports, if given.
    """

    def __init__(
        self,
        allow: tuple[Network, ...] = (),
        allow_private: bool = False,
        ports: frozenset[int] | None = None,
        resolve: Resolve | None = None,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._allow = allow
        self._allow_private = allow_private
        self._ports = ports
        self._resolve = resolve or SystemResolver()
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._kept: dict[str, _Kept] = {}
        self._asking: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def pin(self, url: str, within_seconds: float = RESOLVE_SECONDS) -> Pin:
        """The address to call for an endpoint, from memory while it is fresh, else asked for within the time given.

        Raises ``EndpointRefused`` where the hub must not call, ``Unavailable`` where the name does not resolve now.
        """
        kept = self._kept.get(url)
        if kept is not None and kept.fresh_until > self._clock():
            return kept.pin
        return await self._renew(url, kept, min(within_seconds, RESOLVE_SECONDS))

    async def check_endpoint(self, url: str) -> Pin:
        """Judge an endpoint afresh, as when a profile is applied. Raises as ``pin`` does."""
        self._kept.pop(url, None)
        return await self._renew(url, None, RESOLVE_SECONDS)

    def avoid(self, pin: Pin) -> None:
        """This address did not answer: the next call takes the name's next permitted address, if it has one."""
        kept = self._kept.get(pin.asked_for)
        if kept is not None and kept.pin == pin and len(kept.addresses) > 1:
            following = kept.addresses[(kept.addresses.index(pin.address) + 1) % len(kept.addresses)]
            self._kept[pin.asked_for] = replace(kept, pin=replace(pin, address=following))

    async def _renew(self, url: str, kept: _Kept | None, within_seconds: float) -> Pin:
        endpoint = parse_endpoint(url)
        if self._ports is not None and endpoint.port not in self._ports:
            raise _refused(EndpointRule.PORT, f"端口 {endpoint.port} 不允许", f"port {endpoint.port} is not allowed")
        now = self._clock()
        try:
            found = await self._addresses(endpoint, within_seconds)
        except (OSError, TimeoutError) as fault:
            if kept is not None and _may_pass(fault) and now - kept.resolved_at < STALE_SECONDS:
                self._keep(url, replace(kept, fresh_until=now + _ASK_AGAIN_SECONDS))
                return kept.pin
            raise Unavailable(f"域名暂时无法解析 / the name {endpoint.host} does not resolve now") from None
        addresses = self._permitted(found)
        # A unit behind many addresses keeps its warm connections: no change while the old address is still one of them.
        staying = kept is not None and kept.pin.address in addresses
        pin = kept.pin if kept is not None and staying else Pin(url, endpoint, addresses[0])
        self._keep(url, _Kept(pin, addresses, now, now + self._fresh_seconds))
        return pin

    def _keep(self, url: str, kept: _Kept) -> None:
        self._kept.pop(url, None)
        self._kept[url] = kept
        if len(self._kept) > _KEPT_MAX:
            del self._kept[next(iter(self._kept))]

    async def _addresses(self, endpoint: Endpoint, within_seconds: float) -> Sequence[str]:
        if endpoint.literal is not None:
            return (endpoint.literal.compressed,)
        asking = self._asking.get(endpoint.host)
        if asking is None:
            # All who want a name wait for one question; a name server that hangs costs one thread a name.
            asking = asyncio.ensure_future(self._ask(endpoint))
            self._asking[endpoint.host] = asking
            asking.add_done_callback(lambda done: self._asked(endpoint.host, done))
        async with asyncio.timeout(within_seconds):
            return await asyncio.shield(asking)

    async def _ask(self, endpoint: Endpoint) -> Sequence[str]:
        return await self._resolve(endpoint.host, endpoint.port)

    def _asked(self, host: str, done: asyncio.Task[Sequence[str]]) -> None:
        self._asking.pop(host, None)
        if not done.cancelled():
            # Taken here too, for the case that all who waited have gone.
            done.exception()

    def _permitted(self, found: Sequence[str]) -> tuple[str, ...]:
        if not found:
            raise Unavailable("域名没有地址 / the name has no address")
        kinds: list[tuple[str, str]] = []
        permitted: list[str] = []
        for text in dict.fromkeys(found):
            kind = self._kind_refused(text)
            if kind is None:
                permitted.append(text)
            else:
                kinds.append(kind)
        if permitted:
            return tuple(permitted)
        zh, en = kinds[0]
        raise _refused(
            EndpointRule.ADDRESS,
            f"接口地址指向{zh},系统设置不允许访问",
            f"the endpoint points to {en}, which the hub's settings do not allow",
        )

    def _kind_refused(self, text: str) -> tuple[str, str] | None:
        """Why an address is not called, in Chinese and English; ``None`` where it may be."""
        try:
            address = ip_address(text)
        except ValueError:
            return "无效地址", "no valid address"
        if any(address in network for network in _NEVER):
            return _NEVER_KIND
        if any(address in network for network in self._allow):
            return None
        if self._allow_private and any(address in network for network in _PRIVATE):
            return None
        for networks, zh, en in _REFUSED:
            if any(address in network for network in networks):
                return zh, en
        # What the registries have not handed out yet is nobody's endpoint; the library calls most of it global.
        handed_out = address.version == 4 or address in _GLOBAL_UNICAST
        return None if handed_out and address.is_global else ("保留地址", "a reserved address")


class SystemResolver:
    """Asks the machine's own resolver, in a few threads of its own: names that hang hold up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name, in the order in which the machine would try them. Raises ``OSError``."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)


def parse_endpoint(url: str) -> Endpoint:
    """Take an endpoint apart. Raises ``EndpointRefused`` for whatever two parsers might read differently."""
    scheme = url.partition("://")[0].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _refused(
            EndpointRule.SCHEME, "接口地址须以 http:// 或 https:// 开头", "an endpoint is http:// or https://"
        )
    found = _ENDPOINT.fullmatch(url)
    if found is None:
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise _refused(
                EndpointRule.USER_INFO, "接口地址不得含用户名或密码", "an endpoint carries no user or password"
            )
        raise _refused(
            EndpointRule.MALFORMED,
            "接口地址格式有误(只用 ASCII 字符,中文域名写成 Punycode,不含 # 与反斜杠)",
            "the endpoint is malformed (ASCII only, Chinese names in punycode, no # and no backslash)",
        )
    host = found["name"].lower().removesuffix(".") if found["name"] else found["six"]
    literal = _literal(host, is_six=found["name"] is None)
    shown = host if literal is None else f"[{literal}]" if literal.version == 6 else str(literal)
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise _refused(EndpointRule.PORT, f"端口 {port} 不存在", f"there is no port {port}")
    at = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    rest = found["rest"] if found["rest"].startswith("/") else "/" + found["rest"]
    return Endpoint(f"{scheme}://{shown}{at}{rest}", scheme, shown, port, literal)


def _literal(host: str, is_six: bool) -> Address | None:
    # What ends in a number is an address to every parser, in one of many spellings (0x7f.1, 017700000001, 127.1):
    # only the plain one is taken.
    if not is_six and _NUMERIC.fullmatch(host.rpartition(".")[2]) is None:
        return None
    try:
        return IPv6Address(host) if is_six else IPv4Address(host)
    except ValueError:
        raise _refused(
            EndpointRule.MALFORMED, "IP 地址写法有误", "the IP address is not written the plain way"
        ) from None


def _look_up(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(str(place[4][0]) for place in found)


def _may_pass(fault: Exception) -> bool:
    """Whether the name server was silent, rather than sure that there is no such name."""
    return not isinstance(fault, socket.gaierror) or fault.errno == socket.EAI_AGAIN


def _refused(rule: EndpointRule, zh: str, en: str) -> EndpointRefused:
    return EndpointRefused(f"{zh} / {en}", rule=rule, zh=zh, en=en)


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENDPOINT = re.compile(
    r"(?i:https?)://"
    r"(?:(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?)"
    r"|\[(?P<six>[0-9A-Fa-f:.]{2,45})\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?][!\"$-\[\]-~]*)?)"
)
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

# No setting opens these: 0.0.0.0 reaches the machine itself, and nobody takes a letter at a group address.
_NEVER = _networks("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8")
_NEVER_KIND = ("未指定、组播或广播地址", "an unspecified, multicast or broadcast address")
_GLOBAL_UNICAST = ip_network("2000::/3")
_PRIVATE = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
# The IANA special-purpose registries, and the IPv6 forms that carry an IPv4 address inside.
_REFUSED: tuple[tuple[tuple[Network, ...], str, str], ...] = (
    (_PRIVATE, "内网地址", "a private address"),
    (_networks("127.0.0.0/8", "::1/128"), "本机地址", "the hub's own machine (loopback)"),
    (_networks("169.254.0.0/16", "fe80::/10", "fec0::/10"), "链路本地地址", "a link-local address"),
    (_networks("100.64.0.0/10"), "运营商级 NAT 地址", "a carrier-grade NAT address"),
    (
        _networks("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),
        "内嵌 IPv4 的 IPv6 地址",
        "an IPv6 address that carries an IPv4 address",
    ),
    (
        _networks("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "2001:db8::/32", "3fff::/20"),
        "文档或测试专用地址",
        "an address for documentation or tests",
    ),
    (
        _networks("192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "5f00::/16"),
        "保留地址",
        "a reserved address",
    ),
)
