"""When a unit takes no letters by its own profile: maintenance windows, and the hours outside its calendar. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contracts.nouns import Connection
from contracts.pace import Maintenance, Opening, Weekday, WeeklyHours
from hub.registry import Registry

LOOKS_AHEAD_DAYS = 400
"""How far an opening is looked for; a calendar that opens no sooner is looked at again every day."""

_DAYS = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class Rest:
    """Letters wait until a moment of city time; the urgent ones too where ``urgent`` is true."""

    until: datetime
    urgent: bool
    zh: str
    en: str

    @property
    def reason(self) -> str:
        """Why, in one line of both languages."""
        return f"{self.zh} / {self.en}"


def rest_of(connection: Connection, registry: Registry, now: datetime) -> Rest | None:
    """Why letters to a connection wait at a moment of city time, on the city's calendar."""
    if connection.maintenance is None and connection.calendar is None:
        return None
    worked = registry.directory(now).calendar.is_working_day
    return rest_at(connection.maintenance, connection.calendar, now, registry.zone, worked)


def rest_at(
    maintenance: Maintenance | None,
    opening: Opening | None,
    now: datetime,
    zone: ZoneInfo,
    is_worked: Callable[[date], bool],
) -> Rest | None:
    """Why letters wait at a moment of city time, or None where they go. It ends no later than it says."""
    if maintenance is None and opening is None:
        return None
    local = now.astimezone(zone)
    windows = list(_windows(maintenance, local)) if maintenance else []
    closed = [(until, note) for until, urgent, note in windows if not urgent]
    if closed:
        return _rest(closed, True, "维护窗口", "maintenance window")
    if windows:
        return _rest([(until, note) for until, _, note in windows], False, "维护窗口", "maintenance window")
    if opening is not None and not _is_open(opening, local, is_worked):
        opens = _opens(opening, local, is_worked)
        return _rest([(opens, None)], False, "接收时间之外", "outside its calendar")
    return None


def _rest(found: list[tuple[datetime, str | None]], urgent: bool, zh: str, en: str) -> Rest:
    until, note = max(found, key=lambda each: each[0])
    more = f": {note}" if note else ""
    return Rest(until, urgent, f"{zh}{more}", f"{en}{more}")


def _windows(maintenance: Maintenance, now: datetime) -> Iterator[tuple[datetime, bool, str | None]]:
    """(until, whether urgent letters are tried, note) of each window that a moment lies in."""
    for dated in maintenance.dated:
        if dated.since <= now < dated.until:
            yield dated.until, dated.urgent, dated.note
    for weekly in maintenance.weekly:
        for day in _around(now):
            since, until = _hours_of(weekly, day, now)
            if _falls_on(weekly, day) and since <= now < until:
                yield until, weekly.urgent, weekly.note


def _is_open(opening: Opening, now: datetime, is_worked: Callable[[date], bool]) -> bool:
    return any(since <= now < until for day in _around(now) for since, until in _openings(opening, day, now, is_worked))


def _opens(opening: Opening, now: datetime, is_worked: Callable[[date], bool]) -> datetime:
    for ahead in range(LOOKS_AHEAD_DAYS):
        day = now.date() + timedelta(days=ahead)
        later = [since for since, _ in _openings(opening, day, now, is_worked) if since > now]
        if later:
            return min(later)
    return now + timedelta(days=1)


def _openings(
    opening: Opening, day: date, now: datetime, is_worked: Callable[[date], bool]
) -> Iterator[tuple[datetime, datetime]]:
    if opening.working_days and not is_worked(day):
        return
    for hours in opening.hours:
        if _falls_on(hours, day):
            yield _hours_of(hours, day, now)


def _around(now: datetime) -> tuple[date, date]:
    # Yesterday's may run overnight.
    return now.date() - timedelta(days=1), now.date()


def _falls_on(hours: WeeklyHours, day: date) -> bool:
    return not hours.days or _DAYS[day.weekday()] in hours.days


def _hours_of(hours: WeeklyHours, day: date, now: datetime) -> tuple[datetime, datetime]:
    overnight = hours.until == "24:00" or hours.until < hours.since
    last = day + timedelta(days=1) if overnight else day
    return _at(day, hours.since, now), _at(last, "00:00" if hours.until == "24:00" else hours.until, now)


def _at(day: date, said: str, now: datetime) -> datetime:
    return datetime.combine(day, time.fromisoformat(said), now.tzinfo)
