"""What the hub knows of units: the directory's versions, profiles, states, keys, secrets; and the city clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth.api_keys import CredentialRow
from hub.clock import CityClock
from hub.store.pool import Connection, Pool
from hub.store.sql import statements

SQL = statements("registry")

CHANGED_CHANNEL = "cityhub_registry"
LETTERS_CHANNEL = "cityhub_letters"
ENTRIES_CHANNEL = "cityhub_entries"


@dataclass(frozen=True, slots=True)
class DirectoryVersion:
    """One version of the directory, whole."""

    version: int
    digest: bytes
    document: str


@dataclass(frozen=True, slots=True)
class UnitVersion:
    """A unit's state, and the version of its profile that is in force."""

    unit_id: str
    state: str
    version: int


@dataclass(frozen=True, slots=True)
class UnitProfile:
    """A unit's state and its profile in force, as JSON text."""

    unit_id: str
    state: str
    version: int
    document: str


async def latest_directory(conn: Connection) -> DirectoryVersion | None:
    """The newest directory; None before a city was loaded."""
    row = await conn.fetchrow(SQL["latest_directory"])
    return DirectoryVersion(row["version"], bytes(row["digest"]), row["document"]) if row else None


async def directory(conn: Connection, version: int) -> DirectoryVersion | None:
    """One version of the directory."""
    row = await conn.fetchrow(SQL["directory"], version)
    return DirectoryVersion(row["version"], bytes(row["digest"]), row["document"]) if row else None


async def add_directory(conn: Connection, by: str, digest: bytes, document: str) -> int:
    """Keep a new version and tell every process; the same content again is no new version."""
    async with conn.transaction():
        await conn.execute("LOCK TABLE directory_versions IN SHARE ROW EXCLUSIVE MODE")
        last = await latest_directory(conn)
        if last and last.digest == digest:
            return last.version
        version: int = await conn.fetchval(SQL["add_directory"], by, digest, document)
        await conn.execute(SQL["tell"])
    return version


async def newest_directory(conn: Connection) -> int | None:
    """The number of the newest directory; None before a city was loaded."""
    version: int | None = await conn.fetchval(SQL["newest_directory"])
    return version


async def unit_states(conn: Connection) -> list[UnitVersion]:
    """Every unit that has a profile."""
    return [UnitVersion(*row) for row in await conn.fetch(SQL["unit_states"])]


async def unit_profile(conn: Connection, unit_id: str) -> UnitProfile | None:
    """One unit with its profile in force; None where it has none."""
    row = await conn.fetchrow(SQL["unit_profile"], unit_id)
    return UnitProfile(*row) if row else None


async def profile_documents(conn: Connection, versions: Sequence[tuple[str, int]]) -> dict[str, str]:
    """The documents of (unit, version), by unit."""
    rows = await conn.fetch(SQL["profile_documents"], [each[0] for each in versions], [each[1] for each in versions])
    return {row["unit_id"]: row["document"] for row in rows}


async def add_profile(conn: Connection, unit_id: str, document: str, by: str, reason: str = "") -> int:
    """Keep a new version of a unit's profile."""
    version: int = await conn.fetchval(SQL["add_profile"], unit_id, document, by, reason)
    return version


@dataclass(frozen=True, slots=True)
class ProfileVersion:
    """One version of a unit's profile, as JSON text: applied when, by whom and why."""

    version: int
    document: str
    applied_at: datetime
    applied_by: str
    reason: str


async def profile_history(conn: Connection, unit_id: str) -> list[ProfileVersion]:
    """Every version of a unit's profile, newest first."""
    return [ProfileVersion(*row) for row in await conn.fetch(SQL["profile_history"], unit_id)]


async def broker_connections(conn: Connection) -> set[str]:
    """Every connection that ever was on the hub's broker."""
    return {row[0] for row in await conn.fetch(SQL["broker_connections"])}


async def put_state(conn: Connection, unit_id: str, state: str, version: int, approved_by: str | None) -> None:
    """Set the unit's state and the profile in force."""
    await conn.execute(SQL["put_state"], unit_id, state, version, approved_by)
    await conn.execute(SQL["tell"])


async def all_keys(pool: Pool) -> list[CredentialRow]:
    """All keys, on a connection for just this."""
    async with pool.acquire() as conn:
        return await keys(conn)


async def keys(conn: Connection) -> list[CredentialRow]:
    """All keys, revoked ones too."""
    return [
        CredentialRow(
            row["key_id"],
            row["unit_id"],
            bytes(row["digest"]),
            frozenset(row["scopes"]),
            row["note"],
            row["created_at"],
            row["expires_at"],
            row["revoked_at"],
        )
        for row in await conn.fetch(SQL["keys"])
    ]


async def add_key(conn: Connection, row: CredentialRow) -> None:
    """Keep a new key."""
    await conn.execute(
        SQL["add_key"],
        row.key_id,
        row.unit_id,
        row.digest,
        sorted(row.scopes),
        row.note,
        row.created_at,
        row.expires_at,
    )
    await conn.execute(SQL["tell"])


async def revoke_key(conn: Connection, key_id: str) -> bool:
    """Revoke a key; false where there is none in force."""
    done: str = await conn.execute(SQL["revoke_key"], key_id)
    await conn.execute(SQL["tell"])
    return done.endswith("1")


async def secrets(conn: Connection, owner: str) -> list[tuple[str, int, str]]:
    """(name, version, sealed) of an owner's live secrets, newest first within a name."""
    return [tuple(row) for row in await conn.fetch(SQL["secrets"], owner)]


async def secret_versions(conn: Connection, owner: str) -> list[tuple[str, int, datetime, datetime | None]]:
    """(name, version, created, retires) of an owner's named secrets, newest first within a name."""
    return [tuple(row) for row in await conn.fetch(SQL["secret_versions"], owner)]


async def remove_secret(conn: Connection, owner: str, name: str) -> bool:
    """No version of a secret is good any more; false where none was."""
    done: str = await conn.execute(SQL["remove_secret"], owner, name)
    await conn.execute(SQL["tell"])
    return not done.endswith(" 0")


async def secrets_named(conn: Connection, name: str) -> list[tuple[str, int, str]]:
    """(owner, version, sealed) of every live secret of one name, newest first within an owner."""
    return [tuple(row) for row in await conn.fetch(SQL["secrets_named"], name)]


async def all_secrets(conn: Connection) -> list[tuple[str, str, str]]:
    """(owner, name, sealed) of every secret that is not retired."""
    return [tuple(row) for row in await conn.fetch(SQL["all_secrets"])]


async def add_secret(conn: Connection, owner: str, name: str, sealed: str, overlap_seconds: float) -> int:
    """Keep a new version of a secret; older ones stay valid for the overlap."""
    version: int = await conn.fetchval(SQL["add_secret"], owner, name, sealed)
    await conn.execute(SQL["retire_secrets"], owner, name, version, overlap_seconds)
    await conn.execute(SQL["tell"])
    return version


async def clock(conn: Connection) -> CityClock:
    """The city clock as every process runs it."""
    row = await conn.fetchrow(SQL["clock"])
    assert row is not None
    return CityClock(row["machine_anchor"], row["city_anchor"], row["rate"])


async def set_clock(conn: Connection, city: datetime, rate: float) -> None:
    """Set the city clock, from now on."""
    await conn.execute(SQL["set_clock"], city, rate)
    await conn.execute(SQL["tell"])


async def epoch(conn: Connection) -> int:
    """The epoch in force: new after each restore."""
    current: int = await conn.fetchval(SQL["epoch"])
    return current


async def add_operation(conn: Connection, by: str, verb: str, subject: str, reason: str = "") -> None:
    """Keep what an operator did."""
    await conn.execute(SQL["add_operation"], by, verb, subject, reason)
