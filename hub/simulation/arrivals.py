"""What is reported in a simulated month: rounds by day, citizens at all hours, storms, things seen twice, drills."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.city import Area, Directory
from contracts.envelope import Mode
from contracts.messages import Place, Report, ReportSource

STORMS = 3
STORM_SHARE = 0.12
"""This part of all reports comes within a few hours, of few categories."""

AGAIN_SHARE = 0.06
CITIZEN_SHARE = 0.22
SUPERVISION_SHARE = 0.03
DRILL_SHARE = 0.01
OUTSIDE_SHARE = 0.004
SEEN_TWICE_WITHIN = timedelta(hours=40)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One report: when, by whom, of what."""

    at: datetime
    unit_id: str
    body: Report
    mode: Mode


def arrivals(dice: random.Random, directory: Directory, zone: ZoneInfo, month: date, count: int) -> list[Arrival]:
    """The month's reports in the order of their times."""
    first = datetime(month.year, month.month, 1, tzinfo=zone)
    days = ((first + timedelta(days=32)).replace(day=1) - first).days
    made: list[Arrival] = []
    stormy = int(count * STORM_SHARE)
    for at in _storm_times(dice, first, days, stormy):
        made.append(_report(dice, directory, at, storm=True))
    for at in _plain_times(dice, directory, first, days, count - stormy):
        made.append(_report(dice, directory, at, storm=False))
    made.sort(key=lambda each: each.at)
    return list(_with_repeats(dice, made))


def _plain_times(
    dice: random.Random, directory: Directory, first: datetime, days: int, count: int
) -> Iterator[datetime]:
    # Collectors walk every day, with fewer of them at weekends and on holidays.
    working = directory.calendar.is_working_day
    weights = [1.0 if working((first + timedelta(days=day)).date()) else 0.45 for day in range(days)]
    for day in dice.choices(range(days), weights, k=count):
        hour = min(max(dice.gauss(12.5, 3.6), 0.0), 23.99)
        yield first + timedelta(days=day, seconds=int(hour * 3600))


def _storm_times(dice: random.Random, first: datetime, days: int, count: int) -> Iterator[datetime]:
    begins = [first + timedelta(hours=dice.uniform(0, days * 24 - 12)) for _ in range(STORMS)]
    for _ in range(count):
        yield dice.choice(begins) + timedelta(seconds=int(dice.expovariate(1 / 9000)) % 43_200)


def _report(dice: random.Random, directory: Directory, at: datetime, *, storm: bool) -> Arrival:
    codes = list(directory.categories)
    urgent = [code for code, row in directory.categories.items() if directory.tiers[row.tier].urgent]
    code = dice.choice(urgent if storm and dice.random() < 0.8 else codes)
    chance = dice.random()
    source, unit = ReportSource.COLLECTOR, "collection"
    if chance < CITIZEN_SHARE:
        source, unit = ReportSource.CITIZEN, "command_center"
    elif chance < CITIZEN_SHARE + SUPERVISION_SHARE:
        source, unit = ReportSource.SUPERVISION, "kecheng"
    if dice.random() < OUTSIDE_SHARE:
        longitude, latitude = _beyond(dice, directory)
    else:
        longitude, latitude = _inside(dice, dice.choice(directory.areas))
    place = Place(longitude=round(longitude, 6), latitude=round(latitude, 6))
    said = "巡查发现" if source is ReportSource.COLLECTOR else "来电反映"
    body = Report(category_code=code, description=said, place=place, source=source)
    return Arrival(at, unit, body, Mode.DRILL if dice.random() < DRILL_SHARE else Mode.LIVE)


def _inside(dice: random.Random, area: Area) -> tuple[float, float]:
    west, south, east, north = area.box
    while True:
        longitude, latitude = dice.uniform(west, east), dice.uniform(south, north)
        if area.contains(longitude, latitude):
            return longitude, latitude


def _beyond(dice: random.Random, directory: Directory) -> tuple[float, float]:
    """North-east of every area."""
    east, north = max(area.box[2] for area in directory.areas), max(area.box[3] for area in directory.areas)
    return east + dice.uniform(0.01, 0.1), north + dice.uniform(0.01, 0.1)


def _with_repeats(dice: random.Random, made: list[Arrival]) -> Iterator[Arrival]:
    """Some reports are of what somebody else reported shortly before, a few steps away."""
    for index, arrival in enumerate(made):
        if index < 5 or dice.random() >= AGAIN_SHARE:
            yield arrival
            continue
        before = made[index - 1 - int(dice.random() * min(index - 1, 60))]
        if arrival.at - before.at > SEEN_TWICE_WITHIN:
            yield arrival
            continue
        place = before.body.place
        near = place.model_copy(
            update={
                "longitude": round(place.longitude + dice.uniform(-1.2e-4, 1.2e-4), 6),
                "latitude": round(place.latitude + dice.uniform(-1.2e-4, 1.2e-4), 6),
            }
        )
        body = arrival.body.model_copy(update={"category_code": before.body.category_code, "place": near})
        yield Arrival(arrival.at, arrival.unit_id, body, before.mode)
