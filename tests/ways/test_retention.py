"""Dropping a month, on a real PostgreSQL: whole or not at all, and nobody is told half of what was."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from contracts.envelope import Message
from contracts.problem import Problem
from hub.evaluation import Period
from hub.intake import Intake
from hub.retention import KEEP_MONTHS, Retention, reasons
from hub.store import reading, retention
from hub.store.retention import Content
from tests.builders import COLLECTOR, a_report, acknowledgement, feedback, verification
from tests.journeys import ZONE, local
from tests.ways.conftest import House, answered, until
from tests.ways.test_evaluation import asked, set_time, told

pytestmark = pytest.mark.way

OLD = 202303


@dataclass(frozen=True, slots=True)
class Years:
    """A city with a case of 2023 that went on into the next month, and one of today."""

    house: House
    intake: Intake
    report: Message
    old: int
    last_position: int
    today: int

    def retention(self, keep_months: int = KEEP_MONTHS) -> Retention:
        return Retention(self.house.pool, ZONE, self.house.refresher.clock().now(), keep_months)

    async def drop(self, month: int = OLD, **more: bool) -> None:
        await self.retention().drop(month, "test", "past its time", **more)

    async def refusal(self, month: int = OLD, **more: bool) -> Problem:
        with pytest.raises(Problem) as caught:
            await self.drop(month, **more)
        return caught.value

    async def rules(self) -> list[str | None]:
        return [each.rule for each in (await self.refusal()).violations]


async def closed(house: House, intake: Intake, case_id: int) -> int:
    return await told(intake, house, case_id, acknowledgement, feedback, verification)


async def months(house: House) -> list[int]:
    async with house.pool.acquire() as conn:
        return await retention.months(conn)


@pytest.fixture
async def years(house: House) -> Years:
    intake = await house.an_intake()
    await set_time(house, local("2023-03-30 09:00"))
    report = a_report()
    old = answered((await intake.receive([report]))[0]).case_id
    # An entry of today's stands in the log before the last one of March's: months lie across each other.
    await set_time(house, local("2026-11-23 09:00"))
    today = answered((await intake.receive([a_report()]))[0]).case_id
    await set_time(house, local("2023-04-03 09:00"))
    last = await closed(house, intake, old)
    await set_time(house, local("2026-11-24 09:00"))
    return Years(house, intake, report, old, last, today)


async def test_a_month_goes_whole_and_what_went_is_on_record(years: Years) -> None:
    held = {each.month: each.content for each in await years.retention().verdicts()}[OLD]
    assert (held.cases, held.open, held.undelivered, held.last_position >= years.last_position) == (1, 0, 0, True)
    await years.drop()
    left = await years.house.ask("SELECT relname::text FROM pg_class WHERE relname LIKE '%_202303'")
    assert left == []
    assert await years.house.ask("SELECT case_id FROM cases") == [years.today]
    assert (await years.house.case(years.today)).version == len(await years.house.log(years.today))
    (record,) = await retention.dropped(years.house.pool)
    assert (record.month, record.cases, record.entries, record.by) == (OLD, 1, held.entries, "test")
    assert await years.house.ask("SELECT subject FROM operations WHERE verb = 'retention.drop'") == ["2023-03"]


async def test_a_dry_run_says_the_same_and_touches_nothing(years: Years) -> None:
    before = await years.house.ask("SELECT count(*) FROM entries")
    assert (await years.retention().drop(OLD, "test", "x", dry_run=True)).content.cases == 1
    assert await years.house.ask("SELECT count(*) FROM entries") == before
    assert await retention.dropped(years.house.pool) == []
    assert [each.rule for each in (await years.refusal(202611, dry_run=True)).violations][:1] == ["kept"]


async def test_a_month_with_an_open_case_stays_whole(house: House) -> None:
    intake = await house.an_intake()
    await set_time(house, local("2023-03-30 09:00"))
    one, two = [answered(each).case_id for each in await intake.receive([a_report(), a_report()])]
    await closed(house, intake, one)
    await set_time(house, local("2026-11-24 09:00"))
    years = Years(house, intake, a_report(), one, 0, two)
    assert await years.rules() == ["open"]
    assert await house.ask("SELECT count(*) FROM cases_202303") == [2]
    # The database holds it too, whoever asks.
    with pytest.raises(Exception, match="still open"):
        async with house.pool.acquire() as conn:
            await retention.drop(conn, OLD, await retention.content(conn, OLD), "test")
    await closed(house, intake, two)
    assert await years.rules() == ["changed"]
    await set_time(house, local("2028-01-24 09:00"))
    await years.drop()


async def test_a_month_with_a_letter_that_nobody_has_stays_until_it_is_cancelled(house: House) -> None:
    pull = {"name": "main", "transport": "pull", "receives": ["case.status"]}
    await house.goes_live({"unit": COLLECTOR, "connections": [pull]})
    intake = await house.an_intake()
    await set_time(house, local("2023-03-30 09:00"))
    old = answered((await intake.receive([a_report()]))[0]).case_id
    await closed(house, intake, old)
    await set_time(house, local("2026-11-24 09:00"))
    years = Years(house, intake, a_report(), old, 0, 0)
    assert await years.rules() == ["undelivered"]
    await house.pool.execute(
        "INSERT INTO attempts (case_id, position, attempt, connection_id, outcome, digest, taken_at, sent_at, ended_at,"
        " holder) SELECT case_id, position, 1, connection_id, 'cancelled', '', now(), now(), now(), 'test' FROM letters"
    )
    await years.drop()


async def test_the_change_feed_has_no_silent_gap(years: Years) -> None:
    before = await reading.log_bounds(years.house.pool)
    await years.drop()
    bounds = await reading.log_bounds(years.house.pool)
    assert bounds.newest == before.newest, "no cursor that was given out lies in the future"
    assert bounds.floor >= years.last_position
    found, _, _ = await reading.changes(years.house.pool, bounds.floor, None, limit=100, scan=1000)
    assert all(entry.case_id == years.today for entry in found)


async def test_figures_that_need_the_month_are_refused_and_all_others_stand(years: Years) -> None:
    today, spring = Period.month(2026, 11), Period.month(2023, 4)
    published = await asked(years.house, today)
    for period in (Period.month(2023, 3), spring, Period.year(2023)):
        await asked(years.house, period)
    await years.drop()
    for period in (Period.month(2023, 3), spring, Period.year(2023)):
        with pytest.raises(Problem) as caught:
            await asked(years.house, period)
        assert caught.value.kind == "period_gone" and "2023-03" in caught.value.zh
    for untouched in (Period.month(2023, 2), Period.month(2026, 10)):
        await asked(years.house, untouched)
    again = await asked(years.house, today)
    assert (again.rows, again.total) == (published.rows, published.total)


async def test_a_late_message_to_a_case_that_went_takes_no_effect(years: Years) -> None:
    await years.drop()
    (again,) = await years.intake.receive([years.report])
    assert isinstance(again, Problem) and again.kind == "case_unknown"


async def test_a_drop_that_cannot_have_its_locks_gives_up_and_holds_nobody(years: Years) -> None:
    async with years.house.pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE cases_202303 IN ROW EXCLUSIVE MODE")
        assert (await years.refusal()).kind == "overloaded"
        answered((await years.intake.receive([a_report()]))[0])
    await years.drop()


async def test_who_reads_on_while_a_month_goes_never_fails_for_it(years: Years) -> None:
    house = years.house
    waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    async with house.pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT count(*) FROM letters")
        dropping = asyncio.create_task(years.drop())
        await until(lambda: house.ask(waits))
        # Each would wait for the other, had the drop not let everything go long before anybody is picked to fail.
        await conn.execute("SELECT count(*) FROM entries")
    await dropping
    assert OLD not in await months(house)


async def test_a_month_that_changed_lately_stays_for_the_figures_of_that_time(house: House) -> None:
    intake = await house.an_intake()
    await set_time(house, local("2023-03-30 09:00"))
    late = answered((await intake.receive([a_report()]))[0]).case_id
    await set_time(house, local("2026-10-20 09:00"))
    await closed(house, intake, late)
    await set_time(house, local("2026-11-23 09:00"))
    with pytest.raises(Problem) as caught:
        await Retention(house.pool, ZONE, house.refresher.clock().now()).drop(OLD, "test", "past its time")
    (why,) = caught.value.violations
    # A verification's limit may lie three weeks after the deadline.
    assert why.rule == "changed" and "2026-11" in why.zh and "2026-11" in why.en
    await asked(house, Period.month(2026, 10))


async def test_reports_come_in_while_a_month_goes(years: Years) -> None:
    outcomes, _ = await asyncio.gather(years.intake.receive([a_report() for _ in range(50)]), years.drop())
    assert len({answered(each).case_id for each in outcomes}) == 50


def test_a_month_is_kept_for_its_whole_time() -> None:
    nothing = Content(0, 0, 0, 0, 0, 0, None)
    assert [each.rule for each in reasons(202311, nothing, 202611, 36)] == ["kept"]
    assert reasons(202310, nothing, 202611, 36) == ()
    assert [each.rule for each in reasons(202512, nothing, 202612, 13)] == ["kept"]


async def test_what_is_not_there_is_said(years: Years) -> None:
    assert (await years.refusal(201901)).kind == "not_found"
