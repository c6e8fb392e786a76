"""What tests of RabbitMQ share: a virtual host of their own on the session's broker, and a unit's client."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote

import pika
from pika.adapters.blocking_connection import BlockingChannel

from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.management import Management
from adapters.rabbitmq.provisioner import RabbitProvisioner
from auth.port import SigningSecrets
from contracts.arrival import Answer, Arrival, Said
from contracts.cloudevents import write_event
from contracts.nouns import Connection, RenderedLetter, Transport
from contracts.port import BrokerGrant
from contracts.problem import Problem
from contracts.samples import VALID
from hub.demo.broker import Broker
from hub.demo.broker_node import LOOPBACK

CASE = "330800-20261123-000042"
LOCAL = (ip_network("127.0.0.0/8"),)
STRUCTURED = "application/cloudevents+json"
MORNING = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class NamedSecrets:
    """Secrets by name, the same for every unit."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    async def signing(self, connection_id: str) -> SigningSecrets:
        """None."""
        return SigningSecrets()

    async def named(self, unit_id: str, name: str) -> str:
        """The secret of this name."""
        return self.secrets[name]


@dataclass
class Ground:
    """A virtual host of one test's own, as a hub uses it."""

    broker: Broker
    vhost: str
    management: Management
    brokers: Brokers
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The hub's address on this virtual host."""
        return self.broker.url.rpartition("/")[0] + "/" + quote(self.vhost, safe="")

    def say(self, event: str, /, **fields: Any) -> None:
        """Keeps what is told."""
        self.said.append((event, fields))

    def heard(self, event: str) -> list[dict[str, Any]]:
        """The fields of each time that an event was said."""
        return [fields for name, fields in self.said if name == event]

    @property
    def provisioner(self) -> RabbitProvisioner:
        """As the hub has one."""
        return RabbitProvisioner(self.management, lambda: self.brokers.hub("out"))

    async def grant(self, *connections: Connection, password: str = "secret-of-the-unit") -> list[str]:
        """Everything for these connections is there; what was changed."""
        grants = [
            BrokerGrant(each.connection_id, each.settings, ((f"{each.connection_id}.1", password),))
            for each in connections
        ]
        changes = await self.provisioner.reconcile(grants, ())
        assert not [change for change in changes if change.failed], changes
        return [change.what for change in changes]

    @contextmanager
    def client(self, user: str | None = None, password: str = "secret-of-the-unit") -> Any:
        """A channel of a unit's client, or of an administrator's."""
        login = pika.PlainCredentials(user or self.broker.node.user, password if user else self.broker.node.password)
        connection = pika.BlockingConnection(
            pika.ConnectionParameters(LOOPBACK, self.broker.node.port, self.vhost, login, connection_attempts=1)
        )
        try:
            yield connection.channel()
        finally:
            if connection.is_open:
                connection.close()


@asynccontextmanager
async def a_ground(broker: Broker, secrets: NamedSecrets | None = None) -> AsyncIterator[Ground]:
    """A fresh virtual host."""
    vhost = f"test-{uuid.uuid4().hex[:10]}"
    calls = HttpCalls(OutboundGuard(allow=LOCAL), "0.1.0")
    management = Management(broker.management_url, vhost, calls)
    await management.ensure_vhost()
    url = broker.url.rpartition("/")[0] + "/" + vhost
    brokers = Brokers([url], secrets or NamedSecrets(), OutboundGuard(allow=LOCAL), "test", 256 * 1024)
    try:
        yield Ground(broker, vhost, management, brokers)
    finally:
        await brokers.close()
        await management.delete_vhost()
        await calls.close()


def a_connection(unit: str = "telecom", **settings: Any) -> Connection:
    """A connection over RabbitMQ."""
    return Connection(
        f"{unit}.main",
        unit,
        Transport.RABBITMQ,
        1,
        {"queues": "quorum", "limits": {}, "prefetch": 100, **settings},
        frozenset({"case.dispatch"}),
        concurrency=64,
        timeout_seconds=10.0,
        source="rabbitmq",
    )


_serials = itertools.count(1)


def an_event(contract: str = "case.feedback", id: str | None = None, **more: Any) -> bytes:
    """What a unit writes: a CloudEvent in structured form."""
    return write_event(
        id=id or f"m-{next(_serials)}",
        source="/telecom",
        type=contract,
        subject=None if contract == "case.report" else more.pop("subject", CASE),
        time=datetime.now(UTC),
        dataschema=f"https://cityhub.example/contracts/{contract}/1.0",
        extensions={},
        data=more.pop("data", VALID[f"{contract}/1.0"]),
    )


def a_letter(serial: int = 42) -> RenderedLetter:
    """A dispatch as the hub renders it."""
    name = f"L{serial:012}"
    body = write_event(
        id=name,
        source="/cityhub",
        type="case.dispatch",
        subject=CASE,
        time=MORNING,
        dataschema="https://cityhub.example/contracts/case.dispatch/1.0",
        extensions={"mode": "live", "sequence": f"{serial:08}", "basedonversion": 3},
        data=VALID["case.dispatch/1.0"],
    )
    digest = hashlib.sha256(body).digest()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    return RenderedLetter(name, CASE, "case.dispatch/1.0", f"{STRUCTURED}; charset=utf-8", body, digest, trace)


class Bookmark:
    """A bookmark in memory."""

    text = ""

    async def move(self, text: str) -> None:
        """Moved."""
        self.text = text


@dataclass
class Receives:
    """A reception that remembers; ``answer`` says what becomes of an arrival, an accepted message by default."""

    answer: Callable[[Arrival], Answer | Problem] = lambda _: ACCEPTED
    batches: list[list[Arrival]] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        """Answers each; those that say nothing with why."""
        self.batches.append(list(arrivals))
        if self.hold is not None:
            await self.hold.wait()
        return [each.said if isinstance(each.said, Problem) else self.answer(each) for each in arrivals]

    @property
    def arrivals(self) -> list[Arrival]:
        """All that came, in order."""
        return [arrival for batch in self.batches for arrival in batch]

    @property
    def ids(self) -> list[str]:
        """The ids of the messages that could be read."""
        return [arrival.said.message_id for arrival in self.arrivals if isinstance(arrival.said, Said)]


ACCEPTED = Answer(42, CASE, 4, "feedback_given", 17)


@asynccontextmanager
async def running(work: Any) -> AsyncIterator[asyncio.Task[Any]]:
    """A task for as long as the block lasts; what it fails with fails the test."""
    task = asyncio.ensure_future(work)
    try:
        yield task
        if task.done() and not task.cancelled() and task.exception() is not None:
            raise AssertionError("the task died") from task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def publish(
    channel: BlockingChannel,
    exchange: str,
    body: bytes,
    key: str = "",
    content_type: str | None = STRUCTURED,
    **more: Any,
) -> None:
    """One persistent message, confirmed."""
    properties = pika.BasicProperties(content_type=content_type, delivery_mode=2, **more)
    channel.basic_publish(exchange, key, body, properties, mandatory=True)


def fetched(channel: BlockingChannel, queue: str) -> tuple[pika.BasicProperties, bytes] | None:
    """The next message of a queue, taken off it."""
    method, properties, body = channel.basic_get(queue, auto_ack=True)
    return (properties, body) if method is not None else None


def document(body: bytes) -> Any:
    """The JSON of a body."""
    return json.loads(body)


def in_thread(work: Callable[[], None]) -> threading.Thread:
    """Work beside the loop."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
