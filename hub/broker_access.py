"""What units need to use the hub's broker: a password for each connection, and who may be there now."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from urllib.parse import unquote, urlsplit

from auth.redaction import Secret
from contracts.asyncapi import BrokerAddress
from contracts.nouns import Connection, Transport, UnitState
from contracts.port import BrokerGrant
from contracts.profile import Profile
from contracts.ways.rabbitmq import AMQP_PORT, AMQPS_PORT, user_of
from hub.registry import UnitInForce, connections_of
from hub.safe import Safe

PASSWORD = "broker"
"""The secret's name; its owner is the connection."""

PASSWORD_BYTES = 24
ABSENT = frozenset({UnitState.RETIRED})
SHUT_OUT = frozenset({UnitState.SUSPENDED})


def uses_hub_broker(connection: Connection) -> bool:
    """Whether a connection runs over the hub's broker, and not one of the unit's own."""
    return connection.transport is Transport.RABBITMQ and "broker" not in connection.settings


async def new_password(safe: Safe, connection_id: str) -> tuple[str, Secret]:
    """A new user's name and password, to be shown once; the user before stays good for the overlap."""
    password = Secret(secrets.token_urlsafe(PASSWORD_BYTES))
    version = await safe.put(connection_id, PASSWORD, password)
    return user_of(connection_id, version), password


async def missing_passwords(safe: Safe, profile: Profile) -> list[tuple[str, Secret]]:
    """Passwords for connections that have none yet."""
    wanted = [each.connection_id for each in connections_of(profile, 0) if uses_hub_broker(each)]
    have = await safe.versions(PASSWORD) if wanted else {}
    return [await new_password(safe, connection_id) for connection_id in wanted if connection_id not in have]


async def grants_of(safe: Safe, units: Iterable[UnitInForce]) -> list[BrokerGrant]:
    """What each connection is to have on the hub's broker. A suspended unit keeps its queues, not its users."""
    made, passwords = [], await safe.versions(PASSWORD)
    for unit in units:
        if unit.state in ABSENT:
            continue
        for connection in unit.connections:
            if not uses_hub_broker(connection):
                continue
            name = connection.connection_id
            kept = [] if unit.state in SHUT_OUT else passwords.get(name, [])
            users = tuple((user_of(name, version), password) for version, password in kept)
            made.append(BrokerGrant(name, connection.settings, users))
    return made


def broker_address(nodes: Sequence[str]) -> BrokerAddress | None:
    """Where units reach the hub's broker: the first of its nodes, without the hub's own login."""
    if not nodes:
        return None
    parts = urlsplit(nodes[0])
    tls = parts.scheme == "amqps"
    return BrokerAddress(
        parts.hostname or "",
        parts.port or (AMQPS_PORT if tls else AMQP_PORT),
        # No path at all is the virtual host "/", as every client library reads it.
        unquote(parts.path[1:]) or "/",
        tls,
    )
