"""Epochs (纪元) of the log: a restore begins one, so that old cursors are noticed and no case number comes twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import asyncpg

from hub.clock import CityClock, machine_now

POSITIONS_PER_EPOCH = 10**13


async def begin_epoch(connection: asyncpg.Connection, reason: str, *, numbers_through: date, after: int = 0) -> int:
    """Begin the next epoch, above ``after`` too, and return it.

    On days up to ``numbers_through`` the new epoch's serials start above all that earlier ones can have reached, so
    that a case number issued after the backup, and lost with the restore, is not issued again.
    """
    epoch: int = await connection.fetchval(
        """
        INSERT INTO cityhub.epochs (epoch, began_at, reason, numbers_through_day, serial_floor)
        SELECT next.epoch, now(), $1, $2, (next.epoch - 1) * 1000000::bigint
        FROM (SELECT greatest(coalesce(max(epoch), 0), $3::int) + 1 AS epoch FROM cityhub.epochs) AS next
        RETURNING epoch
        """,
        reason,
        int(numbers_through.strftime("%Y%m%d")),
        after,
    )
    # Positions of different epochs never meet: a letter's id, which is its position, never gets other bytes.
    await connection.execute(
        """
        SELECT setval('cityhub.commit_position', greatest($1::bigint, (SELECT last_value FROM cityhub.commit_position)))
        """,
        (epoch - 1) * POSITIONS_PER_EPOCH,
    )
    return epoch


async def last_day(connection: asyncpg.Connection) -> date:
    """The day beyond which this database surely issued no number."""
    row = await connection.fetchrow("SELECT machine_anchor, city_anchor, rate FROM cityhub.city_clock")
    assert row is not None
    return last_day_in_doubt(CityClock(*row).now(), machine_now())


def last_day_in_doubt(city_now: datetime, now: datetime) -> date:
    """The day after the later of the two clocks, in the city clock's zone: beyond it no number was issued."""
    return max(city_now, now).astimezone(city_now.tzinfo).date() + timedelta(days=1)
