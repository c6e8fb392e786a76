"""A simulated month: the same to the last byte, whole by every rule that holds, and counted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from contracts.city import Tally as Count
from contracts.envelope import Mode
from hub.evaluation import CaseLog, Period, evaluate
from hub.evaluation.observing import observe
from hub.facts import VerificationRequested, Verified
from hub.life_cycle import Step
from hub.registry import build
from hub.simulation import Month, Outcome, Tally, simulate
from hub.spans import Span
from tests.builders import quzhou
from tests.holding import hold
from tests.journeys import ZONE


@cache
def a_month(seed: int = 7, cases: int = 700, month: date = date(2026, 10, 1)) -> Outcome:
    """A small month of the shipped city."""
    return simulate(Month(build(quzhou(), 1, {}, 1), month, cases, seed))


def test_the_same_seed_gives_the_same_month_to_the_last_byte() -> None:
    again = simulate(Month(build(quzhou(), 1, {}, 1), date(2026, 10, 1), 700, 7))
    assert again.digest() == a_month().digest()
    assert again.tallies == a_month().tallies


def as_a_command(hash_seed: int, cases: int) -> subprocess.Popen[str]:
    """The month as a person asks for it, in a process of its own with its own order of sets."""
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "hub.cli",
            "simulate",
            "--month=2026-10",
            f"--cases={cases}",
            "--seed=7",
            "--json",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": str(hash_seed)},
    )


def test_in_other_processes_it_is_the_same_too() -> None:
    started = [as_a_command(hash_seed, 700) for hash_seed in (1, 2)]
    digests = {json.loads(process.communicate(timeout=120)[0])["digest"] for process in started}
    assert digests == {a_month().digest()}


class TestAWholeMonth:
    """Fifteen thousand reports, thirty units, a week of holidays with shifted days, storms."""

    def test_it_runs_in_seconds_the_same_to_the_last_byte_and_agrees_with_the_units_books(self) -> None:
        beside = as_a_command(3, 15_000)
        began = time.process_time()
        outcome = a_month.__wrapped__(cases=15_000)  # too large to be kept
        assert time.process_time() - began < 60
        assert json.loads(beside.communicate(timeout=240)[0])["digest"] == outcome.digest()
        assert len(outcome.cases) == 15_000
        assert len(outcome.tallies) == 30 and all(book.dispatched for book in led(outcome).values())
        the_books_agree(outcome)
        # From 1 to 7 October the city rests, on Saturday 10 it works for it; urgent things are dealt with all the same.
        answered = Counter(
            (entry.known_at.astimezone(ZONE).date(), outcome.cases[case_id].reported.tier == "A")
            for case_id, log in outcome.logs.items()
            for entry in log
            if entry.step is Step.ANSWER
        )
        assert answered[date(2026, 10, 10), False] > 10 * max(answered[date(2026, 10, 3), False], 1)
        assert answered[date(2026, 10, 3), True] > 20


@pytest.mark.parametrize("other", [{"seed": 8}, {"cases": 699}, {"month": date(2026, 9, 1)}])
def test_another_seed_size_or_month_gives_another(other: dict[str, object]) -> None:
    assert a_month(**other).digest() != a_month().digest()  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [7, 8])
def test_everything_holds_of_every_case(seed: int) -> None:
    outcome = a_month(seed)
    directory = build(quzhou(), 1, {}, 1).directory(outcome.until)
    for case_id, log in outcome.logs.items():
        hold(outcome.cases[case_id], log, directory, through_text=case_id % 5 == 0)


def test_a_month_has_a_little_of_everything() -> None:
    steps = a_month().steps() + a_month(8).steps()
    rare = {Step.RECKON_AGAIN, Step.JUDGE_LATE_PROOF, Step.UPHOLD_DISPUTE, Step.REFUSE_SUSPENSION}
    assert not set(Step) - set(steps) - rare
    outcome = a_month()
    assert any(case.mode is Mode.DRILL for case in outcome.cases.values())
    assert outcome.repeats > 0 and sum(outcome.refused.values()) < outcome.messages / 50


@pytest.mark.parametrize("seed", [7, 8])
def test_the_units_own_books_agree_with_what_the_log_says(seed: int) -> None:
    outcome = a_month(seed)
    assert sum(book.dispatched for book in outcome.tallies.values()) > 600
    the_books_agree(outcome)


def led(outcome: Outcome) -> dict[str, Tally]:
    """The books of the units that handle."""
    return {unit: book for unit, book in outcome.tallies.items() if unit not in ("collection", "command_center")}


def the_books_agree(outcome: Outcome) -> None:
    counted = counts(outcome)
    for unit, book in outcome.tallies.items():
        of = {count: counted[unit, count] for count in Count}
        by_the_log = Tally(
            dispatched=of[Count.DISPATCHED],
            second_dispatched=of[Count.SECOND_DISPATCHED],
            in_time=of[Count.HANDLED_IN_TIME],
            late=of[Count.HANDLED_LATE],
            returned_founded=of[Count.DISPATCHED] - of[Count.RIGHTLY_DISPATCHED],
            returned_unfounded=of[Count.RETURNED_UNFOUNDED],
            rework=of[Count.REWORKED],
            # The evaluation does not count these: they stand as they are.
            late_proofs=book.late_proofs,
            extensions=book.extensions,
            suspensions=book.suspensions,
            disputes=book.disputes,
            acknowledged_late=book.acknowledged_late,
            reminded=book.reminded,
        )
        assert by_the_log == book, unit


def counts(outcome: Outcome) -> Counter[tuple[str | None, Count]]:
    """What the evaluation counts of each unit from the beginning to the end of all."""
    directory = build(quzhou(), 1, {}, 1).directory(outcome.until)
    found: Counter[tuple[str | None, Count]] = Counter()
    for case_id, log in outcome.logs.items():
        always = Span(log[0].known_at, outcome.until + timedelta(days=400))
        for each in observe(outcome.cases[case_id].case_number, log, directory, always, outcome.until):
            found[each.unit, each.tally] += 1
    return found


@pytest.mark.parametrize("seed", [7, 8])
def test_the_evaluations_totals_agree_with_a_plain_count_of_steps(seed: int) -> None:
    """A third way to count: how often each step stands in the logs of cases that are not drills."""
    outcome = a_month(seed)
    city = quzhou()
    logs = [CaseLog(outcome.cases[case_id].case_number, log) for case_id, log in outcome.logs.items()]
    period = Period(date(2026, 10, 1), outcome.until.date() - timedelta(days=1))
    total = evaluate(logs, city.at(period.until), period, city.formulas[0]).total
    live = [log for log in outcome.logs.values() if log[0].mode is Mode.LIVE]
    steps = Counter(entry.step for log in live for entry in log)
    asked = [
        (entry.fact, next((each.known_at for each in log[n + 1 :] if isinstance(each.fact, Verified)), None))
        for log in live
        for n, entry in enumerate(log)
        if isinstance(entry.fact, VerificationRequested)
    ]

    def figures(indicator: str) -> tuple[int, int | None]:
        found = total.figure(indicator)
        return int(found.numerator), found.denominator

    assert figures("reported") == (len(live), None)
    assert figures("acceptance_rate") == (steps[Step.ACCEPT], len(live))
    assert figures("returned") == (steps[Step.RETURN], None)
    assert figures("handled") == (steps[Step.ANSWER], None)
    assert figures("rework_rate") == (steps[Step.FAIL], steps[Step.PASS] + steps[Step.FAIL])
    assert figures("closing_rate")[0] == steps[Step.CLOSE]
    assert figures("verification_on_time_rate") == (
        sum(1 for fact, done in asked if done is not None and done <= fact.due_at),
        sum(1 for fact, done in asked if done is not None or fact.due_at < outcome.until),
    )
    due, overdue = figures("due")[0], figures("overdue")[0]
    assert figures("on_time_rate")[1] == due == steps[Step.ANSWER] + overdue
