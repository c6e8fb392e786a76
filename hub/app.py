"""The composition root: the one place that joins everything. One call runs one worker process of a hub."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from ipaddress import ip_network

import uvicorn

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
from auth.master_keys import MasterKeyFault, load_or_create
from auth.sealing import Sealer
from auth.sessions import Sessions
from contracts.checking import pointer
from contracts.nouns import Transport
from contracts.port import Adapter, Photos, Provisioner, Source
from contracts.problem import Problem, Violation
from contracts.profile_text import read_profile
from contracts.yaml_text import Place, line_of
from hub.api.joined import JoinedHttp
from hub.api.services import Services
from hub.attachments import Attachments
from hub.delivery.lanes import Lanes
from hub.face import VERSION, face
from hub.intake import Intake
from hub.onboarding import Onboarding
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
from hub.store.embedded import StoreFault
from hub.store.pool import LOST, Pool, open_pool
from hub.store.registry import CHANGED_CHANNEL, ENTRIES_CHANNEL, LETTERS_CHANNEL
from hub.timekeeper import Timekeeper
from hub.vitals import Vitals
from monitoring.events import document as event_document
from monitoring.health import Readiness
from monitoring.logs import configure
from monitoring.process import Watch

LANE_CHANNEL = "cityhub_lane"
UPKEEP_SECONDS = 600.0
BEREFT_SECONDS = 3.0
STORE_SECONDS = 60.0
"""How long a worker that starts waits for a store that does not answer yet."""

STORE_AGAIN_SECONDS = 0.1


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
    _end_on_signals(ending)
    _end_with_supervisor(worker.lifeline_fd, ending)
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(_pool(worker.dsn, worker.slot))
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
        tasks: list[Coroutine[object, object, None]] = [refresher.run(), signals.run()]
        if "lanes" in worker.roles:
            takes = await stack.enter_async_context(_pool(worker.dsn, worker.slot, relaxed=True))
            photos = Attachments(settings.attachments_path, pool, settings.attachment_max_bytes)
            adapters = _adapters(HttpCalls(guard, VERSION), safe, photos, brokers, folders, say)
            lanes = Lanes(pool, takes, refresher.registry, refresher.clock, adapters, _holder(worker), say)
            signals.on(LETTERS_CHANNEL, lambda payload: lanes.wake(payload.split()))
            signals.on(LANE_CHANNEL, lanes.held_changed)
            refresher.changed.append(lanes.look)
            tasks.append(lanes.run())
        intake = Intake(pool, refresher.registry, refresher.clock, say)
        intake.start()
        stack.push_async_callback(intake.stop)
        reception = Reception(pool, intake, refresher.registry, say)
        if "sources" in worker.roles:
            kinds = _kinds(HttpCalls(guard, VERSION), safe, brokers, folders, settings, say)
            sources = Sources(pool, refresher.registry, kinds, reception, _holder(worker), say)
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
                attachments=Attachments(settings.attachments_path, pool, settings.attachment_max_bytes),
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
            tasks.append(_http(services, worker.listening_fd, ending))
        _settle_garbage()
        say("hub.started", roles=" ".join(sorted(worker.roles)), slot=worker.slot, version=VERSION)
        await _until(ending, tasks, say)
    say("hub.stopped", slot=worker.slot)
    watch.close()


def _settle_garbage() -> None:
    """What a worker has loaded by now it keeps, so the collector need not walk through it; what comes is short-lived.

    Measured: a tenth to a fifth of the CPU of deciding a message.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _holder(worker: Worker) -> str:
    """The name that outlives a restart of the worker: its successor in the same slot takes its leases over at once."""
    return f"{socket.gethostname()}/{worker.settings.data.resolve()}/{worker.slot}"


def _adapters(
    calls: HttpCalls, safe: Safe, photos: Photos, brokers: Brokers, folders: Folders, say: Say
) -> dict[Transport, Adapter]:
    """The way out, for each transport."""
    return {
        Transport.REST: RestAdapter(safe, calls),
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


@contextlib.asynccontextmanager
async def _pool(dsn: str, slot: str, *, relaxed: bool = False) -> AsyncIterator[Pool]:
    pool = await _opened(dsn, slot, relaxed)
    try:
        yield pool
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await pool.close()
        pool.terminate()


async def _opened(dsn: str, slot: str, relaxed: bool) -> Pool:
    async with asyncio.timeout(STORE_SECONDS):
        while True:
            try:
                return await open_pool(dsn, role=slot, relaxed=relaxed)
            except LOST:
                await asyncio.sleep(STORE_AGAIN_SECONDS)


async def _http(services: Services, listening_fd: int | None, ending: asyncio.Event) -> None:
    settings = services.settings
    config = uvicorn.Config(
        face(services),
        host=settings.host,
        port=settings.port,
        loop="none",
        http=JoinedHttp,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        backlog=2048,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = uvicorn.Server(config)
    sockets = [socket.socket(fileno=os.dup(listening_fd))] if listening_fd is not None else None
    serving = asyncio.create_task(server._serve(sockets), name="http")
    try:
        await ending.wait()
    finally:
        server.should_exit = True
        # Long polls would keep the server waiting.
        services.entries_bell.ring()
        services.letters_bell.ring()
        await serving


async def _until(ending: asyncio.Event, tasks: list[Coroutine[object, object, None]], say: Say) -> None:
    """Run all tasks until the end is asked for; the death of one ends the process; another is started."""
    running = [asyncio.create_task(task, name=getattr(task, "__qualname__", "task")) for task in tasks]
    asked = asyncio.create_task(ending.wait())
    done, _ = await asyncio.wait([*running, asked], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if task is not asked and not task.cancelled() and (fault := task.exception()) is not None:
            say("task.died", task=task.get_name(), fault=fault)
    ending.set()
    http = [task for task in running if task.get_name().startswith("_http")]
    # The doors close first, so that nothing new comes in while lanes finish.
    await asyncio.gather(*http, return_exceptions=True)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    asked.cancel()


def _end_on_signals(ending: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)


def _end_with_supervisor(lifeline_fd: int | None, ending: asyncio.Event) -> None:
    """The supervisor holds the other end of a pipe: when it dies, however, this end reads its end."""
    if lifeline_fd is None:
        return
    loop = asyncio.get_running_loop()

    def bereft() -> None:
        loop.remove_reader(lifeline_fd)
        ending.set()
        # A successor waits for this process to be gone. What it leaves undone is done by others, as after any death.
        loop.call_later(BEREFT_SECONDS, os._exit, 1)

    os.set_blocking(lifeline_fd, False)
    loop.add_reader(lifeline_fd, bereft)


def logs_to_stderr(level: str) -> None:
    """Log lines of a verb go to standard error: standard output is for what was asked."""
    configure(level)


def event_page() -> str:
    """The table of events as a page."""
    return event_document()


def data_folder(settings: Settings) -> None:
    """The data folder and the photos', made where they are missing. Raises ``StoreFault``."""
    for folder in (settings.data, settings.data / "run", settings.attachments_path):
        try:
            # Photos show people and homes: a folder that is made here is nobody else's to read.
            folder.mkdir(0o700 if folder == settings.attachments_path else 0o777, parents=True, exist_ok=True)
            # Existing is not enough: what cannot be written fails now, not at the first photo.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as fault:
            raise StoreFault(
                f"文件夹 {folder} 不能写入:{fault.strerror}。请更改权限,或用 --data、--attachments 另选。",
                f"The folder {folder} cannot be written: {fault.strerror}. Change it, or choose another.",
            ) from fault


async def check_seals(dsn: str, settings: Settings) -> None:
    """That what is sealed in the database opens with this machine's master keys. Raises ``StoreFault``."""
    try:
        master = load_or_create(settings.master_key_path)
    except MasterKeyFault as fault:
        raise StoreFault(f"主密钥不可用:{fault}", f"The master keys cannot be used: {fault}") from fault
    pool = await open_pool(dsn, size_min=1, size_max=1, role="seals")
    try:
        broken = await Safe(pool, Sealer(master)).broken()
    finally:
        pool.terminate()
    if broken:
        raise StoreFault(
            f"数据库中有 {len(broken)} 个密封的密钥不能用 {settings.master_key_path} 打开(例如 {broken[0]})。"
            "几台机器共用一个数据库时,须共用同一主密钥文件:把它复制过来,用 --master-key-file 指明。",
            f"{len(broken)} sealed secrets in the database do not open with {settings.master_key_path}, {broken[0]} for"
            " one. Hubs that share a database share the master key file: copy it here, or name it with"
            " --master-key-file.",
        )
