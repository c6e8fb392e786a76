"""Evaluation on a real database: the same figures twice, as known before, and none forgotten at a period's edge."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from contracts.bends import ExtensionDecision, ExtensionRequest
from contracts.envelope import Mode
from contracts.messages import DispatchRequest, ReturnReason
from contracts.problem import Problem
from hub.evaluation import By, CaseLog, Evaluation, Period, evaluate
from hub.evaluator import Question, evaluated
from hub.intake import Intake
from hub.store import registry as registry_store
from tests.builders import COMMAND, LEAD, a_message, a_report, a_return, acknowledgement, feedback, verification
from tests.journeys import ZONE, local
from tests.ways.conftest import House, answered

pytestmark = pytest.mark.way

MONTH = Period.month(2026, 12)


async def set_time(house: House, moment: datetime) -> None:
    """The city's clock shows a moment from now on."""
    async with house.pool.acquire() as conn:
        await registry_store.set_clock(conn, moment, 1)
    await house.refresher.load()


async def asked(house: House, period: Period = MONTH, by: By = By.UNIT, known: Any = None) -> Evaluation:
    registry = house.refresher.registry()
    question = Question(period, by, known)
    return await evaluated(
        house.pool, registry.city, registry.directory_version, house.refresher.clock().now(), question
    )


async def told(intake: Intake, house: House, case_id: int, *makings: Any) -> int:
    """Messages in turn on a case; the position of the last."""
    position = 0
    for making in makings:
        position = answered((await intake.receive([making(await house.case(case_id))]))[0]).position
    return position


async def some_cases(house: House, intake: Intake) -> list[int]:
    """One closed, one returned, one never answered, one a drill."""
    reports = [a_report() for _ in range(3)] + [a_report(mode=Mode.DRILL)]
    ids = [answered(outcome).case_id for outcome in await intake.receive(reports)]
    await told(intake, house, ids[0], acknowledgement, feedback, verification)
    await told(intake, house, ids[1], lambda case: a_return(case, reason=ReturnReason.NOT_FOUND))
    return ids


async def test_the_same_figures_come_out_twice_and_as_the_pure_rule_finds_them(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    intake = await house.an_intake()
    ids = await some_cases(house, intake)
    await set_time(house, local("2026-12-09 09:00"))
    for by in By:
        first = await asked(house, by=by)
        again = await asked(house, by=by)
        assert (first.rows, first.total) == (again.rows, again.total)
        logs = [CaseLog((await house.case(case_id)).case_number, await house.log(case_id)) for case_id in ids]
        registry = house.refresher.registry()
        moment = house.refresher.clock().now()
        directory = registry.city.at(MONTH.until)
        pure = evaluate(logs, directory, MONTH, registry.city.formulas[0], by=by, known_at=moment)
        assert (first.rows, first.total) == (pure.rows, pure.total)
    found = (await asked(house)).row(LEAD)
    assert found is not None
    counted = {each.indicator.indicator_id: int(each.numerator) for each in found.figures}
    # The return waits for the command centre's word, the drill counts for nothing.
    assert (counted["dispatched"], counted["due"], counted["handled"], counted["overdue"]) == (3, 2, 1, 1)


async def test_as_known_at_an_earlier_moment_or_position(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    intake = await house.an_intake()
    ids = await some_cases(house, intake)
    await set_time(house, local("2026-12-08 09:00"))
    before, moment = await asked(house), house.refresher.clock().now()
    position = (await house.ask("SELECT max(position) FROM entries"))[0]
    await set_time(house, local("2026-12-09 09:00"))
    # The return is overruled, the last case closed: both a day later.
    await told(
        intake,
        house,
        ids[1],
        lambda case: a_message(DispatchRequest(unit_id=LEAD, reason="属你单位"), COMMAND, case),
    )
    await told(intake, house, ids[2], feedback, verification)
    after = await asked(house)
    assert after.rows != before.rows
    as_then = await asked(house, known=moment)
    assert (as_then.rows, as_then.total) == (before.rows, before.total)
    # By position the moment is that of the last entry, when nothing was overdue yet.
    by_position = await asked(house, known=position)
    row = by_position.row(LEAD)
    assert row is not None and [int(row.figure(name).numerator) for name in ("due", "handled", "overdue")] == [1, 1, 0]


async def test_before_anything_was_known_there_is_nothing_to_tell(house: House) -> None:
    with pytest.raises(Problem) as caught:
        await asked(house, known=local("2020-01-01 09:00"))
    assert caught.value.kind == "query_invalid"


async def test_a_case_that_is_over_before_the_period_of_its_deadline_is_not_forgotten(house: House) -> None:
    # Tier A: 4 natural hours, over midnight into December.
    await set_time(house, local("2026-11-30 22:00"))
    intake = await house.an_intake()
    case_id = answered((await intake.receive([a_report()]))[0]).case_id
    await told(intake, house, case_id, acknowledgement, feedback, verification)
    await set_time(house, local("2026-12-15 09:00"))
    row = (await asked(house)).row(LEAD)
    assert row is not None and row.figure("on_time_rate").denominator == 1
    november = (await asked(house, Period.month(2026, 11))).row(LEAD)
    assert november is not None and november.figure("on_time_rate").denominator == 0
    assert int(november.figure("dispatched").numerator) == 1


async def test_a_case_with_a_moved_deadline_is_not_forgotten_either(house: House) -> None:
    await set_time(house, local("2026-11-27 09:00"))
    intake = await house.an_intake()
    case_id = answered((await intake.receive([a_report()]))[0]).case_id
    wanted = ExtensionRequest(reason="停气审批", due_at=local("2026-12-02 09:00"))
    await told(
        intake,
        house,
        case_id,
        acknowledgement,
        lambda case: a_message(wanted, LEAD, case),
        lambda case: a_message(ExtensionDecision(granted=True, reason="属实"), COMMAND, case),
        feedback,
        verification,
    )
    await set_time(house, local("2026-12-15 09:00"))
    row = (await asked(house)).row(LEAD)
    assert row is not None and row.figure("on_time_rate").denominator == 1


async def test_a_period_of_more_than_two_years_is_refused(house: House) -> None:
    with pytest.raises(Problem):
        await asked(house, Period(date(2020, 1, 1), date(2026, 1, 1)))


async def test_a_thousand_cases_are_read_whole_in_batches(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    intake = await house.an_intake()
    reports = [a_report() for _ in range(1000)]
    ids = [answered(outcome).case_id for outcome in await intake.receive(reports)]
    for making in (acknowledgement, feedback, verification):
        cases = [await house.case(case_id) for case_id in ids]
        for outcome in await intake.receive([making(case) for case in cases]):
            answered(outcome)
    await set_time(house, local("2026-12-08 09:00"))
    assert house.refresher.clock().now().astimezone(ZONE) - local("2026-12-08 09:00") < timedelta(minutes=5)
    row = (await asked(house)).row(LEAD)
    assert row is not None
    assert (row.figure("on_time_rate").numerator, row.figure("on_time_rate").denominator) == (1000, 1000)
    assert row.figure("first_time_pass_rate").value == 1
