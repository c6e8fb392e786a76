"""Lanes of a unit whose profile says when it takes no letters: they wait, nothing fails, and the wait is the unit's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.intake import Intake
from hub.sources import Sources
from hub.store import batches, rests
from tests.builders import CLEAR, COLLECTOR
from tests.ways.conftest import House, until
from tests.ways.test_lanes import (
    MAIN,
    a_case_told,
    goes_live,
    outcomes,
    running_lanes,
)
from tests.ways.test_sources import POLLED, Nobody, Steps
from tests.ways.unit_system import UnitSystem, a_unit_system, says, takes

pytestmark = pytest.mark.way


@pytest.fixture
async def intake(house: House) -> Intake:
    return await house.an_intake()


@pytest.fixture
async def unit() -> AsyncIterator[UnitSystem]:
    async with a_unit_system() as system:
        yield system


def a_window(house: House, seconds: float, **more: Any) -> dict[str, Any]:
    """A maintenance window that began a moment ago and ends in so many seconds of city time."""
    now = house.refresher.clock().now()
    since, end = now - timedelta(seconds=1), now + timedelta(seconds=seconds)
    return {"dated": [{"from": since.isoformat(), "until": end.isoformat(), **more}]}


def closed_now(house: House) -> dict[str, Any]:
    """A calendar whose hours are over for today, or not yet begun."""
    now = house.refresher.clock().now().astimezone(house.refresher.registry().zone)
    hours = ("00:00", "00:01") if now.hour >= 12 else ("23:00", "24:00")
    return {"hours": [{"from": hours[0], "until": hours[1]}]}


async def test_letters_wait_for_a_maintenance_window_and_nothing_counts_as_a_failure(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    await goes_live(house, COLLECTOR, unit, maintenance=a_window(house, 3600, note="数据库升级"))
    async with running_lanes(house):
        case = await a_case_told(house, intake, category=CLEAR)
        await until(lambda: house.heard("lane.resting"))
        resting = await until(lambda: rests.resting(house.pool, [COLLECTOR]))
        assert resting[MAIN].urgent and "数据库升级" in resting[MAIN].reason
        # The unit's own profile ends the window sooner: whoever keeps the lane notices.
        await goes_live(house, COLLECTOR, unit)
        await until(lambda: unit.of(case.case_number) == [1, 2])
    assert await outcomes(house, case) == [(1, "processed"), (2, "processed")]
    assert not house.heard("breaker.opened") and not house.heard("letter.held")
    assert await rests.resting(house.pool) == {}


async def test_letters_go_by_themselves_when_the_window_ends(house: House, intake: Intake, unit: UnitSystem) -> None:
    await goes_live(house, COLLECTOR, unit, maintenance=a_window(house, 1.5))
    ends = datetime.now().astimezone() + timedelta(seconds=1.4)
    async with running_lanes(house):
        case = await a_case_told(house, intake)
        await until(lambda: unit.of(case.case_number) == [1, 2])
        assert datetime.now().astimezone() >= ends
        await until(lambda: house.heard("lane.woke"))
    assert await outcomes(house, case) == [(1, "processed"), (2, "processed")]


@pytest.mark.parametrize("kind", ["window", "calendar"])
async def test_urgent_letters_go_while_ordinary_ones_wait(
    house: House, intake: Intake, unit: UnitSystem, kind: str
) -> None:
    window: dict[str, Any] = {"maintenance": a_window(house, 3600, urgent=True)}
    await goes_live(house, COLLECTOR, unit, **(window if kind == "window" else {"calendar": closed_now(house)}))
    async with running_lanes(house):
        ordinary = await a_case_told(house, intake)
        urgent = await a_case_told(house, intake, category=CLEAR)
        await until(lambda: unit.of(urgent.case_number) == [1, 2])
        assert unit.tries(ordinary.case_number) == []
        await goes_live(house, COLLECTOR, unit)
        await until(lambda: unit.of(ordinary.case_number) == [1, 2])


async def test_a_letter_held_before_the_window_is_not_tried_in_it(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    await goes_live(house, COLLECTOR, unit)
    unit.answer = says(503)
    async with running_lanes(house):
        case = await a_case_told(house, intake)
        await until(lambda: house.heard("letter.held"))
        await goes_live(house, COLLECTOR, unit, maintenance=a_window(house, 3600))
        await until(lambda: house.heard("lane.resting"))
        unit.answer = takes
        tries = len(unit.calls)
        other = await a_case_told(house, intake)
        # A second after it was due, nobody has knocked.
        due = "SELECT 1 FROM held_letters WHERE due_at < now() - interval '1 second'"
        await until(lambda: house.ask(due))
        assert len(unit.calls) == tries
        await goes_live(house, COLLECTOR, unit)
        await until(lambda: unit.of(case.case_number) == unit.of(other.case_number) == [1, 2])


async def test_a_unit_in_its_window_is_not_asked_either(house: House) -> None:
    source = Steps("rests")
    pool = await house.a_pool("sources")
    sources = Sources(
        pool, house.refresher.registry, {"poll": source}, Nobody(), "one", house.say, house.refresher.rest
    )
    (entry,) = POLLED["connections"]
    assert isinstance(entry, dict)
    await house.goes_live({"unit": "bus_group", "connections": [{**entry, "maintenance": a_window(house, 1.5)}]})
    ends = datetime.now().astimezone() + timedelta(seconds=1.4)
    task = asyncio.create_task(sources.run())
    try:
        source.go.release()
        await until(lambda: source.read == ["1"])
        assert datetime.now().astimezone() >= ends
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not house.heard("source.troubled")


async def test_a_letter_is_dead_after_as_many_tries_as_the_profile_says(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    retry = {"attempts_max": 2, "first_pause_seconds": 0.2, "longest_pause_seconds": 1.0}
    await goes_live(house, COLLECTOR, unit, retry=retry)
    unit.answer = says(503)
    async with running_lanes(house):
        case = await a_case_told(house, intake)
        await until(lambda: house.heard("letter.buried"))
    assert unit.tries(case.case_number) == [1, 1]


async def test_a_rest_is_kept_with_the_dispatch_that_it_delayed(house: House, intake: Intake, unit: UnitSystem) -> None:
    case = await a_case_told(house, intake)
    lead = case.lead_unit_id or ""
    clock = house.refresher.clock()
    await goes_live(house, lead, unit, receives=["case.dispatch"], calendar=closed_now(house))
    case = await a_case_told(house, intake)
    async with running_lanes(house):
        await until(lambda: rests.resting(house.pool, [lead]))
        async with house.pool.acquire() as conn:
            found = (await batches.deliveries(conn, {case.case_id: lead}, (), clock))[case.case_id]
    (rest,) = found.rests
    assert rest.since >= found.written_at
    assert rest.until > clock.now()
    assert unit.calls == []
