"""Reads ``areas.geojson`` (RFC 7946, so WGS 84): the outlines of a city's areas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.city.areas import Area, Ring
from contracts.city.faults import Fault
from contracts.city.tables import Cells, Table

POINTS_MIN = 4


def read_areas(path: Path, faults: list[Fault]) -> Table[Area]:
    """The areas of a file. Faults are added to ``faults``; a feature with one is left out."""
    rows, lines, named = [], [], []
    features = _features(path, faults)
    for number, feature in enumerate(features or (), start=1):
        feature = feature if isinstance(feature, dict) else {}
        properties = feature.get("properties")
        told = {
            str(key): "" if value is None else str(value)
            for key, value in (properties if isinstance(properties, dict) else {}).items()
        }
        cells = Cells(path.name, number, told)
        named.append(told.get("area_id", ""))
        area = Area(
            area_id=cells.id("area_id"),
            name_zh=cells.text("name_zh"),
            name_en=cells.text("name_en"),
            division_code=cells.optional("division_code"),
            phase=cells.whole("phase", 1),
            polygons=_polygons(feature.get("geometry"), cells),
            **cells.common(),
        )
        if cells.faults:
            faults.extend(cells.faults)
        else:
            rows.append(area)
            lines.append(number)
    return Table(path.name, tuple(rows), tuple(lines), None if features is None else frozenset(named))


def _features(path: Path, faults: list[Fault]) -> list[Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        faults.append(Fault(path.name, 0, "", "缺少该文件", "the file is missing"))
        return None
    except (OSError, ValueError) as fault:
        faults.append(Fault(path.name, 0, "", f"不是有效的 JSON:{fault}", f"it is not valid JSON: {fault}"))
        return None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        faults.append(Fault(path.name, 0, "", "不是 FeatureCollection", "it is no FeatureCollection"))
        return None
    if "crs" in document:
        # RFC 7946 has no other datum than WGS 84; an old file with its own would put every case elsewhere.
        faults.append(
            Fault(path.name, 0, "crs", "坐标应为 WGS 84,不得另定 crs", "coordinates are WGS 84, without a crs")
        )
    return features


def _polygons(geometry: Any, cells: Cells) -> tuple[tuple[Ring, ...], ...]:
    told: Mapping[str, Any] = geometry if isinstance(geometry, dict) else {}
    parts = told.get("coordinates")
    if told.get("type") == "Polygon":
        parts = [parts]
    elif told.get("type") != "MultiPolygon":
        cells.wrong("geometry", "应为 Polygon 或 MultiPolygon", "it must be a Polygon or a MultiPolygon")
        return ()
    try:
        polygons = tuple(tuple(_ring(ring) for ring in rings) for rings in parts or ())
    except (TypeError, ValueError) as fault:
        cells.wrong("geometry", f"有误:{fault}", f"it is wrong: {fault}")
        return ()
    if not polygons or not all(polygons):
        cells.wrong("geometry", "没有多边形", "it holds no polygon")
    return polygons


def _ring(told: Any) -> Ring:
    ring = tuple((float(point[0]), float(point[1])) for point in told)
    if len(ring) < POINTS_MIN or ring[0] != ring[-1]:
        raise ValueError("a ring has four points or more, the last one the first again")
    if not all(abs(x) <= 180 and abs(y) <= 90 for x, y in ring):
        raise ValueError("a point is longitude, latitude in degrees")
    return ring
