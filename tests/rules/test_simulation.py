"""A simulated month: the same to the last byte, whole by every rule that holds, and counted twice."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import cache

import pytest

from contracts.city import Tally as Count
from contracts.envelope import Mode
from hub.evaluation.observing import observe
from hub.life_cycle import Step
from hub.registry import build
from hub.simulation import Month, Outcome, Tally, simulate
from hub.spans import Span
from tests.builders import quzhou
from tests.holding import hold


@cache
def a_month(seed: int = 7, cases: int = 700, month: date = date(2026, 10, 1)) -> Outcome:
    """A small month of the shipped city."""
    return simulate(Month(build(quzhou(), 1, {}, 1), month, cases, seed))


def test_the_same_seed_gives_the_same_month_to_the_last_byte() -> None:
    again = simulate(Month(build(quzhou(), 1, {}, 1), date(2026, 10, 1), 700, 7))
    assert again.digest() == a_month().digest()
    assert again.tallies == a_month().tallies


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
    counted = counts(outcome)
    assert sum(book.dispatched for book in outcome.tallies.values()) > 600
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
