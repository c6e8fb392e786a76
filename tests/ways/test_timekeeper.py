"""Time alone does something: reminders, each once, whoever keeps the time; near reports decided one after the other."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import asyncpg
import pytest

from hub.facts import Recalled
from hub.life_cycle import State, Step
from hub.registering import Registering
from hub.store import registry
from hub.timekeeper import Timekeeper
from tests.builders import UNCLEAR, a_report, a_return
from tests.trial import city_until_2026
from tests.ways.conftest import House, answered, until

pytestmark = pytest.mark.way

FAST = 20_000.0
"""A working day in two seconds."""


async def hurry(house: House) -> None:
    """From here on city time flies."""
    await house.pool.execute("UPDATE city_clock SET machine_anchor = now(), rate = $1", FAST)
    await house.refresher.load()


async def a_timekeeper(house: House, role: str) -> asyncio.Task[None]:
    intake = await house.an_intake(role)
    pool = await house.a_pool(role)
    known, clock = house.refresher.registry, house.refresher.clock
    strayed = Registering(pool, known, clock).strayed
    keeper = Timekeeper(pool, intake, known, clock, strayed, house.say, strayed_every_seconds=0.5)
    task = asyncio.create_task(keeper.run())
    house.stack.callback(task.cancel)
    return task


async def steps(house: House, case_id: int) -> list[Step]:
    return [entry.step for entry in await house.log(case_id)]


async def test_a_unit_that_does_nothing_is_reminded_each_time_once(house: House) -> None:
    intake = await house.an_intake()
    case_id = answered((await intake.receive([a_report()]))[0]).case_id
    await hurry(house)
    for role in ("one", "two"):
        await a_timekeeper(house, role)
    await until(lambda: _supervised(house, case_id), seconds=30)
    assert (await steps(house, case_id))[3:] == [Step.REMIND, Step.WARN, Step.REMIND, Step.SUPERVISE]
    contracts = await house.ask("SELECT contract FROM letters WHERE case_id = $1 ORDER BY position", case_id)
    assert contracts.count("case.reminder/1.0") == 4


async def test_another_goes_on_when_the_one_that_kept_time_dies(house: House) -> None:
    intake = await house.an_intake()
    first, _ = await a_timekeeper(house, "one"), await a_timekeeper(house, "two")
    await asyncio.sleep(0.3)
    first.cancel()
    case_id = answered((await intake.receive([a_report()]))[0]).case_id
    await hurry(house)
    await until(lambda: _supervised(house, case_id), seconds=30)
    assert (await steps(house, case_id))[-1] is Step.SUPERVISE and first.done()


async def test_a_coordination_that_nobody_settles_goes_up_to_the_city_government(house: House) -> None:
    intake = await house.an_intake()
    case_id = answered((await intake.receive([a_report(UNCLEAR)]))[0]).case_id
    await hurry(house)
    await a_timekeeper(house, "one")
    await until(lambda: _coordinated_by(house, case_id, "city_government"), seconds=30)
    assert (await house.case(case_id)).state is State.IN_COORDINATION


async def test_a_year_announced_while_nobody_kept_time_is_reckoned_with_at_the_start(house: House) -> None:
    """The city may be loaded while the hub stands still, or while another process keeps time."""
    tuesday = datetime.fromisoformat("2026-12-15T09:00:00+08:00")
    async with house.pool.acquire() as conn:
        await registry.set_clock(conn, tuesday, 1.0)
        await a_directory(conn, announced=False)
    await house.refresher.load()
    intake = await house.an_intake()
    case_id = answered((await intake.receive([a_report("E0101")]))[0]).case_id
    due = (await house.case(case_id)).due_at
    async with house.pool.acquire() as conn:
        await a_directory(conn, announced=True)
    await house.refresher.load()
    await a_timekeeper(house, "one")
    await until(lambda: _reckoned_again(house, case_id))
    # 1 January off, Saturday 2 worked, Monday 4 off: as many days as the plain week has, one of them reckoned anew.
    case = await house.case(case_id)
    assert case.due_at == due and case.lead is not None and case.lead.moved_to == due


async def a_directory(conn: asyncpg.pool.PoolConnectionProxy, *, announced: bool) -> None:
    city = city_until_2026(collectors=True, announced=announced)
    document = json.dumps(city.to_document(), ensure_ascii=False)
    await registry.add_directory(conn, "test", city.digest(), document)


async def _reckoned_again(house: House, case_id: int) -> bool:
    return Step.RECKON_AGAIN in await steps(house, case_id)


async def test_of_many_reports_of_one_thing_at_the_same_moment_one_is_new(house: House) -> None:
    intakes = [await house.an_intake("one"), await house.an_intake("two")]
    place = {"longitude": 118.87, "latitude": 28.95}
    outcomes = await asyncio.gather(*(intakes[n % 2].receive([a_report(place=place)]) for n in range(60)))
    states = [answered(outcome[0]).state for outcome in outcomes]
    assert sorted(states) == ["dispatched"] + ["duplicate"] * 59
    originals = {(await house.case(answered(each[0]).case_id)).duplicate_of for each in outcomes} - {None}
    assert len(originals) == 1


def a_file(owner: str) -> bytes:
    header = "component_code,category_code,owner_unit_id,longitude,latitude,source"
    return f"{header}\n3308020107123456,{UNCLEAR},{owner},118.87,28.95,普查\n".encode()


async def test_a_case_that_the_former_owner_returned_follows_the_mended_register(house: House) -> None:
    intake = await house.an_intake()
    registering = Registering(house.pool, house.refresher.registry, house.refresher.clock)
    await registering.take(a_file("telecom"), "census.csv", "test")
    report = a_report(UNCLEAR, component_code="3308020107123456")
    case = await house.case(answered((await intake.receive([report]))[0]).case_id)
    answered((await intake.receive([a_return(case, "telecom")]))[0])
    assert (await house.case(case.case_id)).state == "in_coordination"
    await a_timekeeper(house, "one")
    taken = await registering.take(a_file("mobile"), "mended.csv", "test")
    assert [(move.from_unit_id, move.to_unit_id) for move in taken.moves] == [("telecom", "mobile")]
    await until(lambda: _led_by(house, case.case_id, "mobile"))
    assert await registering.strayed() == ()


async def test_a_case_follows_its_component_to_the_new_owner(house: House) -> None:
    intake = await house.an_intake()
    registering = Registering(house.pool, house.refresher.registry, house.refresher.clock)
    await registering.take(a_file("telecom"), "census.csv", "test")
    report = a_report(UNCLEAR, component_code="3308020107123456")
    case_id = answered((await intake.receive([report]))[0]).case_id
    assert (await house.case(case_id)).lead_unit_id == "telecom"
    await a_timekeeper(house, "one")
    await registering.take(a_file("mobile"), "handover.csv", "test")
    await until(lambda: _led_by(house, case_id, "mobile"))
    log = await house.log(case_id)
    recalled = next(entry.fact for entry in log if isinstance(entry.fact, Recalled))
    assert "telecom → mobile" in recalled.reason and recalled.second


async def test_the_database_refuses_a_step_that_the_table_does_not_know(house: House) -> None:
    intake = await house.an_intake()
    case_id = answered((await intake.receive([a_report()]))[0]).case_id
    with pytest.raises(Exception, match="entries_follow_the_life_cycle"):
        await house.pool.execute("UPDATE entries SET fact = 'close' WHERE case_id = $1 AND sequence = 3", case_id)


async def _led_by(house: House, case_id: int, unit: str) -> bool:
    return (await house.case(case_id)).lead_unit_id == unit


async def _supervised(house: House, case_id: int) -> bool:
    return Step.SUPERVISE in await steps(house, case_id)


async def _coordinated_by(house: House, case_id: int, unit: str) -> bool:
    case = await house.case(case_id)
    return case.coordination is not None and case.coordination.coordinator == unit
