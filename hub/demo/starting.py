"""Starts what the day needs, each a process of its own: the broker, the hub, the units' systems; who is where."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from hub.demo.broker import Broker
from hub.demo.broker_node import LOOPBACK, BrokerFault
from hub.demo.casting import AT_BROKER, FOREIGN, Kind, Needs, Part, cast
from hub.demo.config import clock_start
from hub.demo.foreign import FOLDER, Tools, node_environment
from hub.demo.hub_client import HubClient
from hub.demo.opening import Site
from hub.demo.radio import its_own_broker
from hub.demo.supervisor import Child, Supervisor

LATER = frozenset({Needs.BROKER, Needs.AXIS})
"""What has to be got ready first, and may turn out not to be had."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs: the administrator's way to the hub, the parts, each one's process and site; ``there`` is what the
    machine has of what partners need."""

    admin: HubClient
    parts: Sequence[Part]
    children: Mapping[str, Child]
    sites: Mapping[str, Site]
    there: frozenset[Needs]


@dataclass(slots=True)
class Starting:
    """Starts it all in one folder. ``broker`` is a node that is not started yet, if there can be one; ``city`` the
    folder of the city's tables."""

    supervisor: Supervisor
    session: aiohttp.ClientSession
    tools: Tools
    broker: Broker | None
    folder: Path
    speed: float
    city: Path
    _children: dict[str, Child] = field(default_factory=dict)

    async def start(self, units: Sequence[str]) -> Running:
        """All at once: the partners read their code while the hub makes its database, and the broker starts."""
        tools = self.tools
        found = {Needs.NODE: tools.node, Needs.PHP: tools.php, Needs.AXIS: tools.axis, Needs.BROKER: self.broker}
        there = frozenset(need for need, what in found.items() if what)
        self._files_root.mkdir()
        hub = await self.supervisor.start("hub", self._hub(), self._hub_environment())
        await self._start_partners(part for part in cast(units, there) if not part.needs & LATER)
        ready, has_broker, has_axis = await asyncio.gather(
            hub.first_line(), self._start_broker(), self._start_java(units)
        )
        there -= {need for need, has in ((Needs.BROKER, has_broker), (Needs.AXIS, has_axis)) if not has}
        parts = cast(units, there)
        await self._start_partners(part for part in parts if part.name not in self._children)
        told = await asyncio.gather(*(self._children[part.name].first_line() for part in parts))
        sites = {part.name: await self._site(part, line["port"]) for part, line in zip(parts, told, strict=True)}
        return Running(
            HubClient(self.session, ready["url"], ready["admin_key"]), parts, dict(self._children), sites, there
        )

    def _hub(self) -> list[str]:
        return [
            *python("hub.cli"),
            "serve",
            f"--data={self.folder / 'data'}",
            "--port=0",
            f"--clock-rate={self.speed}",
            f"--clock-start={clock_start(self.speed)}",
            "--outbound-allow=127.0.0.0/8",
            f"--files-root={self._files_root}",
            f"--city={self.city}",
            "--print-ready",
        ]

    @property
    def _files_root(self) -> Path:
        return self.folder / "files"

    def _hub_environment(self) -> dict[str, str]:
        # Not on its command line, which everybody on the machine may read.
        if self.broker is None:
            return {}
        return {"CITYHUB_RABBITMQ": self.broker.url, "CITYHUB_RABBITMQ_MANAGEMENT": self.broker.management_url}

    async def _start_broker(self) -> bool:
        """Whether there is a broker now."""
        if self.broker is None:
            return False
        try:
            await self.broker.start()
        except BrokerFault:
            return False
        return True

    async def _start_java(self, units: Sequence[str]) -> bool:
        """Whether what is written in Java runs now. It is compiled while the hub makes its database."""
        java = self.tools.axis
        if java is None:
            return False
        for part in cast(units, {Needs.AXIS}):
            if Needs.AXIS in part.needs:
                sources = FOLDER / FOREIGN[part.kind][1]
                classes = await asyncio.to_thread(java.compiled, sources, self.folder / "java")
                if classes is None:
                    return False
                command = java.command(classes, "GasCompany", str(sources / "server-config.wsdd"))
                self._children[part.name] = await self.supervisor.start(part.name, command)
        return True

    async def _start_partners(self, parts: Iterable[Part]) -> None:
        for part in parts:
            command, environment = self._partner(part)
            self._children[part.name] = await self.supervisor.start(part.name, command, environment)

    def _partner(self, part: Part) -> tuple[list[str], dict[str, str]]:
        """The command of a part's process, and what it needs around it."""
        if part.kind not in FOREIGN:
            return python(f"hub.demo.partners.{part.kind.value}"), {}
        runs_on, program = FOREIGN[part.kind]
        if runs_on is Needs.NODE:
            return [str(self.tools.node), str(FOLDER / program)], node_environment()
        return [str(self.tools.php), str(FOLDER / program)], {}

    async def _site(self, part: Part, port: int | None) -> Site:
        """Where a part's systems are, once its process runs."""
        if part.kind is Kind.BROADCASTER and self.broker is not None:
            return await its_own_broker(self.session, self.broker.node)
        if part.kind in AT_BROKER and self.broker is not None:
            return Site(own={"broker": f"{LOOPBACK}:{self.broker.node.port}"})
        if part.kind is Kind.FILES:
            return Site(own={"folder": str(self._files_root / part.name)})
        return Site({"port": str(port)}) if port is not None else Site()


def python(module: str) -> list[str]:
    """The command that runs a module."""
    return [sys.executable, "-P", "-m", module]
