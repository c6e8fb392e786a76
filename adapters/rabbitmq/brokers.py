"""Which broker a connection means, and the links of this process: one for each broker and direction."""

from __future__ import annotations

import contextlib
import logging
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import pika

from adapters.guard import OutboundGuard
from adapters.rabbitmq.link import Link, Parameters, Where
from auth.port import Secrets
from contracts.nouns import Connection
from contracts.port import Unauthorised
from contracts.ways.rabbitmq import AMQP_PORT, AMQPS_PORT

NOT_SET = "枢纽没有设置消息服务器:启动时给出 --rabbitmq / the hub has no broker: start it with --rabbitmq amqp://…"


class Brokers:
    """Links by broker. ``urls`` are the nodes of the hub's own broker; empty where it has none."""

    def __init__(
        self, urls: Sequence[str], secrets: Secrets, guard: OutboundGuard, name: str, body_max: int = 1024 * 1024
    ) -> None:
        self._urls = tuple(urls)
        self._secrets = secrets
        self._guard = guard
        self._name = name
        self._body_max = body_max
        self._links: dict[tuple[str, ...], Link] = {}
        # Each failure is told by whoever met it, once; pika tells it five times.
        logging.getLogger("pika").setLevel(logging.CRITICAL)

    def hub(self, direction: str) -> Link:
        """The hub's own broker. Raises ``Unauthorised`` where the hub has none."""
        if not self._urls:
            raise Unauthorised(NOT_SET)
        return self._link((direction,), self._hub_nodes, shared=True)

    def of(self, connection: Connection, direction: str) -> Link:
        """The broker that a connection means: the unit's own, else the hub's."""
        own = own_broker(connection)
        if own is None:
            return self.hub(direction)
        unit_id = connection.unit_id
        key = (direction, unit_id, *(str(own.get(each)) for each in ("host", "port", "tls", "vhost", "user", "secret")))

        async def where() -> Sequence[Parameters]:
            return [await self._own(unit_id, own)]

        return self._link(key, where)

    async def close(self) -> None:
        """Close every link."""
        for link in self._links.values():
            await link.close()
        self._links.clear()

    def _link(self, key: tuple[str, ...], where: Where, *, shared: bool = False) -> Link:
        link = self._links.get(key)
        if link is None:
            link = self._links[key] = Link(where, self._body_max, shared=shared)
        return link

    async def _hub_nodes(self) -> Sequence[Parameters]:
        made = [pika.URLParameters(url) for url in self._urls]
        for parameters in made:
            parameters.client_properties = self._client()
        return made

    async def _own(self, unit_id: str, own: Mapping[str, Any]) -> Parameters:
        tls, host = bool(own.get("tls", True)), str(own["host"])
        port = int(own.get("port") or (AMQPS_PORT if tls else AMQP_PORT))
        pin = await self._guard.pin(endpoint_of(host, port))
        password = await self._secret(unit_id, str(own["secret"]))
        return pika.ConnectionParameters(
            host=pin.address,
            port=port,
            virtual_host=own.get("vhost", "/"),
            credentials=pika.PlainCredentials(str(own["user"]), password),
            ssl_options=pika.SSLOptions(await self._context(unit_id, own), host) if tls else None,
            client_properties=self._client(),
        )

    async def _context(self, unit_id: str, own: Mapping[str, Any]) -> ssl.SSLContext:
        authority = own.get("authority")
        if authority is None:
            return ssl.create_default_context()
        text = await self._secret(unit_id, str(authority))
        with contextlib.suppress(ssl.SSLError):
            return ssl.create_default_context(cadata=text)
        raise Unauthorised(f"密钥 {authority} 不是 PEM 证书 / the secret {authority} is no PEM certificate")

    async def _secret(self, unit_id: str, name: str) -> str:
        try:
            return await self._secrets.named(unit_id, name)
        except KeyError:
            raise Unauthorised(f"没有名为 {name} 的密钥 / there is no secret {name}") from None

    def _client(self) -> dict[str, str]:
        return {"connection_name": self._name}


def own_broker(connection: Connection) -> Mapping[str, Any] | None:
    """The ``broker`` section of a connection's settings."""
    own: Mapping[str, Any] | None = connection.settings.get("broker")
    return own


def endpoint_of(host: str, port: int) -> str:
    """A broker's address as the outbound guard judges addresses."""
    return f"https://[{host}]:{port}/" if ":" in host else f"https://{host}:{port}/"


def vhost_of(url: str) -> str:
    """The virtual host that an address of the hub's broker names."""
    return str(pika.URLParameters(url).virtual_host)
