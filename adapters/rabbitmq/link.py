"""A link: one connection to one broker, opened when somebody needs it, shared by all lanes of a process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import pika
from pika.channel import Channel

from adapters.rabbitmq.faults import channel_closed, not_connected
from adapters.rabbitmq.wire import TolerantConnection
from contracts.port import DeliveryFailed, Unauthorised, Unavailable

CONNECT_SECONDS = 8.0
CHANNEL_SECONDS = 15.0
HEARTBEAT_SECONDS = 20
BLOCKED_SECONDS = 300.0
"""How long a broker may take nothing (memory, disk) before the connection to it is made anew."""

CLOSE_SECONDS = 2.0

Parameters: TypeAlias = Any  # pika.connection.Parameters, which has no types
Where: TypeAlias = Callable[[], Awaitable[Sequence[Parameters]]]
"""The addresses to try, in order; asked for each time a connection is made, as passwords change."""


class Link:
    """Opens channels. ``body_max`` bounds the bytes of a message that are kept in memory.

    Where the broker is ``shared``, a login that fails is no lane's own fault: no lane is paused, and all go on once it
    is mended.
    """

    def __init__(self, where: Where, body_max: int = 1024 * 1024, *, shared: bool = False) -> None:
        self._where = where
        self._shared = shared
        self._body_max = body_max
        self._connection: TolerantConnection | None = None
        self._opening: asyncio.Task[TolerantConnection] | None = None
        self.blocked = False

    async def channel(self) -> Channel:
        """A new channel. Raises ``Unavailable`` or ``Unauthorised``."""
        connection = await self._connected()
        opened: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
        try:
            channel = connection.channel(on_open_callback=lambda made: _settle(opened, made))
        except pika.exceptions.AMQPError as fault:
            raise Unavailable(f"打不开通道 / no channel ({type(fault).__name__})") from None
        channel.add_on_close_callback(lambda _, why: _fail(opened, channel_closed(why)))
        made: Channel | None = None
        try:
            async with asyncio.timeout(CHANNEL_SECONDS):
                made = await opened
        except TimeoutError:
            raise Unavailable("消息服务器没有应答 / the broker does not answer") from None
        finally:
            if made is None:
                abandon(channel)
        return made

    async def close(self) -> None:
        """Close the connection; what is not confirmed by then is in doubt."""
        if self._opening is not None:
            self._opening.cancel()
        connection = self._connection
        if connection is None or not connection.is_open:
            return
        closed = asyncio.Event()
        connection.add_on_close_callback(lambda *_: closed.set())
        connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await closed.wait()

    async def _connected(self) -> TolerantConnection:
        if self._connection is not None and self._connection.is_open:
            return self._connection
        if self._opening is None or self._opening.done():
            # All who need it wait for one attempt.
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._opening)

    async def _open(self) -> TolerantConnection:
        failure: DeliveryFailed = Unavailable("消息服务器没有地址 / the broker has no address")
        for parameters in await self._where():
            try:
                self._connection = await self._connect(parameters)
                return self._connection
            except DeliveryFailed as known:
                failure = known
        if self._shared and isinstance(failure, Unauthorised):
            raise Unavailable(failure.reason)
        raise failure

    async def _connect(self, parameters: Parameters) -> TolerantConnection:
        opened: asyncio.Future[TolerantConnection] = asyncio.get_running_loop().create_future()
        parameters.heartbeat = HEARTBEAT_SECONDS
        parameters.blocked_connection_timeout = BLOCKED_SECONDS
        parameters.connection_attempts = 1
        parameters.socket_timeout = parameters.stack_timeout = CONNECT_SECONDS
        connection = TolerantConnection(
            parameters,
            self._body_max,
            on_open_callback=lambda made: _settle(opened, made),
            on_open_error_callback=lambda _, why: _fail(opened, not_connected(why)),
            on_close_callback=self._closed,
        )
        connection.add_on_connection_blocked_callback(self._blocked)
        connection.add_on_connection_unblocked_callback(self._unblocked)
        try:
            async with asyncio.timeout(CONNECT_SECONDS + 1):
                made = await opened
        except (TimeoutError, asyncio.CancelledError) as fault:
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.close()
            if isinstance(fault, asyncio.CancelledError):
                raise
            raise Unavailable("连接消息服务器超时 / no connection to the broker in time") from None
        self.blocked = False
        return made

    def _closed(self, connection: Any, _why: BaseException) -> None:
        if connection is self._connection:
            self._connection, self.blocked = None, False

    def _blocked(self, connection: Any, _frame: Any) -> None:
        self.blocked = self.blocked or connection is self._connection

    def _unblocked(self, connection: Any, _frame: Any) -> None:
        self.blocked = self.blocked and connection is not self._connection


def abandon(channel: Channel) -> None:
    """Close a channel that nobody waits for any more, also one that is still being opened."""
    if not (channel.is_closing or channel.is_closed):
        channel.close()


def _settle(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], failure: DeliveryFailed) -> None:
    if not future.done():
        future.set_exception(failure)
        future.exception()  # taken, for the case that nobody waits any more
