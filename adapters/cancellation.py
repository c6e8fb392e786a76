"""What libraries do to a task that is cancelled while it waits in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cancellation_heard() -> Iterator[None]:
    """A task that is cancelled inside ends there.

    Some libraries swallow a cancellation that meets what they wait for: pyreqwest at an answer, and whoever uses
    ``asyncio.wait_for`` before Python 3.12, as asyncssh does to connect.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        yield
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError
