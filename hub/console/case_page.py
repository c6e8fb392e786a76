"""What a case's page shows: the problem, its course, the dispatches and why, what happened, the letters. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.messages import Duty
from hub.cases import Case, Dispatch, Entry
from hub.console.phrases import HUB, Due, Moment, Phrases
from hub.console.sketch import Sketch, sketch
from hub.console.telling import Told, told
from hub.letters import letter_id
from hub.life_cycle import OVER, STAGE_OF, STAGE_WORDS, STATE_WORDS, STEP_WORDS, Stage, State
from hub.store.overview import AttemptLine
from hub.store.reading import LetterRow

LATER_KNOWN = timedelta(minutes=1)
"""Below this the sender's clock and ours tell the same story."""

ANSWER_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class StageMark:
    """One of the seven stages: done, the present one, or still ahead."""

    name: str
    mark: str


@dataclass(frozen=True, slots=True)
class DispatchCard:
    """One dispatch: to whom, why, until when by now, and what became of it.

    ``stands``: its clock stands, so its deadline recedes. ``ended``: nobody waits for it any more.
    """

    number: int
    round: int
    unit: str
    because: str
    tier: str
    dispatched_at: Moment
    acknowledge_by: Due
    acknowledged_at: Moment | None
    due: Due
    answered_at: Moment | None
    returned_at: Moment | None
    recalled_at: Moment | None
    stands: bool
    ended: bool
    reckoned: str
    provisional: bool
    assisting: tuple[str, ...]
    assists: bool
    in_force: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of the log."""

    sequence: int
    step: str
    step_name: str
    who: str
    by_rule: bool
    actor: str | None
    on_behalf_of: str | None
    at: Moment
    known_at: Moment | None
    told: tuple[Told, ...]
    photos: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TryLine:
    """One attempt at a letter."""

    attempt: int
    outcome: str
    outcome_name: str
    status: int | None
    at: Moment
    milliseconds: int
    reason: str
    answer: str


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One letter of the case with its attempts."""

    letter: str
    unit: str
    contract: str
    sequence: int
    urgent: bool
    written_at: Moment
    state: str
    state_name: str
    reason: str | None
    retry_at: Moment | None
    tries: tuple[TryLine, ...]


@dataclass(frozen=True, slots=True)
class CasePage:
    """The whole page."""

    number: str
    mode_name: str | None
    state: str
    state_name: str
    category: str
    category_code: str
    kind: str
    tier: str
    description: str
    source: str
    reported_by: str
    sender_case_id: str | None
    component_code: str | None
    registered_at: Moment
    observed_at: Moment | None
    closed_at: Moment | None
    address: str | None
    area: str
    grid_cell: str
    coordinates: str
    given: str | None
    sketch: Sketch
    stages: tuple[StageMark, ...]
    verifier: str | None
    verify_by: Due | None
    candidates: tuple[str, ...]
    photos: tuple[str, ...]
    photos_after: tuple[str, ...]
    dispatches: tuple[DispatchCard, ...]
    log: tuple[LogLine, ...]
    log_cut: bool
    letters: tuple[LetterLine, ...]


def case_page(
    case: Case, entries: Sequence[Entry], letters: Sequence[LetterRow], tries: Sequence[AttemptLine], say: Phrases
) -> CasePage:
    """The page's contents from what was read."""
    told_of, place = case.reported, case.reported.location
    moved = place.given_system != "WGS84"
    return CasePage(
        number=case.case_number,
        mode_name=None if case.mode.value == "live" else say.t[f"mode_{case.mode.value}"],
        state=case.state.value,
        state_name=say.word(STATE_WORDS[case.state]),
        category=say.category(told_of.category_code, told_of.category_name),
        category_code=told_of.category_code,
        kind=say.t.get(told_of.kind, told_of.kind),
        tier=_tier(told_of.tier, say),
        description=told_of.description,
        source=say.code(told_of.source),
        reported_by=say.unit(case.reported_by),
        sender_case_id=told_of.sender_case_id,
        component_code=told_of.component_code,
        registered_at=say.exact(case.registered_at),
        observed_at=say.exact(told_of.observed_at) if told_of.observed_at else None,
        closed_at=say.exact(case.closed_at) if case.closed_at else None,
        address=place.address,
        area=say.area(place.area_id),
        grid_cell=place.grid_cell,
        coordinates=f"{place.longitude:.6f}, {place.latitude:.6f}",
        given=f"{place.given_system} {place.given_longitude:.6f}, {place.given_latitude:.6f}" if moved else None,
        sketch=sketch(say.directory.areas, place.longitude, place.latitude, place.area_id),
        stages=_stages(case, entries, say),
        verifier=say.unit(case.verifier) if case.verifier else None,
        verify_by=say.due(case.verify_by, case.changed_at if case.state in OVER else None) if case.verify_by else None,
        candidates=tuple(say.unit(unit_id) for unit_id in case.candidates),
        photos=told_of.photos,
        photos_after=case.photos_after,
        dispatches=tuple(_card(case, each, say) for each in (*reversed(case.dispatches), *reversed(case.assists))),
        log=tuple(_log_line(entry, say) for entry in entries),
        log_cut=len(entries) < case.version,
        letters=_letters(letters, tries, say),
    )


def _tier(tier: str, say: Phrases) -> str:
    known = say.directory.tiers.get(tier)
    return f"{tier} {known.name_zh}" if known and say.language.value == "zh" else tier


def _stages(case: Case, entries: Sequence[Entry], say: Phrases) -> tuple[StageMark, ...]:
    """Present is where the case stands; done is every stage on the way there."""
    present = STAGE_OF[case.state]
    visited = {STAGE_OF[entry.state] for entry in entries}
    order = list(Stage)
    # Some stages are passed without an entry of their own: an answer may come without an acknowledgement.
    passed = set(order[: order.index(present)]) if case.state not in OVER or case.state is State.CLOSED else visited
    over = case.state in OVER
    return tuple(
        StageMark(
            say.word(STAGE_WORDS[stage]),
            ("end" if over else "now") if stage is present else "done" if stage in passed else "ahead",
        )
        for stage in Stage
    )


def _card(case: Case, dispatch: Dispatch, say: Phrases) -> DispatchCard:
    order = dispatch.order
    # A unit that answered without acknowledging has acknowledged by answering.
    ended = dispatch.answered_at or dispatch.returned_at or dispatch.recalled_at
    ended = ended or (case.changed_at if case.state in OVER else None)
    return DispatchCard(
        number=order.number,
        round=order.round,
        unit=say.unit(order.unit_id),
        because=say.either(order.because_zh, order.because_en),
        tier=_tier(order.tier, say),
        dispatched_at=say.moment(order.dispatched_at),
        acknowledge_by=say.due(dispatch.acknowledge_by, dispatch.acknowledged_at or ended),
        acknowledged_at=say.moment(dispatch.acknowledged_at) if dispatch.acknowledged_at else None,
        due=say.due(dispatch.due_at, ended),
        answered_at=say.moment(dispatch.answered_at) if dispatch.answered_at else None,
        returned_at=say.moment(dispatch.returned_at) if dispatch.returned_at else None,
        recalled_at=say.moment(dispatch.recalled_at) if dispatch.recalled_at else None,
        stands=case.suspension is not None and ended is None,
        ended=ended is not None,
        reckoned=say.half(order.reckoned),
        provisional=order.provisional,
        assisting=tuple(say.unit(unit_id) for unit_id in order.assisting),
        assists=order.duty == Duty.ASSIST,
        in_force=dispatch is case.lead or (order.duty == Duty.ASSIST and ended is None),
    )


def _log_line(entry: Entry, say: Phrases) -> LogLine:
    lines, photos = told(entry.step, entry.fact, say)
    later = entry.known_at - entry.effective_at
    return LogLine(
        sequence=entry.sequence,
        step=entry.step.value,
        step_name=say.word(STEP_WORDS[entry.step]),
        who=say.unit(entry.unit_id),
        by_rule=entry.unit_id == HUB,
        actor=entry.actor,
        on_behalf_of=say.unit(entry.on_behalf_of) if entry.on_behalf_of else None,
        at=say.exact(entry.effective_at),
        known_at=say.exact(entry.known_at) if abs(later) >= LATER_KNOWN else None,
        told=lines,
        photos=photos,
    )


def _letters(rows: Sequence[LetterRow], tries: Sequence[AttemptLine], say: Phrases) -> tuple[LetterLine, ...]:
    of_letter: Mapping[int, list[AttemptLine]] = defaultdict(list)
    for attempt in tries:
        of_letter[attempt.position].append(attempt)
    ordered = sorted(rows, key=lambda row: row.letter.position)
    return tuple(_letter(row, of_letter.get(row.letter.position, ()), say) for row in ordered)


def _letter(row: LetterRow, tries: Sequence[AttemptLine], say: Phrases) -> LetterLine:
    letter = row.letter
    return LetterLine(
        letter=letter_id(letter.position),
        unit=say.unit(letter.unit_id),
        contract=say.code(letter.contract.partition("/")[0]),
        sequence=letter.unit_sequence,
        urgent=letter.urgent,
        written_at=say.exact(letter.written_at),
        state=row.state,
        state_name=say.code(row.state),
        reason=say.half(row.held_because or row.said or "") or None,
        retry_at=say.exact(row.retry_at) if row.retry_at else None,
        tries=tuple(_try(attempt, say) for attempt in tries),
    )


def _try(attempt: AttemptLine, say: Phrases) -> TryLine:
    return TryLine(
        attempt=attempt.attempt,
        outcome=attempt.outcome,
        outcome_name=say.code(attempt.outcome),
        status=attempt.status,
        at=say.exact(attempt.sent_at),
        milliseconds=round((attempt.ended_at - attempt.sent_at) / timedelta(milliseconds=1)),
        reason=say.half(attempt.reason),
        answer=attempt.answer.decode("utf-8", "replace")[:ANSWER_CHARACTERS],
    )
