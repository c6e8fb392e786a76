"""Spans of time (时段): cut to a frame, merged, taken from one another, and measured in a tier's kind of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from contracts.city import Directory, TimeUnit


class Span(Struct, frozen=True, omit_defaults=True, order=True):
    """From a moment up to another, which no longer belongs to it."""

    since: datetime
    until: datetime

    def covers(self, moment: datetime) -> bool:
        """Whether a moment lies in it."""
        return self.since <= moment < self.until


def within(spans: Iterable[Span], frame: Span) -> tuple[Span, ...]:
    """The parts that lie in a frame, in order and without overlap."""
    cut = [Span(max(each.since, frame.since), min(each.until, frame.until)) for each in spans]
    return merged(each for each in cut if each.since < each.until)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time without overlaps, in order."""
    found: list[Span] = []
    for each in sorted(spans):
        if found and each.since <= found[-1].until:
            found[-1] = Span(found[-1].since, max(found[-1].until, each.until))
        else:
            found.append(each)
    return tuple(found)


def without(spans: Iterable[Span], holes: Iterable[Span]) -> tuple[Span, ...]:
    """What is left of the spans outside the holes."""
    cut = merged(holes)
    found: list[Span] = []
    for each in merged(spans):
        since = each.since
        for hole in cut:
            if hole.until <= since or hole.since >= each.until:
                continue
            if hole.since > since:
                found.append(Span(since, hole.since))
            since = hole.until
        if since < each.until:
            found.append(Span(since, each.until))
    return tuple(found)


def time_unit(directory: Directory, tier: str) -> TimeUnit:
    """In what time a tier's clocks run; a tier that the city has no longer ran in working time."""
    row = directory.tiers.get(tier)
    return row.unit if row else TimeUnit.WORKING_HOURS


def measured(directory: Directory, tier: str, spans: Iterable[Span]) -> timedelta:
    """How much time of the tier's kind lies in spans that do not overlap. Working days count their working hours."""
    if time_unit(directory, tier) is TimeUnit.NATURAL_HOURS:
        return sum((each.until - each.since for each in spans), timedelta(0))
    between = directory.calendar.working_between
    return sum((between(each.since, each.until) for each in spans), timedelta(0))


def put_off(directory: Directory, tier: str, moment: datetime, by: timedelta) -> datetime:
    """The moment, later by so much time of the tier's kind."""
    if not by:
        return moment
    if time_unit(directory, tier) is TimeUnit.NATURAL_HOURS:
        return moment + by
    return directory.calendar.add_working(moment, by)
