"""Which cases must move because their component has another owner than the one they were sent to. Pure.

Only what the register's rule decided and the unit has not yet answered, reworked or returned: what a person decided
stays decided, and what was answered is verified with the unit that did the work. A case that the former owner returned,
or that is in coordination since, is settled once the register names another owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo

from contracts.city import Component
from hub.cases import Case
from hub.facts import Order
from hub.life_cycle import WITH_A_UNIT, State
from hub.responsibility import REWORK, Rule

MOVING = WITH_A_UNIT | {State.RETURNED, State.IN_COORDINATION}
"""Where a case follows its component to another owner."""


@dataclass(frozen=True, slots=True)
class Move:
    """A case that is with its component's former owner, or was last. ``version`` is the case's, as it was looked at.

    ``rightly_sent``: the old owner was the owner on the day of the dispatch, and ownership has changed since; otherwise
    the register was mended with a day that lies before the dispatch, and the case never was the old owner's.
    """

    case_id: int
    case_number: str
    version: int
    component_code: str
    from_unit_id: str
    to_unit_id: str
    since: date | None
    rightly_sent: bool
    source: str


def cases_to_move(cases: Iterable[Case], in_force: Mapping[str, Component], zone: tzinfo) -> tuple[Move, ...]:
    """The moves that these cases need, given the entries in force today; in the order of the cases."""
    found = (move_of(case, in_force.get(case.reported.component_code or ""), zone) for case in cases)
    return tuple(move for move in found if move is not None)


def move_of(case: Case, component: Component | None, zone: tzinfo) -> Move | None:
    """The move that a case needs, where its component's entry in force names another owner."""
    if component is None or not case.dispatches or case.state not in MOVING:
        return None
    order = case.dispatches[-1].order
    if _decided_by(case, order) != Rule.REGISTER or order.unit_id == component.owner_unit_id:
        return None
    since = component.valid_from
    return Move(
        case_id=case.case_id,
        case_number=case.case_number,
        version=case.version,
        component_code=component.component_code,
        from_unit_id=order.unit_id,
        to_unit_id=component.owner_unit_id,
        since=since,
        rightly_sent=since is not None and order.dispatched_at.astimezone(zone).date() < since,
        source=component.source,
    )


def _decided_by(case: Case, order: Order) -> str:
    """The rule that chose an order's unit: rework keeps the unit and the number of the order before it."""
    return next(
        each.order.rule
        for each in reversed(case.dispatches)
        if each.order.number == order.number and each.order.rule != REWORK
    )
