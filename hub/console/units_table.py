"""The table of units: what each has in hand, its letters, how its connections are. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contracts.nouns import Role, Transport
from hub.console.asked import Asked, Sort
from hub.console.phrases import Due, Phrases
from hub.registry import Registry, desk
from hub.store.overview import LETTERS_BOUND, ConnectionRow, Picture
from hub.store.reading import BacklogRow

HANDLES_NOTHING = frozenset({Role.LEADING_GROUP, Role.CITY_GOVERNMENT})
"""Roles that get no dispatch; a unit that has only these is listed when it has something all the same."""


class Condition(StrEnum):
    """How a connection is, the worst last."""

    FINE = "fine"
    FETCH = "fetch"
    IDLE = "idle"
    CUT = "cut"
    PAUSED = "paused"


CONDITIONS = list(Condition)


@dataclass(frozen=True, slots=True)
class ConnectionLine:
    """One way to a unit: how it is reached and how that is going."""

    name: str
    transport: str
    condition: Condition
    words: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A unit and its backlog."""

    unit_id: str
    name: str
    place: int
    open: int = 0
    late: int = 0
    next_due: Due | None = None
    next_at: datetime | None = None
    waiting: int = 0
    held: int = 0
    dead: int = 0
    connections: tuple[ConnectionLine, ...] = ()

    @property
    def idle(self) -> bool:
        """Nothing to see: no case, no letter, no connection in trouble."""
        troubled = any(line.condition in (Condition.CUT, Condition.PAUSED) for line in self.connections)
        return not (self.open or self.waiting or self.held or self.dead or troubled)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the units table, with the link that sorts by it."""

    sort: Sort
    title: str
    query: str
    direction: str | None
    numeric: bool


def connections_to_ask(registry: Registry, now: datetime) -> dict[str, str]:
    """Each connection that letters may go to, desks too, with its unit."""
    found = {connection.connection_id: connection.unit_id for connection in registry.connections.values()}
    for unit_id in registry.directory(now).units:
        found[desk(unit_id).connection_id] = unit_id
    return found


def unit_lines(seen: Picture, registry: Registry, say: Phrases) -> list[UnitLine]:
    backlog = {row.unit_id: row for row in seen.backlog}
    lanes: dict[str, list[ConnectionRow]] = defaultdict(list)
    for row in seen.connections:
        lanes[row.unit_id].append(row)
    known = list(registry.directory(say.now).units)
    names = dict.fromkeys([*known, *backlog, *lanes])
    return [
        _unit(unit_id, place, backlog.get(unit_id), lanes[unit_id], registry, say)
        for place, unit_id in enumerate(names)
    ]


def _unit(
    unit_id: str,
    place: int,
    row: BacklogRow | None,
    lanes: Sequence[ConnectionRow],
    registry: Registry,
    say: Phrases,
) -> UnitLine:
    lines = [_connection(lane, registry, say) for lane in lanes if _shown(lane, registry)]
    return UnitLine(
        unit_id=unit_id,
        name=say.unit(unit_id),
        place=place,
        open=row.open if row else 0,
        late=row.late if row else 0,
        next_due=say.due(row.next_due) if row and row.next_due else None,
        next_at=row.next_due if row else None,
        waiting=min(sum(lane.waiting for lane in lanes), LETTERS_BOUND),
        held=min(sum(lane.held for lane in lanes), LETTERS_BOUND),
        dead=sum(lane.dead for lane in lanes),
        connections=tuple(sorted(lines, key=lambda line: -CONDITIONS.index(line.condition))),
    )


def _shown(lane: ConnectionRow, registry: Registry) -> bool:
    """A desk or a former connection is worth a word only when something lies there, or it is all that the unit has."""
    known = registry.connections.get(lane.connection_id)
    if known is not None or lane.waiting or lane.held or lane.dead:
        return True
    has_own = any(connection.unit_id == lane.unit_id for connection in registry.connections.values())
    return lane.connection_id == desk(lane.unit_id).connection_id and not has_own


def _connection(lane: ConnectionRow, registry: Registry, say: Phrases) -> ConnectionLine:
    known = registry.connections.get(lane.connection_id)
    is_desk = lane.connection_id == desk(lane.unit_id).connection_id
    transport = known.transport.value if known else Transport.DESK.value if is_desk else "none"
    condition = _condition(lane, transport)
    return ConnectionLine(
        name=lane.connection_id.removeprefix(f"{lane.unit_id}."),
        transport=say.t[f"transport_{transport}"],
        condition=condition,
        words=say.t[f"lane_{condition.value}"],
        reason=say.half(lane.paused_reason) if lane.paused_reason else None,
    )


def _condition(lane: ConnectionRow, transport: str) -> Condition:
    if lane.paused_at is not None:
        return Condition.PAUSED
    if transport in (Transport.PULL, Transport.DESK):
        return Condition.FETCH if lane.waiting else Condition.FINE
    if lane.breaker != "closed":
        return Condition.CUT
    return Condition.FINE if lane.running else Condition.IDLE


def handles(registry: Registry, unit_id: str, now: datetime) -> bool:
    return bool(registry.roles(unit_id, now) - HANDLES_NOTHING)


FAR = float("inf")

_KEYS: Mapping[Sort, Callable[[UnitLine], float]] = {
    Sort.UNIT: lambda unit: unit.place,
    Sort.OPEN: lambda unit: unit.open,
    Sort.LATE: lambda unit: unit.late,
    Sort.NEXT: lambda unit: unit.next_at.timestamp() if unit.next_at else FAR,
    Sort.WAITING: lambda unit: unit.waiting,
    Sort.HELD: lambda unit: unit.held,
    Sort.DEAD: lambda unit: unit.dead,
}


def sort_units(units: Sequence[UnitLine], asked: Asked) -> list[UnitLine]:
    # Equal ones keep a useful order in either direction: more in hand first, then the directory's order.
    settled = sorted(units, key=lambda unit: (-unit.late, -unit.open, unit.place))
    return sorted(settled, key=_KEYS[asked.sort], reverse=asked.descending)


def columns(asked: Asked, say: Phrases) -> tuple[Column, ...]:
    titles = {
        Sort.UNIT: say.t["unit"],
        Sort.OPEN: say.t["open"],
        Sort.LATE: say.t["late"],
        Sort.NEXT: say.t["next_due"],
        Sort.WAITING: say.t["waiting"],
        Sort.HELD: say.t["held"],
        Sort.DEAD: say.t["dead"],
    }
    made = []
    for sort, title in titles.items():
        chosen = sort is asked.sort
        down = not asked.descending if chosen else sort not in (Sort.UNIT, Sort.NEXT)
        direction = ("descending" if asked.descending else "ascending") if chosen else None
        made.append(
            Column(sort, title, asked.query(sort=sort, down=down), direction, sort not in (Sort.UNIT, Sort.NEXT))
        )
    return tuple(made)
