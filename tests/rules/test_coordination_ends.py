"""How a coordination ends where it was hard (协调), 五(四): chains of returns, and substitute handling (代整改)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.bends import CoordinationOutcome, CoordinationRequest, CoordinationResult, Level
from contracts.envelope import Message
from contracts.messages import ReturnReason
from contracts.problem import Problem
from hub.awaiting import next_reminder, waits
from hub.cases import Case
from hub.facts import Coordinated, Wait
from hub.life_cycle import State, Step
from hub.ticking import tick_of
from tests.builders import (
    COMMAND,
    MORNING,
    UNCLEAR,
    a_case,
    a_context,
    a_message,
    a_return,
    acceptance,
    after,
    decided,
    dispatch_to,
    later,
)

GOVERNMENT = "city_government"


def result(case: Case, by: str, outcome: CoordinationOutcome, unit_id: str | None = None) -> Message:
    named = {} if unit_id is None else {"unit_id": unit_id}
    return a_message(CoordinationResult(outcome=outcome, reason="多方现场协调", **named), by, case)


def with_the_city_government(**more: object) -> Case:
    case = a_case(UNCLEAR, **more)
    return after(case, a_message(CoordinationRequest(reason="久拖不决", level=Level.CITY_GOVERNMENT), COMMAND, case))


def not_settled_at_last(**more: object) -> Case:
    case = with_the_city_government(**more)
    return after(case, result(case, GOVERNMENT, CoordinationOutcome.NOT_SETTLED), context=later(60))


class TestSubstituteHandling:
    """经协调仍无法确定处置责任主体的,由所在区人民政府组织有关单位实施代整改."""

    def test_what_the_city_government_cannot_settle_the_district_of_the_place_is_to_organise(self) -> None:
        case = with_the_city_government()
        decision = decided(result(case, GOVERNMENT, CoordinationOutcome.NOT_SETTLED), case, later(60))
        (entry,) = decision.entries
        assert isinstance(entry.fact, Coordinated) and entry.fact.substitute
        assert "代整改" in entry.fact.reason_zh and "substitute" in entry.fact.reason_en
        assert ("kecheng", "case.coordination/1.0") in [(each.unit_id, each.contract) for each in decision.letters]
        # The category is urgent: the district's eight hours, from 10:00, are natural ones.
        due = MORNING + timedelta(hours=9)
        assert [(each.wait, each.unit_id, each.due_at) for each in waits(decision.case)] == [
            (Wait.COORDINATION, "kecheng", due)
        ]

    def test_the_district_names_who_does_it(self) -> None:
        case = not_settled_at_last()
        case = after(case, result(case, "kecheng", CoordinationOutcome.SUBSTITUTE, "power"))
        assert (case.state, case.lead_unit_id) == (State.DISPATCHED, "power")
        assert case.dispatches[-1].order.substitute

    def test_what_is_specialised_or_urgent_the_command_centre_names_even_then(self) -> None:
        case = not_settled_at_last()
        case = after(case, result(case, COMMAND, CoordinationOutcome.SUBSTITUTE, "telecom"))
        assert case.lead_unit_id == "telecom" and case.dispatches[-1].order.substitute

    def test_it_cannot_be_handed_round_a_second_time(self) -> None:
        case = not_settled_at_last()
        with pytest.raises(Problem) as caught:
            decided(result(case, "kecheng", CoordinationOutcome.NOT_SETTLED), case)
        assert caught.value.kind == "step_not_allowed" and "代整改" in caught.value.zh
        assert caught.value.fields["state"] == State.IN_COORDINATION

    def test_a_district_that_does_not_organise_it_is_reminded_and_supervised_and_keeps_it(self) -> None:
        case, heard = not_settled_at_last(), []
        for days in range(1, 15):
            reminder = next_reminder(case, a_context().moments)
            if reminder is None:
                break
            now = reminder[0] + timedelta(seconds=days)
            decision = decided(tick_of(case.case_id, case.version, case.mode, now), case, a_context(now=now))
            heard += [entry.step for entry in decision.entries]
            case = decision.case
        assert heard == [Step.WARN, Step.REMIND, Step.SUPERVISE]
        assert case.coordination is not None and case.coordination.coordinator == "kecheng"

    def test_in_an_enterprises_area_its_district_organises_it(self) -> None:
        # 巨化 governs its area and is no government: 柯城 coordinates there.
        juhua = next(area for area in a_context().directory.areas if area.area_id == "juhua")
        west, south, east, north = juhua.box
        place = {"longitude": round((west + east) / 2, 6), "latitude": round((south + north) / 2, 6)}
        case = not_settled_at_last(place=place)
        assert case.reported.location.area_id == "juhua"
        assert case.coordination is not None and case.coordination.coordinator == "kecheng"

    def test_where_no_district_is_the_command_centre_must_name_one(self) -> None:
        case = a_case(UNCLEAR, place={"longitude": 118.2, "latitude": 28.2})
        assert case.state is State.REPORTED and case.reported.location.area_id is None
        case = after(case, acceptance(case))
        case = after(case, a_message(CoordinationRequest(reason="x", level=Level.CITY_GOVERNMENT), COMMAND, case))
        case = after(case, result(case, GOVERNMENT, CoordinationOutcome.NOT_SETTLED))
        assert case.coordination is not None and case.coordination.coordinator == COMMAND

    def test_by_hand_there_is_no_level_above_the_last_and_the_refusal_says_what_there_is(self) -> None:
        case = with_the_city_government()
        with pytest.raises(Problem) as caught:
            decided(a_message(CoordinationRequest(reason="再提级"), COMMAND, case), case)
        assert caught.value.kind == "step_not_allowed" and "代整改" in caught.value.zh


class TestReturnChains:
    """反复退回: seen whatever the reasons are, and begun a level higher."""

    def test_other_reasons_make_a_chain_too(self) -> None:
        case = a_case()
        case = after(case, a_return(case, reason=ReturnReason.NOT_FOUND))
        assert case.state is State.RETURNED
        case = after(case, dispatch_to(case, "power"))
        decision = decided(a_return(case, "power", ReturnReason.OTHER), case)
        assert [entry.step for entry in decision.entries] == [Step.RETURN, Step.COORDINATE]
        coordinated = decision.entries[-1].fact
        assert isinstance(coordinated, Coordinated) and coordinated.returns == 2
        assert "反复退回" in coordinated.reason_zh and "again and again" in coordinated.reason_en

    def test_each_further_return_begins_above_the_level_before(self) -> None:
        case, levels = a_case(), []
        case = after(case, dispatch_to(case, "kecheng"))
        for unit, other in (("kecheng", "qujiang"), ("qujiang", "kecheng"), ("kecheng", "power"), ("power", "mobile")):
            case = after(case, a_return(case, unit, ReturnReason.NOT_RESPONSIBLE))
            assert case.coordination is not None
            levels.append(case.coordination.level)
            case = after(case, dispatch_to(case, other))
        assert levels == ["district", "command_center", "city_government", "city_government"]

    def test_an_insisted_unit_that_returns_again_is_part_of_the_chain(self) -> None:
        case = a_case()
        lead = case.lead_unit_id
        assert lead is not None
        case = after(case, a_return(case, lead, ReturnReason.WRONG_PLACE), dispatch_to(case, lead))
        case = after(case, a_return(case, lead, ReturnReason.WRONG_PLACE))
        assert case.state is State.IN_COORDINATION and case.returns == 2
