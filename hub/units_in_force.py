"""The units as they are in force. Each version of a profile is read once, however often somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contracts.nouns import UnitState
from contracts.profile import Profile
from hub.registry import UnitInForce
from hub.store import registry as store
from hub.store.pool import Connection


def in_force(kept: store.UnitProfile) -> UnitInForce:
    """What a unit's state and profile come to."""
    return UnitInForce.of(Profile.model_validate_json(kept.document), kept.version, UnitState(kept.state))


@dataclass(slots=True)
class UnitsInForce:
    """What was read before. A unit that did not change is the very same value at the next look."""

    _known: Mapping[str, UnitInForce] = field(default_factory=dict)

    async def look(self, conn: Connection) -> Mapping[str, UnitInForce]:
        """Every unit that has a profile."""
        states = await store.unit_states(conn)
        fresh = [(each.unit_id, each.version) for each in states if self._read(each) is None]
        documents = await store.profile_documents(conn, fresh) if fresh else {}
        made: dict[str, UnitInForce] = {}
        for each in states:
            known = self._read(each)
            if known is None:
                kept = store.UnitProfile(each.unit_id, each.state, each.version, documents[each.unit_id])
                known = in_force(kept)
            elif known.state != each.state:
                known = replace(known, state=UnitState(each.state))
            made[each.unit_id] = known
        self._known = made
        return made

    def _read(self, state: store.UnitVersion) -> UnitInForce | None:
        known = self._known.get(state.unit_id)
        return known if known is not None and known.version == state.version else None
