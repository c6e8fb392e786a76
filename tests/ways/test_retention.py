"""Dropping a month on a real database: whole or not at all, in nobody's way, and told to whoever comes for it later."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.bends import Void
from contracts.problem import Problem
from hub.evaluation import Period
from hub.evaluator import Question, evaluated
from hub.intake import Intake
from hub.retention import Retention, ids_of
from hub.store import reading
from hub.store import retention as store
from tests.builders import COMMAND, LEAD, a_message, a_report, acknowledgement, feedback, verification
from tests.journeys import local
from tests.ways.conftest import House, answered, until
from tests.ways.test_frozen_store import CASE_DATA, city_time
from tests.ways.test_lanes import goes_live, running_lanes
from tests.ways.unit_system import a_unit_system, says

pytestmark = pytest.mark.way

OLD, NEXT, NOW = local("2022-09-05 09:00"), local("2022-10-10 09:00"), local("2026-11-20 09:00")


async def closed(house: House, intake: Intake, key: str | None = None) -> int:
    """A case that went all the way."""
    case_id = answered((await intake.receive([a_report(key=key)]))[0]).case_id
    for making in (acknowledgement, feedback, verification):
        answered((await intake.receive([making(await house.case(case_id))]))[0])
    assert (await house.case(case_id)).state == "closed"
    return case_id


def retention(house: House) -> Retention:
    return Retention(house.pool, house.refresher.registry, house.refresher.clock)


async def partitions(house: House, month: int) -> set[str]:
    found = await house.ask("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE $1", f"%\\_{month}")
    return {name.rpartition("_")[0] for name in found}


async def two_months(house: House, intake: Intake) -> tuple[int, int]:
    """Closed cases of September and October 2022, and it is 2026."""
    await city_time(house, OLD)
    first = await closed(house, intake, "of September")
    await city_time(house, NEXT)
    second = await closed(house, intake)
    await city_time(house, NOW)
    return first, second


async def evaluation(house: House, period: Period, known: int | datetime | None = None) -> object:
    registry, now = house.refresher.registry(), house.refresher.clock().now()
    return await evaluated(house.pool, registry.city, registry.directory_version, now, Question(period, known=known))


async def test_a_month_goes_with_all_that_lies_in_it_and_nothing_else(house: House) -> None:
    intake = await house.an_intake()
    first, second = await two_months(house, intake)
    positions = await house.ask("SELECT max(position) FROM entries WHERE case_id = $1", first)
    assert await partitions(house, 202209) == CASE_DATA
    gone = await retention(house).drop(202209, "Wang", "三年已满")
    assert (gone.content.cases, gone.content.last_position) == (1, positions[0])
    assert await partitions(house, 202209) == set()
    assert await house.ask("SELECT DISTINCT case_id FROM entries") == [second]
    async with house.pool.acquire() as conn:
        (kept,) = await store.dropped(conn)
    assert (kept.month, kept.dropped_by, kept.reason, kept.cases) == (202209, "Wang", "三年已满", 1)
    assert await house.ask("SELECT by || ' ' || subject FROM operations WHERE verb = 'retention.drop'") == [
        "Wang 202209"
    ]
    # Its messages take no effect again, and new cases go on.
    (again,) = await intake.receive([a_report(key="of September")])
    assert isinstance(again, Problem)
    await closed(house, intake)


async def test_a_month_that_is_not_there_is_told(house: House) -> None:
    with pytest.raises(Problem, match="not_found"):
        await retention(house).drop(190001, "test", "")


async def test_an_open_case_holds_its_month_back(house: House) -> None:
    intake = await house.an_intake()
    await two_months(house, intake)
    await city_time(house, NEXT + timedelta(minutes=5))
    opened = answered((await intake.receive([a_report()]))[0]).case_id
    await city_time(house, NOW)
    with pytest.raises(Problem, match="month_kept") as kept:
        await retention(house).drop(202210, "test", "")
    assert [why.rule for why in kept.value.violations] == ["open"]
    assert await partitions(house, 202210) == CASE_DATA and await house.ask("SELECT 1 FROM dropped_months") == []
    # Voided now, its month has to rest anew.
    case = await house.case(opened)
    answered((await intake.receive([a_message(Void(reason="重复"), COMMAND, case)]))[0])
    with pytest.raises(Problem, match="month_kept") as kept:
        await retention(house).drop(202210, "test", "")
    assert [why.rule for why in kept.value.violations] == ["rest"]


async def test_a_letter_that_is_not_delivered_holds_its_month_back_and_one_that_nobody_fetched_does_not(
    house: House,
) -> None:
    intake = await house.an_intake()
    async with a_unit_system() as unit:
        await goes_live(house, LEAD, unit, receives=["case.dispatch"])
        unit.answer = says(400)
        async with running_lanes(house):
            await city_time(house, OLD)
            await closed(house, intake)
            await until(lambda: house.ask("SELECT 1 FROM held_letters WHERE buried_at IS NOT NULL"))
    await city_time(house, NOW)
    found = await retention(house).look(202209)
    assert [why.rule for why in found.held_back] == ["waiting"]
    assert found.content.waiting >= 1 and found.content.unfetched >= 1
    await house.pool.execute("DELETE FROM held_letters")
    assert (await retention(house).look(202209)).held_back == ()


async def test_what_happens_after_a_month_was_looked_at_is_noticed_under_the_lock(house: House) -> None:
    intake = await house.an_intake()
    await two_months(house, intake)
    found, ids = await retention(house).look(202210), ids_of(202210)
    async with house.pool.acquire() as conn:
        assert not await store.moved(conn, ids, found.content)
        await city_time(house, NEXT + timedelta(hours=1))
        await intake.receive([a_report()])
        assert await store.moved(conn, ids, found.content)


async def test_whoever_reads_is_waited_for_and_whoever_writes_goes_on(house: House) -> None:
    intake = await house.an_intake()
    await two_months(house, intake)
    async with house.pool.acquire() as reader, reader.transaction():
        await reader.execute("SELECT count(*) FROM entries")
        dropping = asyncio.create_task(retention(house).drop(202209, "test", ""))
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        await until(lambda: house.ask(waits))
        # It gives way in half a second, again and again: nobody stands behind it for longer.
        await asyncio.wait_for(closed(house, intake), 20)
        assert not dropping.done() and await partitions(house, 202209) == CASE_DATA
    assert (await dropping).content.cases == 1
    assert await partitions(house, 202209) == set()


async def test_a_reader_of_the_feed_from_before_is_told_and_a_new_one_misses_nothing(house: House) -> None:
    intake = await house.an_intake()
    first, second = await two_months(house, intake)
    before = await reading.log_bounds(house.pool)
    assert before.lead_on_from(0) and before.lead_on_from(1) and before.gone == 0
    (newest_of_first,) = await house.ask("SELECT max(position) FROM entries WHERE case_id = $1", first)
    await retention(house).drop(202209, "test", "")
    after = await reading.log_bounds(house.pool)
    assert after.gone == newest_of_first
    assert [after.lead_on_from(each) for each in (0, newest_of_first - 1, newest_of_first)] == [False, False, True]
    found, reached, _ = await reading.changes(house.pool, after.gone, None, limit=100, scan=1000)
    assert {entry.case_id for entry in found} == {second} and after.lead_on_from(reached)
    # Where nothing at all is kept, a reader still knows from where to go on.
    await retention(house).drop(202210, "test", "")
    nothing = await reading.log_bounds(house.pool)
    assert nothing.newest == 0 and nothing.lead_on_from(nothing.head) and not nothing.lead_on_from(0)


async def test_a_gap_below_kept_entries_is_noticed_too(house: House) -> None:
    """The month that goes may lie in the middle of the log: an earlier one is still kept."""
    intake = await house.an_intake()
    await city_time(house, local("2022-08-10 09:00"))
    kept = answered((await intake.receive([a_report()]))[0])
    first, _ = await two_months(house, intake)
    (oldest,) = await house.ask("SELECT min(position) FROM entries WHERE case_id = $1", first)
    await retention(house).drop(202209, "test", "")
    bounds = await reading.log_bounds(house.pool)
    assert bounds.oldest <= kept.position and not bounds.lead_on_from(oldest)


async def test_a_period_that_the_month_may_concern_is_evaluated_no_more(house: House) -> None:
    intake = await house.an_intake()
    await two_months(house, intake)
    september, october = Period.month(2022, 9), Period.month(2022, 10)
    await evaluation(house, september)
    position = (await house.ask("SELECT min(position) FROM entries"))[0]
    await retention(house).drop(202209, "test", "")
    # October and the next year look back to cases of September whose deadlines may lie there.
    for period in (september, october, Period(date(2023, 9, 1), date(2023, 9, 30))):
        with pytest.raises(Problem, match="period_gone") as gone:
            await evaluation(house, period)
        assert "202209" in gone.value.zh and "202209" in gone.value.en
    await evaluation(house, Period.month(2023, 11))
    for known in (position, datetime(2022, 9, 5, 1, 30, tzinfo=UTC)):
        with pytest.raises(Problem, match="period_gone"):
            await evaluation(house, Period.month(2023, 11), known)
