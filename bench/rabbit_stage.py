"""The stage of the RabbitMQ measures: what is sent, by the hub's own parts and by bare pika."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pika
from msgspec import structs
from pika.adapters.asyncio_connection import AsyncioConnection

from adapters.rabbitmq.adapter import RabbitAdapter
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.confirming import ConfirmedChannel
from adapters.rabbitmq.source import RabbitSource
from auth.port import SigningSecrets
from bench.stage import reports
from contracts.arrival import Answer, Arrival
from contracts.cloudevents import write_event
from contracts.nouns import Connection, RenderedLetter
from contracts.port import Reception as Receives
from contracts.problem import Problem
from contracts.samples import VALID
from contracts.ways.rabbitmq import names_of
from hub.say import say_nothing

UNIT = "collection"
WINDOW, LANES = 250, 2
"""Letters on their way at once on a lane, and lanes."""

PREFETCH, ACK_EVERY = 400, 50
BODY_KIND = "application/cloudevents+json"


class NoSecrets:
    """A hub without secrets."""

    async def signing(self, connection_id: str) -> SigningSecrets:
        """None."""
        return SigningSecrets()

    async def named(self, unit_id: str, name: str) -> str:
        """None."""
        raise KeyError(name)


class _Bookmark:
    text = ""

    async def move(self, text: str) -> None:
        """Moved."""


@dataclass
class _Counts:
    """A reception that hands on to another, if there is one, and rings once it has had so many."""

    inner: Receives | None
    wanted: int
    done: asyncio.Event = field(default_factory=asyncio.Event)
    had: int = 0

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        """Every arrival must be accepted."""
        if self.inner is None:
            refused = [each.said for each in arrivals if isinstance(each.said, Problem)]
            answers: list[Answer | Problem] = [Answer(1, "", 1, "", 1) for _ in arrivals]
        else:
            answers = await self.inner.receive(arrivals)
            refused = [each for each in answers if isinstance(each, Problem)]
        if refused:
            raise SystemExit(f"a message was refused: {refused[0]} {refused[0].violations}")
        self.had += len(arrivals)
        if self.had >= self.wanted:
            self.done.set()
        return answers


@dataclass
class RabbitStage:
    """The broker, the hub's parts, and what is sent."""

    url: str
    brokers: Brokers
    reception: Receives
    connections: list[Connection]

    async def out(self, count: int) -> None:
        """Letters through the adapter, as lanes deliver them."""
        adapter, letters = RabbitAdapter(self.brokers, say_nothing), iter(_letters(count))

        async def deliver(connection: Connection) -> None:
            for letter in letters:
                await adapter.deliver(connection, letter)

        await asyncio.gather(*(deliver(each) for each in self.connections for _ in range(WINDOW)))
        await adapter.close()

    async def bare_out(self, count: int) -> None:
        """The same bytes by bare pika: a window of the same size, a confirmation each, no headers."""
        body = _letters(1)[0].body
        queues = [names_of(each.connection_id).queue_out for each in self.connections]
        channels = [await bare_channel(self.url) for _ in queues]
        done, sent, confirmed = asyncio.Event(), 0, 0
        properties = pika.BasicProperties(content_type=BODY_KIND, delivery_mode=2)

        def publish(n: int, upto: int) -> None:
            nonlocal sent
            for _ in range(min(upto, count - sent)):
                channels[n].basic_publish("", queues[n], body, properties)
                sent += 1

        tags = [0] * len(channels)

        def answered(n: int, frame: Any) -> None:
            nonlocal confirmed
            tag = frame.method.delivery_tag
            fresh = tag - tags[n] if frame.method.multiple else 1
            tags[n] = max(tags[n], tag) if frame.method.multiple else tags[n] + 1
            confirmed += fresh
            publish(n, fresh)
            if confirmed >= count:
                done.set()

        for n, channel in enumerate(channels):
            channel.confirm_delivery(lambda frame, n=n: answered(n, frame))
            publish(n, WINDOW)
        async with asyncio.timeout(120):
            await done.wait()
        for channel in channels:
            channel.connection.close()

    async def collected(self, count: int, inner: Receives | None) -> None:
        """Messages that lie in the queues, through the source."""
        counts = _Counts(inner, count)
        source = RabbitSource(self.brokers, say_nothing, lambda: 1)
        tasks = [asyncio.create_task(source.collect(each, _Bookmark(), counts)) for each in self.connections]
        ended = asyncio.create_task(counts.done.wait())
        await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, *tasks):
            if task.done() and not task.cancelled() and task.exception() is not None:
                raise SystemExit(f"collecting failed: {task.exception()}")
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def bare_in(self, count: int) -> None:
        """The same queues by bare pika, fifty confirmed at once."""
        done, had = asyncio.Event(), 0

        def take(channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
            nonlocal had
            had += 1
            if method.delivery_tag % ACK_EVERY == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)
            if had >= count:
                channel.basic_ack(method.delivery_tag, multiple=True)
                done.set()

        channels = [await bare_channel(self.url) for _ in self.connections]
        for channel, each in zip(channels, self.connections, strict=True):
            channel.basic_qos(prefetch_count=PREFETCH)
            channel.basic_consume(names_of(each.connection_id).queue_in, take)
        async with asyncio.timeout(120):
            await done.wait()
        for channel in channels:
            channel.connection.close()

    async def empty(self) -> None:
        """Nothing lies in any queue."""
        channel = await self.brokers.hub("bare").channel()
        emptied = asyncio.Event()
        names = [names_of(each.connection_id) for each in self.connections]
        for each in names:
            channel.queue_purge(each.queue_out)
        channel.queue_purge(names[-1].queue_in, callback=lambda _: emptied.set())
        await emptied.wait()
        channel.close()

    async def fill(self, bodies: Sequence[bytes]) -> None:
        """The unit wrote these."""
        channel = await ConfirmedChannel.open(self.brokers.hub("fill"))

        async def write(n: int, body: bytes) -> None:
            exchange = names_of(self.connections[n % len(self.connections)].connection_id).exchange_in
            properties = pika.BasicProperties(content_type=BODY_KIND, delivery_mode=2, message_id=f"m{n}")
            await channel.publish(exchange, "", body, properties, 60.0)

        for start in range(0, len(bodies), 1000):
            await asyncio.gather(*(write(start + n, body) for n, body in enumerate(bodies[start : start + 1000])))
        channel.close()


async def bare_channel(url: str) -> Any:
    """A channel of pika as it is."""
    opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    AsyncioConnection(
        pika.URLParameters(url),
        on_open_callback=lambda connection: connection.channel(on_open_callback=opened.set_result),
    )
    async with asyncio.timeout(30):
        return await opened


def _letters(count: int) -> list[RenderedLetter]:
    body = write_event(
        id="ltr_1-1",
        source="/cityhub",
        type="case.dispatch",
        subject="330800-20261123-000042",
        time=datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
        dataschema="https://cityhub.example/contracts/case.dispatch/1.0",
        extensions={"mode": "live", "sequence": "00000001", "basedonversion": 2},
        data={**VALID["case.dispatch/1.0"], "description": reports(0)[0]["description"]},
    )
    made = RenderedLetter(
        "ltr", "330800-20261123-000042", "case.dispatch/1.0", BODY_KIND, body, hashlib.sha256(body).digest()
    )
    return [structs.replace(made, letter_id=f"ltr_1-{n}") for n in range(count)]


def report_event(key: str, data: Mapping[str, Any]) -> bytes:
    """A report as a unit sends it by queue."""
    return write_event(
        id=key,
        source="/bench",
        type="case.report",
        subject=None,
        time=datetime.now(UTC),
        dataschema="https://cityhub.example/contracts/case.report/1.0",
        extensions={},
        data=dict(data),
    )


def messages(count: int, run: str, window: int | None = None) -> list[bytes]:
    """Reports, as a unit writes them. Those of a window are each a problem of its own that one unit must handle; of
    others it is unclear who is responsible: they are decided and committed, but no letter goes out."""
    bodies = reports(sum(run.encode()) % 7 if window is None else window)
    unclear = {"category_code": "C0107"} if window is None else {}
    return [
        report_event(
            f"{run}-{n}", {**bodies[n % len(bodies)], **unclear, "description": f"{run} {n} 路面有明显问题" * 3}
        )
        for n in range(count)
    ]
