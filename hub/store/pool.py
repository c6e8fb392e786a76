"""The pool of connections to PostgreSQL, and what counts as its failures."""

from __future__ import annotations

import asyncio

import asyncpg

SEARCH_PATH = "cityhub, public"

LOST: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # Connections, disk or memory have run out; a database that is being restored; a standby not yet raised to primary.
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # A connection cut in the middle of an answer, as the client sees it.
    asyncpg.InternalClientError,
    ConnectionError,
    OSError,
    TimeoutError,
)
"""The store was lost, not reached or not able to write; whether the last commit took effect is unknown."""

CLASHED: tuple[type[Exception], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""Another transaction was in the way; the same work passes when it is done again."""

Pool = asyncpg.Pool
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


def heed_end() -> None:
    """Called first where ``LOST`` is caught in a loop that ends by cancellation: a connection that dies while the
    cancellation passes through it raises its own fault in place of that, and the loop would go on for ever."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def open_pool(
    dsn: str, *, size_min: int = 2, size_max: int = 12, role: str = "hub", relaxed: bool = False
) -> Pool:
    """A pool whose connections see schema ``cityhub``. A ``relaxed`` one does not wait for the disk at commit.

    Raises what ``LOST`` lists where no server answers."""
    return await asyncpg.create_pool(
        dsn,
        min_size=size_min,
        max_size=size_max,
        timeout=10,
        command_timeout=30,
        # Nothing of ours outlives a transaction in a session, so giving a connection back costs no round trip.
        reset=_nothing_to_reset,
        server_settings={
            "search_path": SEARCH_PATH,
            "application_name": f"cityhub {role}",
            "timezone": "UTC",
            # No letter and no case waits for a transaction that somebody forgot.
            "idle_in_transaction_session_timeout": "60000",
            # A hub whose machine is gone says no goodbye: what its sessions hold (the timekeeper's lock) goes soon.
            "tcp_keepalives_idle": "15",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": "30000",
            **({"synchronous_commit": "off"} if relaxed else {}),
        },
    )


async def _nothing_to_reset(_connection: object) -> None:
    return None
