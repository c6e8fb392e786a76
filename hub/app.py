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
from auth.master_keys import load_or_create
from auth.sealing import Sealer
from auth.sessions import Sessions
from contracts.checking import pointer
from contracts.nouns import Transport
from contracts.port import Adapter, Photos, Provisioner, Source
from contracts.problem import Problem, Violation
from contracts.profile_text import read_profile
from contracts.yaml_text import Place, line_of
from hub.api.services import Services
from hub.attachments import Attachments
from hub.delivery.lanes import Lanes
from hub.face import VERSION
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
from hub.store.registry import CHANGED_CHANNEL, ENTRIES_CHANNEL, LETTERS_CHANNEL
from hub.timekeeper import Timekeeper
from hub.vitals import Vitals
from monitoring.events import document as event_document
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
    settings = worker.settings
    watch = Watch.open(settings.data / "run", worker.slot, settings.log_level)
    say = watch.say
    ending = asyncio.Event()
    end_on_signals(ending)
    end_with_supervisor(worker.lifeline_fd, ending)
    async with contextlib.AsyncExitStack() as stack:
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
        folders = Folders(settings.files_root, guard, safe)
        brokers = Brokers(settings.rabbitmq, safe, guard, f"cityhub {worker.slot}", settings.body_max_bytes)
        stack.push_async_callback(brokers.close)
        attachments = Attachments(settings.attachments_path, pool, settings.attachment_max_bytes)
        tasks: list[Coroutine[object, object, None]] = [refresher.run(), signals.run()]
        if "lanes" in worker.roles:
            takes = await stack.enter_async_context(store_pool(worker.dsn, worker.slot, relaxed=True))
            adapters = _adapters(HttpCalls(guard, VERSION), safe, attachments, brokers, folders, say)
            lanes = Lanes(pool, takes, refresher.registry, refresher.clock, adapters, _holder(worker), say)
            signals.on(LETTERS_CHANNEL, lambda payload: lanes.wake(payload.split()))
            signals.on(LANE_CHANNEL, lanes.held_changed)
            refresher.changed.append(lanes.look)
            tasks.append(lanes.run())
        intake = Intake(pool, refresher.registry, refresher.clock, say)
        intake.start()
        stack.push_async_callback(intake.stop)
        reception = Reception(pool, intake, refresher.registry, say, attachments)
        if "sources" in worker.roles:
            kinds = _kinds(HttpCalls(guard, VERSION), safe, brokers, folders, settings, say)
            sources = Sources(pool, refresher.registry, kinds, reception, _holder(worker), say, refresher.rest)
            refresher.changed.append(sources.look)
            tasks.append(sources.run())
            if settings.rabbitmq:
                provisioning = Provisioning(pool, safe, _provisioner(settings, brokers), say)
                refresher.changed.append(provisioning.look)
                tasks.append(provisioning.run())
        if "clock" in worker.roles:
            strayed = Registering(pool, refresher.registry, refresher.clock).strayed
            tasks.append(Timekeeper(pool, intake, refresher.registry, refresher.clock, strayed, say).run())
        if "api" in worker.roles:
            vitals = Vitals(pool, refresher)
            own = OwnFormats()
            services = Services(
                settings=settings,
                pool=pool,
                intake=intake,
                reception=reception,
                registry=refresher.registry,
                clock=refresher.clock,
                keys=keys,
                sessions=Sessions(master.derive_all("sessions")),
                rates=Rates(settings.rate_per_second),
                attachments=attachments,
                onboarding=Onboarding(
                    pool, safe, refresher.registry, ConnectionChecks(guard, settings.files_root), say, refresher.load
                ),
                soap=SoapWire(),
                own=own,
                secrets=safe,
                replays=Replays(pool, reception, refresher.registry, refresher.clock, own, say),
                say=say,
                ready=Readiness(vitals.checks(), say=say),
                metrics=lambda: watch.metrics(vitals.gauges),
            )
            signals.on(ENTRIES_CHANNEL, lambda _: services.entries_bell.ring())
            signals.on(LETTERS_CHANNEL, lambda _: services.letters_bell.ring())
            tasks.append(serve_http(services, worker.listening_fd, ending))
        settle_garbage()
        say("hub.started", roles=" ".join(sorted(worker.roles)), slot=worker.slot, version=VERSION)
        await run_until(ending, tasks, say)
    say("hub.stopped", slot=worker.slot)
    watch.close()


def _holder(worker: Worker) -> str:
    """The name that outlives a restart of the worker: its successor in the same slot takes its leases over at once."""
    return f"{socket.gethostname()}/{worker.settings.data.resolve()}/{worker.slot}"


def _adapters(
    calls: HttpCalls, safe: Safe, photos: Photos, brokers: Brokers, folders: Folders, say: Say
) -> dict[Transport, Adapter]:
    """The way out, for each transport."""
    return {
        Transport.REST: RestAdapter(safe, calls, photos),
        Transport.SOAP: SoapAdapter(SoapCalls(Authenticator(safe, calls)), photos),
        Transport.RABBITMQ: RabbitAdapter(brokers, say),
        Transport.FILE: FileAdapter(folders),
    }


def _kinds(
    calls: HttpCalls, safe: Safe, brokers: Brokers, folders: Folders, settings: Settings, say: Say
) -> dict[str, Source]:
    """The sources that the hub collects from, by their kind."""
    return {
        "poll": PollSource(safe, calls),
        Transport.RABBITMQ.value: RabbitSource(brokers, say, settings.body_max_bytes),
        Transport.FILE.value: FileSource(folders),
    }


def _provisioner(settings: Settings, brokers: Brokers) -> Provisioner:
    """Who makes users and queues on the hub's broker. Its address is the administrator's own: nothing guards it."""
    anywhere = OutboundGuard(allow=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    management = (
        Management(settings.rabbitmq_management, vhost_of(settings.rabbitmq[0]), HttpCalls(anywhere, VERSION))
        if settings.rabbitmq_management
        else None
    )
    return RabbitProvisioner(management, lambda: brokers.hub("out"))


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
        attachments = Attachments(settings.attachments_path, pool, settings.attachment_max_bytes)
        reception = Reception(pool, intake, refresher.registry, say_nothing, attachments)
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
