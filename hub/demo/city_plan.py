"""The day's reports, planned from the city's own tables: which problem, where, seen by whom, when. Pure and seeded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from contracts.city import Area, Category, City, Component
from hub.demo.casting import ASKING, CUT_OFF_AREA, WITH_OWN_WAYS
from hub.demo.config import OPENING as OPENS_AT

OUTSIDE_SHARE = 0.05
COMPONENT_SHARE = 0.15
HOTLINE_SHARE = 0.12
OTHER_DATUM_SHARE = 0.2

STREETS = ("人民路", "新桥街", "上街", "荷花路", "三衢路", "白云大道", "花园东大道", "府山街", "西区大道", "东港一路")
SIGHTS = {
    "component": ("破损", "缺失", "移位", "倾斜", "有渗漏", "污损"),
    "event": ("影响通行", "居民反映强烈", "占用人行道", "尚未清理", "范围约 3 米"),
}


@dataclass(frozen=True, slots=True)
class PlannedReport:
    """One report of the day. ``minute`` is city time after the opening; ``sender`` the unit that sends it."""

    sender_case: str
    minute: float
    sender: str
    source: str
    category_code: str
    description: str
    address: str
    longitude: float
    latitude: float
    system: str
    component_code: str | None = None

    def document(self) -> dict[str, Any]:
        """As it goes to the partner that sends it."""
        return asdict(self)


REPEATED = 5
"""Which report says again what the one before it said."""


class Opening(StrEnum):
    """What one of the day's first reports is there for (开场)."""

    ASKED_ABOUT = "asked_about"
    UNCLEAR = "unclear"
    UNCLEAR_CUT_OFF = "unclear_cut_off"
    PASSED_ON = "passed_on"
    REPEAT = "repeat"


OPENING = (
    Opening.ASKED_ABOUT,
    Opening.UNCLEAR,
    Opening.ASKED_ABOUT,
    Opening.PASSED_ON,
    Opening.ASKED_ABOUT,
    Opening.REPEAT,
    Opening.UNCLEAR_CUT_OFF,
    Opening.ASKED_ABOUT,
    Opening.ASKED_ABOUT,
    Opening.UNCLEAR,
    Opening.ASKED_ABOUT,
    Opening.UNCLEAR,
)
"""The first reports, so that a short day too has every bend: six clear ones of the bureaus that ask and return, unclear
ones that are coordinated, one of them in the district whose network fails, a clear one that is taken from its unit, and
one thing seen twice."""

SCENES = len(OPENING) + len(WITH_OWN_WAYS)
"""So many reports are placed: after the opening there is one for each unit with a way of its own, so that a short day
too goes every way."""

CUT_OFF_FROM = OPENING.index(Opening.UNCLEAR_CUT_OFF)
"""From this one on they lie in the district whose network fails: what the hub has to tell it notices the failure."""


def plan(city: City, cases: int, seed: int) -> tuple[PlannedReport, ...]:
    """So many reports, spread over areas, categories and units, in the order of the day."""
    chance = random.Random(f"plan/{seed}")
    minutes = sorted(chance.uniform(0, spread_minutes(cases)) for _ in range(cases))
    stage = _Stage(city)
    made = [
        _report(city, chance, seed, index, minute, stage.scene(chance, index))
        for index, minute in enumerate(minutes, 1)
    ]
    if len(made) > REPEATED:
        # Two people see one thing: the second report is the first one's duplicate (重复案件), wherever the hub gets it.
        first, second = made[REPEATED - 1], made[REPEATED]
        made[REPEATED] = replace(
            first, sender_case=second.sender_case, minute=second.minute, longitude=round(first.longitude + 5e-5, 6)
        )
    return tuple(made)


def spread_minutes(cases: int) -> float:
    """Over how much of the city's morning the reports arrive."""
    return min(240.0, max(45.0, cases * 1.0))


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where one of the first reports is, and of what."""

    category: Category
    longitude: float
    latitude: float
    component: Component | None = None


class _Stage:
    """Which categories fall to one unit, and which to several, each for its own, as the city's matrix says."""

    def __init__(self, city: City) -> None:
        directory = city.at(OPENS_AT.date())
        sole, several = dict[str, Category](), list[Category]()
        for code, category in directory.categories.items():
            rows = directory.leads.get(code, ())
            units = {row.unit_id for row in rows}
            if len(rows) == 1:
                sole[code] = category
            elif len(units) > 1 and all(row.for_its_own for row in rows):
                several.append(category)
        self._sole_of: dict[str, list[Category]] = {}
        for code, category in sole.items():
            self._sole_of.setdefault(directory.leads[code][0].unit_id, []).append(category)
        self._by_code = directory.categories
        self._components = city.components
        asked = [each for code, each in sole.items() if directory.leads[code][0].unit_id in ASKING]
        keep = {*ASKING, *WITH_OWN_WAYS}
        passed = [each for code, each in sole.items() if directory.leads[code][0].unit_id not in keep]
        self._areas = [area for area in city.areas if area.area_id != CUT_OFF_AREA]
        self._cut_off = [area for area in city.areas if area.area_id == CUT_OFF_AREA]
        self._categories: dict[Opening, Sequence[Category]] = {
            Opening.ASKED_ABOUT: asked,
            Opening.UNCLEAR: several,
            Opening.UNCLEAR_CUT_OFF: several,
            Opening.PASSED_ON: passed,
            Opening.REPEAT: several,
        }

    def scene(self, chance: random.Random, index: int) -> _Scene | None:
        """Of the report of this number; None where anything may be."""
        if len(OPENING) < index <= SCENES:
            return self._of_unit(chance, WITH_OWN_WAYS[index - len(OPENING) - 1])
        categories = self._categories[OPENING[index - 1]] if index <= len(OPENING) else ()
        areas = self._cut_off if index > CUT_OFF_FROM else self._areas
        if not (categories and areas):
            return None
        category = chance.choice(categories)
        return _Scene(category, *_within(chance, chance.choice(areas)))

    def _of_unit(self, chance: random.Random, unit_id: str) -> _Scene | None:
        """What falls to this unit: a thing that it owns, or what nobody else answers for."""
        owned = [each for each in self._components if each.owner_unit_id == unit_id]
        if owned:
            component = chance.choice(owned)
            return _Scene(self._by_code[component.category_code], component.longitude, component.latitude, component)
        if unit_id in self._sole_of and self._areas:
            return _Scene(chance.choice(self._sole_of[unit_id]), *_within(chance, chance.choice(self._areas)))
        return None


def _report(
    city: City, chance: random.Random, seed: int, index: int, minute: float, scene: _Scene | None
) -> PlannedReport:
    component = scene.component if scene else None
    if scene is None and city.components and chance.random() < COMPONENT_SHARE:
        component = chance.choice(city.components)
    category = scene.category if scene else _category(city, chance, component)
    longitude, latitude = (scene.longitude, scene.latitude) if scene else _place(city, chance, component)
    hotline = scene is None and component is None and chance.random() < HOTLINE_SHARE
    address = f"{chance.choice(STREETS)}{chance.randint(1, 400)}号旁(第{index}处)"
    return PlannedReport(
        sender_case=f"demo-{seed}-{index:05d}",
        minute=round(minute, 2),
        sender="command_center" if hotline else "collection",
        source="citizen" if hotline else "collector",
        category_code=category.code,
        description=f"{category.name_zh}{chance.choice(SIGHTS[category.kind])}",
        address=address,
        longitude=longitude,
        latitude=latitude,
        system=chance.choice(("CGCS2000", "GCJ02")) if chance.random() < OTHER_DATUM_SHARE else "WGS84",
        component_code=component.component_code if component else None,
    )


def _category(city: City, chance: random.Random, component: Component | None) -> Category:
    """Half of the reports begin with a unit, so that each has something to do and not only the two big bureaus."""
    by_code = {category.code: category for category in city.categories}
    if component is not None:
        return by_code[component.category_code]
    if chance.random() < 0.5:
        unit = chance.choice(sorted({row.unit_id for row in city.responsibilities}))
        of_unit = [row.category_code for row in city.responsibilities if row.unit_id == unit]
        return by_code[chance.choice(of_unit)]
    return chance.choice(city.categories)


def _place(city: City, chance: random.Random, component: Component | None) -> tuple[float, float]:
    if component is not None:
        return component.longitude, component.latitude
    if chance.random() < OUTSIDE_SHARE:
        west, _, east, north = _bounds(city.areas)
        # North of every area, and still on the city's ground.
        return round(chance.uniform(west, east), 6), round(north + chance.uniform(0.01, 0.03), 6)
    return _within(chance, chance.choice(city.areas))


def _within(chance: random.Random, area: Area) -> tuple[float, float]:
    west, south, east, north = area.box
    while True:
        longitude, latitude = round(chance.uniform(west, east), 6), round(chance.uniform(south, north), 6)
        if area.contains(longitude, latitude):
            return longitude, latitude


def _bounds(areas: Sequence[Area]) -> tuple[float, float, float, float]:
    boxes = [area.box for area in areas]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
