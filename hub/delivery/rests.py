"""A lane's rests (停投): the unit takes no letters now by its own profile. Each is kept: the wait is the unit's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from contracts.nouns import Connection
from hub.clock import CityClock, machine_now
from hub.delivery.windows import Rest
from hub.say import Say
from hub.store import rests as store
from hub.store.pool import Pool


@dataclass(slots=True)
class Rests:
    """Whether a lane rests. ``look`` keeps each change in the store; ``now`` only asks."""

    connection: Connection
    fencing: int
    pool: Pool
    clock: Callable[[], CityClock]
    ask: Callable[[], Rest | None]
    say: Say
    _kept: Rest | None = None
    _looked: bool = False

    def now(self) -> Rest | None:
        """The rest in force."""
        return self.ask()

    def waits(self, *, urgent: bool) -> Rest | None:
        """Why such a letter waits now, or None where it goes."""
        rest = self.ask()
        return rest if rest and (rest.urgent or not urgent) else None

    async def look(self) -> Rest | None:
        """The rest in force, kept where it is another than before."""
        rest = self.ask()
        if rest == self._kept and self._looked:
            return rest
        names = (self.connection.connection_id, self.connection.unit_id)
        until = machine_now() + timedelta(seconds=self.seconds_of(rest)) if rest else None
        await store.change(self.pool, *names, self.fencing, until, rest)
        if rest is not None:
            self.say("lane.resting", connection_id=names[0], unit_id=names[1], until=rest.until, reason=rest.reason)
        elif self._looked:
            self.say("lane.woke", connection_id=names[0], unit_id=names[1])
        self._kept, self._looked = rest, True
        return rest

    def seconds_of(self, rest: Rest | None) -> float:
        """How long a rest goes on, on the machine's clock; for ever where there is none."""
        if rest is None:
            return math.inf
        clock = self.clock()
        return max(0.01, clock.machine_span(rest.until - clock.now()).total_seconds())
