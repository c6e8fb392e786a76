"""A unit with a broker of its own, well- and ill-behaved, spoken of as a ``Partner``."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pika

from contracts.nouns import Connection, Transport
from hub.demo.broker import Broker
from hub.demo.broker_node import LOOPBACK
from tests.conformance.adapter_suite import Behaviour, SeenLetter
from tests.conformance.rest_unit import certificates

WAIT_SECONDS = 30.0


@dataclass
class RabbitUnit:
    """Its broker, and the ports behind which it misbehaves. A queue that is full says no."""

    broker: Broker
    ports: dict[str, int]
    behaviours: frozenset[Behaviour] = frozenset(Behaviour) - {
        *(Behaviour.PROCESSES, Behaviour.BUSY, Behaviour.FLOODS, Behaviour.REFUSES),
    }
    _serials: Iterator[int] = field(default_factory=count)
    _read: dict[str, list[SeenLetter]] = field(default_factory=dict)

    def connection(self, behaviour: Behaviour, timeout_seconds: float = 10.0) -> Connection:
        """A new connection to a unit that behaves so; its queue is there."""
        serial = next(self._serials)
        queue = f"letters-{behaviour}-{serial}"
        with self._channel() as channel:
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        broker: dict[str, Any] = {
            "host": LOOPBACK,
            "port": self.ports.get(behaviour, self.broker.node.port),
            "tls": behaviour is Behaviour.FALSE_CERTIFICATE,
            "user": self.broker.node.user,
            "secret": "wrong" if behaviour is Behaviour.DOES_NOT_TRUST else "right",
            "publish": {"routing_key": queue, "routes": []},
        }
        if behaviour is Behaviour.NOT_THERE:
            broker["port"] = _closed_port()
        if behaviour is Behaviour.IS_GONE:
            broker["publish"] = {"exchange": "no-such-exchange", "routing_key": queue, "routes": []}
        return Connection(
            connection_id=f"broadcaster.c{serial}",
            unit_id="broadcaster",
            transport=Transport.RABBITMQ,
            profile_version=1,
            settings={"broker": broker},
            receives=frozenset({"case.dispatch"}),
            timeout_seconds=timeout_seconds,
        )

    async def seen(self, connection: Connection, at_least: int = 0) -> Sequence[SeenLetter]:
        """The letters in the connection's queue, in order; waits until there are so many."""
        queue = connection.settings["broker"]["publish"]["routing_key"]
        read = self._read.setdefault(queue, [])
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                await asyncio.to_thread(self._fetch, queue, read)
                if len(read) >= at_least:
                    return read
                await asyncio.sleep(0.02)

    def _fetch(self, queue: str, into: list[SeenLetter]) -> None:
        with self._channel() as channel:
            while True:
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                if method is None:
                    return
                into.append(SeenLetter(properties.message_id, body, str(properties.timestamp)))

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        node = self.broker.node
        login = pika.PlainCredentials(node.user, node.password)
        connection = pika.BlockingConnection(pika.ConnectionParameters(LOOPBACK, node.port, credentials=login))
        try:
            yield connection.channel()
        finally:
            connection.close()


@contextmanager
def a_rabbit_unit(broker: Broker, folder: Path) -> Iterator[RabbitUnit]:
    """A unit's broker, with a process before it that misbehaves."""
    _, chain = certificates()
    (folder / "unit.pem").write_bytes(chain)
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("amqp_proxy.py")),
            str(broker.node.port),
            str(folder / "unit.pem"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield RabbitUnit(broker, json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return int(taken.getsockname()[1])
