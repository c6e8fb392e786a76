"""What an operator does with letters that wait: replay and cancel. Each is one transaction, kept with who and why."""

from __future__ import annotations

from contracts.problem import Problem
from hub.store import registry as registry_store
from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("letters")


async def replay(pool: Pool, position: int, by: str, reason: str) -> int:
    """Try a held or dead letter again now. Raises ``Problem`` where none is held at this position."""
    async with pool.acquire() as conn, conn.transaction():
        kept = await _held(conn, position)
        await conn.execute(SQL["replay"], kept[0], position)
        await registry_store.add_operation(conn, by, "letters.replay", str(position), reason)
        await conn.execute(SQL["tell_lane"], kept[0])
    return position


async def replay_all(pool: Pool, unit_id: str | None, by: str, reason: str) -> list[int]:
    """Replay every dead letter, of one unit or of all."""
    rows = await pool.fetch(SQL["buried_among"], unit_id)
    return [await replay(pool, row["position"], by, reason) for row in rows]


async def cancel(pool: Pool, position: int, by: str, reason: str) -> int:
    """A held or dead letter will not be delivered; the next of its case goes on. Raises ``Problem``."""
    async with pool.acquire() as conn, conn.transaction():
        connection_id, case_id = await _held(conn, position)
        await conn.execute(SQL["cancel"], connection_id, position)
        await conn.execute(SQL["cancelled"], case_id, position, connection_id, reason, by)
        await conn.execute(SQL["promote"], connection_id, case_id)
        await registry_store.add_operation(conn, by, "letters.cancel", str(position), reason)
        await conn.execute(SQL["tell_lane"], connection_id)
    return position


async def _held(conn: Connection, position: int) -> tuple[str, int]:
    row = await conn.fetchrow(SQL["lock_held"], position)
    if row is None:
        raise Problem("not_found", "没有等待中的该信件。", "No such letter is waiting.")
    return row["connection_id"], row["case_id"]
