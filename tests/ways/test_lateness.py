"""A late answer carries what is to be set off: how its dispatch was delivered, and when its unit was cut off."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from hub.clock import machine_now
from hub.evaluation import Period
from hub.evaluator import Question, evaluated
from hub.facts import Answered, Fault
from hub.store import sources
from hub.ticking import tick_of
from tests.builders import LEAD, a_report, acknowledgement, feedback
from tests.ways.conftest import House, answered

pytestmark = pytest.mark.way

MAIN = f"{LEAD}.main"

RATE = 500_000.0
"""Nearly six days of the city in a second."""


SYSTEM = {
    "profile": "1.0",
    "unit": LEAD,
    "contact": "值班",
    "connections": [
        {
            "name": "main",
            "transport": "rest",
            "receives": ["case.dispatch"],
            "rest": {"endpoint": "https://unit.example/"},
        }
    ],
}
PULLS = {**SYSTEM, "connections": [{"name": "main", "transport": "pull", "receives": ["case.dispatch"]}]}


async def an_answer_days_later(house: House, *, own_time: bool = False, acknowledged: bool = False) -> Answered:
    """What the log says of an answer that comes long after its deadline, perhaps with the time when it was done."""
    await house.pool.execute("UPDATE city_clock SET machine_anchor = now(), city_anchor = now(), rate = $1", RATE)
    await house.refresher.load()
    intake = await house.an_intake()
    case = await house.case(answered((await intake.receive([a_report()]))[0]).case_id)
    if acknowledged:
        answered((await intake.receive([acknowledgement(case)]))[0])
    await asyncio.sleep(3)
    done_at = case.registered_at + timedelta(hours=1) if own_time else None
    answered((await intake.receive([feedback(case, effective_at=done_at)]))[0])
    facts = [entry.fact for entry in await house.log(case.case_id)]
    return next(fact for fact in facts if isinstance(fact, Answered))


async def test_a_unit_that_was_cut_off_proves_its_time_with_its_own(house: House) -> None:
    await house.pool.execute("INSERT INTO outages (connection_id, unit_id, since) VALUES ($1, $2, now())", MAIN, LEAD)
    told = await an_answer_days_later(house, own_time=True)
    assert told.late_proof is not None and told.late_proof.connection_id == MAIN


async def test_without_an_outage_it_proves_nothing(house: House) -> None:
    assert (await an_answer_days_later(house, own_time=True)).late_proof is None


async def test_a_dispatch_that_nobody_tried_to_deliver_is_the_hubs_lost_time(house: House) -> None:
    # No lanes run here: the letter waits, and that is not the unit's fault.
    await house.goes_live(SYSTEM)
    told = await an_answer_days_later(house)
    assert [each.fault for each in told.lost] == [Fault.HUB]
    assert told.lost[0].until - told.lost[0].since > timedelta(days=10)


async def overdue_of_an_open_case(house: House) -> int:
    """How many dispatches of an unanswered case a year's evaluation holds against its unit, days after its deadline."""
    await house.pool.execute("UPDATE city_clock SET machine_anchor = now(), city_anchor = now(), rate = $1", RATE)
    await house.refresher.load()
    intake = await house.an_intake()
    case = await house.case(answered((await intake.receive([a_report()]))[0]).case_id)
    await asyncio.sleep(1)
    answered((await intake.receive([tick_of(case.case_id, case.version, case.mode, machine_now())]))[0])
    registry, now = house.refresher.registry(), house.refresher.clock().now()
    asked = Question(Period(case.registered_at.date() - timedelta(days=1), now.date() + timedelta(days=60)))
    found = await evaluated(house.pool, registry.city, registry.directory_version, now, asked)
    row = found.row(LEAD)
    assert row is not None
    return int(row.figure("overdue").numerator)


async def test_an_open_case_is_not_overdue_while_its_dispatch_was_not_sent(house: House) -> None:
    await house.goes_live(SYSTEM)
    assert await overdue_of_an_open_case(house) == 0


async def test_one_that_lies_at_the_desk_is(house: House) -> None:
    assert await overdue_of_an_open_case(house) == 1


async def test_a_dispatch_that_lies_at_the_desk_is_lost_by_nobody(house: House) -> None:
    assert (await an_answer_days_later(house)).lost == ()


async def test_nor_is_one_that_its_unit_does_not_fetch(house: House) -> None:
    await house.goes_live(PULLS)
    assert (await an_answer_days_later(house)).lost == ()


async def test_whoever_acknowledged_it_had_it_however_the_letter_fared(house: House) -> None:
    await house.goes_live(SYSTEM)
    told = await an_answer_days_later(house, acknowledged=True)
    assert sum(((each.until - each.since) for each in told.lost), timedelta()) < timedelta(days=3)


async def test_a_breaker_that_opens_and_closes_is_an_outage(house: House) -> None:
    await house.pool.execute("INSERT INTO lanes (connection_id, unit_id) VALUES ('power.main', 'power')")
    for breaker in ("open", "half_open", "open", "closed"):
        await house.pool.execute("UPDATE lanes SET breaker = $1 WHERE connection_id = 'power.main'", breaker)
    rows = await house.pool.fetch("SELECT unit_id, until IS NOT NULL AS over FROM outages")
    assert [tuple(row) for row in rows] == [("power", True)]


async def test_a_source_that_cannot_be_read_is_an_outage_until_it_is_read_again_whatever_the_lane_does(
    house: House,
) -> None:
    await house.pool.execute("INSERT INTO sources (connection_id, unit_id) VALUES ('power.main', 'power')")
    await house.pool.execute("INSERT INTO lanes (connection_id, unit_id) VALUES ('power.main', 'power')")
    for _ in range(2):
        await sources.trouble(house.pool, "power.main", 0, "503")
    for breaker in ("open", "closed"):
        await house.pool.execute("UPDATE lanes SET breaker = $1 WHERE connection_id = 'power.main'", breaker)
    question = "SELECT until IS NOT NULL FROM outages WHERE unit_id = 'power' ORDER BY inward"
    assert await house.ask(question) == [True, False]
    assert await sources.move(house.pool, "power.main", 0, "7")
    assert await house.ask(question) == [True, True]
