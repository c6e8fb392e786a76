"""The component register on a real database: whole-or-nothing imports, history, deciding by it, cases to move."""

from __future__ import annotations

from datetime import date, timedelta
from time import perf_counter

import asyncpg
import pytest

from contracts.problem import Problem
from hub.registering import Imported, Registering
from hub.responsibility import Rule
from hub.store import register as store
from hub.store import registry as registry_store
from hub.store.register import EntryFilter
from tests.builders import UNCLEAR, a_report, acknowledgement, dispatch_to
from tests.ways.conftest import House, answered

HEADER = "component_code,category_code,owner_unit_id,longitude,latitude,source"
COVER = "3308020107123456"
OTHER = "3308020107123457"


def a_file(*rows: tuple[str, str], header: str = HEADER) -> bytes:
    """A file of (code, owner)."""
    lines = [f"{code},{UNCLEAR},{owner},118.87,28.95,普查" for code, owner in rows]
    return "\n".join([header, *lines, ""]).encode()


def registering(house: House) -> Registering:
    return Registering(house.pool, house.refresher.registry, house.refresher.clock)


async def imported(house: House, *rows: tuple[str, str], since: date | None = None, only_try: bool = False) -> Imported:
    return await registering(house).take(a_file(*rows), "census.csv", "test", effective_from=since, only_try=only_try)


def today(house: House) -> date:
    return house.refresher.clock().now().astimezone(house.refresher.registry().zone).date()


async def told(house: House, code: str) -> list[tuple[str, date, date | None, bool]]:
    """(owner, from, to, still believed) of a code's history."""
    return [
        (each.told.owner_unit_id, each.valid_from, each.valid_to, each.known_until is None)
        for each in await store.history(house.pool, code)
    ]


async def test_a_change_of_owner_is_a_new_interval_and_nothing_is_overwritten(house: House) -> None:
    now, before = today(house), today(house) - timedelta(days=30)
    await imported(house, (COVER, "telecom"), since=before)
    done = await imported(house, (COVER, "mobile"))
    assert (done.counts["changed_owner"], done.rows) == (1, 1)
    assert await told(house, COVER) == [
        ("telecom", before, now - timedelta(days=1), True),
        ("mobile", now, None, True),
        ("telecom", before, None, False),
    ]
    with pytest.raises(asyncpg.PostgresError, match="never rewritten"):
        await house.pool.execute("UPDATE components SET owner_unit_id = 'power' WHERE known_until IS NULL")


async def test_the_same_file_again_changes_nothing(house: House) -> None:
    await imported(house, (COVER, "telecom"), (OTHER, "mobile"))
    again = await imported(house, (COVER, "telecom"), (OTHER, "mobile"))
    assert again.counts["unchanged"] == again.rows == 2
    assert await house.ask("SELECT count(*) FROM components") == [2]
    assert await house.ask("SELECT unchanged FROM register_imports ORDER BY import_id") == [0, 2]


async def test_a_file_with_a_fault_is_refused_whole_and_kept_as_refused(house: House) -> None:
    with pytest.raises(Problem) as caught:
        await imported(house, (COVER, "telecom"), (OTHER, "nobody"))
    assert caught.value.kind == "register_invalid"
    assert [each.pointer for each in caught.value.violations] == ["#/3/owner_unit_id"]
    assert await house.ask("SELECT count(*) FROM components") == [0]
    assert await house.ask("SELECT refused FROM register_imports") == [1]


async def test_trying_a_file_leaves_no_trace(house: House) -> None:
    tried = await imported(house, (COVER, "telecom"), only_try=True)
    assert tried.import_id is None and tried.counts["added"] == 1
    assert await house.ask("SELECT (SELECT count(*) FROM components) + (SELECT count(*) FROM register_imports)") == [0]


async def test_the_database_holds_that_no_two_entries_speak_of_one_day(house: House) -> None:
    await imported(house, (COVER, "telecom"))
    with pytest.raises(asyncpg.ExclusionViolationError):
        await house.pool.execute(
            "INSERT INTO components (component_code, valid_from, category_code, owner_unit_id, longitude, latitude,"
            " source, import_id, line, known_from) SELECT component_code, valid_from + 9, category_code, 'mobile',"
            " longitude, latitude, source, import_id, line, known_from FROM components"
        )


async def test_a_case_on_a_known_component_goes_to_the_owner_and_says_by_which_line(house: House) -> None:
    await imported(house, (OTHER, "mobile"), (COVER, "unicom"))
    intake = await house.an_intake()
    outcome = answered((await intake.receive([a_report(UNCLEAR, component_code=COVER)]))[0])
    case = await house.case(outcome.case_id)
    assert case.lead is not None
    assert (case.lead.order.unit_id, case.lead.order.rule) == ("unicom", Rule.REGISTER)
    (source,) = case.lead.order.sources
    assert COVER in source and today(house).isoformat() in source and "census.csv:3" in source and "普查" in source


async def test_an_entry_of_tomorrow_decides_nothing_today(house: House) -> None:
    await imported(house, (COVER, "unicom"), since=today(house) + timedelta(days=1))
    intake = await house.an_intake()
    outcome = answered((await intake.receive([a_report(UNCLEAR, component_code=COVER)]))[0])
    assert outcome.state == "in_coordination"


async def test_the_citys_own_components_answer_where_the_register_is_silent(house: House) -> None:
    intake = await house.an_intake()
    outcome = answered((await intake.receive([a_report(UNCLEAR, component_code="3308020107000002")]))[0])
    assert (await house.case(outcome.case_id)).lead_unit_id == "mobile"


async def test_cases_with_the_former_owner_are_named_when_the_owner_changes(house: House) -> None:
    await imported(house, (COVER, "telecom"), (OTHER, "telecom"), since=today(house) - timedelta(days=9))
    intake = await house.an_intake()
    reports = [a_report(UNCLEAR, component_code=code) for code in (COVER, COVER, OTHER)]
    waiting, by_hand, elsewhere = [answered(each) for each in await intake.receive(reports)]
    sent = await house.case(by_hand.case_id)
    answered((await intake.receive([dispatch_to(sent, "power")]))[0])
    tried = await imported(house, (COVER, "mobile"), only_try=True)
    done = await imported(house, (COVER, "mobile"))
    assert [(m.case_id, m.from_unit_id, m.to_unit_id, m.rightly_sent) for m in done.moves] == [
        (waiting.case_id, "telecom", "mobile", False)
    ]
    assert [m.case_id for m in tried.moves] == [waiting.case_id]
    assert await registering(house).strayed() == done.moves
    assert elsewhere.case_id not in {m.case_id for m in done.moves}


async def test_a_change_that_begins_tomorrow_moves_nothing_yet(house: House) -> None:
    await imported(house, (COVER, "telecom"))
    intake = await house.an_intake()
    first = answered((await intake.receive([a_report(UNCLEAR, component_code=COVER)]))[0])
    answered((await intake.receive([acknowledgement(await house.case(first.case_id), "telecom")]))[0])
    done = await imported(house, (COVER, "mobile"), since=today(house) + timedelta(days=1))
    assert done.counts["changed_owner"] == 1 and done.moves == ()


async def test_a_city_clock_that_was_set_back_stops_no_import(house: House) -> None:
    await imported(house, (COVER, "telecom"), since=date(2026, 1, 1))
    async with house.pool.acquire() as conn:
        await registry_store.set_clock(conn, house.refresher.clock().now() - timedelta(days=2), 1.0)
    await house.refresher.load()
    assert (await imported(house, (COVER, "mobile"))).counts["changed_owner"] == 1


async def test_messages_that_name_no_component_ask_the_register_nothing(house: House) -> None:
    await house.pool.execute("DROP FUNCTION components_in_force")
    intake = await house.an_intake()
    answered((await intake.receive([a_report(UNCLEAR)]))[0])


async def test_a_unit_lists_what_it_owns(house: House) -> None:
    await imported(house, (COVER, "telecom"), (OTHER, "mobile"))
    found = await store.page(house.pool, today(house), EntryFilter(only_unit="mobile"), "", 10)
    assert [each.component_code for each in found] == [OTHER]


async def test_a_citys_whole_register_is_imported_in_seconds(house: House) -> None:
    rows = [(f"33080201079{number:05}", "telecom") for number in range(50_000)]
    began = perf_counter()
    await imported(house, *rows, since=today(house) - timedelta(days=1))
    first = perf_counter() - began
    began = perf_counter()
    done = await imported(house, *((code, "mobile" if code.endswith("7") else owner) for code, owner in rows))
    second = perf_counter() - began
    print(f"50,000 rows: first import {first:.1f} s, again with 5,000 changed {second:.1f} s")
    assert done.counts["changed_owner"] == 5_000
    assert max(first, second) < 60
