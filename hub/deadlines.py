"""Deadlines (时限): reckoned from the fact that starts them, in natural or working time; each explains itself. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.city import Directory, Tier, TimeUnit
from hub.spans import Span, without

WORDS: dict[TimeUnit, tuple[str, str]] = {
    TimeUnit.NATURAL_HOURS: ("自然小时", "natural hours"),
    TimeUnit.WORKING_HOURS: ("工作小时", "working hours"),
    TimeUnit.WORKING_DAYS: ("个工作日", "working days"),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A moment, and how it was reckoned: ``amount`` of ``unit`` from ``since``, by the tier's row or the city's rules.

    ``provisional`` where it rests on days that a notice yet to come may shift. A limit set by hand has no amount.
    """

    due_at: datetime
    since: datetime
    tier: str
    unit: TimeUnit
    amount: float | None
    provisional: bool = False

    @property
    def zh(self) -> str:
        """How it was reckoned, in Chinese."""
        if self.amount is None:
            return "指挥中心指定"
        said = f"时限档 {self.tier}:{self._amount(0)}"
        return f"{said}(工作日历未定,暂计)" if self.provisional else said

    @property
    def en(self) -> str:
        """How it was reckoned, in English."""
        if self.amount is None:
            return "set by the command centre"
        said = f"tier {self.tier}: {self._amount(1)}"
        return f"{said} (calendar not announced yet: provisional)" if self.provisional else said

    @property
    def reckoned(self) -> str:
        """How it was reckoned, in one line of both languages."""
        return f"{self.zh} / {self.en}"

    def _amount(self, language: int) -> str:
        # Short limits of urgent cases are told as they are set: in minutes.
        if self.unit is TimeUnit.NATURAL_HOURS and self.amount is not None and self.amount < 1:
            return f"{self.amount * 60:g} {('分钟', 'minutes')[language]}"
        return f"{self.amount:g} {WORDS[self.unit][language]}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a tier that begins at one moment: the command centre's, the unit's, the collector's.

    Each is reckoned when it is first asked for: few messages need more than one.
    """

    directory: Directory
    tier: str
    since: datetime
    _known: dict[str, Limit] = field(default_factory=dict, compare=False, repr=False)

    @property
    def accept(self) -> Limit:
        """Until when to accept (受理)."""
        return self._once("accept", accept_limit)

    @property
    def dispatch(self) -> Limit:
        """Until when to dispatch (派遣)."""
        return self._once("dispatch", dispatch_limit)

    @property
    def acknowledge(self) -> Limit:
        """Until when to acknowledge (签收)."""
        return self._once("acknowledge", acknowledge_limit)

    @property
    def handle(self) -> Limit:
        """Until when to handle (处置)."""
        return self._once("handle", handle_limit)

    @property
    def verify(self) -> Limit:
        """Until when to verify (核查)."""
        return self._once("verify", verify_limit)

    def _once(self, name: str, reckon: Callable[[Directory, str, datetime], Limit]) -> Limit:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = reckon(self.directory, self.tier, self.since)
        return known


def accept_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the command centre must accept (受理)."""
    rules = directory.rules
    return _link(directory, tier, since, rules.accept_hours, rules.accept_minutes_urgent)


def dispatch_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the command centre must dispatch (派遣)."""
    rules = directory.rules
    return _link(directory, tier, since, rules.dispatch_hours, rules.dispatch_minutes_urgent)


def verify_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the collector must have verified (核查)."""
    rules = directory.rules
    return _link(directory, tier, since, rules.verify_hours, rules.verify_minutes_urgent)


def acknowledge_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the unit must have acknowledged (签收)."""
    row = row_of(directory, tier)
    hours = TimeUnit.NATURAL_HOURS if row.urgent else TimeUnit.WORKING_HOURS
    return _limit(directory, tier, since, hours, row.acknowledge_within)


def handle_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the unit must have handled it (处置)."""
    row = row_of(directory, tier)
    return _limit(directory, tier, since, row.unit, row.handle_within)


def limits_from(directory: Directory, tier: str, since: datetime) -> Limits:
    """Until when to accept, dispatch, acknowledge (签收), handle (处置) and verify what begins now, by the tier."""
    return Limits(directory, tier, since)


def row_of(directory: Directory, tier: str) -> Tier:
    """The tier's row; a case of a tier that the city has no longer goes on by the first that is not urgent."""
    row = directory.tiers.get(tier)
    return row or next(each for each in directory.tiers.values() if not each.urgent)


def limit_between(directory: Directory, tier: str, since: datetime, due_at: datetime) -> Limit:
    """The limit that ends then: the tier's own, so that days are counted as days, else one set by hand."""
    own = handle_limit(directory, tier, since) if row_of(directory, tier).unit is TimeUnit.WORKING_DAYS else None
    return own if own is not None and own.due_at == due_at else limit_by_hand(directory, tier, since, due_at)


def limit_by_hand(directory: Directory, tier: str, since: datetime, due_at: datetime) -> Limit:
    """A limit that the command centre set; the tier still says in what time its warnings are reckoned."""
    return Limit(due_at, since, tier, row_of(directory, tier).unit, None)


def coordination_limit(directory: Directory, tier: str, since: datetime, hours: float) -> Limit:
    """Until when a coordination must be settled (协调): working hours, for urgent cases natural ones."""
    unit = TimeUnit.NATURAL_HOURS if row_of(directory, tier).urgent else TimeUnit.WORKING_HOURS
    return _limit(directory, tier, since, unit, hours)


def moved(directory: Directory, tier: str, due_at: datetime, stood_since: datetime, stood_until: datetime) -> datetime:
    """The deadline after the clock stood for a while: what was left when it stopped is left when it goes on."""
    if stood_since >= due_at or stood_until <= stood_since:
        return due_at
    if row_of(directory, tier).unit is TimeUnit.NATURAL_HOURS:
        return due_at + (stood_until - stood_since)
    calendar = directory.calendar
    # A deadline set by hand may lie outside office hours: standing never makes it earlier.
    return max(due_at, calendar.add_working(stood_until, calendar.working_between(stood_since, due_at)))


def moved_by(
    directory: Directory, tier: str, due_at: datetime, stood: Iterable[Span], known: Iterable[Span]
) -> datetime:
    """The deadline after the clock stood; what stood in ``known`` too has moved it already."""
    for span in without((each for each in stood if each.since < each.until), known):
        due_at = moved(directory, tier, due_at, span.since, span.until)
    return due_at


def due_soon_at(directory: Directory, limit: Limit) -> datetime:
    """When the due-soon warning (到期提醒) goes out: at the city's share of the limit's own kind of time."""
    return _at_share(directory, limit, directory.rules.due_soon_share)


def supervision_at(directory: Directory, limit: Limit) -> datetime:
    """When supervision (督办) begins: at the city's multiple of the limit; of days, as so many more days."""
    factor = directory.rules.supervision_factor
    if limit.unit is TimeUnit.WORKING_DAYS and limit.amount is not None:
        return directory.calendar.add_working_days(limit.since, math.ceil(limit.amount * factor))
    return _at_share(directory, limit, factor)


def _at_share(directory: Directory, limit: Limit, share: float) -> datetime:
    if limit.unit is TimeUnit.NATURAL_HOURS:
        return limit.since + (limit.due_at - limit.since) * share
    calendar = directory.calendar
    return calendar.add_working(limit.since, calendar.working_between(limit.since, limit.due_at) * share)


def _link(directory: Directory, tier: str, since: datetime, hours: float, minutes_urgent: float) -> Limit:
    if row_of(directory, tier).urgent:
        return _limit(directory, tier, since, TimeUnit.NATURAL_HOURS, minutes_urgent / 60)
    return _limit(directory, tier, since, TimeUnit.WORKING_HOURS, hours)


def _limit(directory: Directory, tier: str, since: datetime, unit: TimeUnit, amount: float) -> Limit:
    calendar = directory.calendar
    if unit is TimeUnit.NATURAL_HOURS:
        return Limit(since + timedelta(hours=amount), since, tier, unit, amount)
    if unit is TimeUnit.WORKING_DAYS:
        due = calendar.add_working_days(since, int(amount))
    else:
        due = calendar.add_working(since, timedelta(hours=amount))
    return Limit(due, since, tier, unit, amount, calendar.is_provisional(since, due))
