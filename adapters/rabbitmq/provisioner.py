"""Provisioning (开通): what every connection must have on the hub's broker is there, and nothing of ours besides.

Looks at the whole, changes what differs, and may be run again at any time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from adapters.rabbitmq.link import Link
from adapters.rabbitmq.management import BrokerUser, Management
from adapters.rabbitmq.policies import policies_of, strays
from adapters.rabbitmq.topology import Topology, declare, topology_of
from contracts.port import BrokerChange, BrokerGrant, DeliveryFailed
from contracts.ways.rabbitmq import names_of

NOTHING = "^$"
AT_ONCE = 8
"""Connections that are seen to at once."""


@dataclass(slots=True)
class _Seen:
    """The broker as it is."""

    users: Mapping[str, BrokerUser]
    permissions: Mapping[str, tuple[str, str, str]]
    policies: Mapping[str, Mapping[str, Any]]
    queues: Mapping[str, int | None]
    exchanges: frozenset[str]
    bindings: frozenset[tuple[str, str]]
    made: list[BrokerChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RabbitProvisioner:
    """Implements ``contracts.port.Provisioner``. Without ``management`` only queues and exchanges are made."""

    management: Management | None
    link: Callable[[], Link]

    async def reconcile(self, grants: Sequence[BrokerGrant], gone: Collection[str]) -> list[BrokerChange]:
        """Make it so. What fails of one connection is told and holds up no other.

        Raises ``Unavailable`` or ``Unauthorised`` where the broker itself cannot be reached.
        """
        if self.management is None:
            return await self._declare_all(grants)
        fresh = await self.management.ensure_vhost()
        seen = await self._look()
        if fresh:
            seen.made.append(BrokerChange("", f"+vhost {self.management.vhost}"))
        wanted = {grant.connection_id: topology_of(grant.connection_id, grant.settings) for grant in grants}
        await self._of_one("", seen, lambda: self._limit(wanted, gone, seen))
        slots = asyncio.Semaphore(AT_ONCE)

        async def grant_one(grant: BrokerGrant) -> None:
            async with slots:
                await self._of_one(grant.connection_id, seen, lambda: self._grant(grant, wanted, seen))

        await asyncio.gather(*(grant_one(grant) for grant in grants))
        await self._of_one("", seen, lambda: self._remove(grants, gone, seen))
        return seen.made

    async def _look(self) -> _Seen:
        at = self.management
        assert at is not None
        return _Seen(
            await at.users(),
            await at.permissions(),
            await at.policies(),
            await at.queues(),
            await at.exchanges(),
            await at.bindings(),
        )

    async def _of_one(self, connection_id: str, seen: _Seen, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DeliveryFailed as failure:
            seen.made.append(BrokerChange(connection_id, failure.reason, failed=True))

    async def _limit(self, wanted: Mapping[str, Topology], gone: Collection[str], seen: _Seen) -> None:
        at, policies = self.management, policies_of(wanted.values())
        assert at is not None
        for policy in policies:
            kept = seen.policies.get(policy.name)
            if kept is None or kept["pattern"] != policy.pattern or kept["definition"] != policy.definition:
                await at.put_policy(policy.name, policy.pattern, policy.definition)
                seen.made.append(BrokerChange("", f"{'~' if kept else '+'}policy {policy.name}"))
        ours = {queue.name for topology in wanted.values() for queue in topology.queues}
        for connection_id in gone:
            names = names_of(connection_id)
            ours |= {names.queue_out, names.queue_in, names.queue_dead}
        for name in strays(seen.policies, policies, seen.queues, ours):
            await at.delete_policy(name)
            seen.made.append(BrokerChange("", f"-policy {name}"))

    async def _grant(self, grant: BrokerGrant, wanted: Mapping[str, Topology], seen: _Seen) -> None:
        at, name, topology = self.management, grant.connection_id, wanted[grant.connection_id]
        assert at is not None
        names = topology.names
        missing = [queue.name for queue in topology.queues if queue.name not in seen.queues]
        missing += [] if names.exchange_in in seen.exchanges else [names.exchange_in]
        missing += [] if (names.exchange_in, names.queue_in) in seen.bindings else [f"{names.exchange_in}→"]
        if missing:
            await declare(self.link(), topology)
            seen.made += [BrokerChange(name, f"+{each}") for each in missing]
        rights = (NOTHING, f"^{re.escape(names.exchange_in)}$", f"^{re.escape(names.queue_out)}$")
        for user, password in grant.users:
            known = seen.users.get(user)
            if known is None or not known.has(password) or known.tags != (self._tag,):
                await at.put_user(user, password, self._tag)
                seen.made.append(BrokerChange(name, f"{'~' if known else '+'}user {user}"))
            if seen.permissions.get(user) != rights:
                await at.put_permissions(user, *rights)
                seen.made.append(BrokerChange(name, f"~permissions {user}"))

    async def _remove(self, grants: Sequence[BrokerGrant], gone: Collection[str], seen: _Seen) -> None:
        at = self.management
        assert at is not None
        wanted = {user for grant in grants for user, _ in grant.users}
        ours = {*gone, *(grant.connection_id for grant in grants)}
        for user in seen.users.values():
            connection_id = user.name.rpartition(".")[0]
            if self._tag in user.tags and connection_id in ours and user.name not in wanted:
                await at.delete_user(user.name)
                seen.made.append(BrokerChange(connection_id, f"-user {user.name}"))
        for connection_id in gone:
            names = names_of(connection_id)
            if names.exchange_in in seen.exchanges:
                await at.delete_exchange(names.exchange_in)
                seen.made.append(BrokerChange(connection_id, f"-{names.exchange_in}"))
            for queue in (names.queue_out, names.queue_in, names.queue_dead):
                # Letters that a retired unit did not fetch go with it; what it said and nobody has read yet stays.
                if queue in seen.queues and (queue == names.queue_out or seen.queues[queue] == 0):
                    await at.delete_queue(queue)
                    seen.made.append(BrokerChange(connection_id, f"-{queue}"))

    async def _declare_all(self, grants: Sequence[BrokerGrant]) -> list[BrokerChange]:
        for grant in grants:
            await declare(self.link(), topology_of(grant.connection_id, grant.settings))
        return []

    @property
    def _tag(self) -> str:
        """What marks users as this hub's: two hubs may share a broker, each with a virtual host."""
        assert self.management is not None
        return f"cityhub-{sha256(self.management.vhost.encode()).hexdigest()[:12]}"
