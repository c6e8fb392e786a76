"""The composition root: the one place that joins everything. One call runs one worker process of a hub."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from ipaddress import ip_network

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
from contracts.checking import pointer
from contracts.nouns import Transport
from contracts.port import Adapter, Provisioner, Source
from contracts.problem import Problem, Violation
from contracts.profile_text import read_profile
from contracts.yaml_text import Place, line_of
from hub.api.services import Services
from hub.attachments import Attachments
from hub.delivery.lanes import Lanes
from hub.face import VERSION
from hub.intake import Intake
from hub.known_keys import KnownKeys
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
from hub.store.registry import CHANGED_CHANNEL, ENTRIES_CHANNEL, LETTERS_CHANNEL
from hub.timekeeper import Timekeeper
from hub.vitals import Vitals
from monitoring.event_page import event_page as event_document
from monitoring.health import Readiness
from monitoring.process import Watch

LANE_CHANNEL = "cityhub_lane"


@dataclass(frozen=True, slots=True)
class Worker:
    """What one process of a hub is told by its supervisor."""

    settings: Settings
    dsn: str
    roles: frozenset[str]
    slot: str
    listening_fd: int | None = None
    lifeline_fd: int | None = None


async def run_worker(worker: Worker) -> None:
    """Run the worker's roles until it is told to end or its supervisor dies."""
    watch = Watch.open(worker.settings.data / "run", worker.slot, worker.settings.log_level)
    ending = asyncio.Event()
    end_on_signals(ending)
    end_with_supervisor(worker.lifeline_fd, ending)
    async with contextlib.AsyncExitStack() as stack:
        parts = await _parts(worker, watch.say, stack)
        tasks: list[Coroutine[object, object, None]] = [parts.refresher.run(), parts.signals.run()]
        if "lanes" in worker.roles:
            tasks.append((await _lanes(parts, stack)).run())
        if "sources" in worker.roles:
            tasks.append(_sources(parts, stack).run())
            if worker.settings.rabbitmq:
                tasks.append(_provisioning(parts, stack).run())
        if "clock" in worker.roles:
            tasks.append(_timekeeper(parts).run())
        if "api" in worker.roles:
            tasks.append(serve_http(_services(parts, watch), worker.listening_fd, ending))
        settle_garbage()
        watch.say("hub.started", roles=" ".join(sorted(worker.roles)), slot=worker.slot, version=VERSION)
        await run_until(ending, tasks, watch.say)
    watch.say("hub.stopped", slot=worker.slot)
    watch.close()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the roles of one worker share. Whoever opened a thing has the worker's stack close it, the last one first:
    what is built of others is gone before them.
    """

    worker: Worker
    say: Say
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
        """How the hub runs."""
        return self.worker.settings

    @property
    def holder(self) -> str:
        """The name that outlives a restart of the worker: its successor in the slot takes its leases over at once."""
        return f"{socket.gethostname()}/{self.settings.data.resolve()}/{self.worker.slot}"


async def _parts(worker: Worker, say: Say, stack: contextlib.AsyncExitStack) -> _Parts:
    settings = worker.settings
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
    stack.push_async_callback(calls.close)
    brokers = Brokers(settings.rabbitmq, safe, guard, f"cityhub {worker.slot}", settings.body_max_bytes)
    stack.push_async_callback(brokers.close)
    intake = Intake(pool, refresher.registry, refresher.clock, say)
    intake.start()
    stack.push_async_callback(intake.stop)
    return _Parts(
        worker=worker,
        say=say,
        pool=pool,
        keys=keys,
        refresher=refresher,
        signals=signals,
        master=master,
        safe=safe,
        guard=guard,
        calls=calls,
        folders=Folders(settings.files_root, guard, safe),
        brokers=brokers,
        photos=Attachments(settings.attachments_path, pool, settings.attachment_max_bytes),
        intake=intake,
        reception=Reception(pool, intake, refresher.registry, say),
    )


async def _lanes(parts: _Parts, stack: contextlib.AsyncExitStack) -> Lanes:
    """The way out, for each transport."""
    takes = await stack.enter_async_context(store_pool(parts.worker.dsn, parts.worker.slot, relaxed=True))
    adapters: dict[Transport, Adapter] = {
        Transport.REST: RestAdapter(parts.safe, parts.calls),
        Transport.SOAP: SoapAdapter(SoapCalls(Authenticator(parts.safe, parts.calls)), parts.photos),
        Transport.RABBITMQ: RabbitAdapter(parts.brokers, parts.say),
        Transport.FILE: FileAdapter(parts.folders),
    }
    for adapter in adapters.values():
        stack.push_async_callback(adapter.close)
    lanes = Lanes(parts.pool, takes, parts.refresher.registry, parts.refresher.clock, adapters, parts.holder, parts.say)
    parts.signals.on(LETTERS_CHANNEL, lambda payload: lanes.wake(payload.split()))
    parts.signals.on(LANE_CHANNEL, lanes.held_changed)
    parts.refresher.changed.append(lanes.look)
    return lanes


def _sources(parts: _Parts, stack: contextlib.AsyncExitStack) -> Sources:
    """The sources that the hub collects from, by their kind."""

    def epoch() -> int:
        return parts.refresher.registry().epoch

    kinds: dict[str, Source] = {
        "poll": PollSource(parts.safe, parts.calls),
        Transport.RABBITMQ.value: RabbitSource(parts.brokers, parts.say, epoch, parts.settings.body_max_bytes),
        Transport.FILE.value: FileSource(parts.folders),
    }
    for source in kinds.values():
        stack.push_async_callback(source.close)
    registry, rest = parts.refresher.registry, parts.refresher.rest
    sources = Sources(parts.pool, registry, kinds, parts.reception, parts.holder, parts.say, rest)
    parts.refresher.changed.append(sources.look)
    return sources


def _provisioning(parts: _Parts, stack: contextlib.AsyncExitStack) -> Provisioning:
    """Who makes users and queues on the hub's broker. Its address is the administrator's own: nothing guards it."""
    settings, management = parts.settings, None
    if settings.rabbitmq_management:
        calls = HttpCalls(OutboundGuard(allow=(ip_network("0.0.0.0/0"), ip_network("::/0"))), VERSION)
        stack.push_async_callback(calls.close)
        management = Management(settings.rabbitmq_management, vhost_of(settings.rabbitmq[0]), calls)
    provisioner: Provisioner = RabbitProvisioner(management, lambda: parts.brokers.hub("out"))
    provisioning = Provisioning(parts.pool, parts.safe, provisioner, parts.say)
    parts.refresher.changed.append(provisioning.look)
    return provisioning


def _timekeeper(parts: _Parts) -> Timekeeper:
    registry, clock = parts.refresher.registry, parts.refresher.clock
    strayed = Registering(parts.pool, registry, clock).strayed
    return Timekeeper(parts.pool, parts.intake, registry, clock, strayed, parts.say)


def _services(parts: _Parts, watch: Watch) -> Services:
    """What the doors need."""
    settings, pool, refresher = parts.settings, parts.pool, parts.refresher
    vitals, own = Vitals(pool, refresher), OwnFormats()
    checks = ConnectionChecks(parts.guard, settings.files_root)
    services = Services(
        settings=settings,
        pool=pool,
        intake=parts.intake,
        reception=parts.reception,
        registry=refresher.registry,
        clock=refresher.clock,
        keys=KnownKeys(parts.keys, refresher.load_keys, parts.say),
        sessions=Sessions(parts.master.derive_all("sessions")),
        rates=Rates(settings.rate_per_second),
        attachments=parts.photos,
        onboarding=Onboarding(pool, parts.safe, refresher.registry, checks, parts.say, refresher.load),
        soap=SoapWire(),
        own=own,
        secrets=parts.safe,
        replays=Replays(pool, parts.reception, refresher.registry, refresher.clock, own, parts.say),
        say=parts.say,
        ready=Readiness(vitals.checks(), say=parts.say),
        metrics=lambda: watch.metrics(vitals.gauges),
    )
    parts.signals.on(ENTRIES_CHANNEL, lambda _: services.entries_bell.ring())
    parts.signals.on(LETTERS_CHANNEL, lambda _: services.letters_bell.ring())
    return services


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
async def replays_of(pool: Pool) -> AsyncIterator[Replays]:
    """The shelf's replays for one command, without a running worker."""
    refresher = Refresher(pool, KeyCheck(), say_nothing)
    await refresher.load()
    intake = Intake(pool, refresher.registry, refresher.clock, say_nothing)
    intake.start()
    try:
        reception = Reception(pool, intake, refresher.registry, say_nothing)
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
