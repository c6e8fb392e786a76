"""Channels to a broker that is slow to open them: who gave up leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pika
import pytest
from pika import frame, spec

from adapters.rabbitmq.confirming import ConfirmedChannel
from adapters.rabbitmq.link import Link

pytestmark = pytest.mark.way

SLOW_SECONDS = 0.2
TOLD = {"capabilities": {"publisher_confirms": True, "basic.nack": True}}


class SlowBroker:
    """Greets at once; opens a channel, and puts it into confirm mode, only after a while."""

    def __init__(self) -> None:
        self.opened: set[int] = set()
        self.closed: set[int] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""

        def say(channel: int, method: Any) -> None:
            writer.write(frame.Method(channel, method).marshal())

        later = asyncio.get_running_loop().call_later
        await reader.readexactly(8)
        say(0, spec.Connection.Start(0, 9, TOLD, b"PLAIN", b"en_US"))
        unread = b""
        while data := await reader.read(65536):
            unread += data
            while (found := frame.decode_frame(unread))[0]:
                unread, said = unread[found[0] :], found[1]
                number = said.channel_number
                match getattr(said, "method", None):
                    case spec.Connection.StartOk():
                        say(0, spec.Connection.Tune(2047, 131072, 0))
                    case spec.Connection.Open():
                        say(0, spec.Connection.OpenOk())
                    case spec.Channel.Open():
                        self.opened.add(number)
                        later(SLOW_SECONDS, say, number, spec.Channel.OpenOk())
                    case spec.Channel.Close():
                        self.closed.add(number)
                        say(number, spec.Channel.CloseOk())
                    case spec.Confirm.Select():
                        later(SLOW_SECONDS, say, number, spec.Confirm.SelectOk())
        writer.close()


@pytest.fixture
async def slow() -> AsyncIterator[tuple[SlowBroker, Link]]:
    broker = SlowBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def where() -> list[Any]:
        return [pika.ConnectionParameters("127.0.0.1", port)]

    link = Link(where)
    yield broker, link
    await link.close()
    server.close()


@pytest.mark.parametrize("limit_seconds", [SLOW_SECONDS / 2, 1.5 * SLOW_SECONDS], ids=["opening", "confirming"])
async def test_who_gives_up_leaves_no_channel_behind(slow: tuple[SlowBroker, Link], limit_seconds: float) -> None:
    broker, link = slow
    whole = await ConfirmedChannel.open(link)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(limit_seconds):
                await ConfirmedChannel.open(link)
    await asyncio.sleep(4 * SLOW_SECONDS)
    assert len(broker.opened) >= 2
    assert len(broker.opened - broker.closed) <= 1, "but the one that is in use"
    assert whole.is_open
