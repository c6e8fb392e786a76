"""The day of a city, made from a seed: what is reported where, and how each unit works. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contracts.city import City

TROUBLE_ZH = ("破损", "缺失", "倾斜", "脏污", "堵塞", "松动")


@dataclass(frozen=True, slots=True)
class PlannedReport:
    """One report: its body, when it comes (city minutes after the start), and the reporter's own id."""

    sender_case_id: str
    at_minutes: float
    body: Mapping[str, Any]


def reports(city: City, count: int, seed: int, within_minutes: float) -> list[PlannedReport]:
    """``count`` reports over the city's areas and categories; some outside every area, some on known components."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        category = chance.choice(city.categories)
        area = chance.choice(city.areas)
        west, south, east, north = area.box
        longitude, latitude = chance.uniform(west, east), chance.uniform(south, north)
        if chance.random() < 0.03:
            longitude, latitude = west - chance.uniform(0.2, 0.4), south - 0.2
        body: dict[str, Any] = {
            "category_code": category.code,
            "description": f"{area.name_zh}{category.name_zh}{chance.choice(TROUBLE_ZH)},第 {number + 1} 号巡查点",
            "place": {
                "longitude": round(longitude, 6),
                "latitude": round(latitude, 6),
                "address": f"{area.name_zh}某路口",
            },
            "source": "collector" if chance.random() < 0.9 else "citizen",
        }
        known = [each for each in city.components if each.category_code == category.code]
        if known and chance.random() < 0.7:
            body["component_code"] = chance.choice(known).component_code
        made.append(PlannedReport(f"XC-{seed}-{number + 1:05d}", chance.uniform(0, within_minutes), body))
    return sorted(made, key=lambda report: report.at_minutes)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a unit works: shares in [0, 1], handling time in city minutes."""

    returns: float = 0.05
    late: float = 0.12
    handles_minutes: tuple[float, float] = (15.0, 120.0)
    answers_in_parts: float = 0.1
    acknowledges: float = 0.9


@dataclass(frozen=True, slots=True)
class PartnerPlan:
    """One partner process: which module runs it, for which units."""

    name: str
    module: str
    units: tuple[str, ...]
    habits: Habits = Habits()
    receives_statuses: bool = False

    def config(self, **more: Any) -> dict[str, Any]:
        """What the process is told on its standard input."""
        return {"name": self.name, "units": list(self.units), "habits": asdict(self.habits), **more}


PUSHED = ("telecom", "mobile", "tietong", "power", "radio_tv", "housing_construction")
FLAKY = ("unicom",)
DISTRICTS = ("kecheng", "west_district", "qujiang", "green_industry_zone", "juhua")
PULLING = ("urban_enforcement", "public_security", "transport", "water_resources")


def partners(city: City) -> list[PartnerPlan]:
    """Every unit that may receive something has a system, or a clerk at its desk."""
    apart = {*PUSHED, *FLAKY, *DISTRICTS, *PULLING, "collection", "command_center", "leading_group", "city_government"}
    clerks = tuple(unit.unit_id for unit in city.units if unit.unit_id not in apart)
    return [
        PartnerPlan("utilities", "pushed", _there(city, PUSHED), receives_statuses=True),
        PartnerPlan("flaky-telecom", "flaky", _there(city, FLAKY), Habits(returns=0.02)),
        PartnerPlan("bureaus", "pulling", _there(city, PULLING), Habits(returns=0.04, late=0.2)),
        PartnerPlan("districts", "district", _there(city, DISTRICTS), Habits(returns=0.0)),
        PartnerPlan("desk-clerks", "pulling", clerks, Habits(returns=0.06)),
        PartnerPlan("command-center", "command", ("command_center",)),
        PartnerPlan("collectors", "collectors", ("collection",)),
    ]


def _there(city: City, wanted: Iterable[str]) -> tuple[str, ...]:
    known: Sequence[str] = [unit.unit_id for unit in city.units]
    return tuple(unit for unit in wanted if unit in known)
