"""The main road of a case and its first bends, as pure decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.envelope import Mode
from contracts.messages import Feedback, Finding, Reporter
from contracts.nouns import UnitState
from contracts.problem import Problem
from hub.life_cycle import State, Step
from tests.builders import (
    CLEAR,
    COLLECTOR,
    COMMAND,
    LEAD,
    MORNING,
    UNCLEAR,
    a_case,
    a_context,
    a_message,
    a_registry,
    a_report,
    a_return,
    acceptance,
    acknowledgement,
    after,
    closing,
    decided,
    dispatch_to,
    feedback,
    rejection,
    verification,
)


def refused(message, case=None, context=None) -> Problem:  # type: ignore[no-untyped-def]
    with pytest.raises(Problem) as caught:
        decided(message, case, context)
    return caught.value


def test_a_clear_report_is_accepted_and_dispatched_in_one_breath() -> None:
    decision = decided(a_report(CLEAR))
    assert [entry.step for entry in decision.entries] == [Step.REPORT, Step.ACCEPT, Step.DISPATCH]
    assert decision.case.state is State.DISPATCHED
    assert decision.case.lead_unit_id == LEAD
    assert [letter.contract for letter in decision.letters] == ["case.dispatch/1.0"]


def test_an_unclear_report_waits_for_the_command_centre_with_its_candidates() -> None:
    case = a_case(UNCLEAR)
    assert case.state is State.IN_COORDINATION
    assert case.coordination is not None and case.coordination.coordinator == COMMAND
    assert set(case.candidates) == {"telecom", "mobile", "unicom", "tietong"}
    assert case.lead is None


def test_the_register_decides_before_the_matrix() -> None:
    case = a_case(UNCLEAR, component_code="3308020107000001")
    assert case.lead_unit_id == "telecom"
    assert case.dispatches[0].order.rule == "register"


def test_a_report_outside_every_area_is_registered_and_waits() -> None:
    case = a_case(CLEAR, place={"longitude": 118.2, "latitude": 28.5})
    assert case.state is State.REPORTED
    assert case.reported.location.area_id is None
    assert case.reported.location.grid_cell


def test_a_place_in_gcj02_is_converted_and_what_was_given_is_kept() -> None:
    location = a_case(CLEAR, place={"longitude": 118.8754, "latitude": 28.9475, "system": "GCJ02"}).reported.location
    assert (location.given_longitude, location.given_latitude, location.given_system) == (118.8754, 28.9475, "GCJ02")
    assert 0.003 < location.given_longitude - location.longitude < 0.008


def test_a_citizens_report_waits_for_acceptance_by_hand() -> None:
    case = a_case(CLEAR, source="citizen")
    assert case.state is State.REPORTED
    assert after(case, acceptance(case)).state is State.DISPATCHED


def test_an_acceptance_under_another_category_dispatches_by_that_category() -> None:
    case = a_case(CLEAR, source="citizen")
    accepted = after(case, acceptance(case, category_code="E0407"))
    assert accepted.reported.category_code == "E0407"
    assert accepted.lead_unit_id == "power"


def test_a_rejected_report_is_over() -> None:
    case = a_case(CLEAR, source="citizen")
    over = after(case, rejection(case))
    assert over.state is State.REJECTED
    assert refused(acceptance(over), over).kind == "step_not_allowed"


def test_the_whole_road_ends_in_a_closed_case() -> None:
    case = a_case()
    case = after(case, acknowledgement(case))
    case = after(case, feedback(case, final=False))
    assert case.state is State.ACKNOWLEDGED
    case = after(case, feedback(case))
    assert (case.state, case.verifier) == (State.IN_VERIFICATION, COLLECTOR)
    case = after(case, verification(case))
    assert case.state is State.CLOSED
    assert case.closed_at is not None


def test_a_unit_that_never_acknowledges_may_answer() -> None:
    case = a_case()
    assert after(case, feedback(case)).state is State.IN_VERIFICATION


def test_failed_verification_sends_rework_to_the_same_unit_under_the_same_number() -> None:
    case = a_case()
    case = after(case, feedback(case))
    decision = decided(verification(case, Finding.FAILED), case)
    first, rework = (each.order for each in decision.case.dispatches)
    assert decision.case.state is State.DISPATCHED
    assert (rework.unit_id, rework.number, rework.round) == (LEAD, first.number, 2)
    assert [letter.contract for letter in decision.letters] == ["case.dispatch/1.0"]


def test_a_returned_case_is_dispatched_again_under_the_next_number() -> None:
    case = a_case()
    case = after(case, a_return(case))
    assert (case.state, case.lead) == (State.IN_COORDINATION, None)
    case = after(case, dispatch_to(case, "power"))
    assert (case.lead_unit_id, case.dispatches[-1].order.number) == ("power", 2)


def test_feedback_on_a_case_that_went_to_another_unit_is_refused_with_its_state() -> None:
    case = a_case()
    case = after(case, a_return(case))
    case = after(case, dispatch_to(case, "power"))
    problem = refused(feedback(case), case)
    assert problem.kind == "not_responsible"
    assert problem.fields["state"] == "dispatched"
    assert "power" in problem.zh


def test_the_former_unit_reads_that_it_lost_the_case_and_nothing_after() -> None:
    case = a_case()
    case = after(case, a_return(case))
    moved = decided(dispatch_to(case, "power"), case)
    assert LEAD in moved.entries[-1].audience
    assert [(sight.unit_id, sight.open) for sight in moved.sights] == [("power", True), (LEAD, False)]
    then = decided(acknowledgement(moved.case, "power"), moved.case)
    assert LEAD not in then.entries[-1].audience


def test_a_case_that_is_not_a_units_own_does_not_exist_for_it() -> None:
    case = a_case()
    assert refused(feedback(case, "telecom"), case).kind == "case_unknown"


def test_only_the_command_centre_dispatches_by_hand() -> None:
    case = a_case(UNCLEAR)
    assert refused(a_message(dispatch_to(case, "telecom").body, COLLECTOR, case), case).kind == "forbidden"


@pytest.mark.parametrize(
    ("message", "kind", "pointer"),
    [
        (a_report("C9999"), "category_unknown", "#/category_code"),
        (a_report(photos=["att_other"]), "attachment_unknown", "#/photos/0"),
    ],
)
def test_a_report_that_names_what_does_not_exist_is_refused_and_says_where(message, kind, pointer) -> None:  # type: ignore[no-untyped-def]
    problem = refused(message)
    assert (problem.kind, problem.violations[0].pointer) == (kind, pointer)


def test_photos_of_another_unit_cannot_be_named() -> None:
    problem = refused(a_report(photos=["att_1"]), context=a_context(attachments={"att_1": "telecom"}))
    assert problem.kind == "attachment_unknown"


def test_a_dispatch_to_nobody_is_refused() -> None:
    case = a_case(UNCLEAR)
    assert refused(dispatch_to(case, "nobody"), case).kind == "unit_unknown"


def test_a_hand_set_deadline_lies_ahead() -> None:
    case = a_case(UNCLEAR)
    assert refused(dispatch_to(case, "telecom", due_at=MORNING - timedelta(hours=1)), case).kind == "moment_impossible"
    soon = after(case, dispatch_to(case, "telecom", due_at=MORNING + timedelta(minutes=20)))
    assert soon.due_at == MORNING + timedelta(minutes=20)
    assert soon.dispatches[0].order.acknowledge_by <= soon.due_at


def test_a_message_from_the_future_is_refused() -> None:
    ahead = MORNING + timedelta(minutes=6)
    assert refused(a_report(effective_at=ahead)).kind == "moment_impossible"


def test_a_message_based_on_an_older_version_is_refused() -> None:
    case = a_case()
    stale = a_message(Feedback(description="x"), LEAD, case, based_on_version=case.version - 1)
    assert refused(stale, case).kind == "version_moved"


def test_a_unit_in_testing_sends_only_test_messages() -> None:
    profile = {"unit": COLLECTOR, "connections": [{"name": "main", "transport": "pull"}]}
    context = a_context(a_registry(profile, state=UnitState.TESTING))
    assert refused(a_report(), context=context).kind == "forbidden"
    assert decided(a_report(mode=Mode.TEST), context=context).case.mode is Mode.TEST


def test_personal_data_stands_apart_from_the_log() -> None:
    decision = decided(a_report(reporter={"name": "王五", "phone": "13900000000"}))
    assert decision.personal is not None
    assert Reporter.model_validate_json(decision.personal.body).name == "王五"
    assert decision.entries[0].personal_id == str(decision.personal.personal_id)
    assert "王五" not in repr(decision.entries) + repr(decision.case)


def test_units_that_ask_for_statuses_are_told_of_every_step_but_their_own() -> None:
    profile = {
        "unit": LEAD,
        "connections": [{"name": "main", "transport": "pull", "receives": ["case.dispatch", "case.status"]}],
    }
    registry = a_registry(profile)
    context = a_context(registry)
    first = decided(a_report(), context=context)
    assert [(letter.unit_id, letter.contract) for letter in first.letters] == [(LEAD, "case.dispatch/1.0")]
    own = decided(feedback(first.case), first.case, context)
    told = [(letter.unit_id, letter.contract) for letter in own.letters]
    assert told == [(COLLECTOR, "case.verification_request/1.0"), (LEAD, "case.status/1.0")]
    assert [letter.unit_sequence for letter in own.letters if letter.unit_id == LEAD] == [2]


def test_the_command_centre_closes_by_hand_a_case_in_verification() -> None:
    case = a_case()
    assert refused(closing(case), case).kind == "step_not_allowed"
    case = after(case, feedback(case))
    assert after(case, closing(case)).state is State.CLOSED


def test_later_entries_go_on_in_the_trace_of_the_report() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    case = a_case(traceparent=trace)
    assert decided(a_message(Feedback(description="x"), LEAD, case), case).entries[-1].traceparent == trace


def test_a_tier_a_case_is_urgent() -> None:
    assert decided(a_report(CLEAR)).letters[0].urgent
    assert not decided(a_report("E0104")).letters[0].urgent
