"""Who plays which part: the units of the city by the kind of system that they have. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SILENT = frozenset({"leading_group"})
"""Units that send and receive nothing in this process: they lead."""

ORDERS = ["case.dispatch", "case.recall_notice", "case.coordination", "case.reminder", "case.decision_notice"]
"""What a unit with a system wants of the hub."""


class Kind(StrEnum):
    """A kind of partner system. Those in Python bear the name of their module in ``hub.demo.partners``."""

    PUSHED = "pushed"
    FLAKY = "flaky"
    CUT_OFF = "cut_off"
    PULLER = "puller"
    DISTRICT = "district"
    COLLECTOR = "collector"
    COMMAND = "command"
    DESK = "desk"
    OWN_REST = "own_rest"
    POLLED = "polled"
    FILES = "files"
    POWER = "power"
    WATER = "water"
    GAS = "gas"
    QUEUE = "queue"
    BROADCASTER = "broadcaster"


class Needs(StrEnum):
    """What a partner runs on that a machine may lack."""

    NODE = "node"
    PHP = "php"
    AXIS = "axis"
    BROKER = "broker"


FOREIGN: Mapping[Kind, tuple[Needs, str]] = {
    Kind.POWER: (Needs.NODE, "power.cjs"),
    Kind.WATER: (Needs.PHP, "water/office.php"),
    Kind.GAS: (Needs.AXIS, "gas"),
    Kind.QUEUE: (Needs.NODE, "queue.cjs"),
    Kind.BROADCASTER: (Needs.NODE, "broadcaster.cjs"),
}
"""Partners that are not Python: what runs them, and their program in ``partners/foreign``; Java's is a folder."""

ASKING = frozenset({"housing_construction", "urban_enforcement", "public_security", "transport"})
"""The bureaus that return one of their dispatches, and bring questions about others to the command centre."""

CUT_OFF, CUT_OFF_AREA = "west_district", "west_district"
"""The district whose network fails for a while, and its area."""

AT_BROKER = frozenset({Kind.QUEUE, Kind.BROADCASTER})
"""Kinds that meet the hub at a broker."""

OF_THEIR_OWN = frozenset({Kind.OWN_REST, Kind.POLLED, Kind.FILES, Kind.POWER, Kind.WATER, Kind.GAS}) | AT_BROKER
"""Kinds that are connected by a document of their own in ``profiles``, and have words of their own."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process: its name, its kind, the units it serves."""

    name: str
    kind: Kind
    units: tuple[str, ...]

    @property
    def needs(self) -> frozenset[Needs]:
        """What must be there for it to run."""
        run_by = {FOREIGN[self.kind][0]} if self.kind in FOREIGN else set()
        return frozenset(run_by | ({Needs.BROKER} if self.kind in AT_BROKER else set()))


TROUPE = (
    Part("tietong", Kind.PUSHED, ("tietong",)),
    Part("unicom", Kind.FLAKY, ("unicom",)),
    Part("telecom", Kind.OWN_REST, ("telecom",)),
    Part("mobile", Kind.QUEUE, ("mobile",)),
    Part("power", Kind.POWER, ("power",)),
    Part("water", Kind.WATER, ("water_resources",)),
    Part("radio", Kind.BROADCASTER, ("radio_tv",)),
    Part("bus", Kind.POLLED, ("bus_group",)),
    Part("post", Kind.FILES, ("post",)),
    Part("gas", Kind.GAS, ("gas_company",)),
    Part("bureaus", Kind.PULLER, tuple(sorted(ASKING))),
    Part("districts", Kind.DISTRICT, ("kecheng", "qujiang", "green_industry_zone", "juhua")),
    Part("west", Kind.CUT_OFF, (CUT_OFF,)),
    Part("collectors", Kind.COLLECTOR, ("collection",)),
    Part("command", Kind.COMMAND, ("command_center",)),
)
"""Units with a system. Several share a process where their systems are alike, so that a small machine can play them."""


WITH_OWN_WAYS = tuple(unit for part in TROUPE if part.kind in OF_THEIR_OWN for unit in part.units)
"""The units with ways and words of their own."""

TASKS = ["case.verification_request", "case.reminder"]
"""What a collector's system wants of the hub."""


def cast(units: Iterable[str], there: Container[Needs] = frozenset(Needs)) -> tuple[Part, ...]:
    """The parts for a city's units: those of the troupe that can run with what is there, clerks at desks for others."""
    present = [unit for unit in units if unit not in SILENT]
    parts = [
        Part(part.name, part.kind, tuple(unit for unit in part.units if unit in present))
        for part in TROUPE
        if all(need in there for need in part.needs)
    ]
    played = {unit for part in parts for unit in part.units}
    clerks = tuple(unit for unit in present if unit not in played)
    return tuple(part for part in (*parts, Part("desks", Kind.DESK, clerks)) if part.units)


def lacking(units: Iterable[str], there: Container[Needs]) -> dict[Needs, list[str]]:
    """What is not there, with the units that work at their desks for want of it."""
    present = set(units)
    made: dict[Needs, list[str]] = {}
    for part in TROUPE:
        for need in sorted(part.needs):
            if need not in there:
                made.setdefault(need, []).extend(unit for unit in part.units if unit in present)
    return made


def profile(kind: Kind, unit_id: str, port: str | None) -> dict[str, Any] | None:
    """The profile of a unit that speaks as the hub does; None for one that needs none, or has a document of its own."""
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
        case _:
            return None
    return {"profile": "1.0", "unit": unit_id, "contact": "演示 demo", "connections": [connection]}
