"""The supervisor's rules: which roles run where, and how soon a dead worker comes back."""

from __future__ import annotations

import pytest

from hub.serve import RESTART_SECONDS_MAX, layout, restart_pause


def test_a_worker_that_was_killed_comes_back_at_once() -> None:
    assert restart_pause(1) == 0


def test_one_that_keeps_dying_waits_longer_each_time_up_to_a_limit() -> None:
    pauses = [restart_pause(deaths) for deaths in range(1, 2000)]
    assert pauses == sorted(pauses) and pauses[1] > 0
    assert pauses[-1] == RESTART_SECONDS_MAX


@pytest.mark.parametrize("processes", range(1, 12))
def test_every_role_runs_somewhere(processes: int) -> None:
    slots = layout(processes)
    assert len({slot for slot, _ in slots}) == processes
    assert {role for _, roles in slots for role in roles.split(",")} == {"api", "lanes", "clock", "sources"}
