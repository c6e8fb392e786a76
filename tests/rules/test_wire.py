"""What is written to a caller in one turn of the loop leaves in one piece, all of it before the connection closes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from hub.api.wire import JoinedTransport

HEAD, BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}"


class Wire(asyncio.Transport):
    """Notes each call to the system."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.closed = False

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.calls.append(b"".join(list_of_data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def test_an_answers_head_leaves_with_its_body() -> None:
    wire = Wire()
    joined = JoinedTransport(wire)
    joined.write(HEAD)
    joined.write(BODY)
    await asyncio.sleep(0)
    assert wire.calls == [HEAD + BODY]


async def test_what_is_written_in_a_later_turn_does_not_wait_for_more() -> None:
    wire = Wire()
    joined = JoinedTransport(wire)
    for piece in (b"event: 1\n\n", b"event: 2\n\n"):
        joined.write(piece)
        await asyncio.sleep(0)
    assert wire.calls == [b"event: 1\n\n", b"event: 2\n\n"]


async def test_a_connection_closes_after_what_was_written() -> None:
    wire = Wire()
    joined = JoinedTransport(wire)
    joined.write(BODY)
    joined.close()
    assert (wire.calls, wire.closed) == ([BODY], True)
    await asyncio.sleep(0)
    assert wire.calls == [BODY]


async def test_nothing_is_written_to_a_connection_that_went_away_meanwhile() -> None:
    wire = Wire()
    joined = JoinedTransport(wire)
    joined.write(BODY)
    wire.close()
    await asyncio.sleep(0)
    assert wire.calls == []
