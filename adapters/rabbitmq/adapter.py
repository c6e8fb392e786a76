"""The RabbitMQ adapter: a letter is published, and delivered once the broker has it safe in the unit's queue.

One channel for each lane: an error closes a channel, and must not close another lane's. Many letters of a lane are on
their way at once, as many as the connection's concurrency says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import pika

from adapters.documents.faults import DocumentFault
from adapters.http.calls import machine_now
from adapters.mapping import Mapper, MappingFailed, mapper_of
from adapters.rabbitmq.brokers import Brokers, own_broker
from adapters.rabbitmq.confirming import ConfirmedChannel
from adapters.rabbitmq.faults import Missing
from adapters.rabbitmq.link import Link
from adapters.rabbitmq.say import Say, tell_provided
from adapters.rabbitmq.topology import declare, topology_of
from contracts.amqp import attributes_of, headers_of
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter
from contracts.port import Refused, Unauthorised, Unavailable
from contracts.ways.rabbitmq import names_of

PERSISTENT = 2
APP = "cityhub"
TAKEN = 202


@dataclass(slots=True)
class _Lane:
    """One connection at work: its broker, its channel, where its letters go."""

    connection: Connection
    link: Link
    own: Mapping[str, Any] | None
    mapper: Mapper | None
    channel: ConfirmedChannel | None = None
    # Whether its queue took a letter under this very profile: only then was it deleted by somebody else.
    served: bool = False
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def target(self, contract: str) -> tuple[str, str]:
        """The exchange and the routing key of a letter."""
        if self.own is None:
            return "", names_of(self.connection.connection_id).queue_out
        publish = self.own["publish"]
        for route in publish["routes"]:
            if route["contract"] == contract.partition("/")[0]:
                return route.get("exchange", publish.get("exchange", "")), route["routing_key"]
        return publish.get("exchange", ""), publish["routing_key"]


class RabbitAdapter:
    """Delivers letters over AMQP; implements ``contracts.port.Adapter``."""

    def __init__(self, brokers: Brokers, say: Say, now: Callable[[], datetime] = machine_now) -> None:
        self._brokers = brokers
        self._say = say
        self._now = now
        self._lanes: dict[str, _Lane] = {}

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``."""
        until = monotonic() + connection.timeout_seconds
        lane = self._lane(connection)
        sent_at = self._now()
        body, properties = _message(lane.mapper, letter, sent_at)
        if lane.link.blocked:
            raise Unavailable("消息服务器内存或磁盘告警,暂停接收 / the broker takes nothing: a memory or disk alarm")
        channel = lane.channel
        if channel is None or not channel.is_open:
            channel = await self._opened(lane)
        exchange, key = lane.target(letter.contract)
        try:
            await channel.publish(exchange, key, body, properties, max(until - monotonic(), 0.001))
        except Missing as missing:
            await self._provide(lane, missing)
            raise
        except Unavailable as failure:
            if lane.link.blocked:
                failure.reason += " (内存或磁盘告警 / a memory or disk alarm)"
            raise
        lane.served = True
        return Delivered(Receipt.RECEIVED, TAKEN, b"", sent_at, self._now())

    async def close(self) -> None:
        """Let go of channels; the connections are the brokers'."""
        for lane in self._lanes.values():
            if lane.channel is not None:
                lane.channel.close()
        self._lanes.clear()

    def _lane(self, connection: Connection) -> _Lane:
        lane = self._lanes.get(connection.connection_id)
        if lane is None or (lane.connection is not connection and lane.connection != connection):
            if lane is not None and lane.channel is not None:
                lane.channel.close()
            mapper = mapper_of(connection.settings) if "mapping_of" in connection.settings else None
            link = self._brokers.of(connection, "out")
            lane = self._lanes[connection.connection_id] = _Lane(connection, link, own_broker(connection), mapper)
        return lane

    async def _opened(self, lane: _Lane) -> ConfirmedChannel:
        try:
            async with asyncio.timeout(lane.connection.timeout_seconds), lane.opening:
                # Whoever was before us may have opened it.
                if lane.channel is None or not lane.channel.is_open:
                    lane.channel = await ConfirmedChannel.open(lane.link)
                return lane.channel
        except TimeoutError:
            raise Unavailable("没有按时连上消息服务器 / no connection to the broker in time") from None

    async def _provide(self, lane: _Lane, missing: Missing) -> None:
        """There is no queue: make it on the hub's broker, so that the next try arrives."""
        if lane.own is not None:
            if missing.exchange:
                raise Unauthorised(missing.reason) from None
            return
        connection_id = lane.connection.connection_id
        await declare(lane.link, topology_of(connection_id, lane.connection.settings), into=False)
        tell_provided(self._say, lane.connection, names_of(connection_id).queue_out, again=lane.served)
        lane.served = False


def _message(mapper: Mapper | None, letter: RenderedLetter, sent_at: datetime) -> tuple[bytes, pika.BasicProperties]:
    """The letter as the unit reads it: the event as it is, or the unit's own document. Raises ``Refused``."""
    attributes = attributes_of(letter.body)
    body, content_type = letter.body, letter.content_type
    if mapper is not None and mapper.writes:
        try:
            written = mapper.write(letter.contract.partition("/")[0], letter.body)
        except (MappingFailed, DocumentFault) as fault:
            raise Refused(f"信件无法按档案映射 / the profile's mapping does not take it: {fault}"[:500]) from None
        body, content_type = written.body, written.content_type
    if letter.traceparent is not None:
        attributes["traceparent"] = letter.traceparent
    return body, pika.BasicProperties(
        content_type=content_type,
        headers=headers_of(attributes),
        delivery_mode=PERSISTENT,
        correlation_id=letter.case_number,
        message_id=letter.letter_id,
        timestamp=int(sent_at.timestamp()),
        type=letter.contract,
        app_id=APP,
    )
