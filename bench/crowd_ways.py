"""How each unit of a crowd is connected: the shipped and the demo's own profiles, each unit with its own copy.

Of eight units two take the hub's own REST push, one is pushed to in its own words and polled for what it says, three
have a SOAP service (``.asmx`` with GBK in a string, Axis RPC/encoded, WS-Security with a signature), one a queue, one a
folder: what a city has whose utilities bought their systems over fifteen years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from adapters import profiles
from bench.signing import a_signing_certificate
from contracts.profile_files import with_files
from contracts.yaml_text import read_yaml
from hub.demo.opening import PROFILES as DEMO

SHIPPED = Path(str(profiles.__file__)).parent
REST, POLLED, QUEUE, FILE = "rest", "polled", "rabbitmq", "file"
WAYS = (REST, "water_asmx", QUEUE, "gas_axis", POLLED, "power_wsse", FILE, REST)
"""The ways of eight units; the next eight have the same. SOAP goes by the names of its profiles."""

CALLED = frozenset(WAYS) - {QUEUE, FILE}
"""Ways in which the unit's own system is called, each at a port of its own."""

FETCHED = frozenset({POLLED, QUEUE, FILE})
"""Ways in which the hub fetches what the unit says."""

CONNECTION = "main"
EVERY_SECONDS, IDLE_SECONDS = 4.0, 4.0
"""How often a unit is polled: more often than a real one (30 s in the shipped profile), so that a round sees it."""

_REPORTED = {
    "contract": "case.report",
    "when": [{"path": "word", "equals": "found"}],
    "fields": [
        {"to": "envelope.id", "from": "key", "required": True},
        {"to": "category_code", "from": "what", "required": True},
        {"to": "component_code", "from": "part"},
        {"to": "description", "from": "text"},
        {"to": "place", "coordinates": {"system": "CGCS2000", "longitude": "x", "latitude": "y"}},
    ],
}


def unit_of(number: int) -> str:
    """The name of a unit."""
    return f"crowd_{number:03d}"


def way_of(unit: str, broker: bool) -> str:
    """A unit's way. Where there is no broker, those at the queue take a push."""
    way = WAYS[int(unit.rpartition("_")[2]) % len(WAYS)]
    return REST if way == QUEUE and not broker else way


def of_way(units: Sequence[str], way: str, broker: bool) -> list[str]:
    """Those of the units that are connected so."""
    return [unit for unit in units if way_of(unit, broker) == way]


def profile(unit: str, way: str, port: int) -> dict[str, Any]:
    """The unit's profile. ``port`` is where its system listens, if it is one that is called."""
    match way:
        case "rest":
            made: dict[str, Any] = {
                "unit": unit,
                "connections": [
                    {
                        "transport": "rest",
                        "receives": ["case.dispatch"],
                        "rest": {"endpoint": f"http://127.0.0.1:{port}/{unit}"},
                    }
                ],
            }
        case "polled":
            made = _polled(unit, port)
        case "rabbitmq":
            made = _read(SHIPPED / "telecom_rabbitmq" / "profile.yaml", unit)
        case "file":
            made = _read(SHIPPED / "post_file" / "profile.yaml", unit)
            section = made["connections"][0]["file"]
            del section["sftp"]
            # One letter a file: waiting for others to join it is a wish of the profile's, not a cost.
            section |= {"folder": unit, "letters_per_file": 1}
        case _:
            made = _read(SHIPPED / way / "profile.yaml", unit)
            made["connections"][0]["soap"]["endpoint"] = f"http://127.0.0.1:{port}/{unit}"
    made["unit"] = unit
    made["connections"][0]["name"] = CONNECTION
    return made


def secrets_of(way: str) -> Mapping[str, str]:
    """The secrets that a profile of this way names."""
    match way:
        case "polled":
            return {"system": "bench-key"}
        case "gas_axis":
            return {"axis-token": "szcg"}
        case "power_wsse":
            return {"wsse-password": "secret", "signing-certificate": _certificate()}
        case _:
            return {}


def _polled(unit: str, port: int) -> dict[str, Any]:
    made = _read(DEMO / "bus_group.yaml", unit, port=str(port))
    connection = made["connections"][0]
    connection["rest"]["endpoint"] = f"http://127.0.0.1:{port}/{unit}/tasks"
    connection["poll"] |= {
        "endpoint": f"http://127.0.0.1:{port}/{unit}/reports",
        "every_seconds": EVERY_SECONDS,
        "idle_seconds_max": IDLE_SECONDS,
    }
    connection["mapping"]["in"].append(_REPORTED)
    return made


def _read(path: Path, unit: str, **places: str) -> dict[str, Any]:
    """A profile's document, its WSDL like no other unit's: namespaces, addresses and actions are the unit's own."""
    own = unit.replace("_", "-")

    def read(name: str) -> str:
        return _renamed((path.parent / name).read_text(encoding="utf-8"), own)

    text = Template(_renamed(path.read_text(encoding="utf-8"), own)).safe_substitute(places)
    made, _ = read_yaml(with_files(text, read))
    assert isinstance(made, dict)
    return made


def _renamed(text: str, own: str) -> str:
    for theirs in ("water.example", "gas.example"):
        text = text.replace(theirs, f"{own}.{theirs}")
    return text.replace("urn:power:", f"urn:power-{own}:")


@cache
def _certificate() -> str:
    return a_signing_certificate()
