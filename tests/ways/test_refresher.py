"""The registry of a process keeps in step with the database, and costs next to nothing while nothing changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

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
