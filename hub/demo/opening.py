"""Opening the city by HTTP alone: a unit that has a system gets its profile and goes live, each unit gets a key."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Template
from time import monotonic

from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from contracts.ways.rabbitmq import names_of as names_of_broker
from hub.demo.casting import OF_THEIR_OWN, Kind, Part, profile
from hub.demo.config import Access
from hub.demo.hub_client import HubClient, HubSaidNo

PROFILES = Path(__file__).with_name("profiles")
"""The documents of the units with ways of their own; ``$port`` and the like stand for what is known once they run, and
what is in braces for what the hub fills in."""

SYSTEM = "system"
"""The name of the secret by which such a unit's system and the hub know each other."""

AT_ONCE = 8
KNOWN_SECONDS = 20.0


async def names_of(admin: HubClient) -> dict[str, str]:
    """The city's units with their Chinese names."""
    listed = await admin.get("/api/v1/units")
    return {unit["unit_id"]: unit["name_zh"] for unit in listed["items"]}


@dataclass(frozen=True, slots=True)
class Site:
    """Where a part's systems are: what fills the places in its profile, and what its process is told."""

    places: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """How each unit speaks with the hub from now on, and which transport each connection takes."""

    accesses: Mapping[str, Access]
    transports: Mapping[str, str]


async def open_city(
    admin: HubClient, names: Mapping[str, str], parts: Sequence[Part], sites: Mapping[str, Site]
) -> Opened:
    """Connect every unit of the parts. Raises ``HubSaidNo``."""
    at_once = asyncio.Semaphore(AT_ONCE)
    transports: dict[str, str] = {}

    async def connect(part: Part, unit_id: str) -> Access:
        site = sites[part.name]
        document = document_of(part.kind, unit_id, site.places)
        if document is not None:
            applied = read_profile(document)[0]
            transports.update({f"{unit_id}.{each.name}": each.transport.value for each in applied.connections})
        async with at_once:
            return await _connect(admin, part.kind, unit_id, names[unit_id], site, document)

    made = await asyncio.gather(*(connect(part, unit_id) for part in parts for unit_id in part.units))
    await asyncio.gather(*(_until_known(admin, access) for access in made))
    return Opened({access.unit_id: access for access in made}, transports)


async def _connect(admin: HubClient, kind: Kind, unit_id: str, name: str, site: Site, document: str | None) -> Access:
    signing, own = None, dict(site.own)
    if kind in OF_THEIR_OWN:
        own |= {"user": "szcg", "password": site.own.get("password", secrets.token_urlsafe(18))}
        await admin.do("PUT", f"/api/v1/units/{unit_id}/secrets/{SYSTEM}", {"value": own["password"]})
    if document is not None:
        applied = await admin.send("PUT", f"/api/v1/units/{unit_id}/profile", document.encode())
        shown = next(iter(applied["secrets"]), None)
        if kind is Kind.QUEUE and shown is not None:
            own |= _at_the_hubs_broker(site.own["broker"], shown["connection_id"], shown["secret"])
        elif shown is not None:
            signing = shown["secret"]
        await admin.do("POST", f"/api/v1/units/{unit_id}/state", {"state": "live", "reason": "演示开通 demo"})
    issued = await admin.do("POST", f"/api/v1/units/{unit_id}/keys", {"note": "demo"})
    return Access(unit_id, name, issued["key"], signing, own)


def _at_the_hubs_broker(broker: str, user: str, password: str) -> dict[str, str]:
    """What a unit on the hub's broker is given: its user's address, and what is its own there."""
    names = names_of_broker(user.rpartition(".")[0])
    return {"amqp": f"amqp://{user}:{password}@{broker}/%2F", "exchange": names.exchange_in, "queue": names.queue_out}


def document_of(kind: Kind, unit_id: str, places: Mapping[str, str]) -> str | None:
    """The profile as an administrator would send it; None for a unit that needs none."""
    if kind in OF_THEIR_OWN:
        text = (PROFILES / f"{unit_id}.yaml").read_text(encoding="utf-8")
        return with_files(
            Template(text).safe_substitute(places), lambda name: (PROFILES / name).read_text(encoding="utf-8")
        )
    document = profile(kind, unit_id, places.get("port"))
    return json.dumps(document, ensure_ascii=False) if document is not None else None


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
