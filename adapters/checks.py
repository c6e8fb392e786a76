"""What of a connection cannot work, found before its profile is applied: endpoints, rules of the mapping."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.documents import DocumentFault
from adapters.documents.xml import parse_xml
from adapters.files.checks import file_faults
from adapters.files.sftp import sftp_endpoint
from adapters.guard import EndpointRefused, OutboundGuard
from adapters.mapping.mapper import refused_rules
from adapters.own_format.mapped import refused_answers
from adapters.polling.progress import progress_of
from adapters.rabbitmq.brokers import endpoint_of
from adapters.soap.checks import check_soap
from contracts.nouns import Transport
from contracts.port import DeliveryFailed, ProfileFault
from contracts.profile import ConnectionProfile
from contracts.ways.rabbitmq import AMQPS_PORT
from contracts.yaml_text import Place


@dataclass(frozen=True, slots=True)
class ConnectionChecks:
    """Implements ``contracts.port.ConnectionCheck`` for every transport."""

    guard: OutboundGuard
    files_root: Path | None = None

    async def faults(self, entry: ConnectionProfile) -> list[ProfileFault]:
        """Every fault, at its place in the connection."""
        found: list[ProfileFault] = []
        if entry.soap is not None:
            # Reading a WSDL takes milliseconds.
            soap = await asyncio.to_thread(check_soap, entry)
            found += soap.faults
            if entry.soap.endpoint is None and soap.endpoint:
                found += await self._endpoint(("soap", "wsdl"), soap.endpoint)
        for place, url in _endpoints(entry):
            found += await self._endpoint(place, url)
        if entry.mapping is not None:
            for rule in refused_rules(entry.mapping):
                found.append(ProfileFault(("mapping", *rule.place), rule.zh, rule.en, "mapping"))
        return [*found, *_unwritten(entry), *_unread(entry), *file_faults(entry, self.files_root)]

    async def _endpoint(self, place: Place, url: str) -> list[ProfileFault]:
        try:
            await self.guard.check_endpoint(url)
        except EndpointRefused as refusal:
            return [ProfileFault(place, refusal.zh, refusal.en, "endpoint")]
        except DeliveryFailed:
            # The name does not resolve now; the lane will say so each time it tries.
            return []
        return []


def _unwritten(entry: ConnectionProfile) -> Iterator[ProfileFault]:
    """Contracts that the unit would receive in its own format, and for which it says no format."""
    if entry.transport not in (Transport.REST, Transport.FILE):
        return
    if entry.rest is not None and entry.rest.photos is not None and (entry.mapping is None or not entry.mapping.out):
        yield ProfileFault(
            ("rest", "photos"),
            "照片随单位自己的文档发送,需要 mapping.out 的映射表",
            "photos go with documents of the unit's own: they need tables in mapping.out",
            "mapping",
        )
    written = {table.contract for table in entry.mapping.out} if entry.mapping is not None else set()
    if not written and entry.transport is Transport.REST:
        # CloudEvents need no table.
        return
    for index, contract in enumerate(entry.receives):
        if contract not in written:
            yield ProfileFault(
                ("receives", index),
                f"mapping.out 没有 {contract} 的映射表,发不出去;请补一张表,或从 receives 中去掉",
                f"mapping.out has no table for {contract}, so none could be sent: add one, or take it from receives",
                "mapping",
            )


def _unread(entry: ConnectionProfile) -> Iterator[ProfileFault]:
    """What comes from a unit, and would be nothing to the hub."""
    if (entry.poll is not None or entry.inbound is not None) and (entry.mapping is None or not entry.mapping.into):
        yield ProfileFault(
            ("mapping",),
            "poll 和 inbound 需要 mapping.in 的映射表,否则读到的都不是消息",
            "poll and inbound need tables in mapping.in, or nothing that is read would be a message",
            "mapping",
        )
    if entry.inbound is not None and entry.mapping is not None:
        for rule in refused_answers(entry.inbound, entry.mapping):
            yield ProfileFault(("inbound", *rule.place), rule.zh, rule.en, "mapping")
    if entry.inbound is not None and entry.inbound.wsdl is not None:
        try:
            parse_xml(entry.inbound.wsdl)
        except DocumentFault as fault:
            yield ProfileFault(("inbound", "wsdl"), fault.zh, fault.en, "wsdl")
    if entry.poll is None:
        return
    try:
        progress_of("", entry.poll.cursor)
    except DocumentFault as fault:
        yield ProfileFault(("poll", "cursor", "start"), fault.zh, fault.en, "date")


def _endpoints(entry: ConnectionProfile) -> Iterator[tuple[Place, str]]:
    """Every address that the hub would call for this connection."""
    if entry.file is not None and entry.file.sftp is not None:
        yield ("file", "sftp", "host"), sftp_endpoint(entry.file.sftp)
    for name in ("rest", "soap", "poll"):
        section = getattr(entry, name)
        if section is None:
            continue
        if section.endpoint is not None:
            yield (name, "endpoint"), section.endpoint
        for index, call in enumerate(getattr(section, "calls", ())):
            if getattr(call, "endpoint", None) is not None:
                yield (name, "calls", index, "endpoint"), call.endpoint
        authentication = getattr(section, "authentication", None)
        if authentication is not None and authentication.token_endpoint is not None:
            yield (name, "authentication", "token_endpoint"), authentication.token_endpoint
    if entry.rabbitmq is not None and entry.rabbitmq.broker is not None:
        yield ("rabbitmq", "broker", "host"), endpoint_of(entry.rabbitmq.broker.host, AMQPS_PORT)
