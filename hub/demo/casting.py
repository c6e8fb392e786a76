"""Who plays which part: the units of the city by the kind of system that they have. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SILENT = frozenset({"leading_group"})
"""Units that send and receive nothing in this process: they lead."""

ORDERS = ["case.dispatch", "case.recall_notice", "case.coordination", "case.reminder", "case.decision_notice"]
"""What a unit with a system wants of the hub."""


class Kind(StrEnum):
    """A kind of partner system; also the name of its module in ``hub.demo.partners``."""

    PUSHED = "pushed"
    FLAKY = "flaky"
    CUT_OFF = "cut_off"
    PULLER = "puller"
    DISTRICT = "district"
    COLLECTOR = "collector"
    COMMAND = "command"
    DESK = "desk"


ASKING = frozenset({"housing_construction", "urban_enforcement", "public_security", "transport", "water_resources"})
"""The bureaus that return one of their dispatches, and bring questions about others to the command centre."""

CUT_OFF, CUT_OFF_AREA = "west_district", "west_district"
"""The district whose network fails for a while, and its area."""

LISTENS = frozenset({Kind.PUSHED, Kind.FLAKY, Kind.CUT_OFF})
"""Kinds that the hub pushes to: they have an HTTP server."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name, its kind, the units it serves, and how each of them is connected (None: at its desk)."""

    name: str
    kind: Kind
    units: tuple[str, ...]


TROUPE = (
    Part("telecoms", Kind.PUSHED, ("telecom", "mobile", "tietong")),
    Part("utilities", Kind.PUSHED, ("power", "radio_tv", "bus_group")),
    Part("unicom", Kind.FLAKY, ("unicom",)),
    Part(
        "bureaus",
        Kind.PULLER,
        tuple(sorted(ASKING)),
    ),
    Part("districts", Kind.DISTRICT, ("kecheng", "qujiang", "green_industry_zone", "juhua")),
    Part("west", Kind.CUT_OFF, (CUT_OFF,)),
    Part("collectors", Kind.COLLECTOR, ("collection",)),
    Part("command", Kind.COMMAND, ("command_center",)),
)
"""Units with a system. Several share a process where their systems are alike, so that a small machine can play them."""


TASKS = ["case.verification_request", "case.reminder"]
"""What a collector's system wants of the hub."""


def cast(units: Iterable[str]) -> tuple[Part, ...]:
    """The parts for a city's units: those of the troupe, and clerks at their desks for all others."""
    present = [unit for unit in units if unit not in SILENT]
    parts = [Part(part.name, part.kind, tuple(unit for unit in part.units if unit in present)) for part in TROUPE]
    played = {unit for part in parts for unit in part.units}
    clerks = tuple(unit for unit in present if unit not in played)
    return tuple(part for part in (*parts, Part("desks", Kind.DESK, clerks)) if part.units)


def profile(kind: Kind, unit_id: str, port: int | None) -> dict[str, Any] | None:
    """The profile that connects a unit of this kind; None for one that needs none."""
    connection: dict[str, Any]
    match kind:
        case Kind.PUSHED | Kind.FLAKY | Kind.CUT_OFF:
            connection = {
                "name": "system",
                "transport": "rest",
                "rest": {"endpoint": f"http://127.0.0.1:{port}/hub/{unit_id}"},
                "receives": [*ORDERS, "case.status"],
                # A unit of the flaky kind answers slowly; the hub need not wait long to know it.
                "timeout_seconds": 1.0 if kind is Kind.FLAKY else 10.0,
            }
        case Kind.PULLER:
            connection = {"name": "system", "transport": "pull", "receives": [*ORDERS, "case.status"]}
        case Kind.DISTRICT:
            # Statuses come by the change feed.
            connection = {"name": "system", "transport": "pull", "receives": ORDERS}
        case Kind.COLLECTOR:
            connection = {"name": "system", "transport": "pull", "receives": TASKS}
        case Kind.COMMAND | Kind.DESK:
            return None
    return {"profile": "1.0", "unit": unit_id, "contact": "演示 demo", "connections": [connection]}
