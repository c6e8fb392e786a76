"""A sketch of where a case lies: the city's areas as outlines and one point, in the units of an SVG. Pure.

No map service is asked: the page must work in a network without a way out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.city import Area

WIDTH = 320.0
HEIGHT_MAX = 240.0
MARGIN = 14.0
NAME_BELOW = 13.0


@dataclass(frozen=True, slots=True)
class Outline:
    """An area: its SVG path, and where its name stands."""

    path: str
    name: str
    x: float
    y: float
    here: bool


@dataclass(frozen=True, slots=True)
class Sketch:
    """The whole drawing; the point is on its edge where the case lies outside."""

    width: float
    height: float
    outlines: tuple[Outline, ...]
    x: float
    y: float
    outside: bool


def sketch(areas: Sequence[Area], longitude: float, latitude: float, area_id: str | None) -> Sketch:
    """Areas and point, north up, degrees of longitude shortened as at the middle latitude."""
    if not areas:
        return Sketch(WIDTH, HEIGHT_MAX, (), WIDTH / 2, HEIGHT_MAX / 2, True)
    west, south = min(area.box[0] for area in areas), min(area.box[1] for area in areas)
    east, north = max(area.box[2] for area in areas), max(area.box[3] for area in areas)
    shrink = math.cos(math.radians((south + north) / 2))
    wide, high = (east - west) * shrink or 1e-6, (north - south) or 1e-6
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT_MAX - 2 * MARGIN) / high)
    width, height = wide * scale + 2 * MARGIN, high * scale + 2 * MARGIN

    def at(x: float, y: float) -> tuple[float, float]:
        return round(MARGIN + (x - west) * shrink * scale, 1), round(MARGIN + (north - y) * scale, 1)

    outlines = []
    for area in areas:
        rings = [ring for polygon in area.polygons for ring in polygon]
        path = " ".join("M" + " L".join(f"{x},{y}" for x, y in (at(*point) for point in ring)) + " Z" for ring in rings)
        # Below its upper edge: in the middle the point would cover it.
        x, y = at((area.box[0] + area.box[2]) / 2, area.box[3])
        outlines.append(Outline(path, area.name_zh, x, y + NAME_BELOW, here=area.area_id == area_id))
    x, y = at(longitude, latitude)
    edged = min(max(x, 4.0), width - 4.0), min(max(y, 4.0), height - 4.0)
    return Sketch(round(width, 1), round(height, 1), tuple(outlines), *edged, outside=edged != (x, y))
