"""Where a case lies: a point's area, and its cell of the single-unit grid (单元网格). Pure; WGS 84 degrees."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from contracts.city.row import Row

Ring = tuple[tuple[float, float], ...]
Edge = tuple[float, float, float, float]

EDGES_PER_BAND = 4
"""A surveyed boundary has thousands of edges; cut into bands by latitude, only a handful are asked for a point."""


@dataclass(frozen=True, slots=True)
class Area(Row):
    """An area of the city: polygons, each an outer ring and its holes, first point repeated as the last."""

    area_id: str
    name_zh: str
    name_en: str
    division_code: str
    phase: int
    polygons: tuple[tuple[Ring, ...], ...]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north of all its parts."""
        points = [point for rings in self.polygons for point in rings[0]]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether a point lies in it or on its border. For one question; a directory asks its index."""
        return index_of((self,)).area_at(longitude, latitude) is not None


@dataclass(frozen=True, slots=True)
class AreaIndex:
    """Finds the area of a point.

    Neighbours share no point: one on a common border belongs to the area east or north of it, whatever the order of the
    rows. A point exactly on the city's outer border, by that rule nobody's, belongs to the area it touches.
    """

    shapes: tuple[_Shape, ...]

    def area_at(self, longitude: float, latitude: float) -> str | None:
        """The area of a point; None outside every area."""
        near = [shape for shape in self.shapes if shape.in_box(longitude, latitude)]
        for shape in near:
            if shape.contains(longitude, latitude):
                return shape.area_id
        for shape in near:
            if shape.touches(longitude, latitude):
                return shape.area_id
        return None


@dataclass(frozen=True, slots=True)
class _Shape:
    """One polygon, its edges by bands of latitude. Each edge runs upwards, so that neighbours reckon it alike."""

    area_id: str
    west: float
    south: float
    east: float
    north: float
    bands: tuple[tuple[Edge, ...], ...]

    def in_box(self, x: float, y: float) -> bool:
        return self.west <= x <= self.east and self.south <= y <= self.north

    def contains(self, x: float, y: float) -> bool:
        """Ray casting to the east, holes and all: an odd number of edges lies there."""
        inside = False
        for x1, y1, x2, y2 in self._band(y):
            if y1 <= y < y2 and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                inside = not inside
        return inside

    def touches(self, x: float, y: float) -> bool:
        return any(
            y1 <= y <= y2 and min(x1, x2) <= x <= max(x1, x2) and (x2 - x1) * (y - y1) == (y2 - y1) * (x - x1)
            for x1, y1, x2, y2 in self._band(y)
        )

    def _band(self, y: float) -> tuple[Edge, ...]:
        return self.bands[_band_of(y, self.south, self.north, len(self.bands))]


def index_of(areas: Sequence[Area]) -> AreaIndex:
    """The index of these areas; of overlapping ones the first wins."""
    return AreaIndex(tuple(_shape(area.area_id, rings) for area in areas for rings in area.polygons))


def _shape(area_id: str, rings: tuple[Ring, ...]) -> _Shape:
    xs, ys = [x for x, _ in rings[0]], [y for _, y in rings[0]]
    south, north = min(ys), max(ys)
    edges = [edge for ring in rings for edge in _edges(ring)]
    count = max(1, len(edges) // EDGES_PER_BAND)
    bands: list[list[Edge]] = [[] for _ in range(count)]
    for edge in edges:
        # An edge stands in every band it reaches, its end points included.
        for band in range(_band_of(edge[1], south, north, count), _band_of(edge[3], south, north, count) + 1):
            bands[band].append(edge)
    return _Shape(area_id, min(xs), south, max(xs), north, tuple(tuple(band) for band in bands))


def _edges(ring: Ring) -> Iterator[Edge]:
    for (ax, ay), (bx, by) in pairwise(ring):
        yield (ax, ay, bx, by) if (ay, ax) <= (by, bx) else (bx, by, ax, ay)


def _band_of(y: float, south: float, north: float, count: int) -> int:
    if north <= south:
        return 0
    return min(max(int((y - south) / (north - south) * count), 0), count - 1)


_CELL = re.compile(r"(?P<prefix>[a-z0-9_]+)-(?P<ew>[ew])(?P<x>\d{4,})-(?P<ns>[ns])(?P<y>\d{4,})")


@cache
def _degree(latitude: float) -> tuple[float, float]:
    """The lengths of a degree of longitude and of latitude on the WGS 84 ellipsoid, in metres."""
    axis, eccentricity_squared = 6378137.0, 0.00669437999014
    curve = 1 - eccentricity_squared * math.sin(math.radians(latitude)) ** 2
    east = math.radians(axis * math.cos(math.radians(latitude)) / math.sqrt(curve))
    north = math.radians(axis * (1 - eccentricity_squared) / (curve * math.sqrt(curve)))
    return east, north


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells counted from a fixed origin, so that a cell keeps its id whatever becomes of areas and directories.

    ``quzhou-e0123-n0456`` is the 124th cell east and the 457th north of the origin; ``w0001`` is the first one west.
    The id names no area: a cell may lie in two, and has its id outside all of them too. Cells are ``cell_metres`` wide
    and high at the origin's latitude; a city is small enough for that.
    """

    prefix: str
    cell_metres: float
    origin_longitude: float
    origin_latitude: float

    def cell(self, longitude: float, latitude: float) -> str:
        """The cell of a point."""
        width, height = self._size()
        x = math.floor((longitude - self.origin_longitude) / width)
        return self._name(x, math.floor((latitude - self.origin_latitude) / height))

    def cells_within(self, longitude: float, latitude: float, metres: float) -> tuple[str, ...]:
        """Every cell that the square of so many metres around a point touches."""
        width, height = self._size()
        # The grid's metres are those of its origin's latitude: a little to spare covers a whole city.
        reach = 1.1 * metres / self.cell_metres
        x, y = (longitude - self.origin_longitude) / width, (latitude - self.origin_latitude) / height
        return tuple(
            self._name(column, row)
            for column in range(math.floor(x - reach), math.floor(x + reach) + 1)
            for row in range(math.floor(y - reach), math.floor(y + reach) + 1)
        )

    def neighbours(self, cell: str) -> tuple[str, ...]:
        """The eight cells around a cell, south-west first. Raises ``ValueError`` for what is no cell of this grid."""
        x, y = self._place(cell)
        return tuple(self._name(x + dx, y + dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dx, dy) != (0, 0))

    def box(self, cell: str) -> tuple[float, float, float, float]:
        """West, south, east, north of a cell. Raises ``ValueError`` for what is no cell of this grid."""
        width, height = self._size()
        x, y = self._place(cell)
        west, south = self.origin_longitude + x * width, self.origin_latitude + y * height
        return west, south, west + width, south + height

    def _size(self) -> tuple[float, float]:
        """A cell in degrees."""
        east, north = _degree(self.origin_latitude)
        return self.cell_metres / east, self.cell_metres / north

    def _name(self, x: int, y: int) -> str:
        east = f"e{x:04d}" if x >= 0 else f"w{-x:04d}"
        north = f"n{y:04d}" if y >= 0 else f"s{-y:04d}"
        return f"{self.prefix}-{east}-{north}"

    def _place(self, cell: str) -> tuple[int, int]:
        found = _CELL.fullmatch(cell)
        if found is None or found["prefix"] != self.prefix:
            raise ValueError(f"{cell!r} is no cell of the grid {self.prefix}")
        x, y = int(found["x"]), int(found["y"])
        return (x if found["ew"] == "e" else -x), (y if found["ns"] == "n" else -y)
