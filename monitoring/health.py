"""Readiness: named checks, each with its cause in two languages and since when. Liveness asks nothing at all.

``/healthz`` says that the process answers, so that nobody restarts a hub whose database is away; ``/readyz`` says
whether it can serve, and if not, why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

LIMIT_SECONDS = 3.0

Ask = Callable[[], Awaitable[tuple[bool, str, str]]]
"""Asks one thing: (passes, cause in Chinese, cause in English). No cause is read where it passes."""
Say = Callable[..., None]

_Found = tuple[bool, str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found, and since when it has been so."""

    name: str
    ok: bool
    cause_zh: str
    cause_en: str
    since: datetime

    def document(self) -> dict[str, object]:
        """As JSON; a cause only where there is something to mend."""
        causes = {} if self.ok else {"cause_zh": self.cause_zh, "cause_en": self.cause_en}
        return {"name": self.name, "ok": self.ok, "since": self.since.isoformat(), **causes}


class Readiness:
    """Asks all checks at once, each within ``limit_seconds``; one that still hangs is not asked again meanwhile.

    Says ``check.failed`` and ``check.passed`` when a check turns.
    """

    def __init__(
        self, asks: Mapping[str, Ask], *, say: Say = lambda event, **fields: None, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._asks, self._say, self._limit = dict(asks), say, limit_seconds
        self._asking: dict[str, asyncio.Task[_Found]] = {}
        self._last: dict[str, Check] = {}
        self._turned: dict[str, float] = {}

    async def checks(self) -> tuple[Check, ...]:
        """What every check finds now. Callers at the same time share one round."""
        tasks = {name: self._asking.get(name) or self._begin(name) for name in self._asks}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=self._limit)
        return tuple(self._noted(name, self._found(task)) for name, task in tasks.items())

    async def __call__(self) -> tuple[bool, dict[str, object]]:
        """(ready, document): ready when all checks pass."""
        made = await self.checks()
        ready = all(check.ok for check in made)
        return ready, {
            "status": "ready" if ready else "not_ready",
            "checks": [check.document() for check in made],
        }

    def _begin(self, name: str) -> asyncio.Task[_Found]:
        task = asyncio.create_task(_asked(self._asks[name]), name=f"check {name}")
        self._asking[name] = task
        task.add_done_callback(lambda _: self._asking.pop(name, None))
        return task

    def _found(self, task: asyncio.Task[_Found]) -> _Found:
        if task.done() and not task.cancelled():
            return task.result()
        # Not waited for: what hangs may not heed it either.
        task.cancel()
        return False, f"检查超过 {self._limit:g} 秒未完成", f"the check took more than {self._limit:g} seconds"

    def _noted(self, name: str, found: _Found) -> Check:
        ok, zh, en = found
        before = self._last.get(name)
        turned = before is None or before.ok != ok
        check = Check(name, ok, zh, en, datetime.now(UTC) if before is None or turned else before.since)
        self._last[name] = check
        if turned:
            if not ok:
                self._say("check.failed", check=name, cause=en)
            elif before is not None:
                self._say("check.passed", check=name, down_seconds=round(monotonic() - self._turned[name], 3))
            self._turned[name] = monotonic()
        return check


def live() -> dict[str, object]:
    """What ``/healthz`` answers: that it answers."""
    return {"status": "ok"}


async def _asked(ask: Ask) -> _Found:
    try:
        return await ask()
    except Exception as fault:
        kind = type(fault).__name__
        return False, f"检查出错:{kind}", f"the check failed: {kind}"
