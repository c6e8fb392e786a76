"""The HTTP clients: one pool of warm connections per origin, each nailed to the address that the guard judged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.http import Url

from adapters.guard import Endpoint, Pin

Origin: TypeAlias = tuple[str, str, int]

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
    """Clients by origin. A change of the judged address gives a new client; calls under way finish on the old one."""

    def __init__(self, user_agent: str, root_certificates: tuple[bytes, ...] = ()) -> None:
        self._user_agent = user_agent
        self._root_certificates = root_certificates
        self._by_origin: dict[Origin, _Nailed] = {}
        self._building = asyncio.Lock()

    async def client(self, pin: Pin) -> Client:
        """The client for a judged endpoint."""
        origin = _origin(pin.endpoint)
        nailed = self._by_origin.get(origin)
        if nailed is not None and nailed.address == pin.address:
            return nailed.client
        async with self._building:
            nailed = self._by_origin.get(origin)
            if nailed is None or nailed.address != pin.address:
                # Reading the root certificates takes some 10 ms, so it is done beside the loop.
                nailed = _Nailed(pin.address, await asyncio.to_thread(self._build, pin))
                self._put(origin, nailed)
        return nailed.client

    async def close(self) -> None:
        """Close every client; calls under way end as interrupted."""
        nailed, self._by_origin = self._by_origin, {}
        for each in nailed.values():
            await each.client.close()

    def _put(self, origin: Origin, nailed: _Nailed) -> None:
        # Replaced and crowded-out clients are let go, not closed: closing would cut off calls under way.
        self._by_origin.pop(origin, None)
        self._by_origin[origin] = nailed
        if len(self._by_origin) > _CLIENTS_MAX:
            del self._by_origin[next(iter(self._by_origin))]

    def _build(self, pin: Pin) -> Client:
        endpoint = pin.endpoint
        _must_read_alike(endpoint)
        builder = (
            ClientBuilder()
            .user_agent(self._user_agent)
            # A proxy, a redirect or a second look-up would each step round the guard.
            .no_proxy()
            .follow_redirects(False)
            .resolve(endpoint.host, pin.address, endpoint.port)
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
        return builder.build()


def _must_read_alike(endpoint: Endpoint) -> None:
    # The pin holds for exactly this name: were the client to read another host out of the text, it would resolve it.
    read = Url(endpoint.url)
    if (read.scheme, read.host_str, read.port_or_known_default) != _origin(endpoint):
        raise ValueError(f"the client reads the endpoint {endpoint.url} differently")


def _origin(endpoint: Endpoint) -> Origin:
    return endpoint.scheme, endpoint.host, endpoint.port
