"""Lanes on a real database and real HTTP: in order per case, nothing lost, nothing doubled, nobody in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.rest import RestAdapter
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter, Transport
from contracts.port import Adapter, Unavailable
from contracts.problem import Problem
from hub.cases import Case
from hub.delivery import repair
from hub.delivery.breaker import FAILURES_TO_OPEN
from hub.delivery.lanes import Lanes
from hub.intake import Intake
from hub.letters import position_of
from hub.signals import Signals
from hub.store import lanes as store
from hub.store import reading
from hub.store.registry import LETTERS_CHANNEL
from tests.builders import CLEAR, COLLECTOR, LEAD, a_report, feedback
from tests.conformance.rest_unit import FixedSecrets
from tests.conformance.shipped import KeptPhotos
from tests.ways.conftest import House, answered, until
from tests.ways.unit_system import Call, Gate, UnitSystem, a_unit_system, says, takes

pytestmark = pytest.mark.way

ORDINARY = "E0104"
MAIN = f"{COLLECTOR}.main"


@pytest.fixture
async def unit(house: House) -> AsyncIterator[UnitSystem]:
    """The collector's system. It is told each step of what it reported, so a case brings it several letters."""
    async with a_unit_system() as system:
        await goes_live(house, COLLECTOR, system)
        yield system


async def goes_live(house: House, unit_id: str, system: UnitSystem, **more: Any) -> None:
    rest = {"name": "main", "transport": "rest", "rest": {"endpoint": system.url}}
    rates = {"concurrency": 4, "per_second": 1000, "timeout_seconds": 5, "receives": ["case.status"]}
    await house.goes_live({"unit": unit_id, "connections": [{**rest, **rates, **more}]})


@asynccontextmanager
async def running_lanes(house: House, holder: str = "one", adapter: Adapter | None = None) -> AsyncIterator[Lanes]:
    """A worker's lanes, joined as the composition root does."""
    rest = RestAdapter(FixedSecrets(), HttpCalls(OutboundGuard((ip_network("127.0.0.0/8"),)), "0.1.0"), KeptPhotos({}))
    adapters = {Transport.REST: adapter or rest}
    pools = await house.a_pool(f"lanes {holder}"), await house.a_pool(f"takes {holder}")
    lanes = Lanes(*pools, house.refresher.registry, house.refresher.clock, adapters, holder, house.say)
    signals = Signals(house.dsn, house.say)
    signals.on(LETTERS_CHANNEL, lambda payload: lanes.wake(payload.split()))
    signals.on("cityhub_lane", lanes.held_changed)
    house.refresher.changed.append(lanes.look)
    tasks = [asyncio.create_task(lanes.run()), asyncio.create_task(signals.run())]
    try:
        yield lanes
    finally:
        house.refresher.changed.remove(lanes.look)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await rest.close()


@pytest.fixture
async def intake(house: House) -> Intake:
    return await house.an_intake()


async def a_case_told(house: House, intake: Intake, notes: int = 0, category: str = ORDINARY) -> Case:
    """A case with two letters to the collector (accepted, dispatched), and one for each note of the lead."""
    case = await house.case(answered((await intake.receive([a_report(category)]))[0]).case_id)
    if notes:
        lead = case.lead_unit_id or LEAD
        for outcome in await intake.receive([feedback(case, lead, final=False) for _ in range(notes)]):
            answered(outcome)
    return case


async def outcomes(house: House, case: Case) -> list[tuple[int, str]]:
    """(number within the case, outcome) of every attempt at the collector's letters, in order."""
    rows = await house.pool.fetch(
        "SELECT l.unit_sequence, a.outcome FROM attempts a JOIN letters l USING (case_id, position) "
        "WHERE a.case_id = $1 AND l.unit_id = $2 ORDER BY l.position, a.attempt",
        case.case_id,
        COLLECTOR,
    )
    return [tuple(row) for row in rows]


async def _are(found: Awaitable[list[tuple[int, str]]], wanted: list[tuple[int, str]]) -> bool:
    return await found == wanted


async def position(house: House, case: Case, sequence: int) -> int:
    found: int = (
        await house.ask(
            "SELECT position FROM letters WHERE case_id = $1 AND unit_id = $2 AND unit_sequence = $3",
            case.case_id,
            COLLECTOR,
            sequence,
        )
    )[0]
    return found


def refuses(case: Case, sequence: int, answer: Callable[[Call], Awaitable[web.Response]]) -> Any:
    """Answers so to one letter, and takes the others."""

    async def chosen(call: Call) -> web.Response:
        return await (answer if (call.case, call.sequence) == (case.case_number, sequence) else takes)(call)

    return chosen


def same_bytes(unit: UnitSystem) -> bool:
    """Whether no letter ever came with other bytes than before."""
    return len({(call.letter_id, call.body) for call in unit.calls}) == len({call.letter_id for call in unit.calls})


# -- order -------------------------------------------------------------------------------------------------------------


async def test_a_cases_letters_go_one_after_the_other_while_cases_go_side_by_side(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    async def slowly(_call: Call) -> web.Response:
        await asyncio.sleep(0.02)
        return web.Response()

    unit.answer = slowly
    async with running_lanes(house):
        cases = await asyncio.gather(*(a_case_told(house, intake, 4) for _ in range(8)))
        await until(lambda: len(unit.taken) == 48)
    assert [unit.of(case.case_number) for case in cases] == [[1, 2, 3, 4, 5, 6]] * 8
    assert unit.most_of_a_case == 1
    assert unit.most_on_the_wire == 4


async def test_letters_written_while_nobody_holds_the_lane_go_when_somebody_does(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake, 3)
    async with running_lanes(house):
        await until(lambda: unit.of(case.case_number) == [1, 2, 3, 4, 5])


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_an_urgent_letter_goes_before_the_backlog(
    house: House, intake: Intake, unit: UnitSystem, concurrency: int
) -> None:
    await goes_live(house, COLLECTOR, unit, concurrency=concurrency)
    unit.answer = gate = Gate()
    for _ in range(4):
        await intake.receive([a_report(ORDINARY) for _ in range(50)])
    async with running_lanes(house):
        await until(lambda: unit.on_the_wire.total() == concurrency)
        urgent = await a_case_told(house, intake, category=CLEAR)
        await until(lambda: house.ask("SELECT 1 FROM lanes WHERE taken_urgent > 0"))
        gate.opened.set()
        await until(lambda: urgent.case_number in {call.case for call in unit.calls})
        # What is on the wire is not called back; everything else waits.
        assert [call.case for call in unit.calls].index(urgent.case_number) <= concurrency
        await until(lambda: len(unit.taken) == 402, 30)


# -- trouble -----------------------------------------------------------------------------------------------------------


async def test_a_busy_unit_is_tried_again_no_sooner_than_it_asked_and_its_other_cases_go_on(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    async with running_lanes(house):
        troubled, other = await a_case_told(house, intake), None
        await until(lambda: unit.of(troubled.case_number) == [1, 2])
        unit.answer = refuses(troubled, 3, says(503, retry_after="1"))
        answered((await intake.receive([feedback(troubled, troubled.lead_unit_id or LEAD, final=False)]))[0])
        await until(lambda: unit.tries(troubled.case_number) == [1, 2, 3])
        other = await a_case_told(house, intake, 1)
        await until(lambda: unit.of(other.case_number) == [1, 2, 3])
        assert unit.tries(troubled.case_number) == [1, 2, 3]
        unit.answer = takes
        await until(lambda: unit.of(troubled.case_number) == [1, 2, 3])
        first, second = [call.at for call in unit.calls if (call.case, call.sequence) == (troubled.case_number, 3)]
        assert second - first >= 1.0
        await until(lambda: house.heard("letter.held"))
    assert (await outcomes(house, troubled))[2:] == [(3, "unavailable"), (3, "processed")]
    assert same_bytes(unit)


async def test_letters_behind_one_that_waits_wait_too_and_then_go_in_order(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake, 3)
    unit.answer = refuses(case, 2, says(503))
    async with running_lanes(house):
        await until(lambda: unit.tries(case.case_number) == [1, 2])
        answered((await intake.receive([feedback(case, case.lead_unit_id or LEAD, final=False)]))[0])
        await until(lambda: unit.tries(case.case_number) == [1, 2, 2])
        unit.answer = takes
        await until(lambda: unit.of(case.case_number) == [1, 2, 3, 4, 5, 6])
    assert await house.ask("SELECT count(*) FROM held_letters") == [0]


async def test_a_refused_letter_is_dead_at_once_and_holds_only_its_own_case(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake, 2)
    unit.answer = refuses(case, 2, says(422))
    async with running_lanes(house):
        await until(lambda: house.heard("letter.buried"))
        others = [await a_case_told(house, intake, 1) for _ in range(5)]
        await until(lambda: [unit.of(other.case_number) for other in others] == [[1, 2, 3]] * 5)
        # A later letter of the case waits behind the dead one as well.
        answered((await intake.receive([feedback(case, case.lead_unit_id or LEAD, final=False)]))[0])
        await until(lambda: _held(house, case, 4))
    assert unit.tries(case.case_number) == [1, 2]
    assert not house.heard("breaker.opened") and not house.heard("lane.paused")


async def _held(house: House, case: Case, count: int) -> bool:
    return await house.ask("SELECT count(*) FROM held_letters WHERE case_id = $1", case.case_id) == [count]


async def test_the_dead_letter_shelf_comes_whole_page_by_page(house: House, intake: Intake, unit: UnitSystem) -> None:
    unit.answer = says(400)
    async with running_lanes(house):
        for _ in range(5):
            await a_case_told(house, intake)
        whole = await until(lambda: _shelf(house, 5))
    found, after = [], 0
    while page := await reading.dead_letters(house.pool, "330800", after=after, limit=2):
        found += page
        after = page[-1].letter.position
    assert found == whole


async def _shelf(house: House, letters: int) -> list[reading.LetterRow] | None:
    rows = await reading.dead_letters(house.pool, "330800")
    return rows if len(rows) == letters else None


async def test_a_dead_letter_that_is_replayed_goes_with_the_same_bytes_and_the_later_ones_follow(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake, 2)
    unit.answer = refuses(case, 2, says(422))
    async with running_lanes(house):
        await until(lambda: _held(house, case, 3))
        unit.answer = takes
        await repair.replay(house.pool, await position(house, case, 2), "test", "mended")
        await until(lambda: unit.of(case.case_number) == [1, 2, 3, 4])
        assert same_bytes(unit)
        # What the unit said at first stays on record, and what it said at last is there too.
        told = [(1, "processed"), (2, "refused"), (2, "processed"), (3, "processed"), (4, "processed")]
        await until(lambda: _are(outcomes(house, case), told))
        answered((await intake.receive([feedback(case, case.lead_unit_id or LEAD, final=False)]))[0])
        await until(lambda: unit.of(case.case_number) == [1, 2, 3, 4, 5])


async def test_a_dead_letter_that_is_cancelled_never_comes_and_the_later_ones_go_on(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake, 2)
    unit.answer = refuses(case, 2, says(422))
    async with running_lanes(house):
        await until(lambda: _held(house, case, 3))
        unit.answer = takes
        await repair.cancel(house.pool, await position(house, case, 2), "test", "no longer needed")
        await until(lambda: unit.of(case.case_number) == [1, 3, 4])
    assert (2, "cancelled") in await outcomes(house, case)
    assert unit.tries(case.case_number) == [1, 2, 3, 4]


async def test_a_letter_behind_a_dead_one_cannot_be_replayed_past_it(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake, 2)
    unit.answer = refuses(case, 2, says(422))
    async with running_lanes(house):
        await until(lambda: _held(house, case, 3))
        with pytest.raises(Problem):
            await repair.replay(house.pool, await position(house, case, 3), "test", "in a hurry")
        other = await a_case_told(house, intake)
        await until(lambda: unit.of(other.case_number) == [1, 2])
    assert unit.tries(case.case_number) == [1, 2]


async def test_a_letter_that_is_cancelled_while_it_is_tried_is_not_tried_again(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    case = await a_case_told(house, intake)
    unit.answer = refuses(case, 1, says(503))
    async with running_lanes(house):
        await until(lambda: house.heard("letter.held"))
        gate = asyncio.Event()

        async def late(_call: Call) -> web.Response:
            await gate.wait()
            return web.Response(status=503)

        unit.answer = refuses(case, 1, late)
        await until(lambda: unit.on_the_wire[case.case_number])
        await repair.cancel(house.pool, await position(house, case, 1), "test", "no longer needed")
        tries = unit.tries(case.case_number).count(1)
        gate.set()
        await until(lambda: unit.of(case.case_number) == [2])
    assert unit.tries(case.case_number).count(1) == tries
    assert (await outcomes(house, case)).count((1, "unavailable")) == tries
    assert await house.ask("SELECT count(*) FROM held_letters") == [0]


async def test_a_unit_that_rejects_the_signature_pauses_its_own_lane_only_until_a_person_lets_it_go_on(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    async with a_unit_system() as another:
        await goes_live(house, LEAD, another, receives=["case.dispatch"])
        unit.answer = says(401)
        async with running_lanes(house):
            case = await a_case_told(house, intake, category=CLEAR)
            await until(lambda: house.heard("lane.paused"))
            await until(lambda: another.of(case.case_number) == [1])
            tries = len(unit.calls)
            unit.answer = takes
            later = await a_case_told(house, intake, category=CLEAR)
            await until(lambda: another.of(later.case_number) == [1])
            assert len(unit.calls) == tries
            await until(lambda: house.ask("SELECT 1 FROM lanes WHERE paused_at IS NOT NULL"))
            async with house.pool.acquire() as conn, conn.transaction():
                assert await store.resume(conn, MAIN)
            await until(lambda: unit.of(case.case_number) == unit.of(later.case_number) == [1, 2])


async def test_the_breaker_opens_after_failures_in_a_row_and_one_letter_that_passes_closes_it(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    unit.answer = says(500)
    async with running_lanes(house):
        cases = [await a_case_told(house, intake) for _ in range(20)]
        await until(lambda: house.heard("breaker.opened"))
        # Four were on the wire at once; after them nobody knocks.
        assert len(unit.calls) <= FAILURES_TO_OPEN + 4
        unit.answer = takes
        await until(lambda: house.heard("breaker.closed"))
        await until(lambda: all(unit.of(case.case_number) == [1, 2] for case in cases), 30)
    assert same_bytes(unit)


class FaultyAdapter:
    """Fails once at each letter, each time with another fault, then delivers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.delivered: list[str] = []

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        if self.faults:
            raise self.faults.pop(0)
        self.delivered.append(letter.letter_id)
        now = datetime.now(UTC)
        return Delivered(Receipt.PROCESSED, 200, b"", now, now)

    async def close(self) -> None:
        """Nothing to let go of."""


@pytest.mark.parametrize(
    "fault",
    [Unavailable("odd \0 and \ud800 bytes", answer=b"\0\xff"), KeyError("a bug")],
    ids=["text that cannot be kept", "a bug"],
)
async def test_an_adapters_fault_costs_an_attempt_and_never_the_lane(
    house: House, intake: Intake, unit: UnitSystem, fault: Exception
) -> None:
    adapter = FaultyAdapter(fault)
    async with running_lanes(house, adapter=adapter):
        case = await a_case_told(house, intake)
        await until(lambda: len(adapter.delivered) == 2)
    assert [outcome for _, outcome in await outcomes(house, case)] == ["unavailable", "processed", "processed"]


# -- leases ------------------------------------------------------------------------------------------------------------


async def test_a_holder_that_lost_its_lease_writes_no_outcome(house: House, intake: Intake, unit: UnitSystem) -> None:
    unit.answer = gate = Gate()
    async with running_lanes(house):
        case = await a_case_told(house, intake)
        await until(lambda: unit.on_the_wire[case.case_number])
        await house.ask("UPDATE lanes SET holder = 'another', fencing = fencing + 1, leased_until = 'infinity'")
        gate.opened.set()
        await until(lambda: unit.taken and house.heard("lane.lost"))
    assert await outcomes(house, case) == []
    assert await house.ask("SELECT max(done_ordinary) FROM lanes") == [0]


async def test_what_was_on_the_wire_when_a_holder_died_is_tried_again_by_the_next(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    unit.answer = Gate()
    async with running_lanes(house, "dying"):
        case = await a_case_told(house, intake, 2)
        await until(lambda: unit.on_the_wire[case.case_number])
        # As after kill -9: it says nothing more, and its lease runs out.
        await house.ask("UPDATE lanes SET fencing = fencing + 1, leased_until = '-infinity'")
        unit.answer = takes
        async with running_lanes(house, "next"):
            await until(lambda: unit.of(case.case_number) == [1, 2, 3, 4])
    assert unit.tries(case.case_number) == [1, 1, 2, 3, 4]
    assert same_bytes(unit)
    assert await outcomes(house, case) == [(n, "processed") for n in (1, 2, 3, 4)]


async def test_a_new_profile_changes_no_byte_of_a_letter_that_was_tried(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    unit.answer = says(503)
    async with running_lanes(house):
        case = await a_case_told(house, intake, 1)
        await until(lambda: house.heard("letter.held"))
        await goes_live(house, COLLECTOR, unit, per_second=500)
        unit.answer = takes
        await until(lambda: unit.of(case.case_number) == [1, 2, 3])
    assert same_bytes(unit)
    assert len({call.letter_id for call in unit.calls}) == 3
    assert {position_of(call.letter_id) for call in unit.calls} == {
        await position(house, case, sequence) for sequence in (1, 2, 3)
    }


async def test_a_holder_that_ends_gives_back_its_own_leases_and_not_those_of_its_successor(
    house: House, intake: Intake, unit: UnitSystem
) -> None:
    async with running_lanes(house, "slot"):
        await until(lambda: house.heard("lane.acquired"))
        # A successor in the same slot has the same name, and may come before this one is gone.
        await house.ask("UPDATE lanes SET fencing = fencing + 1, leased_until = 'infinity'")
    assert await house.ask("SELECT holder FROM lanes WHERE connection_id = $1", MAIN) == ["slot"]


KILL = """
    SELECT pg_terminate_backend(pid)::int FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN ('cityhub lanes one', 'cityhub takes one')
    ORDER BY random() LIMIT 1
"""


async def test_killed_connections_cost_no_letter_and_no_order(house: House, intake: Intake, unit: UnitSystem) -> None:
    kills = 0

    async def a_killer() -> None:
        nonlocal kills
        while True:
            await asyncio.sleep(0.02)
            kills += sum(await house.ask(KILL))

    async def moodily(call: Call) -> web.Response:
        # Each tenth letter fails at its first try.
        first = sum(each.letter_id == call.letter_id for each in unit.calls) == 1
        return web.Response(status=503 if first and int(call.letter_id[-1]) == 0 else 200)

    unit.answer = moodily
    async with running_lanes(house):
        killing = asyncio.create_task(a_killer())
        cases = [await a_case_told(house, intake, 4) for _ in range(30)]
        await until(lambda: kills > 20)
        killing.cancel()
        await until(lambda: all(set(unit.of(case.case_number)) == {1, 2, 3, 4, 5, 6} for case in cases), 30)
    for case in cases:
        assert list(dict.fromkeys(unit.of(case.case_number))) == [1, 2, 3, 4, 5, 6]
        passed = [number for number, outcome in await outcomes(house, case) if outcome == "processed"]
        assert sorted(set(passed)) == [1, 2, 3, 4, 5, 6]
    assert same_bytes(unit)
    assert await house.ask("SELECT count(*) FROM held_letters") == [0]


WRITING = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%write_outcomes%'
"""


async def test_an_end_in_the_middle_of_writing_loses_no_outcome(house: House, intake: Intake, unit: UnitSystem) -> None:
    gates = {1: Gate(says(503)), 2: Gate()}
    cases: list[str] = []

    async def chosen(call: Call) -> web.Response:
        if call.case not in cases:
            cases.append(call.case)
        return await gates[cases.index(call.case) + 1](call)

    unit.answer = chosen
    stack = AsyncExitStack()
    await stack.enter_async_context(running_lanes(house))
    await intake.receive([a_report(ORDINARY), a_report(ORDINARY)])
    await until(lambda: len(cases) == 2)
    async with house.pool.acquire() as conn, conn.transaction():
        # Nobody writes while this is locked: the failure is being written, the success comes after it.
        await conn.execute("SELECT FROM lanes FOR UPDATE")
        gates[1].opened.set()
        await until(lambda: house.ask(WRITING))
        gates[2].opened.set()
        await until(lambda: house.heard("letter.delivered"))
        ending = asyncio.create_task(stack.aclose())
        await until(lambda: f"lane {MAIN}" not in {task.get_name() for task in asyncio.all_tasks()})
    await ending
    assert await house.ask("SELECT outcome FROM attempts ORDER BY ended_at LIMIT 2") == ["unavailable", "processed"]
    assert await house.ask("SELECT count(*) FROM held_letters WHERE attempts = 1") == [1]


async def test_a_holder_that_ends_lets_another_go_on_at_once(house: House, intake: Intake, unit: UnitSystem) -> None:
    async with running_lanes(house, "one"):
        await until(lambda: house.heard("lane.acquired"))
    async with running_lanes(house, "two"):
        case = await a_case_told(house, intake)
        await until(lambda: unit.of(case.case_number) == [1, 2], 3)


async def test_two_holders_share_lanes_without_sharing_one(house: House, intake: Intake, unit: UnitSystem) -> None:
    async with running_lanes(house, "one"), running_lanes(house, "two"):
        cases = await asyncio.gather(*(a_case_told(house, intake, 2) for _ in range(10)))
        await until(lambda: len(unit.taken) == 40)
    assert len(house.heard("lane.acquired")) == 1
    assert [unit.of(case.case_number) for case in cases] == [[1, 2, 3, 4]] * 10
    assert len(unit.calls) == 40
