"""Where a case lies: polygon to area, and the cell of the single-unit grid (单元网格). Pure; WGS 84 degrees."""

from __future__ import annotations

import math
from dataclasses import dataclass

Ring = tuple[tuple[float, float], ...]

METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Area:
    """An area of the city: polygons, each an outer ring and its holes. ``box`` is west, south, east, north."""

    area_id: str
    name_zh: str
    division_code: str
    polygons: tuple[tuple[Ring, ...], ...]
    box: tuple[float, float, float, float]
    certainty: str
    source: str
    valid_from: str = ""
    valid_to: str = ""

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether a point lies in it; its western and southern edges belong to it, the others to its neighbour."""
        west, south, east, north = self.box
        if not (west <= longitude <= east and south <= latitude <= north):
            return False
        return any(
            _inside(rings[0], longitude, latitude) and not any(_inside(hole, longitude, latitude) for hole in rings[1:])
            for rings in self.polygons
        )


def _inside(ring: Ring, x: float, y: float) -> bool:
    inside = False
    ax, ay = ring[-1]
    for bx, by in ring:
        if (by > y) != (ay > y) and x < (ax - bx) * (y - by) / (ay - by) + bx:
            inside = not inside
        ax, ay = bx, by
    return inside


def box_of(polygons: tuple[tuple[Ring, ...], ...]) -> tuple[float, float, float, float]:
    """West, south, east, north of all outer rings."""
    points = [point for rings in polygons for point in rings[0]]
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells of ``cell_metres``, counted from a fixed origin at a fixed latitude, so that a cell never moves."""

    cell_metres: float
    origin_longitude: float = 118.0
    origin_latitude: float = 28.0

    def cell(self, longitude: float, latitude: float) -> str:
        """The cell of a point: ``x859_y1056``; negative numbers lie west or south of the origin."""
        return self._name(*self._place(longitude, latitude))

    def neighbours(self, cell: str) -> tuple[str, ...]:
        """The eight cells around, in a fixed order."""
        x, y = (int(part[1:]) for part in cell.split("_"))
        return tuple(self._name(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dx, dy) != (0, 0))

    def _place(self, longitude: float, latitude: float) -> tuple[int, int]:
        width = METRES_PER_DEGREE * math.cos(math.radians(self.origin_latitude))
        x = math.floor((longitude - self.origin_longitude) * width / self.cell_metres)
        y = math.floor((latitude - self.origin_latitude) * METRES_PER_DEGREE / self.cell_metres)
        return x, y

    @staticmethod
    def _name(x: int, y: int) -> str:
        return f"x{x}_y{y}"
