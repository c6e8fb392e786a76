"""The log alone rebuilds every state; random messages never break what must hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.messages import Finding
from contracts.problem import Problem
from hub.cases import Case, Entry
from hub.codec import case_from, case_text, fact_from, fact_text
from hub.history import as_it_was, fold
from hub.life_cycle import OVER, WITH_A_UNIT, State
from tests.builders import (
    CLEAR,
    COLLECTOR,
    LEAD,
    MORNING,
    UNCLEAR,
    a_case,
    a_report,
    a_return,
    acceptance,
    acknowledgement,
    closing,
    decided,
    dispatch_to,
    feedback,
    later,
    rejection,
    verification,
)

UNITS = (LEAD, "telecom", "power", COLLECTOR)


class ACaseUnderRandomMessages(RuleBasedStateMachine):
    """Any message, from anybody, in any order."""

    case: Case
    entries: list[Entry]

    @initialize(category=st.sampled_from([CLEAR, UNCLEAR, "E0104"]), source=st.sampled_from(["collector", "citizen"]))
    def report(self, category: str, source: str) -> None:
        decision = decided(a_report(category, source=source))
        self.case, self.entries, self.sees = decision.case, list(decision.entries), {}
        self._see(decision.sights)

    def _see(self, sights: Any) -> None:
        for sight in sights:
            self.sees[sight.unit_id] = sight.open

    def _send(self, message: Any) -> None:
        before = self.case
        try:
            decision = decided(message, self.case)
        except Problem:
            return
        assert before.state not in OVER, "something left a case that is over"
        self.case = decision.case
        self.entries += decision.entries
        self._see(decision.sights)

    @rule(unit=st.sampled_from(UNITS))
    def acknowledge(self, unit: str) -> None:
        self._send(acknowledgement(self.case, unit))

    @rule(unit=st.sampled_from(UNITS), final=st.booleans())
    def feed_back(self, unit: str, final: bool) -> None:
        self._send(feedback(self.case, unit, final=final))

    @rule(unit=st.sampled_from(UNITS))
    def send_back(self, unit: str) -> None:
        self._send(a_return(self.case, unit))

    @rule(unit=st.sampled_from(UNITS))
    def dispatch(self, unit: str) -> None:
        self._send(dispatch_to(self.case, unit))

    @rule(unit=st.sampled_from(UNITS), finding=st.sampled_from(Finding))
    def verify(self, unit: str, finding: Finding) -> None:
        self._send(verification(self.case, finding, unit))

    @rule(make=st.sampled_from([acceptance, rejection, closing]))
    def command(self, make: Any) -> None:
        self._send(make(self.case))

    @invariant()
    def the_log_alone_rebuilds_the_case(self) -> None:
        rebuilt = fold(self.entries, self.case.case_number)
        assert case_text(rebuilt) == case_text(case_from(case_text(self.case)).__class__(**_but_letters(self.case)))

    @invariant()
    def its_version_is_the_number_of_its_entries(self) -> None:
        assert [entry.sequence for entry in self.entries] == list(range(1, self.case.version + 1))

    @invariant()
    def a_unit_has_it_exactly_when_its_state_says_so(self) -> None:
        if self.case.state in WITH_A_UNIT or self.case.state is State.IN_VERIFICATION:
            assert self.case.lead is not None
        if self.case.state in (State.REPORTED, State.ACCEPTED, State.RETURNED):
            assert self.case.lead is None

    @invariant()
    def who_sees_it_is_who_watches_it(self) -> None:
        assert {unit for unit, open_ in self.sees.items() if open_} == self.case.watchers

    @invariant()
    def clocks_never_run_backwards(self) -> None:
        known = [entry.known_at for entry in self.entries]
        assert known == sorted(known)


def _but_letters(case: Case) -> dict[str, Any]:
    fields = {name: getattr(case, name) for name in Case.__slots__}
    return {**fields, "letter_counts": ()}


ACaseUnderRandomMessages.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestACaseUnderRandomMessages = ACaseUnderRandomMessages.TestCase


def test_every_fact_comes_back_from_its_text() -> None:
    for entry in decided(a_report(CLEAR, attributes=[{"name": "zone", "value": "old_city_wall"}])).entries:
        assert fact_from(entry.step, fact_text(entry.fact)) == entry.fact


def test_a_case_comes_back_from_its_text() -> None:
    case = a_case()
    assert case_from(case_text(case)) == case


class TestTwoAxes:
    """A case as of a moment, by what was known at another (双时间轴)."""

    HOUR = timedelta(hours=1)

    def log(self) -> list[Entry]:
        """Reported at nine; handled at ten, which the hub learned of at twelve."""
        reported = decided(a_report())
        told = feedback(reported.case, effective_at=MORNING + self.HOUR)
        answered = decided(told, reported.case, later(180))
        return [*reported.entries, *answered.entries]

    @pytest.mark.parametrize(
        ("as_of", "known_at", "state"),
        [
            (None, None, "in_verification"),
            (2, None, "answered"),
            (2, 2, "dispatched"),
            (None, 2, "dispatched"),
            (0.5, None, "dispatched"),
            (4, 4, "in_verification"),
        ],
    )
    def test_what_was_so_and_what_was_known_are_two_questions(
        self, as_of: float | None, known_at: float | None, state: str
    ) -> None:
        moments = [MORNING + hours * self.HOUR if hours is not None else None for hours in (as_of, known_at)]
        case = as_it_was(self.log(), "330800-20261123-000001", *moments)
        assert case is not None and case.state.value == state

    def test_before_its_report_there_was_no_case(self) -> None:
        assert as_it_was(self.log(), "330800-20261123-000001", MORNING - self.HOUR) is None
