"""The pool of connections to PostgreSQL, and what counts as its failures."""

from __future__ import annotations

import asyncpg

SEARCH_PATH = "cityhub, public"

LOST: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    OSError,
    TimeoutError,
)
"""The store was lost or not reached; whether the last commit took effect is unknown."""

CLASHED: tuple[type[BaseException], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""Another transaction was in the way; the same work passes when it is done again."""

Pool = asyncpg.Pool
Connection = asyncpg.pool.PoolConnectionProxy


async def open_pool(dsn: str, *, size_min: int = 2, size_max: int = 12, role: str = "hub") -> Pool:
    """A pool whose connections see schema ``cityhub``. Raises what ``LOST`` lists where no server answers."""
    return await asyncpg.create_pool(
        dsn,
        min_size=size_min,
        max_size=size_max,
        timeout=10,
        command_timeout=30,
        server_settings={
            "search_path": SEARCH_PATH,
            "application_name": f"cityhub {role}",
            "timezone": "UTC",
            # No letter and no case waits for a transaction that somebody forgot.
            "idle_in_transaction_session_timeout": "60000",
        },
    )
