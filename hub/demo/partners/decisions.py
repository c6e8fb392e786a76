"""What the command centre decides (指挥中心): which reports are cases, and whose an unclear case is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.demo.habits import dice, said_of

REJECT_SHARE = 0.25
SHORT_LIMIT_SHARE = 0.4
FALLBACK = "urban_enforcement"
"""Who gets what no area and no row of the matrix gives to anybody: the bureau that enforces in the whole city."""

WAITING = frozenset({"reported", "accepted", "returned", "in_coordination"})
"""The states in which a case waits for the command centre."""


@dataclass(frozen=True, slots=True)
class Decide:
    """One decision: the route it goes by, its reason, the unit and a limit of its own where it orders."""

    route: str
    reason: str
    unit_id: str | None = None
    limit_hours: float | None = None


def decide(
    seed: int,
    case: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    leads: Sequence[str],
    governors: Mapping[str, str],
) -> Decide:
    """What to do with a waiting case, from its document and its log. ``leads`` are its category's in the matrix."""
    chance = dice(seed, "command", case["state"], len(entries), said_of(case))
    if case["state"] == "reported":
        if chance.random() < REJECT_SHARE:
            return Decide("rejection", "经核实不符合立案标准")
        return Decide("acceptance", "符合立案标准,予以受理")
    tried = [each["unit_id"] for each in case.get("dispatches", ())]
    limit = chance.choice((2.5, 3.0)) if chance.random() < SHORT_LIMIT_SHARE else None
    if tried:
        returned = [each["fact"] for each in entries if each["step"] == "return"]
        named = returned[-1].get("responsible_unit_id") if returned else None
        if named and named not in tried:
            return Decide("dispatch", f"采纳 {tried[-1]} 退回意见", named, limit)
    governor = governors.get(case.get("area_id", ""))
    candidates = [unit for unit in case.get("candidates") or leads if unit not in tried]
    # 五(四)2: what is unclear the district of the place may take; here it does where nobody else is left.
    if candidates and (governor is None or chance.random() < 0.75):
        return Decide("dispatch", "经核实由其负责", chance.choice(candidates), limit)
    for unit in (governor, FALLBACK):
        if unit and unit not in tried:
            return Decide("dispatch", "属地协调确定", unit, limit)
    return Decide("dispatch", "维持原派遣", tried[-1], limit)
