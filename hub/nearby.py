"""Near-duplicates (重复案件): which open case a report repeats, by category, place and time. Pure.

A batch compares its reports with the open cases that it knows and with each other, and says what it found alone where.
When it is written that is looked at once more: of two reports that come at the same moment the second sees the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct

from contracts.city.areas import Grid
from contracts.coordinates import ImpossibleCoordinates, to_wgs84
from contracts.envelope import Mode
from contracts.messages import Report
from hub.cases import Case

EARTH_METRES = 6_371_008.8
"""Mean radius of the earth (IUGG)."""


class Open(Struct, frozen=True):
    """An open case as a report is compared with it."""

    case_id: int
    case_number: str
    category_code: str
    component_code: str | None
    longitude: float
    latitude: float
    registered_at: datetime
    mode: Mode


@dataclass(slots=True)
class Nearby:
    """The open cases near the places that a batch reports, by (category, cell); it grows as the batch is decided.

    ``alone`` are the new ones that repeat nothing, each with the cells in which it was compared.
    """

    cases: dict[tuple[str, str], list[Open]] = field(default_factory=dict)
    alone: list[tuple[Open, tuple[str, ...]]] = field(default_factory=list)

    def add(self, cell: str, case: Open) -> None:
        """Another open case in a cell."""
        self.cases.setdefault((case.category_code, cell), []).append(case)

    def stands_alone(self, cell: str, case: Open, compared: tuple[str, ...]) -> None:
        """A new case in a cell that repeats none of those in the cells ``compared``."""
        self.add(cell, case)
        self.alone.append((case, compared))

    def repeated(self, report: Open, cells: tuple[str, ...], metres: float, hours: float) -> tuple[Open, float] | None:
        """The earliest open case that the report repeats, and how many metres lie between; None where it is new.

        Two known components are two problems, however near to each other.
        """
        since = report.registered_at - timedelta(hours=hours)
        found: list[tuple[Open, float]] = []
        for cell in cells:
            for other in self.cases.get((report.category_code, cell), ()):
                if other.mode is not report.mode or other.registered_at < since or other.case_id == report.case_id:
                    continue
                apart = metres_between(report.longitude, report.latitude, other.longitude, other.latitude)
                both = report.component_code and other.component_code
                if apart <= metres and (not both or report.component_code == other.component_code):
                    found.append((other, apart))
        return min(found, key=lambda each: each[0].case_id) if found else None


def open_case(case: Case) -> Open:
    """A case as reports are compared with it."""
    told = case.reported
    return Open(
        case_id=case.case_id,
        case_number=case.case_number,
        category_code=told.category_code,
        component_code=told.component_code,
        longitude=told.location.longitude,
        latitude=told.location.latitude,
        registered_at=case.registered_at,
        mode=case.mode,
    )


Stretch = tuple[str, str, float, float, float, float]
"""Where what a report may repeat can lie: category, cell, and the west, south, east and north of the box around it."""


def stretches_of(reports: Iterable[Report], grid: Grid, metres: float) -> list[Stretch]:
    """Every stretch in which reports may repeat an open case; impossible places have none."""
    found: list[Stretch] = []
    if metres == 0:
        return found
    for report in reports:
        place = report.place
        with suppress(ImpossibleCoordinates):
            point = to_wgs84(place.longitude, place.latitude, place.system)
            cells = grid.cells_within(point.longitude, point.latitude, metres)
            found += stretches(report.category_code, point.longitude, point.latitude, cells, metres)
    return found


def stretches(category: str, longitude: float, latitude: float, cells: Iterable[str], metres: float) -> list[Stretch]:
    """The stretches of one place: everything within so many metres lies in one of them."""
    # A hundredth to spare: the haversine of a distance this small is the plane's.
    up = math.degrees(1.01 * metres / EARTH_METRES)
    aside = up / max(math.cos(math.radians(latitude)), 0.01)
    box = longitude - aside, latitude - up, longitude + aside, latitude + up
    return [(category, cell, *box) for cell in cells]


def metres_between(longitude: float, latitude: float, other_longitude: float, other_latitude: float) -> float:
    """The great-circle distance (haversine)."""
    one, two = math.radians(latitude), math.radians(other_latitude)
    across = math.radians(other_longitude - longitude)
    half = math.sin((two - one) / 2) ** 2 + math.cos(one) * math.cos(two) * math.sin(across / 2) ** 2
    return 2 * EARTH_METRES * math.asin(min(1.0, math.sqrt(half)))
