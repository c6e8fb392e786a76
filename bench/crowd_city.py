"""The city of a crowd: Quzhou with so many more units, each the owner of its own components, and reports on these."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.stage import ROOT, SPOTS

CITY = ROOT / "contracts" / "cities" / "quzhou"
CATEGORY = "C0107"
COMPONENTS = 10


def component(unit: str, number: int) -> str:
    """The code of a component of the unit's."""
    return f"3308029{int(unit.rpartition('_')[2]):05d}{number:04d}"


def city_with(units: Sequence[str], folder: Path) -> Path:
    """The city's folder."""
    shutil.copytree(CITY, folder)
    _append(
        folder / "units.csv",
        [
            {"unit_id": unit, "name_zh": f"单位{unit[-3:]}", "name_en": unit, "role": "terminal", "joins_phase": "1"}
            | {"source": "bench"}
            for unit in units
        ],
    )
    _append(
        folder / "components.csv",
        [
            {"component_code": component(unit, number), "category_code": CATEGORY, "owner_unit_id": unit}
            | {"maintainer_unit_id": unit, "department_unit_id": "housing_construction"}
            | {"longitude": "118.87", "latitude": "28.95", "certainty": "schematic", "source": "bench"}
            for unit in units
            for number in range(COMPONENTS)
        ],
    )
    return folder


class Reporting:
    """Reports, each on another place: none repeats another."""

    def __init__(self) -> None:
        self._made = 0

    def bodies(self, units: Sequence[str], count: int) -> list[dict[str, Any]]:
        """So many, spread evenly over the units' components."""
        return list(self._bodies(units, count))

    def _bodies(self, units: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
        for _ in range(count):
            unit, spot = units[self._made % len(units)], self._made % (SPOTS * SPOTS)
            yield {
                "category_code": CATEGORY,
                "component_code": component(unit, self._made // len(units) % COMPONENTS),
                "description": f"井盖破损({self._made})",
                "place": {
                    "longitude": round(118.852 + spot % SPOTS * 0.04 / SPOTS, 6),
                    "latitude": round(28.932 + spot // SPOTS * 0.04 / SPOTS, 6),
                },
            }
            self._made += 1


def _append(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, columns, restval="", lineterminator="\n").writerows(rows)
