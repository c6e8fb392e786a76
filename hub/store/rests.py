"""The rests of lanes: when a unit took no letters by its own profile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.store.pool import Pool
from hub.store.sql import statements

SQL = statements("rests")


class Why(Protocol):
    """What of a rest is kept besides its end."""

    @property
    def urgent(self) -> bool:
        """Whether urgent letters wait too."""
        ...

    @property
    def reason(self) -> str:
        """Why, in both languages."""
        ...


@dataclass(frozen=True, slots=True)
class Resting:
    """A connection that rests now, in machine time."""

    connection_id: str
    until: datetime
    urgent: bool
    reason: str


async def change(
    pool: Pool, connection_id: str, unit_id: str, fencing: int, until: datetime | None, why: Why | None
) -> None:
    """The rest in force ends now, and another begins where ``why`` is one. Nothing where the lease is lost."""
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute(SQL["end_rests"], connection_id, fencing)
        if why is not None:
            await conn.execute(SQL["begin_rest"], connection_id, unit_id, fencing, until, why.urgent, why.reason[:500])


async def resting(pool: Pool, units: Collection[str] | None = None) -> dict[str, Resting]:
    """The connections that rest now, of some units or of all."""
    rows = await pool.fetch(SQL["resting"], sorted(units) if units is not None else None)
    return {row["connection_id"]: Resting(*row) for row in rows}
