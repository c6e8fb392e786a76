"""The RabbitMQ source: what a unit wrote, in batches into the reception, confirmed to the broker once it is committed.

A message is confirmed after the reception has answered it, whether with an answer or with a refusal (which is kept on
the refused shelf): so nothing is lost, and nothing that cannot be read goes round in circles. What the hub cannot
decide now (its store is away) is neither confirmed nor given back: it is held, and tried again after a pause.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pika
from msgspec import structs
from pika.channel import Channel

from adapters.mapping import mapper_of
from adapters.rabbitmq.brokers import Brokers, own_broker
from adapters.rabbitmq.confirming import ConfirmedChannel
from adapters.rabbitmq.faults import Missing, channel_closed
from adapters.rabbitmq.link import CHANNEL_SECONDS, Link
from adapters.rabbitmq.reading import Received, Reply, death_of, letter_of, read, reply_of
from adapters.rabbitmq.say import Say, tell_provided
from adapters.rabbitmq.topology import consumers, declare, topology_of
from contracts.arrival import Answer, Arrival
from contracts.nouns import Connection
from contracts.port import Bookmark, DeliveryFailed, Reception, Unavailable
from contracts.problem import PROBLEMS, Problem
from contracts.ways.rabbitmq import names_of

BATCH_MAX = 200
BATCH_BYTES = 4 * 1024 * 1024
PREFETCH_BYTES = 256 * 1024 * 1024
"""However much a profile prefetches, what of one connection waits in memory is never more."""

HELD_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0)
"""How long messages that cannot be decided now are held before each further try."""

INTERNAL_TRIES = 4
UNDECIDABLE = Problem(
    "dead_lettered", "枢纽多次处理此消息都出错,已留存。", "The hub failed at this message again and again; it is kept."
)

DELETED = "队列已被删除 / the queue was deleted"

REPLY_SECONDS = 3.0
READ_EVERY_SECONDS = 15.0
LOOK_SECONDS = 10.0
"""So often a consumer asks whether its queues still know it: a broker may forget to say that one was deleted (seen with
quorum queues of RabbitMQ 3.10), and whoever waits for its messages then waits for ever."""


@dataclass(slots=True)
class _Consumer:
    """One connection's channel: what came and is not handed in yet."""

    connection: Connection
    link: Link
    queues: dict[str, bool]
    waiting: deque[Received] = field(default_factory=deque)
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    ended: DeliveryFailed | None = None
    channel: Channel | None = None
    looking: asyncio.Task[None] | None = None

    async def start(self, prefetch: int) -> None:
        """Consume. Raises ``Missing`` where a queue is not there, ``Unavailable`` or ``Unauthorised``."""
        channel = self.channel = await self.link.channel()
        try:
            await self._consume(channel, prefetch)
            self.looking = asyncio.create_task(self._look())
        except BaseException:
            # A consumer that comes about later would hold messages that nobody reads.
            self.close()
            raise

    async def _consume(self, channel: Channel, prefetch: int) -> None:
        channel.add_on_close_callback(lambda _, why: self._end(channel_closed(why)))
        channel.add_on_cancel_callback(lambda _: self._end(Missing(DELETED)))
        started = asyncio.Event()
        channel.basic_qos(prefetch_count=prefetch)
        missing = len(self.queues)

        def consuming(_frame: Any) -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                started.set()

        for queue, dead in self.queues.items():
            channel.basic_consume(queue, self._taker(dead), callback=consuming)
        waits = [asyncio.create_task(each.wait()) for each in (started, self.rung)]
        try:
            async with asyncio.timeout(CHANNEL_SECONDS):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise Unavailable("消息服务器没有应答 / the broker does not answer") from None
        finally:
            for each in waits:
                each.cancel()
        if self.ended is not None:
            raise self.ended

    async def batch(self) -> list[Received]:
        """The next messages, in order, once there are any. Raises what ended the channel."""
        while not self.waiting or self.ended is not None:
            if self.ended is not None:
                # What waits here comes again on another channel.
                raise self.ended
            self.rung.clear()
            await self.rung.wait()
        made: list[Received] = []
        size = 0
        while self.waiting and len(made) < BATCH_MAX and size < BATCH_BYTES:
            made.append(self.waiting.popleft())
            size += len(made[-1].body)
        return made

    def confirm(self, batch: Sequence[Received]) -> None:
        """Everything up to here is committed or refused. On a channel that has ended it all comes again."""
        if self.channel is not None and self.channel.is_open:
            self.channel.basic_ack(max(received.tag for received in batch), multiple=True)

    def close(self) -> None:
        """Stop; what is not confirmed goes back into the queue."""
        if self.looking is not None:
            self.looking.cancel()
        if self.channel is not None and self.channel.is_open:
            self.channel.close()

    async def _look(self) -> None:
        while self.ended is None:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                known = await consumers(self.link, self.queues)
            except Missing as gone:
                self._end(gone)
            except (DeliveryFailed, pika.exceptions.AMQPError):
                # Not to be learned now; if the connection is lost, the channel itself ends.
                continue
            else:
                if not all(known):
                    # It was deleted and made anew: nobody reads it.
                    self._end(Missing(DELETED))

    def _taker(self, dead: bool) -> Any:
        def take(_channel: Channel, method: Any, properties: pika.BasicProperties, body: bytes) -> None:
            self.waiting.append(Received(method.delivery_tag, properties, body, dead, datetime.now(UTC)))
            self.rung.set()

        return take

    def _end(self, why: DeliveryFailed) -> None:
        self.ended = self.ended or why
        self.rung.set()


class RabbitSource:
    """Collects from queues; implements ``contracts.port.Source``. ``epoch`` is the log's, for the answers."""

    def __init__(self, brokers: Brokers, say: Say, epoch: Callable[[], int], body_max: int = 1024 * 1024) -> None:
        self._brokers = brokers
        self._say = say
        self._epoch = epoch
        self._body_max = body_max
        # The profiles under which a queue was read: only then was one that is missing deleted by somebody else.
        self._served: dict[str, Connection] = {}

    async def collect(self, connection: Connection, bookmark: Bookmark, reception: Reception) -> None:
        """Collect until cancelled. A queue is its own bookmark: that of the lease only says that it goes well."""
        mapper = mapper_of(connection.settings) if "mapping_of" in connection.settings else None
        replies = _Replies(self._brokers, connection, self._epoch)
        try:
            while True:
                consumer = await self._consumer(connection)
                try:
                    # What troubled the collector before is over, whether anything comes or not.
                    await bookmark.move(_read_at())
                    marked = asyncio.get_running_loop().time()
                    while True:
                        batch = await consumer.batch()
                        made = [read(received, connection, mapper, self._body_max) for received in batch]
                        outcomes = await _received(reception, [each.arrival for each in made])
                        self._tell_dead(connection, batch)
                        await replies.send(batch, [each.message_id for each in made], outcomes)
                        consumer.confirm(batch)
                        if (now := asyncio.get_running_loop().time()) > marked + READ_EVERY_SECONDS:
                            # Told once in a while: it is an update of a row, and a queue may bring thousands a second.
                            marked = now
                            await bookmark.move(_read_at())
                except Missing:
                    # On the hub's broker it is made again, and at once: until then what the unit writes goes nowhere.
                    if own_broker(connection) is not None:
                        raise
                finally:
                    consumer.close()
        finally:
            replies.close()

    async def close(self) -> None:
        """Nothing is kept between two collections; the connections are the brokers'."""

    async def _consumer(self, connection: Connection) -> _Consumer:
        link, own = self._brokers.of(connection, "in"), own_broker(connection)
        prefetch = min(int(connection.settings.get("prefetch", 200)), max(PREFETCH_BYTES // self._body_max, 1))
        if own is not None:
            consumer = _Consumer(connection, link, {str(own["consume"]): False})
            await consumer.start(prefetch)
            return consumer
        names = names_of(connection.connection_id)
        queues = {names.queue_in: False, names.queue_dead: True}
        try:
            consumer = _Consumer(connection, link, queues)
            await consumer.start(prefetch)
        except Missing:
            # Nobody made it yet, or somebody deleted it.
            await declare(link, topology_of(connection.connection_id, connection.settings), out=False)
            again = self._served.get(connection.connection_id) == connection
            tell_provided(self._say, connection, names.queue_in, again=again)
            consumer = _Consumer(connection, link, queues)
            await consumer.start(prefetch)
        self._served[connection.connection_id] = connection
        return consumer

    def _tell_dead(self, connection: Connection, batch: Sequence[Received]) -> None:
        for received in batch:
            if received.dead:
                queue, reason = death_of(received)
                self._say(
                    "message.died",
                    connection_id=connection.connection_id,
                    unit_id=connection.unit_id,
                    message_id=letter_of(received),
                    queue=queue,
                    reason=reason,
                )


def _read_at() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


async def _received(reception: Reception, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
    """What the reception answers each, in the end: what cannot be decided now is held and handed in again."""
    outcomes = await reception.receive(arrivals)
    tries = 0
    while again := [n for n, outcome in enumerate(outcomes) if _undecided(outcome)]:
        await asyncio.sleep(HELD_SECONDS[min(tries, len(HELD_SECONDS) - 1)])
        tries += 1
        handed = [_given_up(arrivals[n], outcomes[n], tries) for n in again]
        for n, arrival, outcome in zip(again, handed, await reception.receive(handed), strict=True):
            outcomes[n] = outcome if arrival is arrivals[n] else replace(UNDECIDABLE)
    return outcomes


def _undecided(outcome: Answer | Problem) -> bool:
    return isinstance(outcome, Problem) and outcome.kind != UNDECIDABLE.kind and PROBLEMS[outcome.kind].retryable


def _given_up(arrival: Arrival, outcome: Answer | Problem, tries: int) -> Arrival:
    """A message at which the hub itself fails again and again goes on the shelf, so that the next ones get through."""
    failed = isinstance(outcome, Problem) and outcome.kind == "internal" and tries >= INTERNAL_TRIES
    return structs.replace(arrival, said=replace(UNDECIDABLE)) if failed else arrival


class _Replies:
    """Answers to messages that asked for one, on a connection for publishing: a full broker must not stop reading."""

    def __init__(self, brokers: Brokers, connection: Connection, epoch: Callable[[], int]) -> None:
        self._brokers = brokers
        self._epoch = epoch
        self._connection = connection
        self._channel: ConfirmedChannel | None = None
        own = own_broker(connection)
        self._allowed = names_of(connection.connection_id).queue_out if own is None else None

    async def send(
        self, batch: Sequence[Received], message_ids: Sequence[str], outcomes: Sequence[Answer | Problem]
    ) -> None:
        """Publish the answers. One that does not arrive is given again when the message is sent again."""
        made = [
            reply
            for received, message_id, outcome in zip(batch, message_ids, outcomes, strict=True)
            if (reply := reply_of(received, message_id, outcome, self._allowed, self._epoch())) is not None
        ]
        if not made:
            return
        # The message itself is decided: a reply that cannot be given holds nothing up.
        with contextlib.suppress(DeliveryFailed, TimeoutError):
            async with asyncio.timeout(REPLY_SECONDS):
                if self._channel is None or not self._channel.is_open:
                    self._channel = await ConfirmedChannel.open(self._brokers.of(self._connection, "out"))
                await asyncio.gather(*(self._send(reply) for reply in made), return_exceptions=True)

    def close(self) -> None:
        """Close the channel, if there is one."""
        if self._channel is not None:
            self._channel.close()

    async def _send(self, reply: Reply) -> None:
        assert self._channel is not None
        await self._channel.publish("", reply.queue, reply.body, reply.properties, REPLY_SECONDS)
