"""What the first page shows: the day's cases by stage, what waits for a person, the units, the dead letters. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from contracts.envelope import Mode
from hub.cases import Case
from hub.console.asked import Asked
from hub.console.phrases import Due, Moment, Phrases
from hub.console.units_table import Column, UnitLine, columns, handles, sort_units, unit_lines
from hub.letters import letter_id
from hub.life_cycle import STAGE_OF, STAGE_WORDS, STATE_WORDS, Stage, State
from hub.registry import Registry
from hub.store.overview import LETTERS_BOUND, Count, Picture
from hub.store.reading import LetterRow

NOT_ACCEPTED = frozenset({State.REPORTED, State.REJECTED, State.DUPLICATE, State.VOIDED})
AWAITING = frozenset({State.REPORTED, State.ACCEPTED, State.RETURNED, State.IN_COORDINATION})

AWAITED: Mapping[State, str] = {
    State.REPORTED: "to_accept",
    State.ACCEPTED: "to_dispatch",
    State.RETURNED: "to_dispatch_again",
}
"""What the command centre is asked to do with a case that nobody has."""


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


def overview(
    seen: Picture, dead: Sequence[LetterRow], asked: Asked, registry: Registry, say: Phrases, *, rate: float
) -> Overview:
    """The page's contents from what was read."""
    today = say.now.astimezone(say.zone).date()
    day = asked.day or today
    reported = sum(count.cases for count in seen.day.values())
    not_accepted = sum(seen.day.get(state, Count()).cases for state in NOT_ACCEPTED)
    units = unit_lines(seen, registry, say)
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
        columns=columns(asked, say),
        units=tuple(sort_units(busy, asked)),
        idle=tuple(unit.name for unit in units if unit.idle and handles(registry, unit.unit_id, say.now)),
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
        due=say.due(case.due_at) if case.due_at else None,
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
