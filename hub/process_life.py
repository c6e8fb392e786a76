"""How a worker's process lives: its pool, its HTTP server, its tasks, and the ways in which it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Coroutine

import uvicorn

from hub.api.services import Services
from hub.api.wire import Http
from hub.face import face
from hub.say import Say
from hub.store.pool import LOST, Pool, open_pool

BEREFT_SECONDS = 3.0
STORE_SECONDS = 60.0
"""How long a worker that starts waits for a store that does not answer yet."""

STORE_AGAIN_SECONDS = 0.1


@contextlib.asynccontextmanager
async def store_pool(dsn: str, slot: str, *, relaxed: bool = False) -> AsyncIterator[Pool]:
    """A pool of the worker's own, waited for while the store does not answer yet."""
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


async def serve_http(services: Services, listening_fd: int | None, ending: asyncio.Event) -> None:
    """The doors, until the end is asked for; then what is under way is answered."""
    settings = services.settings
    config = uvicorn.Config(
        face(services),
        host=settings.host,
        port=settings.port,
        loop="none",
        http=Http,
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


async def run_until(ending: asyncio.Event, tasks: list[Coroutine[object, object, None]], say: Say) -> None:
    """Run all tasks until the end is asked for; the death of one ends the process; another is started."""
    running = [asyncio.create_task(task, name=getattr(task, "__qualname__", "task")) for task in tasks]
    asked = asyncio.create_task(ending.wait())
    done, _ = await asyncio.wait([*running, asked], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if task is not asked and not task.cancelled() and (fault := task.exception()) is not None:
            say("task.died", task=task.get_name(), fault=fault)
    ending.set()
    http = [task for task in running if task.get_name().startswith("serve_http")]
    # The doors close first, so that nothing new comes in while lanes finish.
    await asyncio.gather(*http, return_exceptions=True)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    asked.cancel()


def end_on_signals(ending: asyncio.Event) -> None:
    """A signal to end is an orderly end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)


def end_with_supervisor(lifeline_fd: int | None, ending: asyncio.Event) -> None:
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


def settle_garbage() -> None:
    """What a worker has loaded by now it keeps, so the collector need not walk through it; what comes is short-lived.

    Measured: a tenth to a fifth of the CPU of deciding a message.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
