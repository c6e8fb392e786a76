"""The HTTP clients: one pool of warm connections per origin, each nailed to the address that the guard judged.

A unit that wants a client certificate has a pool of its own for each: a connection made under one unit's certificate
never carries another's call.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError
from pyreqwest.http import Url

from adapters.guard import Endpoint, Pin
from contracts.port import Unauthorised

Origin: TypeAlias = tuple[str, str, int]
Caller: TypeAlias = tuple[Origin, bytes]
"""An origin, and the digest of the certificate under which it is called; empty where it is called under none."""

_CLIENTS_MAX = 1024
_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 4.0
"""Below the 5 s after which Node, uvicorn and Apache hang up, so that a letter seldom meets a closing connection."""
_IDLE_MAX = 64


@dataclass(frozen=True, slots=True)
class _Nailed:
    """A client and the one address that it connects to."""

    address: str
    client: Client


class PinnedClients:
    """Clients by origin and identity. A changed address gives a new client; calls under way finish on the old one.

    Each holds its own root certificates, some 100 KB. Endpoints that are addresses themselves share one: there is no
    name that could lead elsewhere.
    """

    def __init__(self, user_agent: str, root_certificates: tuple[bytes, ...] = ()) -> None:
        self._user_agent = user_agent
        self._root_certificates = root_certificates
        self._by_caller: dict[Caller, _Nailed] = {}
        self._of_addresses: Client | None = None
        self._building = asyncio.Lock()

    async def client(self, pin: Pin, identity: bytes | None = None) -> Client:
        """The client for a judged endpoint, called under ``identity`` (a PEM certificate chain and its key) if given.

        Raises ``Unauthorised`` where the identity is none.
        """
        caller = _origin(pin.endpoint), b"" if identity is None else hashlib.sha256(identity).digest()
        nailed = self._by_caller.get(caller)
        if nailed is not None and nailed.address == pin.address:
            return nailed.client
        async with self._building:
            nailed = self._by_caller.get(caller)
            if nailed is None or nailed.address != pin.address:
                # Reading the root certificates takes some 10 ms, so it is done beside the loop.
                nailed = _Nailed(pin.address, await asyncio.to_thread(self._build, pin, identity))
                self._put(caller, nailed)
        return nailed.client

    async def close(self) -> None:
        """Close every client; calls under way end as interrupted."""
        clients = {id(each.client): each.client for each in self._by_caller.values()}
        self._by_caller, self._of_addresses = {}, None
        for client in clients.values():
            await client.close()

    def _put(self, caller: Caller, nailed: _Nailed) -> None:
        # Replaced and crowded-out clients are let go, not closed: closing would cut off calls under way.
        self._by_caller.pop(caller, None)
        self._by_caller[caller] = nailed
        if len(self._by_caller) > _CLIENTS_MAX:
            del self._by_caller[next(iter(self._by_caller))]

    def _build(self, pin: Pin, identity: bytes | None) -> Client:
        endpoint = pin.endpoint
        _must_read_alike(endpoint)
        if endpoint.literal is None or identity is not None:
            builder = self._builder().resolve(endpoint.host, pin.address, endpoint.port)
            return builder.build() if identity is None else _under(builder, identity)
        if self._of_addresses is None:
            self._of_addresses = self._builder().build()
        return self._of_addresses

    def _builder(self) -> ClientBuilder:
        builder = (
            ClientBuilder()
            .user_agent(self._user_agent)
            # A proxy, a redirect or a second look-up would each step round the guard.
            .no_proxy()
            .follow_redirects(False)
            # Unpacked answers have no bound, and nobody needs them packed.
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .connect_timeout(timedelta(seconds=_CONNECT_SECONDS))
            .pool_idle_timeout(timedelta(seconds=_IDLE_SECONDS))
            .pool_max_idle_per_host(_IDLE_MAX)
        )
        for certificate in self._root_certificates:
            builder = builder.add_root_certificate_pem(certificate)
        return builder


def _under(builder: ClientBuilder, identity: bytes) -> Client:
    try:
        return builder.identity_pem(identity).build()
    except (ValueError, BuilderError):
        # The client's own sentence might repeat the key.
        raise Unauthorised(
            "客户端证书不可用:应为 PEM 证书链和与之相配的私钥 / "
            "the client certificate is not usable: it is a PEM certificate chain with the key that belongs to it"
        ) from None


def _must_read_alike(endpoint: Endpoint) -> None:
    # The pin holds for exactly this name: were the client to read another host out of the text, it would resolve it.
    read = Url(endpoint.url)
    if (read.scheme, read.host_str, read.port_or_known_default) != _origin(endpoint):
        raise ValueError(f"the client reads the endpoint {endpoint.url} differently")


def _origin(endpoint: Endpoint) -> Origin:
    return endpoint.scheme, endpoint.host, endpoint.port
