"""Cases that a monthly notice names (典型案件): supervised, sent back again and again, coordinated too long. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from contracts.envelope import Mode
from hub.evaluation.evaluating import CaseLog
from hub.facts import Accepted, Coordinated, Dispatched, Reminded, Reported, Returned
from hub.life_cycle import State, Step
from hub.spans import Span


class Why(StrEnum):
    """Why a case is named."""

    SUPERVISED = "supervised"
    RETURN_CHAIN = "return_chain"
    COORDINATION_LATE = "coordination_late"


@dataclass(frozen=True, slots=True)
class Notable:
    """A case and why it is named: since when, which units in the order of events, how often, its state at the end."""

    why: Why
    case_number: str
    category_name: str
    at: datetime
    units: tuple[str, ...]
    times: int
    state: State


def notable(log: CaseLog, period: Span, at: datetime, return_chain: int) -> list[Notable]:
    """What of a case a period's notice names, as it stood at ``at``; nothing of drills and tests.

    ``return_chain`` is how many returns the city calls a chain (反复退回).
    """
    entries = [entry for entry in log.entries if entry.known_at <= at]
    if not entries or entries[0].mode is not Mode.LIVE:
        return []
    told = CaseLog(log.case_number, entries)
    return [*_supervised(told, period), *_returned(told, period, return_chain), *_coordinated(told, period, at)]


def _supervised(log: CaseLog, period: Span) -> Iterator[Notable]:
    found = [
        (entry.known_at, entry.fact.unit_id)
        for entry in log.entries
        if entry.step is Step.SUPERVISE and isinstance(entry.fact, Reminded) and period.covers(entry.known_at)
    ]
    if found:
        yield _named(log, Why.SUPERVISED, found[0][0], [unit for _, unit in found], len(found))


def _returned(log: CaseLog, period: Span, return_chain: int) -> Iterator[Notable]:
    lead, units, last = "", [], None
    for entry in log.entries:
        if isinstance(entry.fact, Dispatched):
            lead = entry.fact.order.unit_id
        elif isinstance(entry.fact, Returned):
            units.append(lead)
            last = entry.known_at
    if last is not None and len(units) >= return_chain and period.covers(last):
        yield _named(log, Why.RETURN_CHAIN, last, units, len(units))


def _coordinated(log: CaseLog, period: Span, at: datetime) -> Iterator[Notable]:
    """Levels that did not settle it by their limit; going a level up does not settle it."""
    late: list[Coordinated] = []
    under_way: Coordinated | None = None
    for entry in log.entries:
        over = entry.state is not State.IN_COORDINATION or isinstance(entry.fact, Coordinated)
        if under_way is not None and over:
            if entry.known_at >= under_way.due_at:
                late.append(under_way)
            under_way = None
        if isinstance(entry.fact, Coordinated):
            under_way = entry.fact
    if under_way is not None and at > under_way.due_at:
        late.append(under_way)
    late = [each for each in late if period.covers(each.due_at)]
    if late:
        yield _named(log, Why.COORDINATION_LATE, late[0].due_at, [each.coordinator for each in late], len(late))


def _named(log: CaseLog, why: Why, at: datetime, units: list[str], times: int) -> Notable:
    facts = [entry.fact for entry in log.entries]
    by_hand = (fact.category_name for fact in facts if isinstance(fact, Accepted))
    category = next(filter(None, by_hand), cast(Reported, facts[0]).category_name)
    return Notable(why, log.case_number, category, at, tuple(dict.fromkeys(units)), times, log.entries[-1].state)
