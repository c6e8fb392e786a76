"""How the units of the demo behave: how quick, how often wrong, how often late. Pure, and the same for the same seed.

A habit is drawn from the seed and from what the report itself says, never from a case's number: numbers depend on which
report came first, and two runs of one seed should tell one story.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

RETURN_SHARE = 0.10
LATE_SHARE = 0.30
SILENT_SHARE = 0.15
PART_SHARE = 0.10
FAIL_SHARE = 0.12

LATE_IN_REACH = timedelta(hours=4, minutes=10)
"""Only what falls due this soon can be late before the demo ends; nobody waits fifteen working days for it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a unit does with one dispatch, in minutes of city time from its arrival. None: it does not."""

    acknowledge_minutes: float | None
    return_minutes: float | None
    part_minutes: float | None
    answer_minutes: float


def fate_of(seed: int, unit_id: str, order: Mapping[str, Any], now: datetime) -> Fate:
    """A unit's way with a dispatch. Only a first dispatch is returned; rework is done soon and in time."""
    number, round = order["dispatch_number"], order["round"]
    chance = dice(seed, unit_id, number, round, said_of(order))
    silent, returns, late, part = (chance.random() for _ in range(4))
    quick = chance.uniform(4, 20)
    left = (datetime.fromisoformat(order["deadline"]["due_at"]) - now).total_seconds() / 60
    first = number == 1 and round == 1
    if first and returns < RETURN_SHARE:
        return Fate(None if silent < 0.5 else quick, chance.uniform(25, 60), None, 0.0)
    if first and late < LATE_SHARE and left < LATE_IN_REACH.total_seconds() / 60:
        answer = max(left, 30.0) + chance.uniform(15, 40)
    else:
        # Somebody who means to be in time does not wait for the last minute.
        answer = min(chance.uniform(40, 150) if round == 1 else chance.uniform(20, 45), max(left * 0.6, 5.0))
    return Fate(
        acknowledge_minutes=None if silent < SILENT_SHARE else min(quick, answer * 0.5),
        return_minutes=None,
        part_minutes=answer * 0.6 if part < PART_SHARE else None,
        answer_minutes=answer,
    )


def finds_it_done(seed: int, request: Mapping[str, Any]) -> bool:
    """What a collector finds on the spot. Work that was done twice is done."""
    return request["round"] > 1 or dice(seed, "spot", said_of(request)).random() >= FAIL_SHARE


def said_of(document: Mapping[str, Any]) -> str:
    """What tells one report of the day from another, whatever number its case got."""
    return f"{document['category_code']}/{document['place'].get('address', '')}"


def dice(seed: int, *parts: object) -> random.Random:
    """Chance that depends on the parts alone."""
    return random.Random("/".join(map(str, (seed, *parts))))
