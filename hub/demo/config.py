"""What the demo is told, and what it tells each partner process: one line of JSON on its standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

OPENING = datetime.fromisoformat("2026-11-23T08:30:00+08:00")
"""A Monday morning."""

SPEED = 1200.0
"""City seconds in a second: the nine hours of a working day pass in 27 seconds."""

GETTING_READY_SECONDS = 6.5
EARLIEST = timedelta(hours=8)


def clock_start(speed: float) -> str:
    """Where the city's clock begins: so early that, once all units are connected, it is about the opening."""
    return (OPENING - min(timedelta(seconds=GETTING_READY_SECONDS * speed), EARLIEST)).isoformat()


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    cases: int = 200
    speed: float = SPEED
    seed: int = 1
    headless: bool = False
    json: bool = False
    keep: bool = False
    notice: Path | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How one unit speaks with the hub: its API key, the secret that pushes to it are signed with, and ``own``: what
    its own way needs (a user and a password, an address, a folder)."""

    unit_id: str
    name_zh: str
    key: str
    secret: str | None = None
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartnerConfig:
    """Everything a partner process knows of the world. ``reports`` are those it is to send, ``leads`` the units that
    the city's matrix names for a category, ``governors`` who governs an area."""

    url: str
    journal: str
    seed: int
    units: tuple[Access, ...]
    reports: tuple[Mapping[str, Any], ...] = ()
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    governors: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """The configuration as one line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def read_config(line: str) -> PartnerConfig:
    """The configuration that ``line`` wrote."""
    told = json.loads(line)
    return PartnerConfig(
        url=told["url"],
        journal=told["journal"],
        seed=told["seed"],
        units=tuple(Access(**each) for each in told["units"]),
        reports=tuple(told["reports"]),
        leads={code: tuple(units) for code, units in told["leads"].items()},
        governors=told["governors"],
    )
