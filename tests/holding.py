"""What must hold of every case, whoever made its log: asked of one case's entries, letters and sights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from contracts.bends import Level
from contracts.city import Directory
from hub.awaiting import CENTRE, waits
from hub.cases import Case, Entry
from hub.codec import case_from, case_text, fact_from, fact_text
from hub.decision import LetterOrder, Sight
from hub.facts import Order, Reminded, Wait
from hub.history import apply, fold, opened
from hub.life_cycle import ACTORS, OVER, WITH_A_UNIT, Actor, State, Step, after
from hub.ticking import HUB
from tests.values import replace

COMMAND = "command_center"
OLD_DEADLINES = (Wait.DECISION, Wait.HANDLING, Wait.ACKNOWLEDGEMENT, Wait.ASSISTANCE)


def hold(
    case: Case,
    entries: Sequence[Entry],
    directory: Directory,
    letters: Sequence[LetterOrder] = (),
    sights: Sequence[Sight] = (),
    *,
    through_text: bool = True,
) -> None:
    """Assert everything of a case at once; ``through_text`` also rebuilds it from the log as it is stored."""
    the_log_alone_rebuilds_it(case, entries, through_text=through_text)
    versions_are_gapless(case, entries)
    an_open_case_waits_for_somebody(case, directory)
    reminders_come_once(entries)
    letters_count_by_unit(case, letters)
    if sights:
        assert {sight.unit_id for sight in _last_sights(sights) if sight.open} == case.watchers
    walk(
        entries,
        case.case_number,
        (only_the_table_moves_it, one_unit_leads, no_deadline_shrinks, who_is_concerned_reads),
    )


Holds = Callable[[Case, Entry, Case], None]


def walk(entries: Sequence[Entry], case_number: str, rules: Iterable[Holds]) -> None:
    """Ask each rule of each step: the case before, the entry, the case after."""
    case = opened(entries[0], case_number)
    for entry in entries[1:]:
        moved = apply(case, entry)
        for rule in rules:
            rule(case, entry, moved)
        case = moved


def the_log_alone_rebuilds_it(case: Case, entries: Sequence[Entry], *, through_text: bool = True) -> None:
    known = replace(case, letter_counts=())
    assert fold(entries, case.case_number) == known
    if through_text:
        stored = [replace(each, fact=fact_from(each.step, fact_text(each.fact))) for each in entries]
        assert fold(stored, case.case_number) == known
        assert case_from(case_text(case)) == case


def versions_are_gapless(case: Case, entries: Sequence[Entry]) -> None:
    assert [entry.sequence for entry in entries] == list(range(1, case.version + 1))
    known = [entry.known_at for entry in entries]
    assert known == sorted(known), "the hub's clock ran backwards"
    assert {entry.mode for entry in entries} == {case.mode}


def an_open_case_waits_for_somebody(case: Case, directory: Directory) -> None:
    awaited = waits(case)
    assert bool(awaited) is (case.state not in OVER), (case.state, awaited)
    for each in awaited:
        assert each.unit_id == CENTRE or each.unit_id in directory.units, each
        # What has no time ahead when it begins is a limit that nobody set; only old deadlines that stand may be past.
        assert each.due_at > each.since or each.wait in OLD_DEADLINES, each


def reminders_come_once(entries: Sequence[Entry]) -> None:
    told = Counter(
        (entry.step, entry.fact.wait, entry.fact.unit_id, entry.fact.due_at)
        for entry in entries
        if isinstance(entry.fact, Reminded)
    )
    assert all(times == 1 for times in told.values()), [key for key, times in told.items() if times > 1]


def letters_count_by_unit(case: Case, letters: Sequence[LetterOrder]) -> None:
    numbers: dict[str, list[int]] = {}
    for letter in letters:
        numbers.setdefault(letter.unit_id, []).append(letter.unit_sequence)
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values()), numbers
    assert not letters or {unit: len(each) for unit, each in numbers.items()} == dict(case.letter_counts)
    told = Counter((letter.entry_sequence, letter.connection_id, letter.contract) for letter in letters)
    assert all(times == 1 for times in told.values()), "one entry, told twice to one connection"


def only_the_table_moves_it(before: Case, entry: Entry, moved: Case) -> None:
    assert before.state not in OVER, "something left a case that is over"
    assert after(before.state, entry.step) is entry.state is moved.state
    if entry.unit_id == HUB:
        assert Actor.HUB in ACTORS[entry.step], entry.step
    if moved.state in OVER:
        assert not moved.pending and moved.suspension is None


def one_unit_leads(before: Case, entry: Entry, moved: Case) -> None:
    given = moved.dispatches[:-1]
    assert all(each.over or each.answered_at is not None for each in given), "two units lead"
    if moved.state in WITH_A_UNIT or moved.state is State.IN_VERIFICATION:
        assert moved.lead is not None
    if moved.state in (State.REPORTED, State.ACCEPTED, State.RETURNED, State.IN_COORDINATION):
        assert moved.lead is None


def no_deadline_shrinks(before: Case, entry: Entry, moved: Case) -> None:
    """A deadline moves earlier by the word of who may give orders, or where the calendar was announced meanwhile."""
    if not before.dispatches or not moved.dispatches:
        return
    old, new = before.dispatches[-1], moved.dispatches[-1]
    if (old.order.number, old.order.round) != (new.order.number, new.order.round) or new.due_at >= old.due_at:
        return
    if entry.step is Step.RECKON_AGAIN:
        assert old.order.provisional and new.due_at > entry.known_at, "a notice made a unit late"
    else:
        assert entry.step is Step.DISPATCH and entry.unit_id != HUB, entry.step


def who_is_concerned_reads(before: Case, entry: Entry, moved: Case) -> None:
    """Besides the command centre: who has it, had it, gets it, assists, coordinates, verifies, and who said it."""
    concerned = {entry.unit_id, before.lead_unit_id, moved.lead_unit_id, before.verifier, moved.verifier}
    concerned |= {each.order.unit_id for each in moved.assists}
    concerned |= {
        each.coordination.coordinator
        for each in (before, moved)
        if each.coordination and each.coordination.level != Level.COMMAND_CENTER
    }
    order = getattr(entry.fact, "order", None) or getattr(entry.fact, "rework", None)
    if isinstance(order, Order):
        concerned.add(order.unit_id)
    assert concerned - {None, HUB, COMMAND} <= set(entry.audience), (entry.step, concerned, entry.audience)
    assert list(entry.audience) == sorted(set(entry.audience))


def _last_sights(sights: Sequence[Sight]) -> Iterable[Sight]:
    return {sight.unit_id: sight for sight in sights}.values()
