"""Deadlines (时限): reckoned from the fact that starts them, in natural or working time, and able to explain themselves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.city import Directory, Tier

URGENT = "A"


@dataclass(frozen=True, slots=True)
class Limit:
    """A moment and how it was reckoned. ``provisional`` where the calendar of its year is not announced yet."""

    due_at: datetime
    reckoned: str
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a tier that begins at one moment: the command centre's, the unit's, the collector's."""

    accept: Limit
    dispatch: Limit
    acknowledge: Limit
    handle: Limit
    verify: Limit


def accept_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the command centre must accept (受理)."""
    rules = directory.rules
    return _link(directory, tier, since, rules.accept_hours, rules.accept_minutes_tier_a)


def dispatch_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the command centre must dispatch (派遣)."""
    rules = directory.rules
    return _link(directory, tier, since, rules.dispatch_hours, rules.dispatch_minutes_tier_a)


def verify_limit(directory: Directory, tier: str, since: datetime) -> Limit:
    """Until when the collector must have verified (核查)."""
    rules = directory.rules
    return _link(directory, tier, since, rules.verify_hours, rules.verify_minutes_tier_a)


def limits_from(directory: Directory, tier: str, since: datetime) -> Limits:
    """Until when to accept, dispatch, acknowledge (签收), handle (处置) and verify what begins now, by the tier."""
    row = directory.tiers[tier]
    return Limits(
        accept=accept_limit(directory, tier, since),
        dispatch=dispatch_limit(directory, tier, since),
        acknowledge=_in_tier(directory, row, row.acknowledge_within, since, days=False),
        handle=_in_tier(directory, row, row.handle_within, since, days=row.unit == "working_days"),
        verify=verify_limit(directory, tier, since),
    )


def due_soon_at(directory: Directory, since: datetime, due: datetime) -> datetime:
    """When the due-soon warning goes out: at the city's share of the time."""
    return since + (due - since) * directory.rules.due_soon_share


def supervision_at(directory: Directory, since: datetime, due: datetime) -> datetime:
    """When supervision (督办) begins: at the city's multiple of the time."""
    return since + (due - since) * directory.rules.supervision_factor


def _in_tier(directory: Directory, row: Tier, amount: float, since: datetime, *, days: bool) -> Limit:
    calendar = directory.calendar
    if row.unit == "natural_hours":
        return Limit(since + timedelta(hours=amount), f"{row.tier}: {amount:g} 自然小时 natural hours")
    if days:
        due = calendar.add_working_days(since, int(amount))
        return Limit(due, f"{row.tier}: {amount:g} 个工作日 working days", calendar.is_provisional(since, due))
    due = calendar.add_working(since, timedelta(hours=amount))
    return Limit(due, f"{row.tier}: {amount:g} 工作小时 working hours", calendar.is_provisional(since, due))


def _link(directory: Directory, tier: str, since: datetime, hours: float, minutes: float) -> Limit:
    if tier == URGENT:
        return Limit(since + timedelta(minutes=minutes), f"{tier}: {minutes:g} 分钟 natural minutes")
    due = directory.calendar.add_working(since, timedelta(hours=hours))
    provisional = directory.calendar.is_provisional(since, due)
    return Limit(due, f"{hours:g} 工作小时 working hours", provisional)
