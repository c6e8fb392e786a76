"""What-if: unchanged rules change nothing; a moved row moves its cases and no others; each difference has its cases."""

from __future__ import annotations

from datetime import date, time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bends import CoordinationOutcome, CoordinationResult, ExtensionDecision, ExtensionRequest
from contracts.calendar import WorkingHours
from contracts.city import City, Component
from contracts.envelope import Mode
from contracts.messages import DispatchRequest, Duty, Return, ReturnReason
from hub.evaluation import CaseLog, Period
from hub.evaluation.replay import replay
from hub.evaluation.whatif import Change, Rules, WhatIf, what_if
from hub.facts import Decided, Dispatched
from hub.responsibility import Rule
from tests.builders import CLEAR, LEAD, UNCLEAR, quzhou, verification
from tests.journeys import DONE, ENFORCER, FIFTEEN_DAYS, SAME_DAY, Journey, journeys, local
from tests.rules.test_evaluation import NOVEMBER, in_time, late, logs, never
from tests.values import replace

CITY = quzhou()
RULES = Rules(CITY, CITY.formulas[0])
AUTUMN = Period(date(2026, 9, 1), date(2026, 12, 31))
BACK = Return(reason_code=ReturnReason.NOT_RESPONSIBLE, reason="非本单位管养")


def led_by(category: str, unit: str, city: City = CITY) -> City:
    """The city with another unit in the place of a category's leads."""
    rows = tuple(
        replace(row, unit_id=unit, conditions=()) if row.category_code == category and row.duty is Duty.LEAD else row
        for row in city.responsibilities
    )
    return replace(city, responsibilities=rows)


def with_tier(category: str, tier: str) -> City:
    rows = tuple(replace(row, tier=tier) if row.code == category else row for row in CITY.categories)
    return replace(CITY, categories=rows)


def compare(told: list[CaseLog], city: City = CITY, period: Period = NOVEMBER, **more: object) -> WhatIf:
    return what_if(told, RULES, Rules(city, city.formulas[0]), period, **more)  # type: ignore[arg-type]


def change(found: WhatIf, unit: str) -> Change:
    (one,) = (each for each in found.changes if each.unit_id == unit)
    return one


class TestNothingChanged:
    """The same rules over the same cases."""

    @settings(max_examples=150, deadline=None)
    @given(st.lists(journeys(), min_size=1, max_size=3))
    def test_every_log_stays_as_it_was(self, told: list[Journey]) -> None:
        for log in logs(*told):
            replayed = replay(log, CITY, replace(CITY))
            assert replayed.moved is None and list(replayed.log.entries) == list(log.entries)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(journeys(), min_size=1, max_size=3))
    def test_and_so_do_all_figures(self, told: list[Journey]) -> None:
        found = compare(logs(*told), period=AUTUMN)
        assert (found.before.rows, found.before.total) == (found.after.rows, found.after.total)
        assert found.changes == () and found.moves == ()


class TestAnotherMatrix:
    """Who would get more cases."""

    @settings(max_examples=120, deadline=None)
    @given(
        st.lists(journeys(), min_size=1, max_size=4),
        st.sampled_from([CLEAR, SAME_DAY, FIFTEEN_DAYS]),
        st.sampled_from(["power", "telecom", "transport"]),
    )
    def test_a_moved_row_moves_exactly_the_cases_that_it_decided(
        self, told: list[Journey], category: str, unit: str
    ) -> None:
        found = compare(logs(*told), led_by(category, unit), AUTUMN)
        decided = set()
        for log in logs(*told):
            first = next((each.fact for each in log.entries if isinstance(each.fact, Dispatched)), None)
            if (
                first is not None
                and first.order.rule in (Rule.MATRIX, Rule.MATRIX_PRESUMED)
                and first.brief.category_code == category
            ):
                decided.add(log.case_number)
        assert {move.case_number for move in found.moves} == decided
        assert all(move.to_unit == unit for move in found.moves)
        # Nobody else's cases came or went.
        others = [each for each in found.changes if each.unit_id not in {unit, *(m.from_unit for m in found.moves)}]
        assert not any(each.gained or each.lost for each in others)

    def test_the_other_unit_takes_over_what_was_done_and_when(self) -> None:
        found = compare(logs(in_time(), late(), never()), led_by(CLEAR, "power"))
        was, now = found.before.row(LEAD), found.after.row("power")
        assert was is not None and now is not None
        assert [each.value for each in was.figures] == [each.value for each in now.figures]
        assert len(change(found, "power").gained) == len(change(found, LEAD).lost) == 3
        assert change(found, "power").late == change(found, LEAD).in_time
        empty = found.after.row(LEAD)
        assert empty is not None and empty.score is None

    def test_a_second_dispatch_to_the_rightful_unit_falls_away_with_its_delay(self) -> None:
        journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", BACK)
        settled = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="power", reason="电力井")
        journey.centre("2026-11-23 15:00", settled).unit("2026-11-23 17:00", DONE, "power")
        journey.then("2026-11-23 17:30", verification)
        found = compare(logs(journey), led_by(CLEAR, "power"))
        row = found.after.row("power")
        assert row is not None
        assert (row.figure("dispatched").numerator, row.figure("second_dispatched").numerator) == (1, 0)
        # Two hours, now from nine o'clock on.
        assert row.figure("handling_time_mean").value == Fraction(2 * 3600)
        assert found.after.total.figure("returned").numerator == 0
        (log,) = logs(journey)
        assert replay(log, CITY, led_by(CLEAR, "power")).log.entries[-1].known_at == local("2026-11-23 11:30")

    def test_what_nobody_settled_is_overdue_with_the_unit_that_is_named(self) -> None:
        journey = Journey.begun("2026-11-23 09:00", UNCLEAR)
        found = compare(logs(journey), led_by(UNCLEAR, "telecom"))
        (move,) = found.moves
        assert (move.from_unit, move.to_unit) == (None, "telecom")
        assert change(found, "telecom").late == (move.case_number,)

    def test_what_becomes_unclear_is_with_nobody(self) -> None:
        nobody = replace(
            CITY, responsibilities=tuple(row for row in CITY.responsibilities if row.category_code != CLEAR)
        )
        found = compare(logs(in_time()), nobody)
        (move,) = found.moves
        assert (move.from_unit, move.to_unit, move.because.rule) == (LEAD, None, Rule.NO_LEAD)
        assert found.after.total.figure("dispatched").numerator == 0

    def test_what_the_register_decided_stays_with_the_owner(self) -> None:
        code = "3308020107000001"
        owner = Component(component_code=code, category_code=UNCLEAR, owner_unit_id="telecom", maintainer_unit_id=None,
                          department_unit_id=None, longitude=118.87, latitude=28.95, source="census")  # fmt: skip
        journey = Journey.begun("2026-11-23 09:00", UNCLEAR, component_code=code)
        found = compare(logs(journey), led_by(UNCLEAR, "power"), component_of=lambda _: owner)
        assert found.moves == ()

    def test_a_unit_named_by_hand_stays_named(self) -> None:
        journey = never().unit("2026-11-23 10:00", BACK)
        journey.centre("2026-11-23 11:00", DispatchRequest(unit_id="mobile", reason="查实"))
        found = compare(logs(journey), led_by(CLEAR, "power"))
        assert found.after.row("mobile") is not None
        assert change(found, "power").gained == change(found, LEAD).lost
        assert not [each for each in found.changes if each.unit_id == "mobile"]

    def test_a_drill_moves_nobody(self) -> None:
        journey = in_time()
        journey.log = [replace(entry, mode=Mode.DRILL) for entry in journey.log]
        assert compare(logs(journey), led_by(CLEAR, "power")).changes == ()


class TestAnotherCalendar:
    """Who would be late."""

    def test_a_shorter_tier_makes_late_and_a_longer_one_forgives(self) -> None:
        # Tier B: 8 working hours. Six were taken; of tier A, four natural hours, they are too many.
        slow = Journey.begun("2026-11-23 09:00", SAME_DAY).unit("2026-11-23 16:30", DONE, ENFORCER)
        found = compare(logs(slow), with_tier(SAME_DAY, "A"))
        assert change(found, ENFORCER).late == ("330800-20261101-000001",)
        found = compare(logs(late()), with_tier(CLEAR, "D"), Period(date(2026, 11, 1), date(2026, 12, 31)))
        assert change(found, LEAD).in_time == ("330800-20261101-000001",)

    def test_other_working_hours_move_the_deadlines(self) -> None:
        half = WorkingHours(periods=((time(8, 30), time(12, 0)),))
        city = replace(CITY, calendar=replace(CITY.calendar, hours=(half,)))
        journey = Journey.begun("2026-11-23 09:00", SAME_DAY).unit("2026-11-24 16:30", DONE, ENFORCER)
        assert compare(logs(journey), city).changes[0].in_time

    def test_a_deadline_set_by_hand_and_a_date_granted_stay(self) -> None:
        by_hand = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", BACK)
        due = local("2026-11-24 12:00")
        by_hand.centre("2026-11-23 11:00", DispatchRequest(unit_id="power", reason="查实", due_at=due))
        wanted = ExtensionRequest(reason="停气审批", due_at=local("2026-11-26 12:00"))
        granted = never().unit("2026-11-23 10:00", wanted)
        granted.centre("2026-11-23 11:00", ExtensionDecision(granted=True, reason="属实"))
        slower = with_tier(CLEAR, "B")
        first, second = (replay(log, CITY, slower).log.entries[-1].fact for log in logs(by_hand, granted))
        assert isinstance(first, Dispatched) and first.order.due_at == due
        assert isinstance(second, Decided) and second.due_at == wanted.due_at


def test_another_formula_moves_scores_and_ranks_alone() -> None:
    formula = replace(CITY.formulas[0], version="2", weights=(("on_time_rate", 20), ("handling_rate", 80)))
    found = what_if(logs(in_time(), late(), never()), RULES, Rules(CITY, formula), NOVEMBER)
    (one,) = found.changes
    assert one.unit_id == LEAD and not (one.gained or one.lost or one.late or one.in_time)
    assert one.score_moves == (20 * Fraction(1, 2) + 80 * Fraction(3, 4)) - Fraction(115, 2)


@pytest.mark.parametrize("known", ["2026-11-23 12:00", "2026-11-30 12:00"])
def test_what_was_not_known_yet_is_left_out(known: str) -> None:
    found = compare(logs(late()), led_by(CLEAR, "power"), known_at=local(known))
    row = found.after.row("power")
    assert row is not None and bool(row.figure("handled").numerator) == (known > "2026-11-23 14:00")
