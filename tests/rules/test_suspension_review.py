"""The review of a suspension (挂账复查): on its date somebody must look, and may put it off or end it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contracts.bends import Resumption, SuspensionDecision, SuspensionRequest
from contracts.messages import DispatchRequest, Return, ReturnReason
from contracts.problem import Problem
from hub.awaiting import CENTRE, next_reminder, waits
from hub.cases import Case
from hub.clocks import Standing, records
from hub.evaluation.evaluating import CaseLog
from hub.evaluation.replay import replay
from hub.facts import Decided, Reminded, Wait
from hub.life_cycle import Step
from hub.ticking import tick_of
from tests.builders import COMMAND, a_context, a_message, decided, quzhou
from tests.holding import hold
from tests.journeys import DONE, SAME_DAY, Journey, directory_at, local

ENFORCER = "urban_enforcement"
ASKED = "2026-11-23 11:00"
REVIEW = "2026-12-07 09:00"
AGAIN = "2026-12-21 09:00"


def suspended() -> Journey:
    """Dispatched on a Monday at nine with eight working hours; two are used when it asks."""
    journey = Journey.begun("2026-11-23 09:00", SAME_DAY)
    journey.unit(ASKED, SuspensionRequest(reason="待停电计划", review_at=local(REVIEW)), ENFORCER)
    return journey.centre("2026-11-23 14:00", SuspensionDecision(granted=True, reason="同意挂账"))


def put_off(journey: Journey, at: str = REVIEW, until: str = AGAIN) -> Journey:
    return journey.centre(at, SuspensionDecision(granted=True, reason="复查:仍不具备条件", review_at=local(until)))


def awaited(case: Case) -> list[tuple[Wait, str, datetime]]:
    return [(each.wait, each.unit_id, each.due_at) for each in waits(case)]


def reminders(journey: Journey, until: str) -> list[tuple[Step, datetime]]:
    """What time alone brings."""
    found = []
    while (reminder := next_reminder(journey.case, a_context(now=journey.now).moments)) is not None:
        if reminder[0] > local(until):
            break
        case = journey.case
        decision = decided(
            tick_of(case.case_id, case.version, case.mode, reminder[0]), case, a_context(now=reminder[0])
        )
        found += [(each.step, each.known_at) for each in decision.entries if isinstance(each.fact, Reminded)]
        journey.case, journey.now = decision.case, reminder[0]
        journey.log += decision.entries
    return found


def test_on_its_date_the_command_centre_is_reminded_of_the_review() -> None:
    journey = suspended()
    assert reminders(journey, "2026-12-07 09:00") == [(Step.REMIND, local(REVIEW))]


def test_a_review_that_nobody_holds_comes_under_supervision() -> None:
    journey = suspended()
    steps = [step for step, _ in reminders(journey, "2027-06-01 09:00")]
    assert steps == [Step.REMIND, Step.SUPERVISE]


def test_it_is_put_off_to_another_date_and_the_clock_stands_on() -> None:
    journey = put_off(suspended())
    assert awaited(journey.case) == [(Wait.REVIEW, CENTRE, local(AGAIN))]
    assert journey.case.due_at is None
    suspension = journey.case.suspension
    assert suspension is not None and suspension.since == local(ASKED)
    journey.centre(AGAIN, Resumption(reason="条件具备"))
    # Six of the eight hours were left at eleven: from nine, three till noon and three from half past one.
    assert journey.case.due_at == local("2026-12-21 16:30")
    hold(journey.case, journey.log, directory_at(journey.now))


def test_the_units_own_time_is_what_it_was_without_the_putting_off() -> None:
    journey = put_off(suspended())
    journey.centre(AGAIN, Resumption(reason="条件具备")).unit("2026-12-21 10:00", DONE, ENFORCER)
    (record,) = records(journey.log, directory_at(journey.now), journey.now)
    # Nine to eleven in November, nine to ten in December.
    assert record.spent == timedelta(hours=3)
    assert record.limit == timedelta(hours=8)


def test_put_off_before_its_date_it_is_reminded_of_at_the_new_one() -> None:
    journey = put_off(suspended(), at="2026-12-01 09:00")
    assert reminders(journey, "2026-12-21 09:00") == [(Step.REMIND, local(AGAIN))]


def test_the_unit_reads_the_new_date() -> None:
    journey = suspended()
    decision = decided(
        a_message(SuspensionDecision(granted=True, reason="x", review_at=local(AGAIN)), COMMAND, journey.case),
        journey.case,
        a_context(now=local(REVIEW)),
    )
    (entry,) = decision.entries
    assert isinstance(entry.fact, Decided) and entry.fact.review_at == local(AGAIN)
    assert [(each.unit_id, each.contract) for each in decision.letters] == [(ENFORCER, "case.decision_notice/1.0")]


def test_it_needs_a_date_that_lies_ahead() -> None:
    for wrong in (
        SuspensionDecision(granted=True, reason="x"),
        SuspensionDecision(granted=True, reason="x", review_at=local(REVIEW)),
    ):
        with pytest.raises(Problem) as caught:
            suspended().centre(REVIEW, wrong)
        assert [each.pointer for each in caught.value.violations] == ["#/review_at"]


def test_refusing_what_is_suspended_says_how_it_is_ended() -> None:
    with pytest.raises(Problem) as caught:
        suspended().centre(REVIEW, SuspensionDecision(granted=False, reason="条件已具备"))
    assert caught.value.kind == "step_not_allowed"
    assert "恢复处置" in caught.value.zh and "resumption" in caught.value.en


def test_between_equal_cities_what_if_leaves_it_as_it_was() -> None:
    journey = put_off(suspended())
    journey.centre(AGAIN, Resumption(reason="条件具备")).unit("2026-12-21 10:00", DONE, ENFORCER)
    log = CaseLog(journey.case.case_number, journey.log)
    assert replay(log, quzhou(), quzhou()).log.entries == journey.log


def test_sent_back_while_suspended_and_insisted_on_it_has_what_was_left() -> None:
    journey = suspended()
    back = Return(reason_code=ReturnReason.OTHER, reason="现场无法施工")
    journey.unit("2026-11-25 11:00", back, ENFORCER)
    journey.centre("2026-11-25 12:00", DispatchRequest(unit_id=ENFORCER, reason="维持原派遣"))
    # Six hours were left on Monday at eleven. The return was overruled, so they run from Wednesday eleven: 1 till noon,
    # 4 in the afternoon, 1 on Thursday.
    assert journey.case.due_at == local("2026-11-26 09:30")
    hold(journey.case, journey.log, directory_at(journey.now))
    journey.unit("2026-11-26 09:00", DONE, ENFORCER)
    (record,) = records(journey.log, directory_at(journey.now), journey.now)
    assert (record.standing(journey.now), record.due_at) == (Standing.IN_TIME, local("2026-11-26 09:30"))
    assert (record.limit, record.spent) == (timedelta(hours=8), timedelta(hours=7.5))


def test_and_the_next_unit_has_its_whole_time() -> None:
    journey = suspended()
    journey.unit("2026-11-25 11:00", Return(reason_code=ReturnReason.OTHER, reason="x"), ENFORCER)
    journey.centre("2026-11-25 12:00", DispatchRequest(unit_id="power", reason="核实权属"))
    # Eight hours from noon: four that day, three and a half next morning, half an hour from half past one.
    assert journey.case.due_at == local("2026-11-26 14:00")
    first, _ = records(journey.log, directory_at(journey.now), journey.now)
    assert first.standing(journey.now) is Standing.OFF and first.spent == timedelta(hours=2)
