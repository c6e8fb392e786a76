"""What every decision needs to know of the city and its units, as one value that all of a batch sees alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from contracts.city import City, Directory, Facts
from contracts.nouns import Connection, Role, Transport, UnitState
from contracts.pace import RETRY
from contracts.profile import ConnectionProfile, Profile
from hub.responsibility import Clear, Unclear, choose_unit

CHOICES_MAX = 4096

DESK_RECEIVES = frozenset(
    {
        *("case.dispatch", "case.recall_notice", "case.verification_request"),
        *("case.coordination", "case.reminder", "case.decision_notice"),
    }
)
"""What waits at a unit's desk (its browser page and inbox) where no connection of its own takes it."""


@dataclass(frozen=True, slots=True)
class UnitInForce:
    """A unit's state, and what its profile in force comes to."""

    unit_id: str
    version: int
    state: UnitState
    connections: tuple[Connection, ...]
    contacts: tuple[str, ...] = ()

    @classmethod
    def of(cls, profile: Profile, version: int, state: UnitState) -> UnitInForce:
        """A unit with this profile."""
        return cls(profile.unit, version, state, tuple(connections_of(profile, version)), profile.whom_to_call())


@dataclass(frozen=True, slots=True)
class Registry:
    """A snapshot: the directory's version, the connections in force, the units' states.

    ``receivers`` answers (unit, contract name) with the connections that take such letters; ``contacts`` a unit with
    whom to call.
    """

    city: City
    directory_version: int
    zone: ZoneInfo
    connections: Mapping[str, Connection]
    receivers: Mapping[tuple[str, str], tuple[Connection, ...]]
    states: Mapping[str, UnitState]
    epoch: int = 1
    contacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _directories: dict[object, Directory] = field(default_factory=dict)
    _choices: dict[object, Clear | Unclear] = field(default_factory=dict)

    @property
    def division_code(self) -> str:
        """The city's own code, with which case numbers begin."""
        return self.city.rules.division_code

    @property
    def fetched(self) -> tuple[str, ...]:
        """The connections whose units fetch their letters: how long these lie there is nobody's fault but theirs."""
        waiting = (Transport.PULL, Transport.DESK)
        return tuple(name for name, each in self.connections.items() if each.transport in waiting)

    def directory(self, moment: datetime) -> Directory:
        """The directory in force at a moment of city time."""
        day = moment.astimezone(self.zone).date()
        known = self._directories.get(day)
        if known is None:
            if len(self._directories) > 64:
                self._directories.clear()
            known = self._directories[day] = self.city.at(day)
        return known

    def responsible(self, moment: datetime, facts: Facts) -> Clear | Unclear:
        """Who must handle a problem, by the rules in force at a moment; the same question is weighed once."""
        directory = self.directory(moment)
        if facts.component is not None:
            return choose_unit(directory, facts)
        key = (
            directory.since,
            facts.category_code,
            facts.area_id,
            facts.component_code,
            tuple(facts.attributes.items()),
        )
        known = self._choices.get(key)
        if known is None:
            if len(self._choices) >= CHOICES_MAX:
                self._choices.clear()
            known = self._choices[key] = choose_unit(directory, facts)
        return known

    def receivers_of(self, unit_id: str, contract: str) -> tuple[Connection, ...]:
        """Where a letter of this contract to this unit goes: its own connections, else its desk."""
        name = contract.partition("/")[0]
        own = self.receivers.get((unit_id, name))
        if own:
            return own
        return (desk(unit_id),) if name in DESK_RECEIVES else ()

    def pull_connection(self, unit_id: str, name: str | None) -> Connection | None:
        """The connection that an inbox call means: the named one, else the first that pulls, else the desk."""
        if name is not None:
            wanted = self.connections.get(f"{unit_id}.{name}")
            if wanted is None and name == "desk":
                return desk(unit_id)
            return wanted if wanted and wanted.transport in (Transport.PULL, Transport.DESK) else None
        for connection in self.connections.values():
            if connection.unit_id == unit_id and connection.transport is Transport.PULL:
                return connection
        return desk(unit_id)

    def may_send(self, unit_id: str) -> UnitState:
        """The unit's state; one without a profile works at its desk, and that is live."""
        return self.states.get(unit_id, UnitState.LIVE)

    def roles(self, unit_id: str, moment: datetime) -> frozenset[str]:
        """What the unit is in the process; nothing where the directory does not know it."""
        unit = self.directory(moment).units.get(unit_id)
        return unit.roles if unit else frozenset()

    def units_with(self, role: Role, moment: datetime) -> tuple[str, ...]:
        """The units with a role, in the directory's order."""
        return tuple(unit.unit_id for unit in self.directory(moment).units.values() if role in unit.roles)


@lru_cache(maxsize=4096)
def desk(unit_id: str) -> Connection:
    """The desk that every unit has: letters wait there until somebody fetches them or works them in the page."""
    return Connection(f"{unit_id}.desk", unit_id, Transport.DESK, 0, {}, DESK_RECEIVES)


def connections_of(profile: Profile, version: int) -> list[Connection]:
    """The connections that a profile describes."""
    said = profile.said()
    return [_connection(profile.unit, version, entry, said, index) for index, entry in enumerate(profile.connections)]


def build(
    city: City,
    directory_version: int,
    units: Mapping[str, UnitInForce],
    epoch: int,
) -> Registry:
    """The registry of a city and its units; only live units receive by their own connections."""
    connections: dict[str, Connection] = {}
    receivers: dict[tuple[str, str], list[Connection]] = {}
    for unit in units.values():
        if unit.state is not UnitState.LIVE:
            continue
        for connection in unit.connections:
            connections[connection.connection_id] = connection
            for name in connection.receives:
                receivers.setdefault((unit.unit_id, name), []).append(connection)
    return Registry(
        city=city,
        directory_version=directory_version,
        zone=ZoneInfo(city.rules.time_zone),
        connections=connections,
        receivers={key: tuple(found) for key, found in receivers.items()},
        states={unit_id: unit.state for unit_id, unit in units.items()},
        epoch=epoch,
        contacts={unit_id: unit.contacts for unit_id, unit in units.items()},
    )


def _connection(unit_id: str, version: int, entry: ConnectionProfile, said: dict[str, Any], index: int) -> Connection:
    section = entry.sections().get(entry.transport)
    settings = section.document() if section else {}
    besides = (("poll", entry.poll), ("inbound", entry.inbound), ("ids", entry.ids))
    settings |= {name: part.document() for name, part in besides if part}
    if entry.mapping is not None:
        # The whole document, so that a fault can name its line; whoever maps makes one mapper of it and keeps that.
        settings |= {"profile": said, "mapping_of": index}
    return Connection(
        connection_id=f"{unit_id}.{entry.name}",
        unit_id=unit_id,
        transport=Transport(entry.transport),
        profile_version=version,
        settings=settings,
        receives=frozenset(entry.receives),
        concurrency=entry.concurrency,
        per_second=entry.per_second,
        timeout_seconds=entry.timeout_seconds,
        source=entry.source,
        retry=entry.retry or RETRY,
        maintenance=entry.maintenance,
        calendar=entry.calendar,
    )
