"""The bends of a case's road: returns, coordination, more time, suspension, dispute, assistance, recall, duplicates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.bends import (
    AssistanceRequest,
    CoordinationOutcome,
    CoordinationRequest,
    CoordinationResult,
    Dispute,
    DisputeDecision,
    Duplicate,
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
from contracts.envelope import Message, Mode
from contracts.messages import Body, Finding, ReturnReason
from contracts.nouns import Role
from contracts.problem import Problem
from hub.awaiting import CENTRE, next_reminder, waits
from hub.cases import Case
from hub.decide import Context
from hub.facts import Answered, Coordinated, Fault, Question, Wait
from hub.lateness import Delivery, Outage
from hub.life_cycle import OVER, State, Step
from hub.nearby import Nearby, open_case
from hub.registry import build
from hub.ticking import tick_of
from tests.builders import (
    COLLECTOR,
    COMMAND,
    LEAD,
    MORNING,
    UNCLEAR,
    a_case,
    a_context,
    a_message,
    a_report,
    a_return,
    acknowledgement,
    after,
    closing,
    decided,
    dispatch_to,
    feedback,
    ids,
    later,
    quzhou,
    verification,
)
from tests.values import replace

DAY = timedelta(days=1)


def by_centre(body: Body, case: Case) -> Message:
    return a_message(body, COMMAND, case)


def refused(message: Message, case: Case, context: Context | None = None) -> Problem:
    with pytest.raises(Problem) as caught:
        decided(message, case, context)
    return caught.value


def handed(case: Case | None = None) -> Case:
    """A case that its lead has acknowledged."""
    case = case or a_case()
    return after(case, acknowledgement(case))


class TestCoordination:
    """五(四): opened by a return or by no clear answer, taken up by levels, ended by a unit."""

    def test_a_return_for_want_of_duty_opens_one_and_tells_its_leader(self) -> None:
        case = a_case()
        decision = decided(a_return(case), case)
        assert [entry.step for entry in decision.entries] == [Step.RETURN, Step.COORDINATE]
        assert decision.case.coordination is not None
        assert (decision.case.coordination.level, decision.case.coordination.coordinator) == ("command_center", COMMAND)
        assert [(letter.unit_id, letter.contract) for letter in decision.letters] == [
            (COMMAND, "case.coordination/1.0")
        ]

    def test_another_return_waits_for_the_command_centres_word(self) -> None:
        case = a_case()
        case = after(case, a_return(case, reason=ReturnReason.NOT_FOUND))
        assert case.state is State.RETURNED
        assert [each.wait for each in waits(case)] == [Wait.DISPATCHING]

    def test_a_departments_dispute_within_its_district_is_the_districts(self) -> None:
        case = a_case()
        case = after(case, dispatch_to(case, "kecheng"))
        case = after(case, a_return(case, "kecheng"))
        assert case.coordination is not None
        assert (case.coordination.level, case.coordination.coordinator) == ("district", "kecheng")

    def test_returned_again_and_again_it_begins_a_level_higher(self) -> None:
        case = a_case()
        case = after(case, a_return(case), dispatch_to(case, "power"))
        case = after(case, a_return(case, "power"))
        assert case.coordination is not None and case.coordination.level == "city_government"
        assert case.returns == 2

    def test_what_nobody_settles_in_time_goes_up_by_itself(self) -> None:
        case = a_case(UNCLEAR)
        levels = []
        for days in range(1, 20):
            now = MORNING + days * DAY
            reminder = next_reminder(case, a_context(now=now).moments)
            if reminder is None:
                break
            context = a_context(now=max(now, reminder[0]))
            decision = decided(tick_of(case.case_id, case.version, case.mode, now), case, context)
            levels += [entry.fact.level for entry in decision.entries if isinstance(entry.fact, Coordinated)]
            case = decision.case
        assert levels == ["city_government"]
        assert case.coordination is not None and case.coordination.coordinator == "city_government"

    def test_its_leader_fixes_a_unit_and_the_order_says_so(self) -> None:
        case = a_case(UNCLEAR)
        result = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="mobile", reason="井盖下为移动光缆")
        case = after(case, by_centre(result, case))
        assert (case.state, case.lead_unit_id) == (State.DISPATCHED, "mobile")
        assert case.dispatches[-1].order.rule == "coordination"

    def test_only_its_leader_or_the_command_centre_gives_the_result(self) -> None:
        case = a_case(UNCLEAR)
        result = CoordinationResult(outcome=CoordinationOutcome.ASSIGNED, unit_id="mobile", reason="x")
        assert refused(a_message(result, COLLECTOR, case), case).kind == "forbidden"

    def test_substitute_handling_is_named_and_marked(self) -> None:
        case = a_case(UNCLEAR)
        result = CoordinationResult(outcome=CoordinationOutcome.SUBSTITUTE, unit_id="kecheng", reason="无主井盖")
        case = after(case, by_centre(result, case))
        assert case.dispatches[-1].order.substitute and case.lead_unit_id == "kecheng"

    def test_the_city_government_does_not_name_a_substitute(self) -> None:
        case = a_case(UNCLEAR)
        case = after(case, by_centre(CoordinationRequest(reason="久拖不决"), case))
        result = CoordinationResult(outcome=CoordinationOutcome.SUBSTITUTE, unit_id="kecheng", reason="x")
        assert refused(a_message(result, "city_government", case), case).kind == "forbidden"

    def test_a_return_that_is_overruled_stops_no_clock(self) -> None:
        case = a_case()
        due = case.due_at
        case = after(case, a_return(case), context=later(60))
        case = after(case, dispatch_to(case, LEAD), context=later(120))
        assert case.dispatches[-1].order.insisted
        assert case.due_at == due and case.dispatches[-1].order.number == 1

    def test_a_return_that_is_followed_gives_the_next_unit_its_whole_time(self) -> None:
        case = a_case()
        due = case.due_at
        case = after(case, a_return(case), context=later(60))
        case = after(case, dispatch_to(case, "power"), context=later(120))
        assert case.due_at is not None and due is not None and case.due_at > due


class TestMoreTime:
    """延期: asked before the deadline, decided, at most twice."""

    def asked(self, case: Case, hours: float = 24) -> Message:
        assert case.due_at is not None
        return a_message(ExtensionRequest(reason="停气审批", due_at=case.due_at + timedelta(hours=hours)), LEAD, case)

    def test_granted_it_moves_the_deadline_as_it_was_asked(self) -> None:
        case = handed()
        wanted = case.due_at + timedelta(hours=24) if case.due_at else None
        case = after(case, self.asked(case), by_centre(ExtensionDecision(granted=True, reason="属实"), case))
        assert (case.due_at, case.extensions, case.pending) == (wanted, 1, ())

    def test_refused_it_leaves_the_deadline(self) -> None:
        case = handed()
        due = case.due_at
        case = after(case, self.asked(case), by_centre(ExtensionDecision(granted=False, reason="不属实"), case))
        assert (case.due_at, case.extensions) == (due, 0)

    def test_a_third_time_is_refused(self) -> None:
        case = handed()
        for _ in range(2):
            case = after(case, self.asked(case), by_centre(ExtensionDecision(granted=True, reason="属实"), case))
        assert refused(self.asked(case), case).kind == "extensions_used_up"

    def test_after_the_deadline_it_is_too_late(self) -> None:
        case = handed()
        assert refused(self.asked(case), case, a_context(now=MORNING + 30 * DAY)).kind == "deadline_passed"

    def test_asked_in_time_by_a_unit_that_was_cut_off_it_is_asked(self) -> None:
        case = handed()
        assert case.due_at is not None
        now, before = case.due_at + timedelta(hours=3), case.due_at - timedelta(hours=1)
        message = replace(self.asked(case, 200), effective_at=before)
        cut_off = a_context(now=now, outages={LEAD: [Outage("main", before - timedelta(hours=1), now)]})
        asked = decided(message, case, cut_off).case
        assert [each.question for each in asked.pending] == [Question.EXTENSION]
        assert refused(message, case, a_context(now=now)).kind == "deadline_passed"
        assert refused(self.asked(case, 200), case, cut_off).kind == "deadline_passed"

    def test_one_question_at_a_time(self) -> None:
        case = handed()
        case = after(case, self.asked(case))
        assert refused(self.asked(case, 48), case).kind == "already_asked"

    def test_a_decision_on_nothing_is_refused(self) -> None:
        case = handed()
        assert refused(by_centre(ExtensionDecision(granted=True, reason="属实"), case), case).kind == "nothing_asked"

    def test_the_unit_is_told_of_the_decision(self) -> None:
        case = handed()
        case = after(case, self.asked(case))
        decision = decided(by_centre(ExtensionDecision(granted=True, reason="属实"), case), case)
        assert (LEAD, "case.decision_notice/1.0") in [(each.unit_id, each.contract) for each in decision.letters]


class TestSuspensionAndDispute:
    """挂账、争议: the clock stands only when rightly raised."""

    def test_a_suspended_case_waits_for_its_review_and_has_no_deadline(self) -> None:
        case = handed()
        review = MORNING + 60 * DAY
        asked = a_message(SuspensionRequest(reason="待春季", review_at=review), LEAD, case)
        case = after(case, asked, by_centre(SuspensionDecision(granted=True, reason="同意"), case))
        assert case.due_at is None
        assert [(each.wait, each.unit_id, each.due_at) for each in waits(case)] == [(Wait.REVIEW, CENTRE, review)]

    def test_what_was_left_when_it_was_asked_is_left_when_it_goes_on(self) -> None:
        # E0402 is tier A: natural hours, so that the sum can be done in the head.
        case = handed()
        assert case.lead is not None
        left = case.lead.due_at - (MORNING + timedelta(minutes=30))
        asked = a_message(SuspensionRequest(reason="待料", review_at=MORNING + 9 * DAY), LEAD, case)
        case = after(case, asked, context=later(30))
        case = after(case, by_centre(SuspensionDecision(granted=True, reason="同意"), case), context=later(90))
        resumed = MORNING + 2 * DAY
        case = after(case, by_centre(Resumption(reason="料到"), case), context=a_context(now=resumed))
        assert case.due_at == resumed + left

    def test_time_that_stood_for_two_reasons_is_given_once(self) -> None:
        case = handed()
        due = case.due_at
        case = after(case, a_message(Dispute(reason="点位不一致"), LEAD, case), context=later(10))
        suspended = by_centre(SuspensionDecision(granted=True, reason="同意", review_at=MORNING + DAY), case)
        case = after(case, suspended, context=later(30))
        case = after(case, by_centre(DisputeDecision(upheld=True, reason="复核"), case), context=later(50))
        case = after(case, by_centre(Resumption(reason="料到"), case), context=later(70))
        assert due is not None and case.due_at == due + timedelta(minutes=60)

    def test_an_answer_may_come_while_it_is_suspended(self) -> None:
        case = handed()
        case = after(case, by_centre(SuspensionDecision(granted=True, reason="同意", review_at=MORNING + DAY), case))
        case = after(case, feedback(case))
        assert case.state is State.IN_VERIFICATION and case.suspension is None

    def test_a_dispute_upheld_gives_the_time_back_and_dismissed_does_not(self) -> None:
        for upheld, minutes in ((True, 60), (False, 0)):
            case = handed()
            due = case.due_at
            case = after(case, a_message(Dispute(reason="点位不一致"), LEAD, case))
            assert case.pending_question(Question.DISPUTE) is not None
            case = after(case, by_centre(DisputeDecision(upheld=upheld, reason="复核"), case), context=later(60))
            assert due is not None and case.due_at == due + timedelta(minutes=minutes)

    def test_a_question_cannot_be_asked_in_the_past(self) -> None:
        case = handed()
        asked = a_message(Dispute(reason="点位不一致"), LEAD, case, effective_at=MORNING - 30 * DAY)
        case = after(case, asked)
        pending = case.pending_question(Question.DISPUTE)
        assert pending is not None and pending.asked_at == MORNING


class TestOrders:
    """Assisting dispatches, recall, second dispatch, departments."""

    def test_an_assisting_unit_answers_without_closing_the_case(self) -> None:
        case = handed()
        request = AssistanceRequest(unit_id="public_security", reason="疏导交通")
        decision = decided(by_centre(request, case), case)
        assert ("public_security", "case.dispatch/1.0") in [(each.unit_id, each.contract) for each in decision.letters]
        case = after(decision.case, acknowledgement(decision.case, "public_security"))
        case = after(case, feedback(case, "public_security"))
        assert case.state is State.ACKNOWLEDGED
        assert case.assists[0].answered_at is not None
        case = after(case, feedback(case))
        assert case.state is State.IN_VERIFICATION

    def test_a_second_dispatch_takes_the_case_from_the_first_unit_and_says_so(self) -> None:
        case = handed()
        decision = decided(dispatch_to(case, "power"), case)
        assert [entry.step for entry in decision.entries] == [Step.RECALL, Step.DISPATCH]
        contracts = {(letter.unit_id, letter.contract) for letter in decision.letters}
        assert {(LEAD, "case.recall_notice/1.0"), ("power", "case.dispatch/1.0")} <= contracts
        assert refused(feedback(decision.case), decision.case).kind == "not_responsible"

    def test_to_the_unit_that_has_it_already_it_is_refused(self) -> None:
        case = handed()
        assert refused(dispatch_to(case, LEAD), case).kind == "step_not_allowed"

    def test_a_recalled_case_waits_for_the_command_centre(self) -> None:
        case = handed()
        case = after(case, by_centre(Recall(reason="误派"), case))
        assert (case.state, case.lead) == (State.ACCEPTED, None)
        assert [(each.wait, each.unit_id) for each in waits(case)] == [(Wait.DISPATCHING, CENTRE)]

    def test_a_platform_tells_of_its_departments(self) -> None:
        case = a_case()
        case = after(case, dispatch_to(case, "kecheng"))
        for status in (SubDispatchStatus.ASSIGNED, SubDispatchStatus.DONE):
            case = after(case, a_message(SubDispatch(department="kecheng.sanitation", status=status), "kecheng", case))
        assert [(each.department, each.status) for each in case.sub_dispatches] == [("kecheng.sanitation", "done")]


class TestDuplicates:
    """重复案件: near in place and time, of one category."""

    def near(self, *cases: Case) -> Context:
        found = Nearby()
        for case in cases:
            found.add(case.reported.location.grid_cell, open_case(case))
        return a_context(near=found)

    @pytest.mark.parametrize(
        ("metres_east", "hours_later", "repeats"), [(0, 1, True), (25, 71, True), (40, 1, False), (5, 73, False)]
    )
    def test_what_lies_near_in_place_and_time_is_linked(
        self, metres_east: float, hours_later: float, repeats: bool
    ) -> None:
        first = a_case(place={"longitude": 118.87, "latitude": 28.95})
        east = metres_east / 97_400
        now = MORNING + timedelta(hours=hours_later)
        context = replace(self.near(first), now=now, new_ids=ids(20261126))
        decision = decided(a_report(place={"longitude": 118.87 + east, "latitude": 28.95}), None, context)
        assert (decision.case.state is State.DUPLICATE) == repeats
        assert (decision.case.duplicate_of == first.case_number) == repeats

    def test_two_reports_of_one_batch_see_each_other(self) -> None:
        context = a_context()
        place = {"longitude": 118.87, "latitude": 28.95}
        states = [decided(a_report(place=place), None, context).case.state for _ in range(2)]
        assert states == [State.DISPATCHED, State.DUPLICATE]

    def test_another_category_or_another_component_is_another_problem(self) -> None:
        place = {"longitude": 118.87, "latitude": 28.95}
        first = a_case(place=place)
        assert decided(a_report("E0104", place=place), None, self.near(first)).case.state is not State.DUPLICATE
        known = a_case(UNCLEAR, place=place, component_code="3308020107000001")
        context = replace(self.near(known), new_ids=ids(20261126))
        other = decided(a_report(UNCLEAR, place=place, component_code="3308020107000002"), None, context)
        assert other.case.state is not State.DUPLICATE

    def test_by_hand_only_to_a_case_that_there_is(self) -> None:
        case = a_case(source="citizen")
        other = a_case()
        link = by_centre(Duplicate(original=other.case_number, reason="同一处"), case)
        assert refused(link, case).kind == "contract_broken"
        other = replace(other, case_id=other.case_id + 1)
        link = by_centre(Duplicate(original="330800-20261123-000002", reason="同一处"), case)
        case = after(case, link, context=a_context(others={other.case_id: other}))
        assert (case.state, case.duplicate_of) == (State.DUPLICATE, "330800-20261123-000002")

    def test_not_to_a_case_that_nobody_deals_with_nor_to_a_drill(self) -> None:
        # Of two cases that each repeat the other, neither would be dealt with.
        context = a_context()
        case = a_case(source="citizen", context=context)
        for other in (
            replace(a_case(context=context), state=State.DUPLICATE, duplicate_of=case.case_number),
            replace(a_case(context=context), state=State.VOIDED),
            replace(a_case(context=context), mode=Mode.DRILL),
        ):
            link = by_centre(Duplicate(original=other.case_number, reason="同一处"), case)
            assert refused(link, case, replace(context, others={other.case_id: other})).kind == "contract_broken"


class TestLateness:
    """Time that the hub or the network lost is not the unit's; a late proof may count."""

    LATE = MORNING + 20 * DAY

    def answered(self, case: Case, message: Message, **context: object) -> tuple[Case, Answered]:
        decision = decided(message, case, a_context(now=self.LATE, **context))
        fact = decision.entries[0].fact
        assert isinstance(fact, Answered)
        return decision.case, fact

    def test_a_dispatch_that_came_late_is_set_off_hub_and_network_apart(self) -> None:
        case = a_case()
        times = [MORNING + timedelta(minutes=minutes) for minutes in (0, 30, 30, 90)]
        _, fact = self.answered(case, feedback(case), deliveries={case.case_id: Delivery(*times)})
        assert [(each.fault, (each.until - each.since).seconds // 60) for each in fact.lost] == [
            (Fault.HUB, 30),
            (Fault.NETWORK, 60),
        ]

    def test_but_not_what_came_after_the_unit_acknowledged(self) -> None:
        case = a_case()
        case = after(case, acknowledgement(case), context=later(50))
        times = [MORNING + timedelta(minutes=minutes) for minutes in (0, 30, 30, 90)]
        _, fact = self.answered(case, feedback(case), deliveries={case.case_id: Delivery(*times)})
        assert [(each.fault, (each.until - each.since).seconds // 60) for each in fact.lost] == [
            (Fault.HUB, 30),
            (Fault.NETWORK, 20),
        ]

    def test_a_proof_from_a_unit_that_was_cut_off_counts_until_a_person_says_otherwise(self) -> None:
        case = handed()
        outages = {LEAD: [Outage("main", MORNING, self.LATE - timedelta(hours=23))]}
        message = feedback(case, effective_at=MORNING + timedelta(hours=1))
        case, fact = self.answered(case, message, outages=outages)
        assert fact.late_proof is not None and case.late_proof_accepted is True
        case = after(case, by_centre(LateProofDecision(accepted=False, reason="当时网络正常"), case))
        assert case.late_proof_accepted is False

    @pytest.mark.parametrize("back_hours_ago", [None, 25])
    def test_without_an_outage_or_a_day_after_it_the_senders_time_proves_nothing(
        self, back_hours_ago: int | None
    ) -> None:
        case = handed()
        ago = timedelta(hours=back_hours_ago or 0)
        outages = {LEAD: [Outage("main", MORNING, self.LATE - ago)]} if back_hours_ago else {}
        message = feedback(case, effective_at=MORNING + timedelta(hours=1))
        _, fact = self.answered(case, message, outages=outages)
        assert fact.late_proof is None


class TestReminders:
    """到期提醒、催办、督办: each once, to whom the case waits for."""

    def told(self, case: Case, days: int) -> list[tuple[Step, str]]:
        made: list[tuple[Step, str]] = []
        for _ in range(20):
            reminder = next_reminder(case, a_context().moments)
            if reminder is None or reminder[0] > MORNING + days * DAY:
                return made
            context = a_context(now=reminder[0])
            decision = decided(tick_of(case.case_id, case.version, case.mode, reminder[0]), case, context)
            made += [(entry.step, entry.fact.wait.value) for entry in decision.entries]  # type: ignore[union-attr]
            case = decision.case
        raise AssertionError("reminded for ever")

    def test_a_unit_that_does_nothing_is_reminded_more_and_more_loudly(self) -> None:
        assert self.told(a_case(), 30) == [
            (Step.REMIND, "acknowledgement"),
            (Step.WARN, "handling"),
            (Step.REMIND, "handling"),
            (Step.SUPERVISE, "handling"),
        ]

    def test_a_collector_that_does_nothing_is_reminded_too(self) -> None:
        case = handed()
        case = after(case, feedback(case))
        assert self.told(case, 30) == [
            *((Step.WARN, "verification"), (Step.REMIND, "verification"), (Step.SUPERVISE, "verification")),
        ]

    def test_an_extension_silences_what_was_due(self) -> None:
        case = handed()
        assert case.due_at is not None
        wanted = case.due_at + 9 * DAY
        asked = a_message(ExtensionRequest(reason="审批", due_at=wanted), LEAD, case)
        case = after(case, asked, by_centre(ExtensionDecision(granted=True, reason="属实"), case))
        reminder = next_reminder(case, a_context().moments)
        assert reminder is not None and reminder[0] > MORNING + 5 * DAY


@pytest.mark.parametrize("state", [state for state in State if state not in OVER])
def test_every_open_state_can_be_voided(state: State) -> None:
    case = replace(a_case(), state=state)
    assert after(case, by_centre(Void(reason="误报"), case)).state is State.VOIDED


def test_whoever_has_a_voided_case_is_told_to_stop() -> None:
    case = handed()
    decision = decided(by_centre(Void(reason="误报"), case), case)
    assert (LEAD, "case.recall_notice/1.0") in [(each.unit_id, each.contract) for each in decision.letters]


def test_a_unit_that_leads_after_it_assisted_is_told_once() -> None:
    case = handed()
    case = after(
        case, by_centre(AssistanceRequest(unit_id="power", reason="断电配合"), case), dispatch_to(case, "power")
    )
    decision = decided(by_centre(Void(reason="误报"), case), case)
    assert [each.contract for each in decision.letters if each.unit_id == "power"] == ["case.recall_notice/1.0"]


def test_a_city_without_collectors_has_time_to_verify() -> None:
    case = handed()
    units = tuple(replace(each, roles=each.roles - {Role.COLLECTOR}) for each in quzhou().units)
    registry = build(replace(quzhou(), units=units), 1, {}, 1)
    case = after(case, feedback(case), context=a_context(registry))
    assert [(each.wait, each.due_at) for each in waits(case)] == [(Wait.VERIFICATION, MORNING + timedelta(hours=1))]


def test_every_refusal_tells_the_state_to_who_may_know_it() -> None:
    case = handed()
    photo = a_message(Dispute(reason="点位不一致", photos=("att_none",)), LEAD, case)
    assert refused(photo, case).fields["state"] == "acknowledged"
    assert refused(a_message(Recall(reason="x"), LEAD, case), case).fields["state"] == "acknowledged"
    assert "state" not in refused(a_message(Recall(reason="x"), "post", case), case).fields


def test_a_city_without_collectors_closes_by_hand() -> None:
    case = replace(handed(), state=State.ANSWERED)
    assert after(case, closing(case)).state is State.CLOSED
    assert after(case, a_message(verification(case, Finding.FAILED).body, COMMAND, case)).state is State.DISPATCHED
