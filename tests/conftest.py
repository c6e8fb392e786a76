"""For all tests: hypothesis judges what is claimed, not how long it takes on a busy machine.

The same commit gives the same answer: examples are drawn the same way each time. ``CITYHUB_EXPLORE=1`` draws others.
A test that hangs ends the run and says where it hangs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import AsyncIterator, Generator

import pytest
import pytest_asyncio
from hypothesis import settings

from hub.demo.broker import Broker, running_broker
from hub.demo.broker_node import BrokerFault, scripts_folder

settings.register_profile("steady", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("exploring", deadline=None, print_blob=True)
settings.load_profile("exploring" if os.environ.get("CITYHUB_EXPLORE") else "steady")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def broker() -> AsyncIterator[Broker]:
    """The RabbitMQ of the session, for tests that leave it running."""
    try:
        scripts_folder()
    except BrokerFault as fault:
        pytest.skip(str(fault))
    async with running_broker() as running:
        yield running


HANGS_SECONDS = 500.0
"""Many times what the longest test takes, with what it sets up; ``faulthandler_timeout`` ends it a little later."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs tells what its tasks wait for, before pytest ends it and with it the run."""
    timer = threading.Timer(HANGS_SECONDS, _tell_tasks, [item])
    timer.daemon = True
    timer.start()
    try:
        return (yield)
    finally:
        timer.cancel()


def _tell_tasks(item: pytest.Item) -> None:
    item.config.pluginmanager.getplugin("capturemanager").suspend_global_capture()
    sys.stderr.write(f"\n{item.nodeid} hangs\n")
    for loop in [each for each in gc.get_objects() if isinstance(each, asyncio.AbstractEventLoop)]:
        for task in [] if loop.is_closed() else asyncio.all_tasks(loop):
            sys.stderr.write(f"{task!r}\n{_awaited(task)}\n")
    sys.stderr.flush()


def _awaited(task: asyncio.Task[object]) -> str:
    """What a task waits for, from its own coroutine down to the innermost."""
    lines, inner = [], task.get_coro()
    while inner is not None:
        frame = getattr(inner, "cr_frame", None) or getattr(inner, "gi_frame", None)
        lines.append(f"  {inner!r}" + (f" line {frame.f_lineno}" if frame else ""))
        inner = getattr(inner, "cr_await", None) or getattr(inner, "gi_yieldfrom", None)
    return "\n".join(lines)
