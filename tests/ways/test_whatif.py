"""What-if on a real database: it finds what the pure rule finds, and leaves every row as it was."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.city import City
from hub.evaluation import CaseLog
from hub.evaluation.whatif import Rules, WhatIf, what_if
from hub.whatif import asked_what_if
from tests.builders import CLEAR, LEAD
from tests.journeys import local
from tests.rules.test_whatif import led_by
from tests.ways.conftest import House
from tests.ways.test_evaluation import MONTH, set_time, some_cases

pytestmark = pytest.mark.way

TABLES = """SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 1"""


async def every_row(house: House) -> dict[str, Any]:
    """Each table's content as one digest, and where its sequences stand."""
    found = {}
    for name in await house.ask(TABLES):
        rows = f"SELECT count(*)::text || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"
        found[name] = (await house.ask(rows))[0]
    found["sequences"] = await house.ask("SELECT schemaname || sequencename || last_value FROM pg_sequences ORDER BY 1")
    return found


async def asked(house: House, changed: City) -> WhatIf:
    registry = house.refresher.registry()
    now = house.refresher.clock().now()
    return await asked_what_if(house.pool, registry.city, registry.directory_version, now, MONTH, changed)


async def test_it_finds_what_the_pure_rule_finds_and_writes_nothing(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    ids = await some_cases(house, await house.an_intake())
    await set_time(house, local("2026-12-09 09:00"))
    registry, changed = house.refresher.registry(), led_by(CLEAR, "power", house.refresher.registry().city)
    before = await every_row(house)
    assert before["entries"] != "0" and len(before) > 10
    found = await asked(house, changed)
    assert await every_row(house) == before
    logs = [CaseLog((await house.case(case_id)).case_number, await house.log(case_id)) for case_id in ids]
    rules = [Rules(city, registry.city.formulas[0]) for city in (registry.city, changed)]
    pure = what_if(logs, *rules, MONTH, known_at=house.refresher.clock().now())
    assert (found.moves, found.changes) == (pure.moves, pure.changes)
    # Three live cases go to the other unit; the drill goes nowhere.
    assert {move.to_unit for move in found.moves} == {"power"} and len(found.moves) == 3
    assert {each.unit_id for each in found.changes} == {LEAD, "power"}


async def test_the_same_city_changes_nothing(house: House) -> None:
    await set_time(house, local("2026-12-07 09:00"))
    await some_cases(house, await house.an_intake())
    await set_time(house, local("2026-12-09 09:00"))
    found = await asked(house, house.refresher.registry().city)
    assert (found.moves, found.changes) == ((), ()) and found.before.rows == found.after.rows
