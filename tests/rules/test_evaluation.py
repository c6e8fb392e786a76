"""Evaluation: every figure against cases reckoned by hand, and against a second, naive reckoning."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.bends import CoordinationOutcome, CoordinationResult, SubDispatch, SubDispatchStatus, Void
from contracts.city import CityFolderUnusable, Tally, load_city
from contracts.city.formula_files import read_formulas
from contracts.city.formulas import TALLY_WORDS
from contracts.envelope import Mode
from contracts.messages import DispatchRequest, Finding, Return, ReturnReason
from hub.cases import Entry
from hub.evaluation import By, CaseLog, Evaluation, Period, Row, evaluate, observe
from hub.evaluation.figures import decimal
from hub.facts import Answered, Dispatched, Returned, Verified
from hub.life_cycle import State, Step
from hub.sheets import called, cases_of, names_of
from tests.builders import COLLECTOR, COMMAND, LEAD, MORNING, QUZHOU, quzhou, verification
from tests.journeys import DONE, ENFORCER, SAME_DAY, Journey, directory_at, journeys, local
from tests.values import replace

DIRECTORY = directory_at(MORNING)
FORMULA = quzhou().formulas[0]
NOVEMBER = Period.month(2026, 11)
BACK = Return(reason_code=ReturnReason.NOT_RESPONSIBLE, reason="非本单位管养")
ZONE = ZoneInfo("Asia/Shanghai")


def logs(*told: Journey) -> list[CaseLog]:
    return [CaseLog(f"330800-20261101-{n:06d}", journey.log) for n, journey in enumerate(told, 1)]


def evaluated(*told: Journey, period: Period = NOVEMBER, by: By = By.UNIT, known_at: str | None = None) -> Evaluation:
    moment = local(known_at) if known_at else None
    return evaluate(logs(*told), DIRECTORY, period, FORMULA, by=by, known_at=moment)


def row(of: Evaluation, key: str = LEAD) -> Row:
    found = of.row(key)
    assert found is not None
    return found


def counts(of: Row, *names: str) -> list[int]:
    return [int(of.figure(name).numerator) for name in names]


def in_time() -> Journey:
    """Answered after 1 of 4 hours, passed at once."""
    journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", DONE)
    return journey.then("2026-11-23 10:30", verification)


def late() -> Journey:
    """Answered after 5 of 4 hours, failed, done again in time, passed."""
    journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 14:00", DONE)
    journey.then("2026-11-23 15:30", lambda case: verification(case, Finding.FAILED))
    return journey.unit("2026-11-23 16:30", DONE).then("2026-11-23 17:00", verification)


def never() -> Journey:
    return Journey.begun("2026-11-23 09:00")


class TestHandReckoned:
    """Three cases of one unit: one in time, one late with rework, one never handled."""

    def test_the_counts(self) -> None:
        found = row(evaluated(in_time(), late(), never()))
        # Four dispatches were due: one for each case and one round of rework.
        assert counts(found, "dispatched", "due", "handled", "handled_in_time", "handled_late", "overdue") == [
            *(3, 4, 3, 2, 1, 1)
        ]

    def test_the_rates_are_exact(self) -> None:
        found = row(evaluated(in_time(), late(), never()))
        assert found.figure("handling_rate").value == Fraction(3, 4)
        assert found.figure("on_time_rate").value == Fraction(1, 2)
        # Two dispatches were verified a first time, one passed; of three verifications one meant rework.
        assert found.figure("first_time_pass_rate").value == Fraction(1, 2)
        assert found.figure("rework_rate").value == Fraction(1, 3)

    def test_the_times_are_the_units_own(self) -> None:
        found = row(evaluated(in_time(), late(), never()))
        # 1 h, 5 h and, for the rework, 1 h.
        assert found.figure("handling_time_mean").value == Fraction(7 * 3600, 3)
        assert found.figure("handling_time_p90").value == 5 * 3600
        assert found.figure("handling_time_mean").shown == "2.3 h"

    def test_the_score_is_the_weighted_rates(self) -> None:
        found = row(evaluated(in_time(), late(), never()))
        assert found.score == 50 * Fraction(1, 2) + 30 * Fraction(3, 4) + 20 * Fraction(1, 2)

    def test_where_a_rate_has_nothing_to_count_the_others_share_its_points(self) -> None:
        found = row(evaluated(never()))
        assert found.figure("first_time_pass_rate").value is None
        assert found.score == 0
        assert row(evaluated(), LEAD).score is None

    def test_every_figure_opens_to_its_cases(self) -> None:
        found = row(evaluated(in_time(), late(), never())).figure("on_time_rate")
        assert [number[-1] for number in found.cases] == ["1", "2"]
        assert [number[-1] for number in found.of_cases] == ["1", "2", "3"]

    def test_the_city_closes_what_its_units_handle(self) -> None:
        # Tier A: 60 minutes to verify after the deadline. The first was closed at 10:30 and due at 14:00; the rework of
        # the second was due at 20:30 and closed at 17:00; the third was never closed.
        total = evaluated(in_time(), late(), never()).total
        assert total.figure("closing_rate").value == Fraction(2, 3)
        assert total.figure("on_time_closing_rate").value == Fraction(2, 3)
        assert total.figure("acceptance_rate").value == 1

    def test_the_collector_is_judged_by_reports_and_verifications(self) -> None:
        # A verification of tier A is due within 60 minutes: 30, 90 and 30 were taken.
        found = row(evaluated(in_time(), late(), never(), by=By.COLLECTOR), COLLECTOR)
        assert counts(found, "reported", "acceptance_rate") == [3, 3]
        assert found.figure("verification_on_time_rate").value == Fraction(2, 3)


class TestWhatCounts:
    """What is held against a unit, and what is not."""

    def test_a_followed_return_is_nobodys_due_and_a_wrong_dispatch(self) -> None:
        journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", BACK)
        settled = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="power", reason="电力井")
        journey.centre("2026-11-23 11:00", settled)
        result = evaluated(journey)
        assert counts(row(result), "dispatched", "due", "returned", "returned_unfounded") == [1, 0, 1, 0]
        assert counts(row(result, "power"), "dispatched", "due", "overdue", "second_dispatched") == [1, 1, 1, 1]
        assert result.total.figure("dispatch_accuracy").value == Fraction(1, 2)

    def test_an_overruled_return_is_the_units_own(self) -> None:
        journey = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", BACK)
        journey.centre("2026-11-23 12:00", DispatchRequest(unit_id=LEAD, reason="属你单位"))
        journey.unit("2026-11-23 13:30", DONE)
        found = row(evaluated(journey))
        names = ("dispatched", "due", "handled_late", "returned", "returned_unfounded")
        assert counts(found, *names) == [1, 1, 1, 1, 1]

    def test_a_void_case_counts_for_nothing_but_its_report_and_dispatch(self) -> None:
        journey = never().centre("2026-11-24 09:00", Void(reason="误报"))
        result = evaluated(journey)
        assert counts(row(result), "dispatched", "due", "overdue") == [1, 0, 0]
        assert result.total.figure("closing_rate").denominator == 0

    @pytest.mark.parametrize("mode", [Mode.DRILL, Mode.TEST])
    def test_drills_and_tests_never_count(self, mode: Mode) -> None:
        journey = in_time()
        journey.log = [replace(entry, mode=mode) for entry in journey.log]
        assert all(figure.numerator == 0 for figure in evaluated(journey).total.figures)

    def test_a_department_is_evaluated_apart(self) -> None:
        journey = never()
        passed_on = SubDispatch(department="gas", status=SubDispatchStatus.ASSIGNED, due_at=local("2026-11-23 11:00"))
        journey.unit("2026-11-23 09:30", passed_on)
        journey.unit("2026-11-23 10:30", SubDispatch(department="gas", status=SubDispatchStatus.DONE))
        result = evaluated(journey, by=By.DEPARTMENT)
        assert [each.key for each in result.rows] == [f"{LEAD}/gas"]
        assert counts(result.rows[0], "due", "handled_in_time") == [1, 1]

    def test_a_deadline_belongs_to_the_period_in_which_it_lies(self) -> None:
        # 8 working hours from Monday 30 November at 16:00: due on Tuesday at 16:00.
        journey = Journey.begun("2026-11-30 16:00", SAME_DAY).unit("2026-11-30 17:00", DONE, ENFORCER)
        assert counts(row(evaluated(journey), ENFORCER), "dispatched", "due") == [1, 0]
        december = evaluated(journey, period=Period.month(2026, 12))
        assert counts(row(december, ENFORCER), "dispatched", "due", "handled_in_time") == [0, 1, 1]

    def test_what_is_handled_after_the_period_stays_unhandled_in_it(self) -> None:
        journey = Journey.begun("2026-11-30 16:00").unit("2026-12-01 08:00", DONE)
        assert counts(row(evaluated(journey)), "due", "handled", "overdue") == [1, 0, 1]

    def test_a_period_still_running_is_judged_by_now(self) -> None:
        found = row(evaluated(never(), in_time(), known_at="2026-11-23 12:00"))
        assert counts(found, "due", "handled", "overdue") == [1, 1, 0]


class TestKnownAt:
    """The same figures come out again."""

    def test_a_published_figure_comes_out_again_whatever_was_learnt_since(self) -> None:
        journey = Journey.begun("2026-11-30 09:00").unit("2026-11-30 10:00", BACK)
        before = evaluated(journey, known_at="2026-12-01 09:00")
        journey.centre("2026-12-02 09:00", DispatchRequest(unit_id=LEAD, reason="属你单位"))
        assert evaluated(journey, known_at="2026-12-01 09:00") == before
        assert counts(row(before), "due", "returned_unfounded") == [0, 0]
        assert counts(row(evaluated(journey)), "due", "overdue", "returned_unfounded") == [1, 1, 1]


class TestRanks:
    """Among like units; equals share a rank."""

    def test_equals_share_a_rank_and_who_has_no_score_has_none(self) -> None:
        told = []
        for unit, hours in (("power", 1), ("telecom", 1), ("mobile", 5)):
            journey = Journey.begun("2026-11-23 09:00").centre(
                "2026-11-23 09:00", DispatchRequest(unit_id=unit, reason="核实权属")
            )
            told.append(journey.unit(local("2026-11-23 09:00") + timedelta(hours=hours), DONE, unit))
        ranks = {each.key: (each.rank, each.ranked) for each in evaluated(*told).rows if each.group_id == "utilities"}
        assert ranks == {
            **dict.fromkeys(("power", "telecom"), (1, 3)),
            "mobile": (3, 3),
            **dict.fromkeys(("post", "radio_tv", "quzhou_daily", "bus_group", "unicom", "tietong"), (None, 3)),
        }

    def test_every_unit_that_the_matrix_names_is_in_one_group(self) -> None:
        leads = {row.unit_id for row in quzhou().responsibilities}
        assert {unit for unit in leads if FORMULA.group_of(unit) is None} <= {COMMAND}


def naive(told: Sequence[Sequence[Entry]], begin: datetime, end: datetime) -> dict[str, dict[str, int]]:
    """A second reckoning that knows nothing of clocks: dispatches with a plain deadline, answered, returned or not.

    Only for cases without extension, suspension, dispute, lost time or late proof.
    """
    found: dict[str, dict[str, int]] = {}

    def add(unit: str, name: str) -> None:
        of_unit = found.setdefault(unit, {})
        of_unit[name] = of_unit.get(name, 0) + 1

    for log in told:
        orders: list[dict[str, object]] = []
        for entry in log:
            fact = entry.fact
            order = fact.order if isinstance(fact, Dispatched) else None
            if isinstance(fact, Verified):
                if orders and begin <= entry.known_at < end:
                    add(str(orders[-1]["unit"]), "verified")
                    if entry.step is Step.FAIL:
                        add(str(orders[-1]["unit"]), "reworked")
                order = fact.rework
            if order is not None and order.insisted:
                orders[-1].update(ended=None, how=None, due=order.due_at)
            elif order is not None:
                orders.append({"unit": order.unit_id, "due": order.due_at, "ended": None, "how": None})
            elif isinstance(fact, Answered) and entry.step is Step.ANSWER:
                orders[-1].update(ended=entry.known_at, how="answered")
            elif isinstance(fact, Returned):
                orders[-1].update(ended=entry.known_at, how="returned")
            elif entry.step is Step.RECALL:
                orders[-1].update(ended=entry.known_at, how="recalled")
            elif entry.state is State.VOIDED and orders and orders[-1]["how"] is None:
                orders[-1].update(ended=entry.known_at, how="void")
        for each in orders:
            due, ended, how, unit = each["due"], each["ended"], each["how"], str(each["unit"])
            assert isinstance(due, datetime)
            if not begin <= due < end or how in ("returned", "void"):
                continue
            if how == "answered" and isinstance(ended, datetime) and ended <= end:
                add(unit, "due")
                add(unit, "handled_in_time" if ended <= due else "handled_late")
            elif how == "recalled" and isinstance(ended, datetime) and ended <= due:
                continue
            else:
                add(unit, "due")
                add(unit, "overdue")
    return found


PLAIN = {Step.REQUEST_EXTENSION, Step.REQUEST_SUSPENSION, Step.SUSPEND, Step.DISPUTE, Step.SUB_DISPATCH}


def plain(journey: Journey) -> bool:
    """Whether the naive reckoning can follow it."""
    moved = any(entry.step in PLAIN for entry in journey.log)
    lost = any(isinstance(e.fact, Answered) and (e.fact.lost or e.fact.late_proof) for e in journey.log)
    return not moved and not lost


class TestAgainstASecondReckoning:
    """Whatever happens to cases, two ways to count them agree."""

    @settings(max_examples=120, deadline=None)
    @given(st.lists(journeys().filter(plain), min_size=1, max_size=4), st.integers(0, 20), st.integers(0, 20))
    def test_the_naive_reckoning_finds_the_same(self, told: list[Journey], first: int, days: int) -> None:
        since = date(2026, 9, 20) + timedelta(days=first)
        period = Period(since, since + timedelta(days=days))
        result = evaluate(logs(*told), DIRECTORY, period, FORMULA)
        span = period.span(ZONE)
        expected = naive([each.log for each in told], span.since, span.until)
        names = ("due", "handled_in_time", "handled_late", "overdue")
        found = {
            each.key: {name: int(each.figure(name).numerator) for name in names if each.figure(name).numerator}
            for each in result.rows
        }
        for unit, of_unit in expected.items():
            counted = found.setdefault(unit, {})
            assert {name: of_unit[name] for name in names if name in of_unit} == counted
            rate = row(result, unit).figure("rework_rate")
            assert (int(rate.numerator), rate.denominator) == (of_unit.get("reworked", 0), of_unit.get("verified", 0))
        assert all(not values or unit in expected for unit, values in found.items())

    @settings(max_examples=80, deadline=None)
    @given(st.lists(journeys(), min_size=1, max_size=4))
    def test_the_due_are_the_handled_and_the_overdue(self, told: list[Journey]) -> None:
        for by in By:
            result = evaluate(logs(*told), DIRECTORY, Period(date(2026, 9, 1), date(2026, 12, 31)), FORMULA, by=by)
            for each in (*result.rows, result.total):
                due, handled, overdue, good, bad = counts(
                    each, "due", "handled", "overdue", "handled_in_time", "handled_late"
                )
                assert due == handled + overdue and handled == good + bad
                assert each.score is None or 0 <= each.score <= FORMULA.points

    @settings(max_examples=60, deadline=None)
    @given(st.lists(journeys(), min_size=1, max_size=3), st.integers(1, 29))
    def test_periods_side_by_side_add_up(self, told: list[Journey], cut: int) -> None:
        whole, now = Period(date(2026, 9, 1), date(2027, 3, 31)), local("2027-03-31 23:00")
        parts = [Period(whole.since, date(2026, 10, cut)), Period(date(2026, 10, cut + 1), whole.until)]
        total = evaluate(logs(*told), DIRECTORY, whole, FORMULA, known_at=now).total
        pieces = [evaluate(logs(*told), DIRECTORY, part, FORMULA, known_at=now).total for part in parts]
        for name in ("dispatched", "due", "returned", "reported", "second_dispatched"):
            assert sum(int(each.figure(name).numerator) for each in pieces) == total.figure(name).numerator


class TestTheFormula:
    """Versioned data, checked with the city."""

    def test_the_shipped_one_has_every_figure_of_the_process(self) -> None:
        assert FORMULA.points == 100 and dict(FORMULA.weights)["on_time_rate"] == 50
        assert {each.numerator for each in FORMULA.indicators} >= set(Tally) - {
            *(Tally.VERIFIED, Tally.FIRST_VERIFIED, Tally.DUE_TO_CLOSE, Tally.VERIFICATION_DUE)
        }

    def test_every_tally_is_explained_and_can_be_observed(self) -> None:
        assert set(TALLY_WORDS) == set(Tally)
        settled = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="power", reason="电力井")
        second = never().unit("2026-11-23 10:00", BACK).centre("2026-11-23 11:00", settled)
        insisted = never().unit("2026-11-23 10:00", BACK)
        insisted.centre("2026-11-23 12:00", DispatchRequest(unit_id=LEAD, reason="属你单位"))
        span = NOVEMBER.span(ZONE)
        told = (in_time(), late(), never(), second, insisted)
        seen = {each.tally for one in told for each in observe("x", one.log, DIRECTORY, span, span.until)}
        assert seen == set(Tally)

    def test_the_version_in_force_is_that_of_the_periods_last_day(self) -> None:
        city = quzhou()
        newer = replace(city.formulas[0], version="2", valid_from=date(2026, 12, 1))
        city = replace(city, formulas=(*city.formulas, newer))
        versions = [city.formula(day) for day in (date(2026, 11, 30), date(2026, 12, 1))]
        assert [each.version for each in versions if each] == ["1", "2"]
        assert city.formula(date(2000, 1, 1)) is None

    def test_faults_are_told_all_at_once(self, tmp_path: Path) -> None:
        folder = tmp_path / "evaluation"
        folder.mkdir()
        text = (QUZHOU / "evaluation" / "1.toml").read_text(encoding="utf-8")
        text = text.replace("on_time_rate = 50", "overdue = 50").replace('"kecheng"', '"nowhere"')
        (folder / "1.toml").write_text(text.replace('reckoning = "mean"', 'reckoning = "rate"'), encoding="utf-8")
        faults: list[object] = []
        read_formulas(folder, {unit.unit_id for unit in quzhou().units}, faults)  # type: ignore[arg-type]
        assert sorted(each.column for each in faults) == [  # type: ignore[attr-defined]
            *("group.units", "indicator.handling_time_mean", "weights.overdue")
        ]

    def test_a_tally_that_does_not_exist_makes_the_city_unusable(self, tmp_path: Path) -> None:
        shutil.copytree(QUZHOU, tmp_path / "city")
        path = tmp_path / "city" / "evaluation" / "1.toml"
        changed = path.read_text(encoding="utf-8").replace('numerator = "overdue"', 'numerator = "sunny"')
        path.write_text(changed, encoding="utf-8")
        with pytest.raises(CityFolderUnusable) as caught:
            load_city(tmp_path / "city")
        assert [fault.file for fault in caught.value.faults] == ["evaluation/1.toml"]


@given(st.fractions(0, 1000), st.integers(0, 4))
def test_figures_are_rounded_half_up_only_for_people(value: Fraction, places: int) -> None:
    shown = Fraction(decimal(value, places))
    assert abs(shown - value) <= Fraction(1, 2 * 10**places)


@pytest.mark.parametrize(
    ("named", "days"),
    [
        ("2026-11", ("2026-11-01", "2026-11-30")),
        ("2026-Q1", ("2026-01-01", "2026-03-31")),
        ("2024-02", ("2024-02-01", "2024-02-29")),
        ("2026", ("2026-01-01", "2026-12-31")),
    ],
)
def test_a_period_is_named_as_people_name_it(named: str, days: tuple[str, str]) -> None:
    period = Period.named(named)
    assert (period.since.isoformat(), period.until.isoformat()) == days


def test_whoever_has_no_name_in_the_directory_is_called_as_the_log_calls_them() -> None:
    told = SubDispatch(department="street-1", department_name="府山街道办", status=SubDispatchStatus.DONE)
    passed_on = Journey.begun("2026-11-23 09:00").unit("2026-11-23 10:00", told).unit("2026-11-23 11:00", DONE)
    passed_on.then("2026-11-23 12:00", lambda case: replace(verification(case), actor="采集员 07"))
    by_department = evaluated(passed_on, by=By.DEPARTMENT)
    names = called(by_department, names_of(quzhou(), By.DEPARTMENT))
    assert names[f"{LEAD}/street-1"] == "市住建局 府山街道办"
    by_collector = evaluated(passed_on, by=By.COLLECTOR)
    names = called(by_collector, names_of(quzhou(), By.COLLECTOR))
    assert names["collection"] == "信息采集单位" and names["collection/采集员 07"] == "信息采集单位 采集员 07"


def test_an_indicator_opens_down_to_a_line_for_each_case_of_each_unit() -> None:
    made = cases_of(evaluated(in_time(), late(), never()), names_of(quzhou(), By.UNIT), "on_time_rate")
    name, (one, two, three) = "市住建局", (log.case_number for log in logs(in_time(), late(), never()))
    # The second was late at first, and its rework was in time: one case, twice due, once counted.
    assert made.rows == ((LEAD, name, one, "是 yes"), (LEAD, name, two, "是 yes"), (LEAD, name, three, "否 no"))
    with pytest.raises(KeyError):
        cases_of(evaluated(never()), {}, "sunny")
