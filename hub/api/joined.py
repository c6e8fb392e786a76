"""What is written to a connection in one turn of the loop leaves in one piece: an answer's head with its body."""

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


class JoinedHttp(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with one call to the system for an answer instead of two."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller connected."""
        super().connection_made(JoinedTransport(cast(asyncio.Transport, transport)))
