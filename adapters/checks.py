"""What of a connection cannot work, found before its profile is applied: endpoints, rules of the mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.guard import EndpointRefused, OutboundGuard
from adapters.mapping.mapper import refused_rules
from adapters.rabbitmq.brokers import endpoint_of
from contracts.port import DeliveryFailed, ProfileFault
from contracts.profile import ConnectionProfile
from contracts.ways.rabbitmq import AMQPS_PORT
from contracts.yaml_text import Place


@dataclass(frozen=True, slots=True)
class ConnectionChecks:
    """Implements ``contracts.port.ConnectionCheck`` for every transport."""

    guard: OutboundGuard

    async def faults(self, entry: ConnectionProfile) -> list[ProfileFault]:
        """Every fault, at its place in the connection."""
        found: list[ProfileFault] = []
        for place, url in _endpoints(entry):
            found += await self._endpoint(place, url)
        if entry.mapping is not None:
            for rule in refused_rules(entry.mapping):
                found.append(ProfileFault(("mapping", *rule.place), rule.zh, rule.en, "mapping"))
        return found

    async def _endpoint(self, place: Place, url: str) -> list[ProfileFault]:
        try:
            await self.guard.check_endpoint(url)
        except EndpointRefused as refusal:
            return [ProfileFault(place, refusal.zh, refusal.en, "endpoint")]
        except DeliveryFailed:
            # The name does not resolve now; the lane will say so each time it tries.
            return []
        return []


def _endpoints(entry: ConnectionProfile) -> Iterator[tuple[Place, str]]:
    """Every address that the hub would call for this connection."""
    for name in ("rest", "soap", "poll"):
        section = getattr(entry, name)
        if section is None:
            continue
        if section.endpoint is not None:
            yield (name, "endpoint"), section.endpoint
        authentication = getattr(section, "authentication", None)
        if authentication is not None and authentication.token_endpoint is not None:
            yield (name, "authentication", "token_endpoint"), authentication.token_endpoint
    if entry.rabbitmq is not None and entry.rabbitmq.broker is not None:
        yield ("rabbitmq", "broker", "host"), endpoint_of(entry.rabbitmq.broker.host, AMQPS_PORT)
