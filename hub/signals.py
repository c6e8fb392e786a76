"""Notifications between processes: letters for lanes, entries for readers, changes of the registry. Never the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from hub.say import Say
from hub.store.pool import LOST, heed_end

RECONNECT_SECONDS = 0.5


@dataclass(slots=True)
class Bell:
    """Rings for everybody who waits at that moment."""

    _ring: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        """Wake who waits."""
        ring, self._ring = self._ring, asyncio.Event()
        ring.set()

    def waiter(self) -> asyncio.Event:
        """The event that the next ring sets: take it before looking, then wait for it."""
        return self._ring


@dataclass(slots=True)
class Signals:
    """One listening connection of a process. What is missed while it is down costs a delay, never a letter."""

    dsn: str
    say: Say
    listeners: dict[str, list[Callable[[str], None]]] = field(default_factory=dict)

    def on(self, channel: str, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with each payload on a channel; with an empty one after a reconnection."""
        self.listeners.setdefault(channel, []).append(listener)

    async def run(self) -> None:
        """Listen until cancelled; connect again whenever the connection is lost."""
        while True:
            try:
                await self._listen()
            except LOST as fault:
                heed_end()
                self.say("signals.troubled", reason=type(fault).__name__)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        conn = await asyncpg.connect(
            self.dsn, timeout=10, command_timeout=10, server_settings={"application_name": "cityhub signals"}
        )
        try:
            lost = asyncio.Event()
            conn.add_termination_listener(lambda _: lost.set())
            for channel in self.listeners:
                await conn.add_listener(channel, self._heard)
            for channel in self.listeners:
                self._tell(channel, "")
            while not lost.is_set():
                try:
                    async with asyncio.timeout(30):
                        await lost.wait()
                except TimeoutError:
                    await conn.execute("SELECT 1", timeout=10)
        finally:
            await asyncio.shield(_closed(conn))

    def _heard(self, _connection: Any, _pid: int, channel: str, payload: Any) -> None:
        self._tell(channel, str(payload))

    def _tell(self, channel: str, payload: str) -> None:
        for listener in self.listeners[channel]:
            listener(payload)


async def _closed(conn: asyncpg.Connection) -> None:
    try:
        await conn.close(timeout=2)
    except LOST:
        conn.terminate()
