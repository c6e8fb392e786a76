"""What a batch is decided on may change until it is written; then nothing of it is written, and it is decided again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from contracts.envelope import Message
from contracts.problem import Problem
from hub.cases import Case
from hub.folding import Outcome
from hub.history import fold
from hub.life_cycle import Step
from hub.registering import Registering
from hub.store import batches
from tests.builders import CLEAR, UNCLEAR, a_report, a_return, acknowledgement
from tests.ways.conftest import House, answered, until

pytestmark = pytest.mark.way

COVER = "3308020107123456"
BEFORE_THE_POSITION = "SELECT pg_advisory_xact_lock(7242001)"
BEFORE_THE_REGISTER = "LOCK TABLE raw_messages IN EXCLUSIVE MODE"


@asynccontextmanager
async def held(house: House, lock: str) -> AsyncIterator[None]:
    """No batch gets further in its writing than this lock."""
    async with house.pool.acquire() as conn, conn.transaction():
        await conn.execute(lock)
        yield


async def waiting(house: House, batches_: int) -> None:
    """So many batches wait to be written."""
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query LIKE '%write_batch%' HAVING count(*) = $1"
    )
    await until(lambda: house.ask(question, batches_))


def a_file(owner: str) -> bytes:
    header = "component_code,category_code,owner_unit_id,longitude,latitude,source"
    return f"{header}\n{COVER},{UNCLEAR},{owner},118.87,28.95,普查\n".encode()


def registering(house: House) -> Registering:
    return Registering(house.pool, house.refresher.registry, house.refresher.clock)


async def both_decided(house: House, first: Message, second: Message) -> tuple[Outcome, Outcome]:
    """Two intakes decide a message each before either is written; what the one and the other come to."""
    one, two = await house.an_intake("one"), await house.an_intake("two")
    async with held(house, BEFORE_THE_POSITION):
        writing = asyncio.create_task(one.receive([first]))
        await waiting(house, 1)
        overtaken = asyncio.create_task(two.receive([second]))
        await waiting(house, 2)
    return (await writing)[0], (await overtaken)[0]


async def a_dispatched_case(house: House) -> Case:
    intake = await house.an_intake()
    return await house.case(answered((await intake.receive([a_report()]))[0]).case_id)


async def test_a_case_that_moved_on_meanwhile_is_decided_as_it_is_by_then(house: House) -> None:
    case = await a_dispatched_case(house)
    first, refused = await both_decided(house, acknowledgement(case), acknowledgement(case))
    answered(first)
    assert isinstance(refused, Problem) and refused.kind == "step_not_allowed"
    assert refused.fields["state"] == "acknowledged"
    case = await house.case(case.case_id)
    assert fold(await house.log(case.case_id), case.case_number).version == case.version == 4


async def test_of_two_steps_that_both_are_allowed_both_are_taken_one_after_the_other(house: House) -> None:
    case = await a_dispatched_case(house)
    first, second = await both_decided(house, acknowledgement(case), a_return(case))
    assert answered(first).version == 4
    answered(second)
    log = await house.log(case.case_id)
    assert [entry.step for entry in log][3:5] == [Step.ACKNOWLEDGE, Step.RETURN]
    assert [entry.sequence for entry in log] == list(range(1, (await house.case(case.case_id)).version + 1))


async def test_a_report_that_came_near_meanwhile_makes_the_second_one_a_repeat(house: House) -> None:
    place = {"longitude": 118.87, "latitude": 28.95}
    outcomes = await both_decided(house, a_report(place=place), a_report(place=place))
    assert sorted(answered(each).state for each in outcomes) == ["dispatched", "duplicate"]


async def test_reports_of_other_things_or_further_away_do_not_disturb_each_other(house: House) -> None:
    one, two = await house.an_intake("one"), await house.an_intake("two")
    here, there = {"longitude": 118.87, "latitude": 28.95}, {"longitude": 118.8704, "latitude": 28.95}
    async with held(house, BEFORE_THE_POSITION):
        first = asyncio.create_task(one.receive([a_report(CLEAR, place=here)]))
        others = asyncio.create_task(two.receive([a_report("E0101", place=here), a_report(CLEAR, place=there)]))
        await waiting(house, 2)
    outcomes: list[Outcome] = [*await first, *await others]
    assert [answered(each).state for each in outcomes] == ["dispatched"] * 3
    # Forty metres apart they lie in the same cell, and yet nobody had to decide twice.
    assert len(house.heard("batch.overtaken")) == 0


async def test_what_the_register_said_before_sends_nothing(house: House) -> None:
    await registering(house).take(a_file("telecom"), "census.csv", "test")
    intake = await house.an_intake()
    async with held(house, BEFORE_THE_REGISTER):
        report = asyncio.create_task(intake.receive([a_report(UNCLEAR, component_code=COVER)]))
        await waiting(house, 1)
        await registering(house).take(a_file("mobile"), "handover.csv", "test")
    case = await house.case(answered((await report)[0]).case_id)
    assert [each.order.unit_id for each in case.dispatches] == ["mobile"]
    assert len(house.heard("batch.overtaken")) == 1


async def test_an_import_waits_for_the_batch_that_still_sends_by_the_old_entry(house: House) -> None:
    await registering(house).take(a_file("telecom"), "census.csv", "test")
    intake = await house.an_intake()
    async with held(house, BEFORE_THE_POSITION):
        report = asyncio.create_task(intake.receive([a_report(UNCLEAR, component_code=COVER)]))
        await waiting(house, 1)
        importing = asyncio.create_task(registering(house).take(a_file("mobile"), "handover.csv", "test"))
        waits = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7242003 AND NOT granted"
        await until(lambda: house.ask(waits))
        # What waits is the search for cases: the new entry itself is there for the next batch.
        owner = "SELECT owner_unit_id FROM components WHERE known_until IS NULL AND valid_to IS NULL"
        assert await house.ask(owner) == ["mobile"] and not importing.done()
    answer = answered((await report)[0])
    assert [move.case_id for move in (await importing).moves] == [answer.case_id]


async def test_who_is_to_look_at_a_case_now_is_not_forgotten_by_a_batch_that_did_not_know(house: House) -> None:
    """The calendar changes between the loading of a case and its writing."""
    case, intake = await a_dispatched_case(house), await house.an_intake("two")
    await house.pool.execute("UPDATE cases SET provisional = true")
    now = house.refresher.clock().now()
    async with house.pool.acquire() as conn, conn.transaction():
        await batches.look_at_provisional(conn, now)
        acknowledging = asyncio.create_task(intake.receive([acknowledgement(case)]))
        await waiting(house, 1)
    answered((await acknowledging)[0])
    assert (await house.ask("SELECT alarm_at <= $1 FROM cases", now + timedelta(seconds=1))) == [True]
