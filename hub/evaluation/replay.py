"""A past case as other rules would have had it (推演): routed again, its deadlines reckoned again. Pure.

What the rule decided at first is decided again, by the facts as reported and the register as it was then. What people
decided stays: a unit named by hand, a deadline set by hand, a date granted. Whoever gets a case is taken to have done
with it what its real unit did, in the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from contracts.city import City, Component, Directory, Facts
from hub.cases import Entry
from hub.deadlines import limits_from, moved, verify_limit
from hub.evaluation.evaluating import CaseLog
from hub.facts import (
    Accepted,
    Answered,
    Asked,
    Coordinated,
    Decided,
    Dispatched,
    Order,
    Question,
    ReckonedAgain,
    Reminded,
    Reported,
    Resumed,
    Returned,
    SubDispatched,
    VerificationRequested,
    Verified,
)
from hub.life_cycle import State, Step
from hub.responsibility import Because, Clear, Rule, choose_unit
from hub.spans import Span, measured, put_off

BY_HAND = "指挥中心指定"
"""How an order says that the command centre set its deadline."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A case that goes to another unit at first; None: nobody clearly leads, it is coordinated."""

    case_number: str
    from_unit: str | None
    to_unit: str | None
    because: Because


@dataclass(frozen=True, slots=True)
class Replayed:
    """The case's log as it would have been."""

    log: CaseLog
    moved: Moved | None = None


def replay(log: CaseLog, base: City, changed: City, component: Component | None = None) -> Replayed:
    """The log under the changed city. Between equal cities it is the log itself.

    ``component`` is what the register knew of the reported component when the case was routed.
    """
    zone = ZoneInfo(base.rules.time_zone)
    cities = _Cities(base, changed, zone)
    entries, move = _routed(log, cities, component)
    return Replayed(CaseLog(log.case_number, _reckoned(entries, cities, anew=move is not None)), move)


@dataclass(frozen=True, slots=True)
class _Cities:
    base: City
    changed: City
    zone: ZoneInfo

    def at(self, moment: datetime) -> tuple[Directory, Directory]:
        """What was in force, and what would have been."""
        day = moment.astimezone(self.zone).date()
        return self.base.at(day), self.changed.at(day)


# -- Who gets it -------------------------------------------------------------------------------------------------------


def _routed(log: CaseLog, cities: _Cities, component: Component | None) -> tuple[list[Entry], Moved | None]:
    entries = list(log.entries)
    first = next((n for n, each in enumerate(entries) if isinstance(each.fact, Dispatched | Coordinated)), None)
    if first is None or not _by_rule(entries[first]):
        return entries, None
    before, after = cities.at(entries[first].known_at)
    facts = _facts(entries[: first + 1], component)
    was, now = choose_unit(before, facts), choose_unit(after, facts)
    to_unit = now.unit_id if isinstance(now, Clear) else None
    fact = entries[first].fact
    actual = fact.order.unit_id if isinstance(fact, Dispatched) else None
    if to_unit == (was.unit_id if isinstance(was, Clear) else None) or to_unit == actual:
        return entries, None
    rest = [] if to_unit is None else _handled_by(to_unit, entries, first, cities, now.because)
    return [*entries[:first], *rest], Moved(log.case_number, actual, to_unit, now.because)


def _by_rule(entry: Entry) -> bool:
    if isinstance(entry.fact, Dispatched):
        return not entry.fact.by_hand
    return isinstance(entry.fact, Coordinated) and entry.fact.rule in set(Rule)


def _facts(entries: Sequence[Entry], component: Component | None) -> Facts:
    reported = cast(Reported, entries[0].fact)
    codes = [entry.fact.category_code for entry in entries if isinstance(entry.fact, Accepted)]
    return Facts(
        category_code=next(filter(None, codes), reported.category_code),
        area_id=reported.location.area_id,
        component_code=reported.component_code,
        component=component,
        attributes=dict(reported.attributes),
    )


def _handled_by(unit: str, entries: list[Entry], first: int, cities: _Cities, because: Because) -> list[Entry]:
    """The case from its routing on, with ``unit`` in the place of the one that really had it.

    Where that unit, or after a coordination any unit, got the case in the end, the way there falls away and what it
    did comes earlier by as much.
    """
    wrong = isinstance(entries[first].fact, Dispatched)
    later = (n for n in range(first + 1, len(entries)) if isinstance(entries[n].fact, Dispatched))
    start = next((n for n in later if not wrong or _order(entries[n]).unit_id == unit), first if wrong else None)
    if start is None:
        return [_opened(unit, entries, first, cities, because)]
    rest = entries[start:]
    if start != first:
        rest = _earlier(rest, entries[first].known_at, cities)
    return _named(rest, unit, because)


def _order(entry: Entry) -> Order:
    return cast(Dispatched, entry.fact).order


def _opened(unit: str, entries: list[Entry], first: int, cities: _Cities, because: Because) -> Entry:
    """A dispatch that nobody has answered, where in truth nothing was settled."""
    entry, fact = entries[first], cast(Coordinated, entries[first].fact)
    _, directory = cities.at(entry.known_at)
    tiers = [each.fact.tier for each in entries[:first] if isinstance(each.fact, Accepted)]
    tier = next(filter(None, tiers), cast(Reported, entries[0].fact).tier)
    limits = limits_from(directory, tier, entry.known_at)
    order = Order(
        number=1,
        unit_id=unit,
        round=1,
        dispatched_at=entry.known_at,
        acknowledge_by=limits.acknowledge.due_at,
        due_at=limits.handle.due_at,
        tier=tier,
        reckoned=limits.handle.reckoned,
        provisional=limits.handle.provisional,
        because_zh=because.zh,
        because_en=because.en,
        rule=because.rule,
    )
    told = Dispatched(order, fact.brief)
    return replace(entry, step=Step.DISPATCH, state=State.DISPATCHED, fact=told)


def _named(entries: list[Entry], unit: str, because: Because) -> list[Entry]:
    """The first dispatch's part under another unit's name."""
    real, number = _order(entries[0]).unit_id, _order(entries[0]).number
    found, its_part = [], True
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, Dispatched):
            its_part = fact.order.number == number
            if its_part:
                order = replace(fact.order, unit_id=unit, rule=because.rule)
                fact = replace(fact, order=replace(order, because_zh=because.zh, because_en=because.en))
        elif isinstance(fact, Verified) and fact.rework is not None and its_part:
            fact = replace(fact, rework=replace(fact.rework, unit_id=unit))
        name = unit if its_part and entry.unit_id == real else entry.unit_id
        found.append(replace(entry, fact=fact, unit_id=name))
    return found


def _earlier(entries: list[Entry], begin: datetime, cities: _Cities) -> list[Entry]:
    """The entries as if the first had been at ``begin``: each as much of the tier's time after it as it was."""
    origin, tier = entries[0].known_at, _order(entries[0]).tier
    directory, _ = cities.at(origin)

    def at(moment: datetime) -> datetime:
        if moment <= origin:
            return min(moment, begin)
        return put_off(directory, tier, begin, measured(directory, tier, (Span(origin, moment),)))

    return [_at(entry, at) for entry in entries]


def _at(entry: Entry, at: Callable[[datetime], datetime]) -> Entry:
    fact = entry.fact
    match fact:
        case Dispatched():
            fact = replace(fact, order=_ordered_at(fact.order, at))
        case Verified(rework=Order() as order):
            fact = replace(fact, rework=_ordered_at(order, at))
        case Decided(due_at=datetime() as due) | Resumed(due_at=due) | VerificationRequested(due_at=due):
            fact = replace(fact, due_at=at(due))
        case ReckonedAgain(due_at=due) | SubDispatched(due_at=datetime() as due) | Returned(due_at=datetime() as due):
            fact = replace(fact, due_at=at(due))
        case Answered() | Reminded() if fact.lost:
            lost = (replace(each, since=at(each.since), until=at(each.until)) for each in fact.lost)
            fact = replace(fact, lost=tuple(lost))
    return replace(entry, fact=fact, known_at=at(entry.known_at), effective_at=at(entry.effective_at))


def _ordered_at(order: Order, at: Callable[[datetime], datetime]) -> Order:
    return replace(order, dispatched_at=at(order.dispatched_at), due_at=at(order.due_at))


# -- Until when --------------------------------------------------------------------------------------------------------


def _reckoned(entries: list[Entry], cities: _Cities, *, anew: bool) -> list[Entry]:
    """Every deadline by the changed calendar and tiers. ``anew``: the dispatch is another, so its limits are too."""
    if not entries:
        return entries
    walk = _Deadlines(cities, anew, cast(Reported, entries[0].fact).category_code)
    return [walk.over(entry) for entry in entries]


@dataclass(slots=True)
class _Deadlines:
    """The deadline in force while a log is walked through: as it was, and as it would have been."""

    cities: _Cities
    anew: bool
    category: str
    old: datetime | None = None
    new: datetime | None = None
    tier: str = ""
    raised: datetime | None = None
    suspended: datetime | None = None

    def over(self, entry: Entry) -> Entry:
        """One entry with its deadlines."""
        fact, at = entry.fact, entry.known_at
        match fact:
            case Accepted(category_code=str(code)):
                self.category = code
            case Dispatched(order=order):
                return replace(entry, fact=replace(fact, order=self._ordered(order)))
            case Verified(rework=Order() as order):
                return replace(entry, fact=replace(fact, rework=self._ordered(order)))
            case Asked():
                self.raised = min(entry.effective_at, at)
            case Decided(granted=True, question=Question.SUSPENSION):
                # Put off at its review, it stands since it was first granted.
                self.suspended = self.suspended or self.raised or min(entry.effective_at, at)
                self.raised = None
            case Decided(granted=True, question=Question.EXTENSION, due_at=datetime() as due):
                granted = due if self.old == self.new or self.new is None else max(self.new, due)
                return self._moved(entry, granted, due)
            case Decided(granted=True, due_at=datetime() as due):
                return self._moved(entry, self._stood(due, self.raised, at), due)
            case Resumed(due_at=due):
                since, self.suspended = self.suspended, None
                return self._moved(entry, self._stood(due, since, at), due)
            case Returned(due_at=datetime() as due):
                since, self.suspended = self.suspended, None
                return self._moved(entry, self._stood(due, since, at), due)
            case ReckonedAgain(due_at=due):
                return self._moved(entry, due if self.old == self.new or self.new is None else self.new, due)
            case VerificationRequested(due_at=due):
                return replace(entry, fact=replace(fact, due_at=self._to_verify(due, at)))
        return entry

    def _ordered(self, order: Order) -> Order:
        before, after = self.cities.at(order.dispatched_at)
        self.tier = self._tier_of(order, before, after)
        due = order.due_at
        if order.insisted and due == self.old and self.new is not None:
            due = self.new
        elif not order.insisted and not order.reckoned.startswith(BY_HAND) and self.tier in after.tiers:
            limit = limits_from(after, self.tier, order.dispatched_at).handle.due_at
            due = limit if self.anew or limit != self._as_it_was(before, order) else due
        self.old, self.new = order.due_at, due
        self.raised = self.suspended = None
        return replace(order, due_at=due, tier=self.tier)

    def _as_it_was(self, before: Directory, order: Order) -> datetime | None:
        if order.tier not in before.tiers:
            return None
        return limits_from(before, order.tier, order.dispatched_at).handle.due_at

    def _tier_of(self, order: Order, before: Directory, after: Directory) -> str:
        """The category's tier now, unless the order had another than its category."""
        was, now = before.categories.get(self.category), after.categories.get(self.category)
        return now.tier if was is not None and now is not None and was.tier == order.tier else order.tier

    def _stood(self, due: datetime, since: datetime | None, until: datetime) -> datetime:
        """The deadline after the clock stood."""
        before, after = self.cities.at(until)
        if since is None or self.old is None or self.new is None or self.tier not in after.tiers:
            return due
        tier = self.tier if self.tier in before.tiers else next(iter(before.tiers))
        was, now = moved(before, tier, self.old, since, until), moved(after, self.tier, self.new, since, until)
        return due if was == now else now

    def _to_verify(self, due: datetime, at: datetime) -> datetime:
        before, after = self.cities.at(at)
        if self.tier not in before.tiers or self.tier not in after.tiers:
            return due
        was, now = verify_limit(before, self.tier, at).due_at, verify_limit(after, self.tier, at).due_at
        return due if was == now and not self.anew else now

    def _moved(self, entry: Entry, new: datetime, old: datetime) -> Entry:
        self.old, self.new, self.raised = old, new, None
        fact = cast(Decided | Resumed | ReckonedAgain | Returned, entry.fact)
        return replace(entry, fact=replace(fact, due_at=new))
