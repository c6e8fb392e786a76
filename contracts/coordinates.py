"""Coordinate systems: WGS 84, CGCS2000 and GCJ-02 to WGS 84. Pure; degrees.

CGCS2000 and WGS 84 differ by centimetres, less than any phone measures: taken as the same. GCJ-02 is the shifted datum
of Chinese maps; its published transform is applied, its inverse found by iteration. BD-09 is not offered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.messages import CoordinateSystem

_A = 6378245.0
_EE = 0.00669342162296594323


class ImpossibleCoordinates(ValueError):
    """No such place on earth."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in WGS 84 degrees."""

    longitude: float
    latitude: float


def to_wgs84(longitude: float, latitude: float, system: CoordinateSystem) -> Point:
    """The place in WGS 84. Raises ``ImpossibleCoordinates``."""
    if not (math.isfinite(longitude) and math.isfinite(latitude) and abs(longitude) <= 180 and abs(latitude) <= 90):
        raise ImpossibleCoordinates(f"{longitude}, {latitude}")
    if system is not CoordinateSystem.GCJ02 or _outside_china(longitude, latitude):
        return Point(longitude, latitude)
    x, y = longitude, latitude
    for _ in range(8):
        shifted = wgs84_to_gcj02(x, y)
        dx, dy = shifted.longitude - longitude, shifted.latitude - latitude
        x, y = x - dx, y - dy
        if abs(dx) < 1e-9 and abs(dy) < 1e-9:
            break
    return Point(x, y)


def wgs84_to_gcj02(longitude: float, latitude: float) -> Point:
    """The published shift; outside China there is none."""
    if _outside_china(longitude, latitude):
        return Point(longitude, latitude)
    x, y = longitude - 105.0, latitude - 35.0
    dlat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    dlat += (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    dlat += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    dlat += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    dlng = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    dlng += (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    dlng += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    dlng += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    sine = math.sin(math.radians(latitude))
    magic = 1 - _EE * sine * sine
    root = math.sqrt(magic)
    return Point(
        longitude + dlng * 180.0 / (_A / root * math.cos(math.radians(latitude)) * math.pi),
        latitude + dlat * 180.0 / ((_A * (1 - _EE)) / (magic * root) * math.pi),
    )


def _outside_china(longitude: float, latitude: float) -> bool:
    return not (72.004 <= longitude <= 137.8347 and 0.8293 <= latitude <= 55.8271)
