"""What the first page shows: the day's cases by stage, what waits for a person, the units, the dead letters. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from contracts.envelope import Mode
from contracts.nouns import Role, Transport
from hub.cases import Case
from hub.console.phrases import Due, Moment, Phrases
from hub.letters import letter_id
from hub.life_cycle import STAGE_OF, STAGE_WORDS, STATE_WORDS, Stage, State
from hub.registry import Registry, desk
from hub.store.overview import LETTERS_BOUND, ConnectionRow, Count, Picture
from hub.store.reading import BacklogRow, LetterRow

NOT_ACCEPTED = frozenset({State.REPORTED, State.REJECTED, State.DUPLICATE, State.VOIDED})
AWAITING = frozenset({State.REPORTED, State.ACCEPTED, State.RETURNED, State.IN_COORDINATION})

AWAITED: Mapping[State, str] = {
    State.REPORTED: "to_accept",
    State.ACCEPTED: "to_dispatch",
    State.RETURNED: "to_dispatch_again",
}
"""What the command centre is asked to do with a case that nobody has."""

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


class Sort(StrEnum):
    """The columns by which units are sorted."""

    UNIT = "unit"
    OPEN = "open"
    LATE = "late"
    NEXT = "next"
    WAITING = "waiting"
    HELD = "held"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asked for: which day (None: today), which mode, how the units are sorted."""

    day: date | None = None
    mode: Mode = Mode.LIVE
    sort: Sort = Sort.LATE
    descending: bool = True

    def query(self, **changes: Any) -> str:
        """The query of a link that changes some of it; what is usual is left out."""
        values: dict[str, Any] = {"day": self.day, "mode": self.mode, "sort": self.sort, "down": self.descending}
        values |= changes
        given: dict[str, str] = {}
        if values["day"] is not None:
            given["day"] = values["day"].isoformat()
        if values["mode"] is not Mode.LIVE:
            given["mode"] = values["mode"].value
        if values["sort"] is not Sort.LATE or not values["down"]:
            given |= {"sort": values["sort"].value, "down": "1" if values["down"] else "0"}
        return "?" + urlencode(given) if given else ""


@dataclass(frozen=True, slots=True)
class StageBox:
    """One of the seven stages: the day's cases in it, their share for the bar, and those of earlier days."""

    stage: Stage
    name: str
    cases: int
    late: int
    earlier: int
    share: int


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list."""

    number: str
    category: str
    where: str
    state: str
    state_name: str
    since: Moment
    unit: str | None = None
    due: Due | None = None
    said: str | None = None
    candidates: tuple[str, ...] = ()


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
class DeadLine:
    """A letter on the shelf."""

    letter: str
    unit: str
    contract: str
    case_number: str
    reason: str
    status: int | None
    attempts: int
    buried_at: Moment | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the units table, with the link that sorts by it."""

    sort: Sort
    title: str
    query: str
    direction: str | None
    numeric: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page."""

    day: date
    is_today: bool
    previous: str
    following: str | None
    modes: tuple[tuple[str, str, bool], ...]
    reported: int
    accepted: int
    closed: int
    in_hand: int
    late: int
    stages: tuple[StageBox, ...]
    awaiting: tuple[CaseLine, ...]
    awaiting_count: int
    pressing: tuple[CaseLine, ...]
    columns: tuple[Column, ...]
    units: tuple[UnitLine, ...]
    idle: tuple[str, ...]
    dead: tuple[DeadLine, ...]
    dead_count: int
    bound: int = LETTERS_BOUND
    query: str = ""
    clock: Moment = field(default_factory=lambda: Moment("", ""))
    rate: float = 1.0


def connections_to_ask(registry: Registry, now: datetime) -> dict[str, str]:
    """Each connection that letters may go to, desks too, with its unit."""
    found = {connection.connection_id: connection.unit_id for connection in registry.connections.values()}
    for unit_id in registry.directory(now).units:
        found[desk(unit_id).connection_id] = unit_id
    return found


def overview(
    seen: Picture, dead: Sequence[LetterRow], asked: Asked, registry: Registry, say: Phrases, *, rate: float
) -> Overview:
    """The page's contents from what was read."""
    today = say.now.astimezone(say.zone).date()
    day = asked.day or today
    reported = sum(count.cases for count in seen.day.values())
    not_accepted = sum(seen.day.get(state, Count()).cases for state in NOT_ACCEPTED)
    units = _units(seen, registry, say)
    busy = [unit for unit in units if not unit.idle]
    return Overview(
        day=day,
        is_today=day == today,
        previous=asked.query(day=day - timedelta(days=1)),
        following=asked.query(day=day + timedelta(days=1) if day + timedelta(days=1) != today else None)
        if day < today
        else None,
        modes=tuple((asked.query(mode=mode), say.t[f"mode_{mode.value}"], mode is asked.mode) for mode in Mode),
        reported=reported,
        accepted=reported - not_accepted,
        closed=seen.day.get(State.CLOSED, Count()).cases,
        in_hand=sum(row.open for row in seen.backlog),
        late=sum(row.late for row in seen.backlog),
        stages=_stages(seen.day, seen.earlier, reported, say),
        awaiting=tuple(_waiting_line(case, say) for case in seen.awaiting),
        awaiting_count=sum(
            counts.get(state, Count()).cases for counts in (seen.day, seen.earlier) for state in AWAITING
        ),
        pressing=tuple(_case_line(case, say) for case in seen.pressing),
        columns=_columns(asked, say),
        units=tuple(_sorted(busy, asked)),
        idle=tuple(unit.name for unit in units if unit.idle and _handles(registry, unit.unit_id, say.now)),
        dead=tuple(_dead_line(row, say) for row in dead),
        dead_count=sum(row.dead for row in seen.connections),
        query=asked.query(),
        clock=say.exact(say.now),
        rate=rate,
    )


def _stages(
    day: Mapping[State, Count], earlier: Mapping[State, Count], reported: int, say: Phrases
) -> tuple[StageBox, ...]:
    here: dict[Stage, Count] = defaultdict(Count)
    before: dict[Stage, Count] = defaultdict(Count)
    for gathered, counts in ((here, day), (before, earlier)):
        for state, count in counts.items():
            gathered[STAGE_OF[state]] += count
    return tuple(
        StageBox(
            stage,
            say.word(STAGE_WORDS[stage]),
            here[stage].cases,
            here[stage].late + before[stage].late,
            before[stage].cases,
            round(100 * here[stage].cases / reported) if reported else 0,
        )
        for stage in Stage
    )


def _case_line(case: Case, say: Phrases) -> CaseLine:
    place = case.reported.location
    lead = case.lead
    return CaseLine(
        number=case.case_number,
        category=say.category(case.reported.category_code, case.reported.category_name),
        where=place.address or say.area(place.area_id),
        state=case.state.value,
        state_name=say.word(STATE_WORDS[case.state]),
        since=say.moment(case.changed_at),
        unit=say.unit(lead.order.unit_id) if lead else None,
        due=say.due(lead.order.due_at) if lead else None,
    )


def _waiting_line(case: Case, say: Phrases) -> CaseLine:
    made = _case_line(case, say)
    returned = case.dispatches[-1].order.unit_id if case.state is State.RETURNED and case.dispatches else None
    return CaseLine(
        number=made.number,
        category=made.category,
        where=made.where,
        state=made.state,
        state_name=say.t[AWAITED[case.state]] if case.state in AWAITED else made.state_name,
        since=made.since,
        due=say.due(case.reported.accept_by) if case.state is State.REPORTED and case.reported.accept_by else None,
        said=say.unit(returned) if returned else None,
        candidates=tuple(say.unit(unit_id) for unit_id in case.candidates),
    )


def _units(seen: Picture, registry: Registry, say: Phrases) -> list[UnitLine]:
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


def _handles(registry: Registry, unit_id: str, now: datetime) -> bool:
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


def _sorted(units: Sequence[UnitLine], asked: Asked) -> list[UnitLine]:
    # Equal ones keep a useful order in either direction: more in hand first, then the directory's order.
    settled = sorted(units, key=lambda unit: (-unit.late, -unit.open, unit.place))
    return sorted(settled, key=_KEYS[asked.sort], reverse=asked.descending)


def _columns(asked: Asked, say: Phrases) -> tuple[Column, ...]:
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


def _dead_line(row: LetterRow, say: Phrases) -> DeadLine:
    return DeadLine(
        letter=letter_id(row.letter.position),
        unit=say.unit(row.letter.unit_id),
        contract=say.code(row.letter.contract.partition("/")[0]),
        case_number=row.letter.case_number,
        reason=say.half(row.held_because or row.said or ""),
        status=row.status,
        attempts=row.attempts,
        buried_at=say.moment(row.buried_at) if row.buried_at else None,
    )
