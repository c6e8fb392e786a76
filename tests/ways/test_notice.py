"""The monthly notice on a real database: the evaluation's figures, and the same notice again later."""

from __future__ import annotations

import pytest

from contracts.problem import Problem
from hub.evaluation import Period
from hub.evaluation.notice import Notice
from hub.notices import month_named, noticed
from tests.builders import feedback, verification
from tests.journeys import local
from tests.ways.conftest import House
from tests.ways.test_evaluation import asked, set_time, some_cases, told

pytestmark = pytest.mark.way

MONTH = Period.month(2026, 12)


async def a_notice(house: House, known: str | None = None) -> Notice:
    registry = house.refresher.registry()
    now, moment = house.refresher.clock().now(), local(known) if known else None
    return await noticed(house.pool, registry.city, registry.directory_version, now, MONTH, moment)


async def test_the_notice_has_the_evaluations_figures(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    await some_cases(house, await house.an_intake())
    await set_time(house, local("2026-12-09 09:00"))
    total = (await asked(house, MONTH)).total
    made = await a_notice(house)
    # Three cases; the drill beside them is in no sentence.
    assert f"全市共上报{int(total.figure('reported').numerator)}件" in made.opening[0]
    assert "全市共上报3件" in made.opening[0]
    assert f"应处置{int(total.figure('due').numerator)}件次" in made.opening[1]
    assert f"按期处置率{total.figure('on_time_rate').shown}" in made.opening[1]
    assert f"结案率{total.figure('closing_rate').shown}" in made.opening[2]


async def test_what_was_published_comes_out_again(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    intake = await house.an_intake()
    ids = await some_cases(house, intake)
    await set_time(house, local("2026-12-08 09:00"))
    before = await a_notice(house, "2026-12-08 09:00")
    await set_time(house, local("2026-12-09 09:00"))
    await told(intake, house, ids[2], feedback, verification)
    await set_time(house, local("2026-12-10 09:00"))
    assert await a_notice(house) != before
    assert await a_notice(house, "2026-12-08 09:00") == before


async def test_a_city_without_cases_has_a_notice_of_nothing(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    made = await a_notice(house)
    assert "全市共上报0件" in made.opening[0] and "处置率—" in made.opening[1]


async def test_a_notice_of_what_is_not_known_yet_is_refused(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    with pytest.raises(Problem):
        await a_notice(house, "2026-12-31 09:00")
    with pytest.raises(ValueError):
        month_named("2026-13")
