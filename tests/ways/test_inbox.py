"""The inbox of a unit that pulls, on a real database: leased, in order per case, and nobody's letter twice."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from contracts.nouns import Connection
from contracts.problem import Problem
from hub.cases import Case
from hub.delivery import repair
from hub.delivery.inbox import Handout, acknowledge, hand_out
from hub.intake import Intake
from hub.letters import position_of
from hub.registry import desk
from tests.builders import CLEAR, COLLECTOR, LEAD, a_report, feedback
from tests.ways.conftest import House, answered

pytestmark = pytest.mark.way

ORDINARY = "E0104"
LONG_SECONDS = 3600.0


@pytest.fixture
async def intake(house: House) -> Intake:
    return await house.an_intake()


@pytest.fixture
async def pull(house: House) -> Connection:
    """The collector pulls. It is told each step of what it reported, so a case brings it several letters."""
    await house.goes_live(
        {"unit": COLLECTOR, "connections": [{"name": "main", "transport": "pull", "receives": ["case.status"]}]}
    )
    found = house.refresher.registry().pull_connection(COLLECTOR, None)
    assert found is not None
    return found


async def fetched(house: House, source: Connection, limit: int = 100) -> Handout:
    return await hand_out(house.pool, source, limit=limit, seconds=LONG_SECONDS, division="330800")


async def settled(house: House, source: Connection, handed: Handout, places: set[int] | None = None) -> frozenset[int]:
    """What an acknowledgement of these places in the hand-out settles; of all where none are named."""
    asked = [position for at, position in enumerate(positions(handed)) if places is None or at in places]
    return (await acknowledge(house.pool, source, handed.lease_id, asked, division="330800")).settled


def positions(handed: Handout) -> list[int]:
    return [position_of(letter.letter_id) or 0 for letter, _ in handed.letters]


def said(handed: Handout) -> list[tuple[str, int]]:
    """(case, number within it) of each letter, in order."""
    events = [json.loads(letter.body) for letter, _ in handed.letters]
    return [(event["subject"], int(event["sequence"])) for event in events]


async def a_case_told(house: House, intake: Intake, notes: int = 0, category: str = ORDINARY) -> Case:
    """A case with two letters to the collector (accepted, dispatched), and one for each note of the lead."""
    case = await house.case(answered((await intake.receive([a_report(category)]))[0]).case_id)
    lead = case.lead_unit_id or LEAD
    for outcome in await intake.receive([feedback(case, lead, final=False) for _ in range(notes)]):
        answered(outcome)
    return case


async def leases_run_out(house: House) -> None:
    await house.ask("UPDATE inbox_leases SET leased_until = now() - interval '1 second'")


# -- the desk ----------------------------------------------------------------------------------------------------------


async def test_a_unit_without_a_system_finds_its_dispatch_at_its_desk(house: House, intake: Intake) -> None:
    case = await a_case_told(house, intake)
    handed = await fetched(house, desk(case.lead_unit_id or LEAD))
    assert [letter.contract for letter, _ in handed.letters] == ["case.dispatch/1.0"]
    assert said(handed) == [(case.case_number, 1)]


async def test_letters_that_waited_at_the_desk_are_still_there_when_the_unit_goes_live(
    house: House, intake: Intake
) -> None:
    case = await a_case_told(house, intake)
    unit = case.lead_unit_id or LEAD
    await house.goes_live({"unit": unit, "connections": [{"name": "main", "transport": "pull"}]})
    later = await a_case_told(house, intake)
    source = house.refresher.registry().pull_connection(unit, None)
    assert source is not None
    assert said(await fetched(house, source)) == [(later.case_number, 1)]
    assert said(await fetched(house, desk(unit))) == [(case.case_number, 1)]


# -- leases ------------------------------------------------------------------------------------------------------------


async def test_what_is_leased_is_handed_out_to_nobody_else(house: House, intake: Intake, pull: Connection) -> None:
    await a_case_told(house, intake, 2)
    assert len((await fetched(house, pull)).letters) == 4
    assert (await fetched(house, pull)).letters == ()


async def test_what_is_acknowledged_never_comes_again_and_the_cursor_passes_it(
    house: House, intake: Intake, pull: Connection
) -> None:
    await a_case_told(house, intake, 1)
    handed = await fetched(house, pull)
    assert await settled(house, pull, handed) == frozenset(positions(handed))
    await leases_run_out(house)
    assert (await fetched(house, pull)).letters == ()
    cursor = await house.ask("SELECT done_ordinary FROM lanes WHERE connection_id = $1", pull.connection_id)
    assert cursor == [max(positions(handed))]


async def test_what_is_not_acknowledged_in_time_comes_again_with_the_same_bytes(
    house: House, intake: Intake, pull: Connection
) -> None:
    await a_case_told(house, intake, 1)
    first = await fetched(house, pull)
    await leases_run_out(house)
    again = await fetched(house, pull)
    assert [letter for letter, _ in again.letters] == [letter for letter, _ in first.letters]
    assert [leases for _, leases in again.letters] == [2, 2, 2]


async def test_an_acknowledgement_under_a_lost_lease_settles_nothing(
    house: House, intake: Intake, pull: Connection
) -> None:
    await a_case_told(house, intake)
    stale = await fetched(house, pull)
    await leases_run_out(house)
    fresh = await fetched(house, pull)
    done = await acknowledge(house.pool, pull, stale.lease_id, positions(stale), division="330800")
    assert (done.settled, done.lost) == (frozenset(), frozenset(positions(stale)))
    assert await settled(house, pull, fresh) == frozenset(positions(fresh))


async def test_a_letter_whose_lease_ran_out_is_settled_late_while_nobody_else_has_it(
    house: House, intake: Intake, pull: Connection
) -> None:
    await a_case_told(house, intake)
    handed = await fetched(house, pull)
    await leases_run_out(house)
    assert await settled(house, pull, handed) == frozenset(positions(handed))
    assert (await fetched(house, pull)).letters == ()


async def test_acknowledging_twice_is_no_fault_and_settles_once(house: House, intake: Intake, pull: Connection) -> None:
    await a_case_told(house, intake)
    handed = await fetched(house, pull)
    await settled(house, pull, handed)
    again = await acknowledge(house.pool, pull, handed.lease_id, positions(handed), division="330800")
    assert (again.settled, again.before) == (frozenset(), frozenset(positions(handed)))
    assert await house.ask("SELECT count(*) FROM attempts") == [2]


async def test_nobody_acknowledges_another_units_letters(house: House, intake: Intake, pull: Connection) -> None:
    await a_case_told(house, intake)
    handed = await fetched(house, pull)
    done = await acknowledge(house.pool, desk("kecheng"), handed.lease_id, positions(handed), division="330800")
    assert done.lost == frozenset(positions(handed))
    assert await settled(house, pull, handed) == frozenset(positions(handed))


# -- order -------------------------------------------------------------------------------------------------------------


async def test_a_cases_letters_come_in_order_and_none_overtakes_a_leased_one(
    house: House, intake: Intake, pull: Connection
) -> None:
    case = await a_case_told(house, intake, 3)
    handed = await fetched(house, pull, limit=2)
    assert said(handed) == [(case.case_number, 1), (case.case_number, 2)]
    other = await a_case_told(house, intake)
    assert said(await fetched(house, pull)) == [(other.case_number, 1), (other.case_number, 2)]
    await settled(house, pull, handed)
    assert said(await fetched(house, pull)) == [(case.case_number, number) for number in (3, 4, 5)]


async def test_an_earlier_letter_that_was_not_acknowledged_comes_before_the_later_ones(
    house: House, intake: Intake, pull: Connection
) -> None:
    case = await a_case_told(house, intake, 2)
    handed = await fetched(house, pull, limit=3)
    # The first is left out, as by a unit that failed on it.
    await settled(house, pull, handed, {1, 2})
    assert (await fetched(house, pull)).letters == ()
    await leases_run_out(house)
    assert said(await fetched(house, pull)) == [(case.case_number, 1), (case.case_number, 4)]


async def test_urgent_letters_are_handed_out_before_the_backlog(house: House, intake: Intake, pull: Connection) -> None:
    for _ in range(5):
        await a_case_told(house, intake)
    urgent = await a_case_told(house, intake, category=CLEAR)
    assert said(await fetched(house, pull, limit=2)) == [(urgent.case_number, 1), (urgent.case_number, 2)]


async def test_pullers_at_once_share_no_letter_and_leave_none(house: House, intake: Intake, pull: Connection) -> None:
    cases = [await a_case_told(house, intake, 2) for _ in range(15)]
    taken: list[tuple[str, int]] = []

    async def a_puller(size: int) -> None:
        while (handed := await fetched(house, pull, limit=size)).letters:
            taken.extend(said(handed))
            assert await settled(house, pull, handed) == frozenset(positions(handed))

    while len(taken) < 60:
        before = len(taken)
        await asyncio.gather(*(a_puller(size) for size in (1, 2, 3, 5)))
        assert len(taken) > before
    assert len(set(taken)) == len(taken) == 60
    for case in cases:
        assert [number for subject, number in taken if subject == case.case_number] == [1, 2, 3, 4]


async def test_letters_that_a_lane_held_before_the_unit_began_to_pull_come_in_order(
    house: House, intake: Intake, pull: Connection
) -> None:
    case = await a_case_told(house, intake, 1)
    # As a lane leaves them: the first waits for its next try, the others behind it.
    for at, row in enumerate(await house.pool.fetch("SELECT * FROM letters WHERE unit_id = $1 ORDER BY 1", COLLECTOR)):
        await house.ask(
            "INSERT INTO held_letters (connection_id, position, case_id, due_at) VALUES ($1, $2, $3, $4)",
            pull.connection_id,
            row["position"],
            row["case_id"],
            datetime.now(UTC) if at == 0 else None,
        )
    seen: list[tuple[str, int]] = []
    while (handed := await fetched(house, pull)).letters:
        seen += said(handed)
        await settled(house, pull, handed)
    assert seen == [(case.case_number, 1), (case.case_number, 2), (case.case_number, 3)]


async def test_nothing_is_handed_out_past_a_dead_letter_of_its_case(
    house: House, intake: Intake, pull: Connection
) -> None:
    case, other = await a_case_told(house, intake, 1), await a_case_told(house, intake)
    first = (await house.ask("SELECT min(position) FROM letters WHERE unit_id = $1", COLLECTOR))[0]
    await house.ask(
        "INSERT INTO held_letters (connection_id, position, case_id, buried_at) VALUES ($1, $2, $3, now())",
        pull.connection_id,
        first,
        case.case_id,
    )
    assert {number for number, _ in said(await fetched(house, pull))} == {other.case_number}
    await repair.replay(house.pool, first, "test", "mended")
    assert said(await fetched(house, pull)) == [(case.case_number, number) for number in (1, 2, 3)]


async def test_a_letter_that_is_not_held_cannot_be_cancelled(house: House, intake: Intake, pull: Connection) -> None:
    await a_case_told(house, intake)
    handed = await fetched(house, pull)
    with pytest.raises(Problem):
        await repair.cancel(house.pool, positions(handed)[0], "test", "no longer needed")
