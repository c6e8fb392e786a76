"""What an operator does with letters that wait: replay and cancel. Each is one transaction, kept with who and why."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from contracts.problem import Problem
from hub.store import registry as registry_store
from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("letters")


@dataclass(frozen=True, slots=True)
class _Held:
    connection_id: str
    case_id: int
    behind: bool


async def replay(pool: Pool, position: int, by: str, reason: str) -> int:
    """Try a held or dead letter again now. Raises ``Problem`` where none is held, or an earlier one of its case is."""
    async with pool.acquire() as conn, conn.transaction():
        held = await _held(conn, position)
        if held.behind:
            raise Problem("letter_waits")
        await conn.execute(SQL["replay"], held.connection_id, position)
        await registry_store.add_operation(conn, by, "letters.replay", str(position), reason)
        await conn.execute(SQL["tell_lane"], held.connection_id)
    return position


async def replay_all(pool: Pool, unit_id: str | None, by: str, reason: str) -> list[int]:
    """Replay every dead letter, of one unit or of all."""
    rows = await pool.fetch(SQL["buried_among"], unit_id)
    replayed = []
    for row in rows:
        # Somebody else may have mended one of them meanwhile.
        with contextlib.suppress(Problem):
            replayed.append(await replay(pool, row["position"], by, reason))
    return replayed


async def cancel(pool: Pool, position: int, by: str, reason: str) -> int:
    """A held or dead letter will not be delivered; the next of its case goes on. Raises ``Problem``."""
    async with pool.acquire() as conn, conn.transaction():
        held = await _held(conn, position)
        await conn.execute(SQL["cancel"], held.connection_id, position)
        await conn.execute(SQL["cancelled"], held.case_id, position, held.connection_id, reason, by)
        await conn.execute(SQL["promote"], held.connection_id, held.case_id)
        await registry_store.add_operation(conn, by, "letters.cancel", str(position), reason)
        await conn.execute(SQL["tell_lane"], held.connection_id)
    return position


async def _held(conn: Connection, position: int) -> _Held:
    row = await conn.fetchrow(SQL["lock_held"], position)
    if row is None:
        raise Problem("not_found", "没有等待中的该信件。", "No such letter is waiting.")
    return _Held(**row)
