"""A whole exercise (演练) beside live work: every letter of it is marked, and it counts nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pytest

from contracts.bends import ExtensionDecision, ExtensionRequest
from contracts.envelope import Message, Mode
from contracts.messages import Finding
from hub.evaluation import By, Period
from hub.facts import LinkedDuplicate
from hub.intake import Intake
from hub.life_cycle import State, Step
from hub.notices import noticed
from hub.store import overview
from hub.ticking import tick_of
from hub.vitals import Vitals
from hub.whatif import asked_what_if
from tests.builders import (
    CLEAR,
    COLLECTOR,
    COMMAND,
    LEAD,
    UNCLEAR,
    a_message,
    a_place,
    a_report,
    a_return,
    acknowledgement,
    dispatch_to,
    feedback,
    verification,
)
from tests.journeys import local
from tests.rules.test_whatif import led_by
from tests.values import replace
from tests.ways.conftest import House, answered, until
from tests.ways.test_evaluation import asked, set_time, told
from tests.ways.test_lanes import goes_live, running_lanes
from tests.ways.unit_system import UnitSystem, a_unit_system

pytestmark = pytest.mark.way

MONTH = Period.month(2026, 12)
BEGIN, END = local("2026-12-07 09:00"), local("2026-12-09 09:00")
RECEIVES = ["case.dispatch", "case.reminder", "case.decision_notice", "case.verification_request", "case.status"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """Cases of an exercise: one through its whole life, one left until it is supervised, one nobody settles."""

    whole: int
    supervised: int
    unsettled: int
    systems: dict[str, UnitSystem]


@pytest.fixture
async def intake(house: House) -> Intake:
    return await house.an_intake()


async def reported(intake: Intake, category: str = CLEAR, mode: Mode = Mode.DRILL, **more: Any) -> int:
    return answered((await intake.receive([a_report(category, mode=mode, **more)]))[0]).case_id


@pytest.fixture
async def exercise(house: House, intake: Intake) -> AsyncIterator[Exercise]:
    """Two days of an exercise with two units' real systems; nothing live beside it."""
    async with a_unit_system() as lead, a_unit_system() as collector:
        await goes_live(house, LEAD, lead, receives=RECEIVES)
        await goes_live(house, COLLECTOR, collector, receives=RECEIVES)
        await set_time(house, BEGIN)
        async with running_lanes(house):
            ids = [await reported(intake), await reported(intake), await reported(intake, UNCLEAR)]
            await through_its_life(house, intake, ids[0])
            await set_time(house, END)
            for case_id in ids[1:]:
                case = await house.case(case_id)
                await intake.receive([tick_of(case_id, case.version, Mode.DRILL, END)])
            await until(lambda: all_delivered(house))
            yield Exercise(*ids, systems={LEAD: lead, COLLECTOR: collector})


async def through_its_life(house: House, intake: Intake, case_id: int) -> None:
    """Returned and insisted on, extended, done, reworked, done again, closed."""
    wanted = ExtensionRequest(reason="停气审批", due_at=local("2026-12-07 18:00"))
    await told(
        intake,
        house,
        case_id,
        a_return,
        lambda case: dispatch_to(case, LEAD),
        acknowledgement,
        lambda case: a_message(wanted, LEAD, case),
        lambda case: a_message(ExtensionDecision(granted=True, reason="属实"), COMMAND, case),
        lambda case: in_drill(feedback(case)),
        lambda case: verification(case, Finding.FAILED),
        feedback,
        lambda case: in_drill(verification(case)),
    )


def in_drill(message: Message) -> Message:
    """The sender marks it too; unmarked it belongs to the exercise all the same."""
    return replace(message, mode=Mode.DRILL)


async def all_delivered(house: House) -> bool:
    left = "SELECT count(*) FROM letters l WHERE unit_id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM attempts a "
    same = "WHERE a.case_id = l.case_id AND a.position = l.position AND a.outcome IN ('received', 'processed'))"
    return bool((await house.ask(left + same, [LEAD, COLLECTOR]))[0] == 0)


async def test_every_letter_of_it_is_marked_from_report_to_closing(house: House, exercise: Exercise) -> None:
    assert (await house.case(exercise.whole)).state is State.CLOSED
    steps = [entry.step for entry in await house.log(exercise.supervised)]
    assert Step.SUPERVISE in steps
    for system in exercise.systems.values():
        events = [orjson.loads(call.body) for call in system.taken]
        assert events and {event["mode"] for event in events} == {"drill"}
    to_lead = {orjson.loads(call.body)["type"] for call in exercise.systems[LEAD].taken}
    assert {"case.dispatch", "case.reminder", "case.decision_notice"} <= to_lead
    to_collector = {orjson.loads(call.body)["type"] for call in exercise.systems[COLLECTOR].taken}
    assert {"case.verification_request", "case.status"} <= to_collector
    for table in ("letters", "entries", "cases"):
        assert set(await house.ask(f"SELECT mode FROM {table}")) == {"drill"}


async def test_it_counts_in_no_evaluation_no_notice_and_no_what_if(house: House, exercise: Exercise) -> None:
    for by in By:
        found = await asked(house, MONTH, by)
        assert all(not figure.numerator and not figure.cases for figure in found.total.figures)
        assert all(row.score is None for row in found.rows)
    registry, now = house.refresher.registry(), house.refresher.clock().now()
    made = await noticed(house.pool, registry.city, registry.directory_version, now, MONTH)
    assert "全市共上报0件" in made.opening[0] and "应处置0件次" in made.opening[1]
    text = str(made)
    for case_id in (exercise.whole, exercise.supervised, exercise.unsettled):
        assert (await house.case(case_id)).case_number not in text
    changed = led_by(CLEAR, "power", registry.city)
    what = await asked_what_if(house.pool, registry.city, registry.directory_version, now, MONTH, changed)
    assert (what.moves, what.changes) == ((), ())


async def test_it_is_in_no_open_figure_of_the_console_or_the_metrics(house: House, exercise: Exercise) -> None:
    live, drill = await picture(house, Mode.LIVE), await picture(house, Mode.DRILL)
    assert (live.day, live.earlier, live.backlog, live.awaiting, live.pressing) == ({}, {}, [], [], [])
    # Who asks for drills sees them.
    assert [row.unit_id for row in drill.backlog] == [LEAD] and len(drill.awaiting) == 1 and drill.earlier
    gauges = await Vitals(house.pool, house.refresher).gauges()
    assert not [value for name, _, _, value in gauges if name == "cases_open" and value]


async def picture(house: House, mode: Mode) -> overview.Picture:
    now: datetime = house.refresher.clock().now()
    return await overview.picture(house.pool, day=20261209, now=now, mode=mode, connections={}, limit=10)


async def test_a_drill_and_a_live_report_of_one_place_are_no_duplicates(house: House, intake: Intake) -> None:
    place = a_place()
    drill = await reported(intake, place=place)
    live = await reported(intake, place=place, mode=Mode.LIVE)
    assert (await house.case(live)).state is State.DISPATCHED
    assert (await house.case(await reported(intake, place=place))).state is State.DUPLICATE
    again = await reported(intake, place=place, mode=Mode.LIVE)
    originals = [e.fact.original for e in await house.log(again) if isinstance(e.fact, LinkedDuplicate)]
    assert originals == [(await house.case(live)).case_number]
    assert (await house.case(drill)).state is State.DISPATCHED
