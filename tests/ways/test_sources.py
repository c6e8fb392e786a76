"""Claims on sources, with a real PostgreSQL: one collector at a time, and a bookmark that only the holder moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from contracts.arrival import Answer, Arrival
from contracts.nouns import Connection
from contracts.port import Bookmark, LeaseLost, Reception, Unavailable
from contracts.problem import Problem
from hub.sources import Sources
from hub.store import sources as store
from tests.ways.conftest import House, until

POLLED = {
    "unit": "bus_group",
    "connections": [
        {
            "name": "main",
            "transport": "pull",
            "poll": {"endpoint": "http://bus.example/news"},
            "mapping": {
                "in": [{"contract": "case.feedback", "fields": [{"to": "description", "from": "text"}]}],
            },
        }
    ],
}


class Nobody:
    """A reception that nothing comes to."""

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        raise AssertionError("nothing is handed in here")


@dataclass
class Steps:
    """A source that reads one step each time it is let go on."""

    name: str
    read: list[str] = field(default_factory=list)
    go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    lost: bool = False
    fails: int = 0
    rest_seconds: float | None = None
    began: list[float] = field(default_factory=list)

    async def collect(self, connection: Connection, bookmark: Bookmark, reception: Reception) -> None:
        self.began.append(asyncio.get_running_loop().time())
        while True:
            await self.go.acquire()
            if self.fails:
                self.fails -= 1
                raise Unavailable("the unit is away", retry_after_seconds=self.rest_seconds)
            step = str(int(bookmark.text or 0) + 1)
            try:
                await bookmark.move(step)
            except LeaseLost:
                self.lost = True
                raise
            self.read.append(step)

    async def close(self) -> None: ...


@asynccontextmanager
async def collecting(house: House, source: Steps) -> AsyncIterator[Sources]:
    sources = Sources(
        await house.a_pool(source.name), house.refresher.registry, {"poll": source}, Nobody(), source.name, house.say
    )
    task = asyncio.create_task(sources.run())
    try:
        yield sources
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_process_collects_at_a_time_and_the_next_goes_on_where_it_stopped(house: House) -> None:
    await house.goes_live(POLLED)
    first, second = Steps("first"), Steps("second")
    async with collecting(house, first):
        await until(lambda: house.heard("source.acquired"))
        async with collecting(house, second):
            for _ in range(3):
                first.go.release()
                second.go.release()
            await until(lambda: len(first.read) == 3)
            assert second.read == []
            assert await house.ask("SELECT holder FROM sources") == ["first"]
        assert second.read == []
    async with collecting(house, second):
        # Its three steps were let go before, and nothing of what the first committed is read again.
        await until(lambda: len(second.read) == 3)
    assert (first.read, second.read) == (["1", "2", "3"], ["4", "5", "6"])


async def test_who_lost_the_lease_moves_nothing(house: House) -> None:
    await house.goes_live(POLLED)
    slow = Steps("slow")
    async with collecting(house, slow):
        await until(lambda: house.heard("source.acquired"))
        async with house.pool.acquire() as conn:
            await conn.execute("UPDATE sources SET leased_until = '-infinity'")
            (lease,) = await store.acquire(conn, ["bus_group.main"], "quick", 30)
        assert await store.move(house.pool, "bus_group.main", lease.fencing, "7")
        slow.go.release()
        await until(lambda: slow.lost)
    assert await house.ask("SELECT bookmark FROM sources") == ["7"]
    assert await house.ask("SELECT holder FROM sources") == ["quick"]


async def test_a_source_that_fails_says_why_and_is_tried_again(house: House) -> None:
    await house.goes_live(POLLED)
    weak = Steps("weak", fails=1)
    async with collecting(house, weak):
        weak.go.release()
        await until(lambda: house.heard("source.troubled"))
        assert await until(lambda: house.ask("SELECT trouble FROM sources WHERE trouble IS NOT NULL")) == [
            "the unit is away"
        ]
        weak.go.release()
        await until(lambda: weak.read == ["1"])
    assert await house.ask("SELECT trouble FROM sources") == [None]


async def test_a_unit_that_names_the_time_to_come_back_is_not_asked_before(house: House) -> None:
    await house.goes_live(POLLED)
    away = Steps("away", fails=1, rest_seconds=2.5)
    async with collecting(house, away):
        away.go.release()
        await until(lambda: len(away.began) == 2)
    assert away.began[1] - away.began[0] >= 2.5
