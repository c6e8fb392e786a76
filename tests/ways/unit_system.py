"""A unit's HTTP system for tests of lanes: it answers as it is told and remembers what came, in order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Call:
    """One letter as it came in: its id and bytes, its case, its number within the case, and when."""

    letter_id: str
    body: bytes
    case: str
    sequence: int
    at: float


Answer = Callable[[Call], Awaitable[web.Response]]


async def takes(_call: Call) -> web.Response:
    """As a unit that works does."""
    return web.Response()


def says(status: int, **headers: str) -> Answer:
    """Always the same answer."""

    async def say(_call: Call) -> web.Response:
        return web.Response(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()})

    return say


@dataclass(slots=True)
class UnitSystem:
    """A listening system. ``answer`` may be changed at any moment."""

    url: str = ""
    answer: Answer = takes
    calls: list[Call] = field(default_factory=list)
    taken: list[Call] = field(default_factory=list)
    on_the_wire: Counter[str] = field(default_factory=Counter)
    most_on_the_wire: int = 0
    most_of_a_case: int = 0

    def of(self, case: str) -> list[int]:
        """The numbers of a case's letters that were taken, as they came."""
        return [call.sequence for call in self.taken if call.case == case]

    def tries(self, case: str) -> list[int]:
        """The numbers of a case's letters that came in, taken or not."""
        return [call.sequence for call in self.calls if call.case == case]

    async def serve(self, request: web.Request) -> web.Response:
        raw = await request.read()
        event = orjson.loads(raw)
        call = Call(request.headers["webhook-id"], raw, event["subject"], int(event["sequence"]), monotonic())
        self.calls.append(call)
        self.on_the_wire[call.case] += 1
        self.most_on_the_wire = max(self.most_on_the_wire, self.on_the_wire.total())
        self.most_of_a_case = max(self.most_of_a_case, self.on_the_wire[call.case])
        try:
            answer = await self.answer(call)
        finally:
            self.on_the_wire[call.case] -= 1
        if answer.status < 300:
            self.taken.append(call)
        return answer


@dataclass(slots=True)
class Gate:
    """An answer that waits until the gate is opened."""

    answer: Answer = takes
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, call: Call) -> web.Response:
        await self.opened.wait()
        return await self.answer(call)


@asynccontextmanager
async def a_unit_system() -> AsyncIterator[UnitSystem]:
    """A unit's system on a port of its own."""
    system, app = UnitSystem(), web.Application()
    app.router.add_post("/letters", system.serve)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    system.url = f"http://127.0.0.1:{runner.addresses[0][1]}/letters"
    try:
        yield system
    finally:
        await runner.cleanup()
