"""The composition root: the one place that joins everything. One call runs one worker process of a hub."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from typing import Protocol, TypeAlias

from adapters.checks import ConnectionChecks
from adapters.drafting import Draft as Draft
from adapters.drafting import DraftFault, Fetching, draft_of
from adapters.drafting import Wanted as Wanted
from adapters.files import FileAdapter, FileSource, Folders
from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.mapping import BadTable
from adapters.mapping.trial import Trial as Trial
from adapters.mapping.trial import try_in, try_out
from adapters.own_format import OwnFormats
from adapters.polling import PollSource
from adapters.rabbitmq.adapter import RabbitAdapter
from adapters.rabbitmq.brokers import Brokers, vhost_of
from adapters.rabbitmq.management import Management
from adapters.rabbitmq.provisioner import RabbitProvisioner
from adapters.rabbitmq.source import RabbitSource
from adapters.rest.adapter import RestAdapter
from adapters.soap import SoapAdapter, SoapCalls
from adapters.soap.trial import envelope_writer
from adapters.soap_in import Wire as SoapWire
from auth.api_keys import KeyCheck
from auth.master_keys import MasterKeys, load_or_create
from auth.sealing import Sealer
from auth.sessions import Sessions
from contracts.json_text import pointer
from contracts.nouns import Transport
from contracts.port import Adapter, Provisioner, Source
from contracts.problem import Problem, Violation
from contracts.profile_text import read_profile
from contracts.yaml_text import Place, line_of
from hub.api.services import Services
from hub.attachments import Attachments
from hub.delivery.lanes import Lanes
from hub.face import VERSION
from hub.fresh_keys import FreshKeys
from hub.intake import Intake
from hub.onboarding import Onboarding
from hub.process_life import end_on_signals, end_with_supervisor, run_until, serve_http, settle_garbage, store_pool
from hub.provisioning import Provisioning
from hub.rates import Rates
from hub.reception import Reception
from hub.refresher import Refresher
from hub.registering import Registering
from hub.replays import Replays
from hub.safe import Safe
from hub.say import Say, say_nothing
from hub.settings import Settings
from hub.signals import Signals
from hub.sources import Sources
from hub.store.pool import Pool
from hub.store.registry import CHANGED_CHANNEL, ENTRIES_CHANNEL, LETTERS_CHANNEL, all_keys
from hub.timekeeper import Timekeeper
from hub.vitals import Vitals
from monitoring.event_page import document as event_document
from monitoring.health import Readiness
from monitoring.process import Watch

LANE_CHANNEL = "cityhub_lane"
CLOSE_SECONDS = 3.0

Work: TypeAlias = list[Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class Worker:
    """What one process of a hub is told by its supervisor."""

    settings: Settings
    dsn: str
    roles: frozenset[str]
    slot: str
    listening_fd: int | None = None
    lifeline_fd: int | None = None


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the roles of a worker stand on. ``stack`` closes it all at the end, what was opened last first."""

    worker: Worker
    watch: Watch
    ending: asyncio.Event
    stack: contextlib.AsyncExitStack
    pool: Pool
    keys: KeyCheck
    refresher: Refresher
    signals: Signals
    master: MasterKeys
    safe: Safe
    guard: OutboundGuard
    calls: HttpCalls
    folders: Folders
    brokers: Brokers
    photos: Attachments
    intake: Intake
    reception: Reception

    @property
    def settings(self) -> Settings:
        """The worker's."""
        return self.worker.settings

    @property
    def say(self) -> Say:
        """Tells an event."""
        return self.watch.say

    @property
    def holder(self) -> str:
        """The name that outlives a restart of the worker: its successor in the same slot takes its leases over."""
        return f"{socket.gethostname()}/{self.settings.data.resolve()}/{self.worker.slot}"


async def run_worker(worker: Worker) -> None:
    """Run the worker's roles until it is told to end or its supervisor dies."""
    watch = Watch.open(worker.settings.data / "run", worker.slot, worker.settings.log_level)
    ending = asyncio.Event()
    end_on_signals(ending)
    end_with_supervisor(worker.lifeline_fd, ending)
    async with contextlib.AsyncExitStack() as stack:
        ground = await _ground(worker, watch, ending, stack)
        tasks = [ground.refresher.run(), ground.signals.run()]
        for role, join in _ROLES.items():
            if role in worker.roles:
                tasks += await join(ground)
        settle_garbage()
        watch.say("hub.started", roles=" ".join(sorted(worker.roles)), slot=worker.slot, version=VERSION)
        await run_until(ending, tasks, watch.say)
    watch.say("hub.stopped", slot=worker.slot)
    watch.close()


async def _ground(worker: Worker, watch: Watch, ending: asyncio.Event, stack: contextlib.AsyncExitStack) -> _Ground:
    settings, say = worker.settings, watch.say
    pool = await stack.enter_async_context(store_pool(worker.dsn, worker.slot))
    keys = KeyCheck()
    refresher = Refresher(pool, keys, say)
    await refresher.load()
    signals = Signals(worker.dsn, say)
    signals.on(CHANGED_CHANNEL, refresher.soon)
    master = load_or_create(settings.master_key_path)
    safe = Safe(pool, Sealer(master))
    refresher.changed.append(safe.forget)
    guard = OutboundGuard(settings.outbound_allow, settings.outbound_allow_private)
    calls = HttpCalls(guard, VERSION)
    _closes(stack, calls)
    folders = Folders(settings.files_root, guard, safe)
    stack.callback(folders.close)
    brokers = Brokers(settings.rabbitmq, safe, guard, f"cityhub {worker.slot}", settings.body_max_bytes)
    _closes(stack, brokers)
    intake = Intake(pool, refresher.registry, refresher.clock, say)
    intake.start()
    stack.push_async_callback(intake.stop)
    photos = Attachments(settings.attachments_path, pool, settings.attachment_max_bytes)
    reception = Reception(pool, intake, refresher.registry, say, photos)
    return _Ground(
        *(worker, watch, ending, stack, pool, keys, refresher, signals),
        *(master, safe, guard, calls, folders),
        *(brokers, photos, intake, reception),
    )


async def _lanes(ground: _Ground) -> Work:
    """Letters out. The lanes finish first; then the adapters close, and then what these stand on."""
    takes = await ground.stack.enter_async_context(store_pool(ground.worker.dsn, ground.worker.slot, relaxed=True))
    adapters = _adapters(ground)
    for adapter in adapters.values():
        _closes(ground.stack, adapter)
    refresher = ground.refresher
    lanes = Lanes(ground.pool, takes, refresher.registry, refresher.clock, adapters, ground.holder, ground.say)
    ground.signals.on(LETTERS_CHANNEL, lambda payload: lanes.wake(payload.split()))
    ground.signals.on(LANE_CHANNEL, lanes.held_changed)
    refresher.changed.append(lanes.look)
    return [lanes.run()]


async def _sources(ground: _Ground) -> Work:
    """What the hub collects, and its broker's users and queues."""
    refresher, kinds = ground.refresher, _kinds(ground)
    for source in kinds.values():
        _closes(ground.stack, source)
    sources = Sources(
        ground.pool, refresher.registry, kinds, ground.reception, ground.holder, ground.say, refresher.rest
    )
    refresher.changed.append(sources.look)
    if not ground.settings.rabbitmq:
        return [sources.run()]
    provisioning = Provisioning(ground.pool, ground.safe, refresher.units, _provisioner(ground), ground.say)
    refresher.changed.append(provisioning.look)
    return [sources.run(), provisioning.run()]


async def _timing(ground: _Ground) -> Work:
    """What the city's clock brings about."""
    refresher = ground.refresher
    strayed = Registering(ground.pool, refresher.registry, refresher.clock).strayed
    keeper = Timekeeper(ground.pool, ground.intake, refresher.registry, refresher.clock, strayed, ground.say)
    return [keeper.run()]


async def _doors(ground: _Ground) -> Work:
    """The HTTP face."""
    services = _services(ground)
    ground.signals.on(ENTRIES_CHANNEL, lambda _: services.entries_bell.ring())
    ground.signals.on(LETTERS_CHANNEL, lambda _: services.letters_bell.ring())
    return [serve_http(services, ground.worker.listening_fd, ground.ending)]


_ROLES: Mapping[str, Callable[[_Ground], Awaitable[Work]]] = {
    "lanes": _lanes,
    "sources": _sources,
    "clock": _timing,
    "api": _doors,
}


def _services(ground: _Ground) -> Services:
    settings, pool, refresher, say = ground.settings, ground.pool, ground.refresher, ground.say
    vitals = Vitals(pool, refresher)
    checks = ConnectionChecks(ground.guard, settings.files_root)
    own = OwnFormats()
    return Services(
        settings=settings,
        pool=pool,
        intake=ground.intake,
        reception=ground.reception,
        registry=refresher.registry,
        clock=refresher.clock,
        keys=FreshKeys(ground.keys, partial(all_keys, pool), say),
        sessions=Sessions(ground.master.derive_all("sessions")),
        rates=Rates(settings.rate_per_second),
        attachments=ground.photos,
        onboarding=Onboarding(pool, ground.safe, refresher.registry, checks, say, refresher.load),
        soap=SoapWire(),
        own=own,
        secrets=ground.safe,
        replays=Replays(pool, ground.reception, refresher.registry, refresher.clock, own, say),
        say=say,
        ready=Readiness(vitals.checks(), say=say),
        metrics=lambda: ground.watch.metrics(vitals.gauges),
    )


def _adapters(ground: _Ground) -> dict[Transport, Adapter]:
    """The way out, for each transport."""
    authenticator = Authenticator(ground.safe, ground.calls)
    return {
        Transport.REST: RestAdapter(ground.safe, ground.calls, ground.photos),
        Transport.SOAP: SoapAdapter(SoapCalls(authenticator), ground.photos),
        Transport.RABBITMQ: RabbitAdapter(ground.brokers, ground.say),
        Transport.FILE: FileAdapter(ground.folders, ground.ending),
    }


def _kinds(ground: _Ground) -> dict[str, Source]:
    """The sources that the hub collects from, by their kind."""
    return {
        "poll": PollSource(ground.safe, ground.calls),
        Transport.RABBITMQ.value: RabbitSource(
            ground.brokers, ground.say, lambda: ground.refresher.registry().epoch, ground.settings.body_max_bytes
        ),
        Transport.FILE.value: FileSource(ground.folders),
    }


def _provisioner(ground: _Ground) -> Provisioner:
    """Who makes users and queues on the hub's broker. Its address is the administrator's own: nothing guards it."""
    management, settings = None, ground.settings
    if settings.rabbitmq_management:
        calls = HttpCalls(OutboundGuard(allow=(ip_network("0.0.0.0/0"), ip_network("::/0"))), VERSION)
        _closes(ground.stack, calls)
        management = Management(settings.rabbitmq_management, vhost_of(settings.rabbitmq[0]), calls)
    return RabbitProvisioner(management, lambda: ground.brokers.hub("out"))


class _Closing(Protocol):
    async def close(self) -> None: ...


def _closes(stack: contextlib.AsyncExitStack, opened: _Closing) -> None:
    """Close it at the end, within a time in which the others are closed too: nobody's end waits for a unit."""

    async def close() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await opened.close()

    stack.push_async_callback(close)


async def onboarding_of(settings: Settings, pool: Pool) -> Onboarding:
    """The administrator's verbs for one command, without a running worker."""
    refresher = Refresher(pool, KeyCheck(), say_nothing)
    await refresher.load()
    safe = Safe(pool, Sealer(load_or_create(settings.master_key_path)))
    guard = OutboundGuard(settings.outbound_allow, settings.outbound_allow_private)
    return Onboarding(
        pool, safe, refresher.registry, ConnectionChecks(guard, settings.files_root), say_nothing, refresher.load
    )


@contextlib.asynccontextmanager
async def replays_of(settings: Settings, pool: Pool) -> AsyncIterator[Replays]:
    """The shelf's replays for one command, without a running worker."""
    refresher = Refresher(pool, KeyCheck(), say_nothing)
    await refresher.load()
    intake = Intake(pool, refresher.registry, refresher.clock, say_nothing)
    intake.start()
    try:
        photos = Attachments(settings.attachments_path, pool, settings.attachment_max_bytes)
        reception = Reception(pool, intake, refresher.registry, say_nothing, photos)
        yield Replays(pool, reception, refresher.registry, refresher.clock, OwnFormats(), say_nothing)
    finally:
        await intake.stop()


def trial(text: str, connection: str | None, contract: str | None, sample: bytes | None, *, outward: bool) -> Trial:
    """What a sample becomes by a profile's mapping. Raises ``Problem`` where the profile is wrong."""
    profile, lines = read_profile(text)
    for index, entry in enumerate(profile.connections):
        if entry.mapping is not None and connection in (None, entry.name):
            place: Place = ("connections", index, "mapping")
            try:
                if outward:
                    write = envelope_writer(entry.soap) if entry.soap is not None else None
                    return try_out(entry.mapping, lines, place, contract or "case.dispatch", sample, write)
                return try_in(entry.mapping, lines, place, sample or b"", contract)
            except BadTable as bad:
                found = [Violation(pointer(rule.place), rule.zh, rule.en, "mapping") for rule in bad.rules]
                raise Problem("profile_invalid", violations=tuple(line_of(each, lines) for each in found)) from None
    raise Problem("profile_invalid", "档案中没有映射。", "The profile has no mapping.")


async def drafted(settings: Settings, wanted: Wanted) -> Draft:
    """A first profile of a unit's own description. Raises ``Problem``."""
    guard = OutboundGuard(settings.outbound_allow, settings.outbound_allow_private)
    calls = HttpCalls(guard, VERSION)
    try:
        return await draft_of(Fetching(calls), wanted)
    except DraftFault as fault:
        raise Problem("document_invalid", fault.zh, fault.en) from None
    finally:
        await calls.close()


def event_page() -> str:
    """The table of events as a page."""
    return event_document()
