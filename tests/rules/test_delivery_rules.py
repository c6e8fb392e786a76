"""Retry, breaker and rate: when to try again, when to stop knocking, how much a unit may ask."""

from __future__ import annotations

import asyncio
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from hub.delivery.breaker import FAILURES_TO_OPEN, OPEN_SECONDS_MAX, Breaker, Position
from hub.delivery.outcomes import Outcomes
from hub.delivery.retry import (
    ATTEMPTS_MAX,
    PAUSE_MIN_SECONDS,
    RETRY_AFTER_MAX_SECONDS,
    SLACK_SHARE,
    Bury,
    TryAgain,
    after_failure,
)
from hub.delivery.slots import Slots
from hub.rates import BURST_SECONDS, Rates
from hub.say import say_nothing
from hub.store.lanes import LaneReport
from hub.store.pool import Pool

chances = st.floats(0, 0.999)


@given(st.integers(1, ATTEMPTS_MAX - 1), chances, st.none() | st.floats(0.1, 1e6))
def test_a_pause_is_never_too_short_and_knows_the_deadline(attempt: int, chance: float, slack: float | None) -> None:
    wait = after_failure(attempt, slack_seconds=slack, retry_after_seconds=None, chance=chance)
    assert isinstance(wait, TryAgain)
    assert wait.pause_seconds >= PAUSE_MIN_SECONDS
    if slack is not None:
        assert wait.pause_seconds <= max(slack / SLACK_SHARE, PAUSE_MIN_SECONDS)


@given(st.floats(0, 1e7), chances)
def test_a_units_retry_after_is_kept_within_an_hour(asked: float, chance: float) -> None:
    wait = after_failure(1, slack_seconds=1.0, retry_after_seconds=asked, chance=chance)
    assert isinstance(wait, TryAgain)
    assert wait.pause_seconds >= min(asked, RETRY_AFTER_MAX_SECONDS)
    assert wait.pause_seconds <= RETRY_AFTER_MAX_SECONDS * 1.1


def test_a_letter_is_buried_after_its_last_attempt() -> None:
    wait = after_failure(ATTEMPTS_MAX, slack_seconds=None, retry_after_seconds=None, chance=0.5)
    assert isinstance(wait, Bury)


def test_pauses_grow_while_no_deadline_presses() -> None:
    pauses = [after_failure(n, slack_seconds=None, retry_after_seconds=None, chance=0.5) for n in range(1, 9)]
    seconds = [each.pause_seconds for each in pauses if isinstance(each, TryAgain)]
    assert seconds == sorted(seconds) and len(set(seconds)) == 8


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_letter_try_later() -> None:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.admits(99)
        breaker = breaker.failed(100.0)
    assert breaker.position is Position.OPEN
    assert not breaker.admits(0)
    probing = breaker.at(breaker.until)
    assert probing.position is Position.HALF_OPEN
    assert probing.admits(0) and not probing.admits(1)


def test_an_answer_closes_the_breaker_and_forgets_the_failures() -> None:
    breaker = Breaker(Position.HALF_OPEN, failures=9, openings=3)
    assert breaker.answered() == Breaker()


@given(st.integers(1, 200))
def test_a_breaker_never_stays_open_longer_than_its_bound(failures: int) -> None:
    breaker, now = Breaker(), 0.0
    for _ in range(failures):
        breaker = breaker.at(now).failed(now)
        now = max(now, breaker.until)
        assert breaker.until <= now + OPEN_SECONDS_MAX


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200), st.floats(1, 100))
def test_a_unit_never_gets_more_than_its_rate_and_burst(gaps: list[float], rate: float) -> None:
    rates, now, passed = Rates(rate), 1000.0, 0
    began = now
    for gap in gaps:
        now += gap
        passed += rates.wait_seconds("unit", now) == 0
    assert passed <= rate * (now - began) + rate * BURST_SECONDS + 1


def test_who_waits_as_told_is_let_in() -> None:
    rates = Rates(1.0)
    while rates.wait_seconds("unit", 0.0) == 0:
        pass
    wait = rates.wait_seconds("unit", 0.0)
    assert rates.wait_seconds("unit", wait + 1e-6) == 0


def test_one_units_requests_cost_another_nothing() -> None:
    rates = Rates(1.0)
    while rates.wait_seconds("loud", 0.0) == 0:
        pass
    assert rates.wait_seconds("quiet", 0.0) == 0


async def test_who_is_urgent_goes_before_those_who_have_waited_longer() -> None:
    slots, went = Slots(1), []

    async def go(name: str) -> None:
        async with slots.slot(urgent=name.startswith("urgent")):
            went.append(name)

    names = ["first", "second", "third", "urgent one", "urgent two"]
    async with slots.slot(urgent=False):
        going = [asyncio.create_task(go(name)) for name in names]
        await asyncio.sleep(0)
        going[1].cancel()
    await asyncio.gather(*going, return_exceptions=True)
    assert went == ["urgent one", "urgent two", "first", "third"]


async def test_one_who_leaves_when_its_turn_has_just_come_passes_it_on() -> None:
    slots, went = Slots(1), []

    async def go(name: str) -> None:
        async with slots.slot(urgent=False):
            went.append(name)

    async with slots.slot(urgent=False):
        going = [asyncio.create_task(go(name)) for name in ("leaves", "stays")]
        await asyncio.sleep(0)
    going[0].cancel()
    await asyncio.gather(*going, return_exceptions=True)
    assert went == ["stays"]
    async with asyncio.timeout(1), slots.slot(urgent=False):
        pass


def test_a_report_under_an_older_token_is_dropped_and_its_lane_told() -> None:
    outcomes, told = Outcomes(cast(Pool, None), "one", say_nothing), []

    def report(fencing: int) -> LaneReport:
        return outcomes.report(
            lambda: LaneReport("power.main", fencing), lambda given, ours: told.append((given.fencing, ours))
        )

    first = report(1)
    assert report(1) is first and told == []
    second = report(2)
    assert second.fencing == 2 and told == [(1, False)]
    # The lane that was lost does not know it yet.
    assert report(1) is not second and told == [(1, False), (1, False)]
    assert report(2) is second
