"""The table of steps: what it promises whatever is done with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.docs import pages
from hub.facts import FACT_OF
from hub.life_cycle import (
    ACTORS,
    OVER,
    STAGE_OF,
    STATE_WORDS,
    STEP_WORDS,
    STEPS,
    State,
    Step,
    StepNotAllowed,
    after,
    steps_from,
)
from hub.life_cycle_page import life_cycle

ROOT = Path(__file__).parent.parent.parent


def test_no_step_leaves_a_case_that_is_over() -> None:
    assert not [step for (state, step) in STEPS if state in OVER]


def test_every_state_that_is_reached_can_still_be_closed_or_is_over() -> None:
    leads = {state: {target for (origin, _), target in STEPS.items() if origin is state} for state in State}

    def ends(state: State, seen: frozenset[State] = frozenset()) -> bool:
        return state in OVER or any(ends(each, seen | {state}) for each in leads[state] - seen - {state})

    assert not [state for state in set(STEPS.values()) if not ends(state)]


def test_only_a_report_opens_a_case() -> None:
    assert [step for (state, step) in STEPS if state is None] == [Step.REPORT]


def test_every_step_has_its_actors_its_fact_and_its_words() -> None:
    assert set(Step) == set(ACTORS) == set(FACT_OF) == set(STEP_WORDS)
    assert set(State) == set(STAGE_OF) == set(STATE_WORDS)


def test_a_step_that_the_table_does_not_know_is_refused() -> None:
    with pytest.raises(StepNotAllowed):
        after(State.CLOSED, Step.ANSWER)


def test_the_database_repeats_the_states() -> None:
    schema = (ROOT / "hub/store/migrations/0001_foundation.sql").read_text(encoding="utf-8")
    listed = [set(re.findall(r"'(\w+)'", each)) for each in re.findall(r"CHECK \(state IN \(([^)]*)\)\)", schema)]
    assert {state.value for state in State} in listed


def test_the_database_repeats_the_table() -> None:
    migrations = sorted((ROOT / "hub/store/migrations").glob("*.sql"))
    listed = [
        re.search(r"state = ANY \(ARRAY\[(.*?)\]\)", each.read_text(encoding="utf-8"), re.S) for each in migrations
    ]
    last = [each.group(1) for each in listed if each][-1]
    table = {
        f"{origin.value if origin else ''}>{step.value}>{target.value}" for (origin, step), target in STEPS.items()
    }
    assert set(re.findall(r"'([^']*)'", last)) == table


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_generated_pages_are_what_the_tables_say(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == pages()[name], "run ./cityhub docs"


def test_the_page_tells_every_row_of_the_table_and_nothing_else() -> None:
    told: dict[tuple[State | None, Step], State] = {}
    for line in life_cycle().splitlines():
        cells = [re.findall(r"`(\w+)`", cell) for cell in line.strip("|").split("|")]
        if len(cells) != 4 or not cells[0]:
            continue
        step = Step(cells[0][0])
        for origin in [State(name) for name in cells[1]] or [None]:
            to = State(cells[2][0]) if cells[2] else origin
            assert to is not None
            told[origin, step] = to
    assert told == dict(STEPS)


def test_the_picture_has_every_way_between_two_states() -> None:
    picture, _, rest = life_cycle().partition("\n```\n")
    ways = {(origin, target) for (origin, step), target in STEPS.items() if origin is not None and origin is not target}
    drawn = {(State(one), State(two)) for one, two in re.findall(r"^ +(\w+) --> (\w+): ", picture, re.MULTILINE)}
    everywhere = {(state, State.VOIDED) for state in State if state not in OVER}
    assert drawn == ways - everywhere and "作废 → 已作废" in rest


def test_what_is_offered_next_is_what_somebody_can_ask_for() -> None:
    offered = steps_from(State.DISPATCHED)
    assert {Step.ACKNOWLEDGE, Step.ANSWER, Step.RETURN, Step.RECALL} <= set(offered)
    assert not {Step.WARN, Step.REMIND, Step.SUPERVISE, Step.RECKON_AGAIN} & set(offered)
    assert not any(steps_from(state) for state in OVER)
