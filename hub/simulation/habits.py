"""How the units of a simulated city behave, drawn once from the seed: how diligent each is, and how good its work."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """A unit's ways, each the share of its dispatches; ``speed`` is the part of the limit that it takes."""

    acknowledges_late: float
    never_acknowledges: float
    answers_late: float
    returns_unfounded: float
    asks_extension: float
    asks_suspension: float
    disputes: float
    bad_work: float
    feeds_back_in_part: float
    speed: float


TELLS_TRUTH = 0.9
"""How often a unit that is not responsible notices, and returns it."""


def habits_of(seed: int, unit_ids: tuple[str, ...]) -> Mapping[str, Habits]:
    """Every unit's habits: from the model to the sloven, each in its own way."""
    return {unit_id: _drawn(random.Random(f"{seed} habits {unit_id}")) for unit_id in unit_ids}


def _drawn(dice: random.Random) -> Habits:
    sloth = dice.betavariate(1.6, 4.0)
    return Habits(
        acknowledges_late=0.02 + 0.3 * sloth,
        never_acknowledges=0.15 * dice.random(),
        answers_late=0.02 + 0.35 * sloth * dice.uniform(0.5, 1.5),
        returns_unfounded=0.005 + 0.06 * sloth,
        asks_extension=0.04 * dice.random(),
        asks_suspension=0.012 * dice.random(),
        disputes=0.015 * dice.random(),
        bad_work=0.02 + 0.2 * sloth * dice.uniform(0.3, 1.5),
        feeds_back_in_part=0.1 * dice.random(),
        speed=0.25 + 0.5 * sloth + 0.1 * dice.random(),
    )
