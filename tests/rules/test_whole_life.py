"""The whole life of cases: any message of any contract, from anybody, in any order, while time passes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.arrival import Answer
from contracts.live import INBOUND
from contracts.messages import Report
from contracts.problem import Problem
from hub.life_cycle import OVER, STEPS, State, Step
from tests.holding import hold
from tests.trial import BODIES, Told, Trial


def judge(told: Told, remembered: bool) -> None:
    """What must hold of the answer to one message."""
    outcome, before, message = told.outcome, told.before, told.message
    if isinstance(outcome, Answer):
        if outcome.repeated:
            assert remembered and told.after is before
        else:
            assert before is None or before.state not in OVER
            assert told.after is not None and told.after.version > (before.version if before else 0)
        return
    assert told.after is before, "a refused message changed the case"
    for language in ("zh-CN", "en"):
        assert outcome.document(language)["detail"]
    assert bool(outcome.zh) == bool(outcome.en)
    if remembered or outcome.kind in ("case_unknown", "nothing_due"):
        return
    if before is not None and _sees(before, message.sender.unit_id):
        assert outcome.fields.get("state") == before.state.value, (outcome.kind, outcome.fields)
        assert outcome.fields.get("version") == before.version
    else:
        assert "state" not in outcome.fields, "a unit learned of a case that is not its own"


def _sees(case: Any, unit_id: str) -> bool:
    had = {each.order.unit_id for each in (*case.dispatches, *case.assists)}
    return unit_id == "command_center" or unit_id in case.watchers or unit_id in had


def judge_all(trial: Trial, known: set[bytes], *, through_text: bool = True) -> None:
    """Judge what was told since the last time, and every case that it touched."""
    directory = trial.registry.directory(trial.now)
    touched = {told.after.case_id for told in trial.told if told.after is not None}
    for told in trial.told:
        judge(told, told.message.keys[0] in known)
        if not isinstance(told.outcome, Problem) or told.message.keys[0] in trial.remembered:
            known.add(told.message.keys[0])
    trial.told.clear()
    for case_id in touched:
        case = trial.cases[case_id]
        letters, sights = trial.letters.get(case_id, []), trial.sights.get(case_id, [])
        hold(case, trial.logs[case_id], directory, letters, sights, through_text=through_text)


class ACityUnderRandomMessages(RuleBasedStateMachine):
    """Several cases at once; hypothesis chooses everything."""

    trial: Trial
    known: set[bytes]

    @initialize(data=st.data(), collectors=st.booleans())
    def begin(self, data: Any, collectors: bool) -> None:
        self.known = set()
        self.trial = Trial(lambda among: data.draw(st.sampled_from(among)), collectors=collectors)
        self.trial.report()

    def _with(self, data: Any) -> Trial:
        self.trial.choose = lambda among: data.draw(st.sampled_from(among))
        return self.trial

    @rule(data=st.data())
    def report(self, data: Any) -> None:
        self._with(data).report()

    @rule(data=st.data())
    def fitting(self, data: Any) -> None:
        self._with(data).fitting()

    @rule(data=st.data())
    def fitting_too(self, data: Any) -> None:
        self._with(data).fitting()

    @rule(data=st.data())
    def anything(self, data: Any) -> None:
        self._with(data).anything()

    @rule(data=st.data())
    def again(self, data: Any) -> None:
        self._with(data).again()

    @rule(data=st.data())
    def time_passes(self, data: Any) -> None:
        self._with(data).time_passes()

    @rule(data=st.data())
    def tick_out_of_turn(self, data: Any) -> None:
        self._with(data).tick_out_of_turn()

    @rule(data=st.data())
    def owner_changes(self, data: Any) -> None:
        self._with(data).owner_changes()

    @rule()
    def announce(self) -> None:
        self.trial.announce()

    @rule()
    def line_breaks(self) -> None:
        self.trial.line_breaks()

    @invariant()
    def everything_holds(self) -> None:
        judge_all(self.trial, self.known)


ACityUnderRandomMessages.TestCase.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestACityUnderRandomMessages = ACityUnderRandomMessages.TestCase


def lived(seed: int, acts: int, *, collectors: bool) -> Trial:
    """A city that lived so many acts of a seed; everything holds after each."""
    dice = random.Random(seed)
    trial = Trial(dice.choice, collectors=collectors)
    often: list[Callable[[], None]] = [trial.fitting] * 24 + [trial.anything] * 3 + [trial.time_passes] * 3
    often += [trial.report] * 2 + [trial.again, trial.tick_out_of_turn, trial.owner_changes]
    known: set[bytes] = set()
    for act in range(acts):
        if act % 40 == 20:
            trial.line_breaks()
        if act == 45:
            trial.announce()
        dice.choice(often)()
        judge_all(trial, known, through_text=act % 50 == 0)
    return trial


def test_every_contract_and_every_row_of_the_table_is_met() -> None:
    """The coverage is claimed, so that the random messages cannot grow tame without anybody noticing."""
    taken: Counter[tuple[State | None, Step]] = Counter()
    sent: set[str] = set()
    for seed in range(10):
        trial = lived(seed, 500, collectors=seed % 2 == 0)
        sent |= {message.contract for message in trial.sent}
        for log in trial.logs.values():
            before = None
            for entry in log:
                taken[before, entry.step] += 1
                before = entry.state
    missed = STEPS.keys() - taken.keys()
    table = "\n".join(f"{taken[row]:6} {row[0] or '-'} {row[1]}" for row in STEPS)
    assert not missed, f"never taken: {sorted(map(str, missed))}\n{table}"
    assert {model.contract for model in INBOUND} <= sent
    assert {*BODIES, Report} == set(INBOUND)
