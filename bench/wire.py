"""A bare HTTP/1.1 client and server for load: so cheap that what is measured is the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


class _Caller(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) >= length and self.answer is not None:
            self.buffer = rest[length:]
            answer, self.answer = self.answer, None
            answer.set_result((int(head[9:12]), rest[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionError("closed"))


@dataclass(slots=True)
class Caller:
    """One kept-alive connection that posts."""

    protocol: _Caller
    host: str

    @classmethod
    async def open(cls, host: str, port: int) -> Caller:
        """Connect."""
        _, protocol = await asyncio.get_running_loop().create_connection(_Caller, host, port)
        return cls(protocol, f"{host}:{port}")

    async def post(self, path: str, headers: str, body: bytes) -> tuple[int, bytes]:
        """Post and wait for the answer."""
        protocol = self.protocol
        protocol.answer = asyncio.get_running_loop().create_future()
        head = f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        assert protocol.transport is not None
        protocol.transport.write(head.encode() + body)
        return await protocol.answer


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Receiver(asyncio.Protocol):
    """Hands (head, body) of every request on, and answers what that returns, else the same each time."""

    def __init__(self, receive: Callable[[bytes, bytes], bytes | None], answer: bytes = OK) -> None:
        self.receive = receive
        self.answer = answer
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            lower = head.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            said = self.receive(lower, rest[:length])
            assert self.transport is not None
            self.transport.write(said or self.answer)
