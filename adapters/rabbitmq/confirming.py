"""A channel with publisher confirms: any number of messages on their way, each waiting for its own confirmation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pika
from pika import spec
from pika.channel import Channel

from adapters.rabbitmq.faults import Missing, channel_closed
from adapters.rabbitmq.link import CHANNEL_SECONDS, Link, abandon
from contracts.port import DeliveryFailed, Unavailable

REFUSED = (
    "消息服务器没有接收:队列已满,或暂无主节点 / the broker did not take it: the queue is full, or has no leader now"
)


@dataclass(slots=True)
class _Sent:
    """One message on its way, and why it came back, if it did."""

    message_id: str
    confirmed: asyncio.Future[None]
    returned: str | None = None


class ConfirmedChannel:
    """Publishes. It ends with its channel: whoever holds it opens another."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._tag = 0
        self._sent: dict[int, _Sent] = {}
        self._tags: dict[str, int] = {}
        self._ended: DeliveryFailed | None = None
        self._refused = False
        channel.add_on_close_callback(self._closed)
        channel.add_on_return_callback(self._returned)

    @classmethod
    async def open(cls, link: Link) -> ConfirmedChannel:
        """A channel on a link, in confirm mode. Raises ``Unavailable`` or ``Unauthorised``."""
        made = cls(await link.channel())
        selected = asyncio.Event()
        made._channel.confirm_delivery(made._answered, callback=lambda _: selected.set())
        try:
            async with asyncio.timeout(CHANNEL_SECONDS):
                await selected.wait()
        except TimeoutError:
            raise made._ended or Unavailable("消息服务器没有应答 / the broker does not answer") from None
        finally:
            if not selected.is_set():
                abandon(made._channel)
        return made

    @property
    def is_open(self) -> bool:
        """Whether more should be published on it.

        Not after a refusal: a channel that looked for a queue's leader while its node died goes on refusing for ever,
        and another finds the new leader.
        """
        return self._ended is None and not self._refused and bool(self._channel.is_open)

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, properties: pika.BasicProperties, limit_seconds: float
    ) -> None:
        """Publish, and wait until the broker has it safe. ``properties.message_id`` is its own on this channel.

        Raises ``Missing`` where no queue takes it, ``Unavailable`` where the broker has no room, breaks off or is
        silent, ``Unauthorised`` where it is not allowed.
        """
        loop = asyncio.get_running_loop()
        sent = _Sent(str(properties.message_id), loop.create_future())
        try:
            self._channel.basic_publish(exchange, routing_key, body, properties, mandatory=True)
        except pika.exceptions.AMQPChannelError:
            raise self._ended or Unavailable("通道已关闭 / the channel is closed") from None
        # Nothing was awaited since: the broker counts alike.
        self._tag += 1
        tag = self._tag
        self._sent[tag], self._tags[sent.message_id] = sent, tag
        # A timer of the loop: `asyncio.timeout` for each message costs as much as writing it.
        late = loop.call_later(limit_seconds, _late, sent)
        try:
            await sent.confirmed
        finally:
            late.cancel()
            self._sent.pop(tag, None)
            if self._refused and not self._sent:
                self.close()
            if self._tags.get(sent.message_id) == tag:
                del self._tags[sent.message_id]

    def close(self) -> None:
        """Close the channel; messages on their way are in doubt."""
        if self._channel.is_open:
            self._channel.close()

    def _answered(self, answer: Any) -> None:
        said = answer.method
        acked = isinstance(said, spec.Basic.Ack)
        tags = [tag for tag in self._sent if tag <= said.delivery_tag] if said.multiple else [said.delivery_tag]
        for tag in tags:
            sent = self._sent.pop(tag, None)
            if sent is None or sent.confirmed.done():
                continue
            if not acked:
                self._refused = True
                sent.confirmed.set_exception(Unavailable(REFUSED))
            elif sent.returned is not None:
                sent.confirmed.set_exception(Missing(sent.returned))
            else:
                sent.confirmed.set_result(None)

    def _returned(self, _channel: Channel, method: Any, properties: pika.BasicProperties, _body: bytes) -> None:
        # Comes before the confirmation of the same message.
        sent = self._sent.get(self._tags.get(str(properties.message_id), 0))
        if sent is not None:
            sent.returned = f"没有队列接收 / no queue takes it ({method.reply_code} {method.reply_text})"

    def _closed(self, _channel: Channel, why: BaseException) -> None:
        self._ended = channel_closed(why)
        for sent in list(self._sent.values()):
            if not sent.confirmed.done():
                sent.confirmed.set_exception(channel_closed(why))
        self._sent.clear()


def _late(sent: _Sent) -> None:
    if not sent.confirmed.done():
        sent.confirmed.set_exception(Unavailable("没有按时确认 / not confirmed in time", in_doubt=True))
