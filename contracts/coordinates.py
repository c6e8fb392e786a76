"""Coordinate systems: WGS 84, CGCS2000 and GCJ-02. Pure; degrees, longitude first.

CGCS2000 and WGS 84 differ by centimetres, less than any phone measures: taken as the same, and said so here. GCJ-02 is
the shifted datum of Chinese maps; the published approximation of its shift is applied, and inverted by iteration.
Outside the rectangle around China it is the identity; within about a kilometre of that rectangle's edge (open sea,
other countries) there and back is not exact. BD-09 is not offered: no report needs it, and a guess would move cases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.messages import CoordinateSystem

# The ellipsoid of Krasovsky 1940, with which the shift was published; not WGS 84's.
_AXIS = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323

_SETTLED = 1e-11
_ROUNDS_MAX = 30


class ImpossibleCoordinates(ValueError):
    """No such place on earth. ``zh`` and ``en`` say so to a person."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self.longitude, self.latitude = longitude, latitude
        self.zh = f"坐标不可能存在:经度 {longitude}(应在 -180 与 180 之间),纬度 {latitude}(应在 -90 与 90 之间)"
        self.en = (
            f"there is no such place: longitude {longitude} (between -180 and 180), "
            f"latitude {latitude} (between -90 and 90)"
        )
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class Point:
    """A place, in degrees."""

    longitude: float
    latitude: float


def to_wgs84(longitude: float, latitude: float, system: CoordinateSystem) -> Point:
    """The place in WGS 84. Raises ``ImpossibleCoordinates``."""
    point = _possible(longitude, latitude)
    if system is not CoordinateSystem.GCJ02 or _outside_china(point):
        return point
    guess = point
    for _ in range(_ROUNDS_MAX):
        there = _shifted(guess)
        off_x, off_y = there.longitude - point.longitude, there.latitude - point.latitude
        guess = Point(guess.longitude - off_x, guess.latitude - off_y)
        if abs(off_x) < _SETTLED and abs(off_y) < _SETTLED:
            break
    return guess


def from_wgs84(longitude: float, latitude: float, system: CoordinateSystem) -> Point:
    """A WGS 84 place in another system, as a unit's map wants it. Raises ``ImpossibleCoordinates``."""
    point = _possible(longitude, latitude)
    if system is not CoordinateSystem.GCJ02 or _outside_china(point):
        return point
    return _shifted(point)


def _possible(longitude: float, latitude: float) -> Point:
    # A comparison with NaN is false, so NaN fails here too.
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise ImpossibleCoordinates(longitude, latitude)
    return Point(longitude, latitude)


def _shifted(point: Point) -> Point:
    """The published shift, in series around (105 E, 35 N)."""
    x, y = point.longitude - 105.0, point.latitude - 35.0
    root_x = math.sqrt(abs(x))
    common = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root_x
    north += common * 2.0 / 3.0
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root_x
    east += common * 2.0 / 3.0
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    latitude = math.radians(point.latitude)
    curve = 1 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    metres_per_degree_north = _AXIS * (1 - _ECCENTRICITY_SQUARED) / (curve * math.sqrt(curve)) * math.pi / 180.0
    metres_per_degree_east = _AXIS / math.sqrt(curve) * math.cos(latitude) * math.pi / 180.0
    return Point(point.longitude + east / metres_per_degree_east, point.latitude + north / metres_per_degree_north)


def _outside_china(point: Point) -> bool:
    return not (72.004 <= point.longitude <= 137.8347 and 0.8293 <= point.latitude <= 55.8271)
