"""HTTP/1.1 as uvicorn speaks it, and two things that it leaves to us.

What is written to a connection in one turn of the loop leaves in one piece: an answer's head with its body. And a
request whose head does not come to its end is given up: uvicorn would keep such a connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class JoinedTransport(asyncio.Transport):
    """A transport that keeps what is written until the loop's next turn, or until it is closed."""

    def __init__(self, inner: asyncio.Transport) -> None:
        super().__init__()
        self._inner = inner
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []

    def write(self, data: Any) -> None:
        """Send it with whatever else is written now."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(data)

    def _send(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._inner.is_closing():
            self._inner.writelines(pieces)

    def close(self) -> None:
        """Send what was written, then close."""
        self._send()
        self._inner.close()

    def is_closing(self) -> bool:
        """Whether it is closed or being closed."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport beneath knows."""
        return self._inner.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Take nothing in for now."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Take in again."""
        self._inner.resume_reading()


HEAD_SECONDS = 20.0
"""A head that takes longer is given up, as is a connection on which no request begins."""


class Http(HttpToolsProtocol):
    """One connection: one call to the system for an answer instead of two, and a limit on how long a head may take."""

    head_seconds = HEAD_SECONDS
    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller connected."""
        joined = JoinedTransport(cast(asyncio.Transport, transport))
        super().connection_made(joined)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._head_came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._head is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._head_came()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self.head_seconds, self.transport.close)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
