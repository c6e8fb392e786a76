"""The one place that reaches into pika (1.x): what a unit may put on the wire must not end the hub's connection.

pika reads a message's properties as soon as they come, and lets whatever it cannot read end the connection; the broker
then hands the same message out again, for ever. Here such properties are read as none. A body beyond the limit is
counted, not kept.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pika
from pika import frame, spec
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel, ContentFrameAssembler

Closed = Callable[[Any, BaseException], None]

_START = struct.Struct(">BHL")
_CONTENT = struct.Struct(">HHQ")


class UnreadableProperties(pika.BasicProperties):  # type: ignore[misc]
    """Stands for properties that are no AMQP, or that Python has no value for (a moment of the year 300,000)."""


class TolerantConnection(AsyncioConnection):  # type: ignore[misc]
    """pika's asyncio connection, which survives every message that a broker lets through.

    What is written in one turn of the loop goes out at once: pika gives each frame, three for a message, to the socket
    alone, which is a third of the cost of publishing.
    """

    def __init__(self, parameters: pika.connection.Parameters, body_max: int, **callbacks: Any) -> None:
        self._body_max = body_max
        self._unsent: list[bytes] = []
        super().__init__(parameters, **callbacks)

    def _output_marshaled_frames(self, marshaled_frames: list[bytes]) -> None:
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send_all)
        self._unsent += marshaled_frames
        self.frames_sent += len(marshaled_frames)
        self.bytes_sent += sum(map(len, marshaled_frames))

    def _send_all(self) -> None:
        unsent, self._unsent = self._unsent, []
        # It may have been closed within the same turn.
        if self._transport is not None:
            self._adapter_emit_data(b"".join(unsent))

    def _read_frame(self) -> tuple[int, Any]:
        try:
            found: tuple[int, Any] = frame.decode_frame(self._frame_buffer)
            return found
        except Exception:
            kind, number, size = _START.unpack_from(self._frame_buffer)
            if kind != spec.FRAME_HEADER:
                raise
            _, _, body_size = _CONTENT.unpack_from(self._frame_buffer, spec.FRAME_HEADER_SIZE)
            end = spec.FRAME_HEADER_SIZE + size + spec.FRAME_END_SIZE
            return end, frame.Header(number, body_size, UnreadableProperties())

    def _create_channel(self, channel_number: int, on_open_callback: Callable[[Channel], Any] | None) -> Channel:
        channel = super()._create_channel(channel_number, on_open_callback)
        channel._content_assembler = _BoundedAssembler(self._body_max)
        return channel


class _BoundedAssembler(ContentFrameAssembler):  # type: ignore[misc]
    """Keeps the first ``body_max`` bytes of a body and one more: whoever gets it sees that it was cut."""

    def __init__(self, body_max: int) -> None:
        super().__init__()
        self._left = self._body_max = body_max + 1

    def _handle_body_frame(self, body_frame: frame.Body) -> Any:
        kept = body_frame.fragment[: self._left]
        self._left -= len(kept)
        self._seen_so_far += len(body_frame.fragment) - len(kept)
        return super()._handle_body_frame(frame.Body(body_frame.channel_number, kept))

    def _reset(self) -> None:
        super()._reset()
        self._left = self._body_max
