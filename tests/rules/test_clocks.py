"""Whose time it was: each dispatch with its unit's own time, each stretch of a case with its owner."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bends import (
    AssistanceRequest,
    CoordinationOutcome,
    CoordinationResult,
    Dispute,
    DisputeDecision,
    ExtensionDecision,
    ExtensionRequest,
    LateProofDecision,
    Recall,
    Resumption,
    SubDispatch,
    SubDispatchStatus,
    SuspensionDecision,
    SuspensionRequest,
    Void,
)
from contracts.calendar import Calendar
from contracts.city import TimeUnit
from contracts.messages import DispatchRequest, Finding, Return, ReturnReason, Verification
from hub.clocks import DEPARTMENT, Ending, Owner, ProofJudged, Record, Standing, intervals, records
from hub.lateness import Delivery, Outage
from hub.life_cycle import OVER
from tests.builders import COLLECTOR, COMMAND, LEAD, MORNING, a_message, verification
from tests.journeys import DONE, ENFORCER, SAME_DAY, Journey, directory_at, journeys, local

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DIRECTORY = directory_at(MORNING)


def of(journey: Journey, now: datetime | None = None) -> list[Record]:
    return list(records(journey.log, DIRECTORY, now or journey.now))


def owners(journey: Journey, now: datetime | None = None) -> list[tuple[Owner, bool, timedelta]]:
    return [(each.owner, each.counts, each.lasted) for each in intervals(journey.log, DIRECTORY, now or journey.now)]


class TestHandReckoned:
    """Sums that a person did."""

    def test_a_suspension_over_national_day_takes_no_time_from_the_unit(self) -> None:
        # Wednesday 10:00, 8 working hours. Asked at 15:00 (3.5 h gone), resumed on Friday the 9th at 10:00 with 4.5 h
        # left: 2 h to noon, 2.5 h from 13:30. The holiday is 1 to 7 October.
        journey = Journey.begun("2026-09-30 10:00", SAME_DAY)
        asked = SuspensionRequest(reason="待料", review_at=local("2026-10-09 09:00"))
        journey.unit("2026-09-30 15:00", asked, ENFORCER)
        journey.centre("2026-09-30 16:00", SuspensionDecision(granted=True, reason="同意"))
        journey.centre("2026-10-09 10:00", Resumption(reason="料到"))
        journey.unit("2026-10-09 15:00", DONE, ENFORCER)
        (record,) = of(journey)
        assert record.due_at == local("2026-10-09 16:00")
        assert (record.limit, record.spent, record.stood) == (8 * HOUR, 7 * HOUR, 11.5 * HOUR)
        assert record.elapsed == 18.5 * HOUR
        assert record.standing(journey.now) is Standing.IN_TIME
        assert owners(journey) == [
            (Owner.UNIT, True, 3.5 * HOUR),
            (Owner.WAITING, False, 1 * HOUR),
            (Owner.SUSPENDED, False, 10.5 * HOUR),
            (Owner.UNIT, True, 3.5 * HOUR),
        ]

    def test_danger_at_night_runs_in_natural_hours(self) -> None:
        # Tier A: 4 natural hours from 23:00 on a Saturday.
        journey = Journey.begun("2026-11-21 23:00")
        assert of(journey)[0].due_at == local("2026-11-22 03:00")
        assert of(journey, local("2026-11-22 03:00"))[0].standing(local("2026-11-22 03:00")) is Standing.RUNNING
        assert of(journey, local("2026-11-22 03:01"))[0].standing(local("2026-11-22 03:01")) is Standing.OVERDUE
        journey.unit("2026-11-22 03:01", DONE)
        (record,) = of(journey)
        assert (record.time, record.spent, record.limit) == (TimeUnit.NATURAL_HOURS, 241 * MINUTE, 4 * HOUR)
        assert record.standing(journey.now) is Standing.LATE

    def test_the_same_night_is_no_working_time(self) -> None:
        journey = Journey.begun("2026-11-21 23:00", SAME_DAY)
        (record,) = of(journey, local("2026-11-23 09:30"))
        assert (record.spent, record.limit) == (HOUR, 8 * HOUR)
        assert record.due_at == local("2026-11-24 09:00")


class TestEndings:
    """How a dispatch ends, and whether that is held against its unit."""

    def test_a_followed_return_was_founded_and_ended_the_units_time(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        journey.unit("2026-11-23 10:00", Return(reason_code=ReturnReason.NOT_RESPONSIBLE, reason="非本单位管养"))
        assert of(journey)[0].returns[0].founded is None
        result = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="power", reason="电力井")
        journey.centre("2026-11-23 11:30", result)
        first, second = of(journey, local("2026-11-23 12:00"))
        assert (first.ending, first.founded_return, first.spent) == (Ending.RETURNED, True, HOUR)
        assert first.standing(local("2026-11-30 12:00")) is Standing.OFF
        assert (second.unit_id, second.second, second.number) == ("power", True, 2)
        assert [each[:2] for each in owners(journey, local("2026-11-23 12:00"))] == [
            (Owner.UNIT, True),
            (Owner.COORDINATOR, False),
            (Owner.UNIT, True),
        ]

    def test_an_overruled_return_stopped_nothing_and_stays_one_record(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        journey.unit("2026-11-23 10:00", Return(reason_code=ReturnReason.NOT_RESPONSIBLE, reason="非本单位管养"))
        journey.centre("2026-11-23 12:00", DispatchRequest(unit_id=LEAD, reason="属你单位"))
        journey.unit("2026-11-23 12:30", DONE)
        (record,) = of(journey)
        assert record.insisted and record.returns[0].founded is False
        assert (record.spent, record.stood, record.standing(journey.now)) == (
            3.5 * HOUR,
            timedelta(0),
            Standing.IN_TIME,
        )
        assert [(owner, counts) for owner, counts, _ in owners(journey)] == [
            (Owner.UNIT, True),
            (Owner.COORDINATOR, True),
            (Owner.UNIT, True),
        ]

    def test_taken_away_in_time_it_is_off_and_after_its_time_it_stays_unhandled(self) -> None:
        in_time = Journey.begun("2026-11-23 09:00").centre("2026-11-23 10:00", Recall(reason="改派"))
        too_late = Journey.begun("2026-11-23 09:00").centre("2026-11-23 14:00", Recall(reason="改派"))
        assert of(in_time)[0].ending is Ending.RECALLED
        assert of(in_time)[0].standing(in_time.now) is Standing.OFF
        assert of(too_late)[0].standing(too_late.now) is Standing.OVERDUE

    def test_a_void_case_is_held_against_nobody(self) -> None:
        journey = Journey.begun("2026-11-23 09:00").centre("2026-11-24 09:00", Void(reason="误报"))
        assert (of(journey)[0].ending, of(journey)[0].standing(journey.now)) == (Ending.VOIDED, Standing.OFF)

    def test_rework_is_a_record_of_its_own_with_the_same_number(self) -> None:
        journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", DONE)
        journey.then("2026-11-23 10:30", lambda case: verification(case, Finding.FAILED))
        first, again = of(journey)
        assert (first.number, first.round, first.passed) == (again.number, 1, False)
        assert (again.round, again.second, again.ending) == (2, False, Ending.OPEN)
        assert again.due_at == local("2026-11-23 14:30")

    def test_an_assisting_dispatch_has_its_own_clock_and_lapses_with_the_case(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        journey.centre("2026-11-23 09:10", AssistanceRequest(unit_id="power", reason="断电"))
        journey.centre("2026-11-23 09:10", AssistanceRequest(unit_id="telecom", reason="线缆"))
        journey.unit("2026-11-23 09:40", DONE, "power").unit("2026-11-23 10:00", DONE)
        journey.then("2026-11-23 10:30", verification)
        lead, power, telecom = of(journey)
        assert (lead.duty, lead.ending, lead.passed) == ("lead", Ending.ANSWERED, True)
        assert (power.duty, power.ending, power.spent) == ("assist", Ending.ANSWERED, 30 * MINUTE)
        assert (telecom.ending, telecom.standing(journey.now)) == (Ending.LAPSED, Standing.OFF)

    def test_a_department_is_judged_apart_from_its_platform(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        passed_on = SubDispatch(department="gas", status=SubDispatchStatus.ASSIGNED, due_at=local("2026-11-23 11:00"))
        journey.unit("2026-11-23 09:30", passed_on)
        journey.unit("2026-11-23 11:30", SubDispatch(department="gas", status=SubDispatchStatus.DONE))
        journey.unit("2026-11-23 12:00", DONE)
        platform, department = of(journey)
        assert platform.standing(journey.now) is Standing.IN_TIME
        assert (department.unit_id, department.duty, department.platform) == ("gas", DEPARTMENT, LEAD)
        assert (department.spent, department.standing(journey.now)) == (2 * HOUR, Standing.LATE)


class TestMoves:
    """What moves a deadline, and what only asks for it."""

    def test_more_time_moves_the_deadline_and_stops_nothing(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        asked = ExtensionRequest(reason="停气审批", due_at=local("2026-11-23 18:00"))
        journey.unit("2026-11-23 10:00", asked).centre(
            "2026-11-23 11:00", ExtensionDecision(granted=True, reason="属实")
        )
        journey.unit("2026-11-23 17:00", DONE)
        (record,) = of(journey)
        assert (record.limit, record.spent, record.standing(journey.now)) == (9 * HOUR, 8 * HOUR, Standing.IN_TIME)
        assert (Owner.WAITING, True, HOUR) in owners(journey)

    @pytest.mark.parametrize(("upheld", "spent"), [(True, 2 * HOUR), (False, 4 * HOUR)])
    def test_a_dispute_stops_the_clock_only_where_it_was_right(self, upheld: bool, spent: timedelta) -> None:
        journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", Dispute(reason="时限应为乙档"))
        journey.centre("2026-11-23 12:00", DisputeDecision(upheld=upheld, reason="查实"))
        journey.unit("2026-11-23 13:00", DONE)
        (record,) = of(journey)
        assert (record.spent, record.elapsed) == (spent, 4 * HOUR)
        assert record.due_at == local("2026-11-23 15:00" if upheld else "2026-11-23 13:00")

    def test_an_answer_during_a_suspension_is_in_time(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        granted = SuspensionDecision(granted=True, reason="同意", review_at=local("2026-11-30 09:00"))
        journey.centre("2026-11-23 12:00", granted).unit("2026-11-25 12:00", DONE)
        (record,) = of(journey)
        assert (record.spent, record.standing(journey.now)) == (3 * HOUR, Standing.IN_TIME)


class TestNotTheUnits:
    """The hub's and the network's time, and late proofs."""

    CUT = Delivery(
        written_at=local("2026-11-23 09:00"),
        tried_at=local("2026-11-23 09:20"),
        cut_off_at=local("2026-11-23 09:20"),
        received_at=local("2026-11-23 11:00"),
    )

    @pytest.mark.parametrize(
        ("answered", "standing"), [("2026-11-23 15:00", Standing.IN_TIME), ("2026-11-23 15:01", Standing.LATE)]
    )
    def test_lost_time_covers_as_much_lateness(self, answered: str, standing: Standing) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        journey.unit(answered, DONE, deliveries={journey.case.case_id: self.CUT})
        (record,) = of(journey)
        assert (record.lost_by_hub, record.lost_by_network) == (20 * MINUTE, 100 * MINUTE)
        assert record.standing(journey.now) is standing

    def test_a_live_case_shows_what_is_not_delivered_yet(self) -> None:
        journey, now = Journey.begun("2026-11-23 09:00"), local("2026-11-23 10:00")
        waits = Delivery(local("2026-11-23 09:00"), local("2026-11-23 09:15"), local("2026-11-23 09:15"))
        told = intervals(journey.log, DIRECTORY, now, waits)
        assert [(each.owner, each.counts, each.lasted) for each in told] == [
            (Owner.HUB, False, 15 * MINUTE),
            (Owner.NETWORK, False, 45 * MINUTE),
        ]
        assert records(journey.log, DIRECTORY, now, waits)[0].spent == timedelta(0)

    def test_a_late_proof_counts_as_of_the_senders_time_until_it_is_overruled(self) -> None:
        journey = Journey.begun("2026-11-23 09:00")
        outage = Outage(f"{LEAD}.api", local("2026-11-23 11:00"), local("2026-11-23 14:00"))
        done = a_message(DONE, LEAD, journey.case, effective_at=local("2026-11-23 12:00"))
        journey.then("2026-11-23 14:30", done, outages={LEAD: [outage]})
        (record,) = of(journey)
        assert (record.late_proof, record.ended_at) == (ProofJudged.ACCEPTED, local("2026-11-23 12:00"))
        assert (record.spent, record.standing(journey.now)) == (3 * HOUR, Standing.IN_TIME)
        journey.centre("2026-11-23 15:00", LateProofDecision(accepted=False, reason="照片不符"))
        (record,) = of(journey)
        assert (record.late_proof, record.ended_at) == (ProofJudged.OVERRULED, local("2026-11-23 14:30"))
        assert record.standing(journey.now) is Standing.LATE


class TestWhateverHappens:
    """What holds of every life that a case may have."""

    @settings(max_examples=150, deadline=None)
    @given(journeys())
    def test_the_stretches_tile_the_cases_life(self, journey: Journey) -> None:
        told = intervals(journey.log, DIRECTORY, journey.now)
        end = journey.log[-1].known_at if journey.case.state in OVER else journey.now
        assert sum((each.until - each.since for each in told), timedelta(0)) == end - journey.log[0].known_at
        assert all(one.until == two.since for one, two in pairwise(told))
        assert all(each.since < each.until for each in told)

    @settings(max_examples=150, deadline=None)
    @given(journeys())
    def test_own_time_and_not_own_time_add_up(self, journey: Journey) -> None:
        for each in of(journey):
            until = each.ended_at or max(journey.now, each.dispatched_at)
            calendar: Calendar = DIRECTORY.calendar
            natural = each.time is TimeUnit.NATURAL_HOURS
            whole = until - each.dispatched_at if natural else calendar.working_between(each.dispatched_at, until)
            assert each.elapsed == whole
            assert min(each.spent, each.stood, each.lost_by_hub, each.lost_by_network, each.limit) >= timedelta(0)

    @settings(max_examples=150, deadline=None)
    @given(journeys())
    def test_the_stretches_that_count_are_the_units_own_time(self, journey: Journey) -> None:
        spent: dict[str, timedelta] = {}
        for record in of(journey):
            if record.duty == "lead":
                spent[record.unit_id] = spent.get(record.unit_id, timedelta(0)) + record.spent
        counted: dict[str, timedelta] = {}
        for each in intervals(journey.log, DIRECTORY, journey.now):
            if each.counts and each.unit_id:
                counted[each.unit_id] = counted.get(each.unit_id, timedelta(0)) + each.lasted
        assert {unit: time for unit, time in spent.items() if time} == {u: t for u, t in counted.items() if t}

    @settings(max_examples=100, deadline=None)
    @given(journeys(), st.integers(1, 5000))
    def test_clocks_never_run_backwards(self, journey: Journey, minutes: int) -> None:
        later = journey.now + timedelta(minutes=minutes)
        for now, then in zip(of(journey), of(journey, later), strict=True):
            assert then.spent >= now.spent and then.stood >= now.stood
            assert (then.spent == now.spent) or now.ending is Ending.OPEN

    @settings(max_examples=100, deadline=None)
    @given(journeys())
    def test_the_deadline_is_the_cases_own(self, journey: Journey) -> None:
        lead = journey.case.lead
        if lead is not None and journey.case.suspension is None and journey.case.state not in OVER:
            of_lead = [each for each in of(journey) if each.duty == "lead"][-1]
            if of_lead.ending is Ending.OPEN:
                assert of_lead.due_at == lead.due_at


def test_a_collector_and_a_command_centre_have_their_own_stretches() -> None:
    journey = Journey.begun("2026-11-23 09:00", source="citizen", unit=COMMAND)
    assert owners(journey, local("2026-11-23 09:20")) == [(Owner.COMMAND_CENTRE, False, 20 * MINUTE)]
    journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", DONE)
    journey.unit("2026-11-23 10:40", Verification(finding=Finding.PASSED, description="看过了"), COLLECTOR)
    told = intervals(journey.log, DIRECTORY, journey.now)
    assert [(each.owner, each.holder, each.lasted) for each in told] == [
        (Owner.UNIT, LEAD, HOUR),
        (Owner.COLLECTOR, COLLECTOR, 40 * MINUTE),
    ]
