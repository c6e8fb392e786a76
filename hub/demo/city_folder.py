"""The demo's city: Quzhou as the regulation has it, and a gas company, which a city adds as any other row."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

QUZHOU = Path(__file__).resolve().parents[2] / "contracts" / "cities" / "quzhou"

ROWS: Mapping[str, str] = {
    "units.csv": "gas_company,市燃气公司,City Gas Company,terminal,,,1,,,,demo: not in the regulation",
    "components.csv": (
        "3308020111000001,C0111,gas_company,gas_company,housing_construction,118.8699,28.9493,schematic,,,"
        "made for the demo"
    ),
}
"""The regulation (四(五)) names no gas company: the register alone says what is its own."""


def write_city(folder: Path) -> Path:
    """Write the city's tables into a folder that is not there yet."""
    shutil.copytree(QUZHOU, folder)
    for name, row in ROWS.items():
        path = folder / name
        path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n{row}\n", encoding="utf-8")
    return folder
