"""What the hub tells of its health: checks with causes for readiness, gauges of the moment for metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from contracts.envelope import Mode
from hub.refresher import NoCity, Refresher
from hub.store import reading
from hub.store.pool import LOST, Pool

Cause = tuple[bool, str, str]
Gauge = tuple[str, str, Mapping[str, str], float]

FINE: Cause = (True, "", "")


@dataclass(frozen=True, slots=True)
class Vitals:
    """Asks the database and the registry."""

    pool: Pool
    refresher: Refresher

    def checks(self) -> dict[str, Callable[[], Awaitable[Cause]]]:
        """What must hold for the hub to serve."""
        return {"database": self._database, "directory": self._directory}

    async def gauges(self) -> list[Gauge]:
        """Letters per unit, open cases by state, connections of the pool."""
        made: list[Gauge] = []
        try:
            for row in await reading.lanes(self.pool):
                labels = {"unit_id": row.unit_id, "connection_id": row.connection_id}
                made.append(("letters_waiting", "letters that wait on a lane", labels, row.waiting))
                made.append(("letters_held", "letters that wait for their next try", labels, row.held))
                made.append(("letters_dead", "letters on the dead-letter shelf", labels, row.dead))
                made.append(("lane_paused", "1 where a lane is paused", labels, 1.0 if row.paused_at else 0.0))
            for state, count in (await reading.open_stages(self.pool, Mode.LIVE)).items():
                made.append(("cases_open", "open cases by state", {"state": state.value}, count))
        except LOST:
            made.append(("store_unavailable", "1 while the database does not answer", {}, 1.0))
        made.append(("pool_connections", "connections to the database", {}, self.pool.get_size()))
        return made

    async def _database(self) -> Cause:
        try:
            await self.pool.fetchval("SELECT 1", timeout=2)
        except LOST as fault:
            return (
                False,
                f"数据库不可用:{type(fault).__name__}",
                f"the database does not answer: {type(fault).__name__}",
            )
        return FINE

    async def _directory(self) -> Cause:
        try:
            self.refresher.registry()
        except NoCity:
            return False, "尚未载入城市数据", "no city is loaded"
        return FINE
