"""The registry of a process keeps in step with the database, and costs next to nothing while nothing changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from hub.registry import UnitInForce
from hub.store.pool import Connection
from hub.units_in_force import UnitsInForce
from tests.ways.conftest import House, until


def a_profile(unit: str, path: str) -> dict[str, Any]:
    """A unit that is pushed to."""
    rest = {"endpoint": f"https://unit.example/{path}"}
    return {
        "unit": unit,
        "connections": [{"name": "main", "transport": "rest", "receives": ["case.dispatch"], "rest": rest}],
    }


@contextlib.asynccontextmanager
async def looking(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(house.refresher.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_unit_that_did_not_change_is_the_same_value_when_another_does(house: House) -> None:
    await house.goes_live(a_profile("telecom", "one"))
    await house.goes_live(a_profile("mobile", "one"))
    before = dict(house.refresher.registry().connections)
    await house.goes_live(a_profile("mobile", "two"))
    after = house.refresher.registry().connections
    assert after["telecom.main"] is before["telecom.main"]
    assert after["mobile.main"].settings["endpoint"].endswith("/two")


async def test_a_unit_that_is_suspended_and_comes_back_is_read_no_second_time(house: House) -> None:
    await house.goes_live(a_profile("telecom", "one"))
    before = house.refresher.registry().connections["telecom.main"]
    await house.pool.execute("UPDATE unit_states SET state = 'suspended'")
    await house.refresher.load()
    assert "telecom.main" not in house.refresher.registry().connections
    await house.pool.execute("UPDATE unit_states SET state = 'live'")
    await house.refresher.load()
    assert house.refresher.registry().connections["telecom.main"] is before


async def test_a_look_that_finds_nothing_new_tells_nobody_and_one_that_does_tells(house: House) -> None:
    house.refresher.every_seconds = 0.01
    await house.goes_live(a_profile("telecom", "one"))
    registry, told = house.refresher.registry(), 0

    def tell() -> None:
        nonlocal told
        told += 1

    house.refresher.changed.append(tell)
    clock = house.refresher.clock()
    async with looking(house):
        # Each look reads the clock anew.
        await until(lambda: house.refresher.clock() is not clock)
        assert told == 0 and house.refresher.registry() is registry
        # As another process does it whose notification is lost.
        await house.pool.execute("UPDATE unit_states SET state = 'suspended'")
        await until(lambda: told)
    assert "telecom.main" not in house.refresher.registry().connections


async def test_what_was_noticed_is_told_even_where_the_registry_is_as_it_was(house: House) -> None:
    told = asyncio.Event()
    house.refresher.changed.append(told.set)
    async with looking(house):
        # A secret was put: the registry knows nothing of it, those who keep secrets open do.
        house.refresher.soon()
        async with asyncio.timeout(5):
            await told.wait()


class HeldUp(UnitsInForce):
    """The first look has read what there was, and then takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.has_read, self.may_go_on, self.looks = asyncio.Event(), asyncio.Event(), 0

    async def look(self, conn: Connection) -> Mapping[str, UnitInForce]:
        self.looks += 1
        read = await super().look(conn)
        if not self.has_read.is_set():
            self.has_read.set()
            await self.may_go_on.wait()
        return read


async def test_a_look_that_was_held_up_does_not_bring_back_what_was(house: House) -> None:
    """As when many units change their state at once: each asks for a look of its own."""
    await house.goes_live(a_profile("telecom", "one"))
    house.refresher.units = units = HeldUp()
    old = asyncio.create_task(house.refresher.load())
    await units.has_read.wait()
    await house.pool.execute("UPDATE unit_states SET state = 'suspended'")
    later = [asyncio.create_task(house.refresher.load()) for _ in range(20)]
    # Those that need not wait for the one that is held up may finish before it.
    await asyncio.wait(later, timeout=1)
    units.may_go_on.set()
    await asyncio.gather(old, *later)
    assert "telecom.main" not in house.refresher.registry().connections
    # Whoever asked before a look began is served by it.
    assert units.looks == 2
