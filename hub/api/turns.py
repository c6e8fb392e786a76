"""What reads a month of cases is done one after the other: an evaluation, a monthly notice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from contracts.problem import Problem
from hub.api.services import Services
from hub.evaluation.notice import Notice
from hub.notices import month_named, noticed

T = TypeVar("T")

WAIT_SECONDS = 20
"""How long a question waits for the ones before it."""


async def in_turn(services: Services, work: Callable[[], Awaitable[T]]) -> T:
    """Work, once no other such work is under way. Raises ``Problem`` where the wait is too long."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await services.evaluating.acquire()
    except TimeoutError:
        raise Problem("overloaded", retry_after_seconds=WAIT_SECONDS) from None
    try:
        return await work()
    finally:
        services.evaluating.release()


async def notice_of(services: Services, month: str, known_at: datetime | None = None) -> Notice:
    """The notice of a month that is named like ``2026-11``. Raises ``Problem``."""
    registry, now = services.registry(), services.clock().now()
    try:
        period = month_named(month)
    except ValueError as fault:
        raise Problem("query_invalid", f"月份有误:{fault}", f"The month is wrong: {fault}") from None
    if known_at is not None and known_at.tzinfo is None:
        raise Problem("query_invalid", "known_at 应带时区。", "known_at needs a time zone.")
    city, version = registry.city, registry.directory_version
    return await in_turn(services, lambda: noticed(services.pool, city, version, now, period, known_at))
