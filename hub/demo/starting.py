"""Starts what the day needs, each a process of its own: the broker, the hub, the units' systems; who is where."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from hub.demo.casting import FOREIGN, LISTENS, Needs, Part
from hub.demo.config import clock_start
from hub.demo.foreign import FOLDER, Tools, node_environment
from hub.demo.hub_client import HubClient
from hub.demo.opening import Site
from hub.demo.supervisor import Child, Supervisor


@dataclass(frozen=True, slots=True)
class Running:
    """What runs: the administrator's way to the hub, each part's process and its site."""

    admin: HubClient
    children: Mapping[str, Child]
    sites: Mapping[str, Site]


@dataclass(frozen=True, slots=True)
class Starting:
    """Starts it all in one folder."""

    supervisor: Supervisor
    session: aiohttp.ClientSession
    tools: Tools
    folder: Path
    speed: float

    async def start(self, parts: Sequence[Part]) -> Running:
        """The hub and all partners at once: they read their code while it makes its database."""
        hub = await self.supervisor.start("hub", self._hub())
        children = {part.name: await self._partner(part) for part in parts}
        ready, *told = await asyncio.gather(hub.first_line(), *(child.first_line() for child in children.values()))
        ports = {part.name: line["port"] for part, line in zip(parts, told, strict=True)}
        sites = {part.name: self._site(part, ports[part.name]) for part in parts}
        return Running(HubClient(self.session, ready["url"], ready["admin_key"]), children, sites)

    def _hub(self) -> list[str]:
        return [
            *python("hub.cli"),
            "serve",
            f"--data={self.folder / 'data'}",
            "--port=0",
            f"--clock-rate={self.speed}",
            f"--clock-start={clock_start(self.speed)}",
            "--outbound-allow=127.0.0.0/8",
            "--print-ready",
        ]

    async def _partner(self, part: Part) -> Child:
        if part.kind not in FOREIGN:
            return await self.supervisor.start(part.name, python(f"hub.demo.partners.{part.kind.value}"))
        runs_on, program = FOREIGN[part.kind]
        if runs_on is Needs.NODE:
            return await self.supervisor.start(
                part.name, [str(self.tools.node), str(FOLDER / program)], node_environment()
            )
        return await self.supervisor.start(part.name, [str(self.tools.php), str(FOLDER / program)])

    def _site(self, part: Part, port: int | None) -> Site:
        return Site({"port": str(port)}) if part.kind in LISTENS else Site()


def python(module: str) -> list[str]:
    """The command that runs a module."""
    return [sys.executable, "-P", "-m", module]


def there(tools: Tools) -> frozenset[Needs]:
    """What of the partners' needs the machine has."""
    found = {Needs.NODE: tools.node, Needs.PHP: tools.php, Needs.BROKER: tools.broker}
    return frozenset(need for need, where in found.items() if where)
