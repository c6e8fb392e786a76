"""Leases of lanes: kept in good time, and not written more often than that, since letters wait for a row that is."""

from __future__ import annotations

import pytest

from hub.store import lanes as store
from tests.ways.conftest import House

pytestmark = pytest.mark.way

MAIN = "water.main"
UNTIL = "SELECT leased_until FROM lanes"


async def a_lease(house: House) -> store.Lease:
    async with house.pool.acquire() as conn:
        await store.ensure_lanes(conn, [(MAIN, "water")])
        (lease,) = await store.acquire(conn, [MAIN], "one", 25, 10)
    return lease


async def renewed(house: House, fencing: int) -> dict[str, str | None]:
    async with house.pool.acquire() as conn:
        return await store.renew(conn, [(MAIN, fencing)], 25)


async def test_a_fresh_lease_is_ours_and_is_not_written_again(house: House) -> None:
    lease = await a_lease(house)
    before = await house.ask(UNTIL)
    assert await renewed(house, lease.fencing) == {MAIN: None}
    assert await house.ask(UNTIL) == before


async def test_a_lease_of_which_some_seconds_have_gone_is_kept_for_its_whole_time_again(house: House) -> None:
    lease = await a_lease(house)
    await house.pool.execute("UPDATE lanes SET leased_until = leased_until - interval '4 s'")
    assert await renewed(house, lease.fencing) == {MAIN: None}
    assert await house.ask("SELECT leased_until > now() + interval '24 s' FROM lanes") == [True]


async def test_a_lease_that_another_took_is_not_ours_and_is_left_alone(house: House) -> None:
    lease = await a_lease(house)
    await house.pool.execute("UPDATE lanes SET fencing = fencing + 1, leased_until = now() + interval '1 s'")
    before = await house.ask(UNTIL)
    assert await renewed(house, lease.fencing) == {}
    assert await house.ask(UNTIL) == before
