"""Opening the city by HTTP alone: a unit that has a system gets its profile and goes live, each unit gets a key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import monotonic

from hub.demo.casting import Kind, Part, profile
from hub.demo.config import Access
from hub.demo.hub_client import HubClient, HubSaidNo

AT_ONCE = 8
KNOWN_SECONDS = 20.0


async def names_of(admin: HubClient) -> dict[str, str]:
    """The city's units with their Chinese names."""
    listed = await admin.get("/api/v1/units")
    return {unit["unit_id"]: unit["name_zh"] for unit in listed["items"]}


async def open_city(
    admin: HubClient, names: Mapping[str, str], parts: Sequence[Part], ports: Mapping[str, int | None]
) -> dict[str, Access]:
    """Connect every unit of the parts; how each speaks with the hub from now on. Raises ``HubSaidNo``."""
    at_once = asyncio.Semaphore(AT_ONCE)

    async def connect(part: Part, unit_id: str) -> Access:
        async with at_once:
            return await _connect(admin, part.kind, unit_id, names[unit_id], ports[part.name])

    made = await asyncio.gather(*(connect(part, unit_id) for part in parts for unit_id in part.units))
    await asyncio.gather(*(_until_known(admin, access) for access in made))
    return {access.unit_id: access for access in made}


async def _connect(admin: HubClient, kind: Kind, unit_id: str, name: str, port: int | None) -> Access:
    secret = None
    document = profile(kind, unit_id, port)
    if document is not None:
        applied = await admin.do("PUT", f"/api/v1/units/{unit_id}/profile", document)
        secret = next((each["secret"] for each in applied["secrets"]), None)
        await admin.do("POST", f"/api/v1/units/{unit_id}/state", {"state": "live", "reason": "演示开通 demo"})
    issued = await admin.do("POST", f"/api/v1/units/{unit_id}/keys", {"note": "demo"})
    return Access(unit_id, name, issued["key"], secret)


async def _until_known(admin: HubClient, access: Access) -> None:
    """A new key and a new connection are known to every process of the hub within moments, not at once."""
    own = replace(admin, key=access.key)
    until = monotonic() + KNOWN_SECONDS
    while True:
        answer = await own.call("GET", "/api/v1/clock")
        if answer.good:
            return
        if monotonic() > until:
            raise HubSaidNo("GET", "/api/v1/clock", answer)
        await asyncio.sleep(0.1)
