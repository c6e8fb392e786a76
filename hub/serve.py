"""The supervisor of one hub on one machine: the database, the first start, and worker processes that it keeps alive."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO, Any

import structlog

from hub.before_start import check_seals, data_folder
from hub.first_start import Prepared, prepare
from hub.logs import logs_to_stderr
from hub.settings import Settings
from hub.store.embedded import keep, running_server
from hub.store.fault import StoreFault

DSN_VARIABLE = "CITYHUB_WORKER_DSN"
READY_SECONDS = 60.0
END_SECONDS = 15.0
ALONE_SECONDS = 10.0
"""How long a start waits for what a killed hub left on the same data folder: its workers end within a few seconds."""

STEADY_SECONDS = 30.0
RESTART_SECONDS = 0.25
RESTART_SECONDS_MAX = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A hub that answers."""

    url: str
    prepared: Prepared


async def serve(settings: Settings, arguments: list[str], when_ready: Callable[[Ready], None]) -> None:
    """Run a hub until it is told to end. Raises ``StoreFault`` and ``CityFolderUnusable``."""
    logs_to_stderr(settings.log_level)
    data_folder(settings)
    async with contextlib.AsyncExitStack() as stack:
        lock_fd = await stack.enter_async_context(_alone(settings.data))
        listening = stack.enter_context(_listening(settings))
        dsn = await stack.enter_async_context(_database(settings))
        prepared = await prepare(dsn, settings.city, settings.clock_rate, settings.clock_start)
        await check_seals(dsn, settings)
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        url = f"http://{settings.host}:{listening.getsockname()[1]}"
        workers = [
            asyncio.create_task(
                _kept_alive(
                    Slot(slot, roles, {DSN_VARIABLE: dsn, **hidden(settings)}, arguments, listening.fileno(), lock_fd),
                    ending,
                )
            )
            for slot, roles in layout(settings.processes)
        ]
        announcing = asyncio.create_task(_announce(url, prepared, when_ready, ending))
        await ending.wait()
        await asyncio.gather(*workers, announcing, return_exceptions=True)


def layout(processes: int) -> list[tuple[str, str]]:
    """Which roles run in which process: lanes apart from the doors as soon as there are two."""
    if processes == 1:
        return [("w0", "api,lanes,clock,sources")]
    lanes = max(1, processes // 4)
    return [(f"a{n}", "api") for n in range(processes - lanes)] + [
        (f"l{n}", "lanes,clock,sources") for n in range(lanes)
    ]


@contextlib.asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    if settings.database:
        yield settings.database
        return
    async with running_server(settings.data / "postgresql") as server:
        keeping = asyncio.create_task(keep(server), name="database")
        try:
            yield server.dsn
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


@contextlib.asynccontextmanager
async def _alone(data: Path) -> AsyncIterator[int]:
    """One hub per data folder: a lock that workers inherit, so who gets it knows that none of them is left.

    Two would take each other's lanes by turns, as both have workers of the same name.
    """
    with (data / "run" / "hub.lock").open("wb") as lock:
        deadline = monotonic() + ALONE_SECONDS
        while not _locked(lock):
            if monotonic() > deadline:
                raise StoreFault(
                    f"另一个枢纽正在使用数据文件夹 {data};请先结束它,或用 --data 另选。",
                    f"Another hub uses the data folder {data}; end it first, or choose another with --data.",
                )
            await asyncio.sleep(0.05)
        yield lock.fileno()


def _locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as fault:
            raise StoreFault(
                f"端口 {settings.host}:{settings.port} 已被占用,请用 --port 另选。",
                f"{settings.host}:{settings.port} is taken; choose another with --port.",
            ) from fault
        listening.listen(2048)
        listening.set_inheritable(True)
        yield listening


@dataclass(frozen=True, slots=True)
class Slot:
    """One worker's place: what its process is started with, each time."""

    name: str
    roles: str
    environment: dict[str, str] = field(repr=False)
    arguments: list[str]
    listening_fd: int
    lock_fd: int


async def _kept_alive(slot: Slot, ending: asyncio.Event) -> None:
    """Run a worker, again whenever it dies, until the end; then end it and wait for it."""
    asked = asyncio.create_task(ending.wait())
    deaths = 0
    while not ending.is_set():
        began = monotonic()
        status = await _one_life(slot, asked)
        if ending.is_set():
            return
        log.error("worker.died", slot=slot.name, status=status)
        deaths = 1 if monotonic() - began > STEADY_SECONDS else deaths + 1
        await asyncio.wait([asked], timeout=restart_pause(deaths))


def restart_pause(deaths: int) -> float:
    """How long a worker stays dead after so many deaths in a row: one that was killed comes back at once."""
    return 0.0 if deaths == 1 else min(RESTART_SECONDS * 2.0 ** min(deaths - 2, 16), RESTART_SECONDS_MAX)


async def _one_life(slot: Slot, asked: asyncio.Task[Any]) -> int | None:
    """Run the worker's process until it dies or the end is asked for; its status, None where it could not start."""
    lifeline, held = os.pipe()
    try:
        try:
            process = await _started(slot, lifeline)
        except OSError:
            return None
        finally:
            os.close(lifeline)
        died = asyncio.create_task(process.wait())
        await asyncio.wait([died, asked], return_when=asyncio.FIRST_COMPLETED)
        if not died.done():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await asyncio.wait([died], timeout=END_SECONDS)
            if not died.done():
                process.kill()
        return await died
    finally:
        os.close(held)


async def _started(slot: Slot, lifeline: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "hub.cli",
        "worker",
        f"--slot={slot.name}",
        f"--roles={slot.roles}",
        f"--listening-fd={slot.listening_fd}",
        f"--lifeline-fd={lifeline}",
        *slot.arguments,
        # The worker does nothing with the lock: by holding it, it is seen.
        pass_fds=(slot.listening_fd, lifeline, slot.lock_fd),
        env={**os.environ, **slot.environment, "PYTHONPATH": _paths()},
        # Ctrl-C in a terminal reaches the whole group; workers end when their supervisor says so.
        start_new_session=True,
    )


def _paths() -> str:
    """Workers find the packages where this process found them, from whatever folder it was started."""
    root = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


async def _announce(url: str, prepared: Prepared, when_ready: Callable[[Ready], None], ending: asyncio.Event) -> None:
    host, _, port = url.removeprefix("http://").rpartition(":")
    deadline = monotonic() + READY_SECONDS
    while monotonic() < deadline and not ending.is_set():
        if await _answers(host, int(port)):
            when_ready(Ready(url, prepared))
            return
        await asyncio.sleep(0.05)
    if not ending.is_set():
        log.error("hub.not_ready", seconds=READY_SECONDS)


async def _answers(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
            writer.close()
            return line.split(b" ")[1:2] == [b"200"]
    except (OSError, TimeoutError):
        return False


def arguments_of(settings: Settings) -> list[str]:
    """The settings as a worker's arguments; the database's address travels in the environment, unseen by ``ps``."""
    flags = {
        "data": str(settings.data.resolve()),
        "master-key-file": str(settings.master_key_path.resolve()),
        "attachments": str(settings.attachments_path.resolve()),
        "files-root": str(settings.files_root.resolve()) if settings.files_root is not None else "",
        "host": settings.host,
        "port": str(settings.port),
        "log-level": settings.log_level,
        "outbound-allow": ",".join(str(network) for network in settings.outbound_allow),
        "outbound-allow-private": "yes" if settings.outbound_allow_private else "",
        "rate-per-second": str(settings.rate_per_second),
        "body-max-bytes": str(settings.body_max_bytes),
        "batch-max": str(settings.batch_max),
        "attachment-max-bytes": str(settings.attachment_max_bytes),
    }
    return [f"--{name}={value}" for name, value in flags.items() if value]


def hidden(settings: Settings) -> dict[str, str]:
    """What a worker is told by its environment, unseen by ``ps``: addresses that hold passwords."""
    told = {
        "CITYHUB_RABBITMQ": ",".join(settings.rabbitmq),
        "CITYHUB_RABBITMQ_MANAGEMENT": settings.rabbitmq_management or "",
    }
    return {name: value for name, value in told.items() if value}


def ready_line(ready: Ready) -> str:
    """One JSON line for programs that start a hub."""
    key = ready.prepared.admin_key
    return json.dumps({"ready": True, "url": ready.url, "admin_key": key.reveal() if key else None, "pid": os.getpid()})
