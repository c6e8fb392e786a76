"""A client of the hub's public interface: JSON over HTTP, with one API key, patient where the hub says it may help."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import aiohttp

PATIENCE_SECONDS = 60.0
CALL_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub answered."""

    status: int
    document: Any
    headers: Mapping[str, str]
    raw: bytes = b""

    @property
    def good(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    @property
    def replayed(self) -> bool:
        """Whether it is the first answer given again."""
        return self.headers.get("idempotency-replayed") == "true"

    @property
    def problem(self) -> str:
        """The kind of problem, the last part of its type."""
        told = self.document if isinstance(self.document, dict) else {}
        return str(told.get("type", self.status)).rstrip("/").rpartition("/")[2]


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class HubSaidNo(Exception):
    """A call of the demo's own was refused: the demo cannot go on."""

    method: str
    path: str
    answer: Answer

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.answer.status} {self.answer.document}"


@dataclass(frozen=True, slots=True)
class HubClient:
    """One unit's way to the hub; all clients of a process share its connections."""

    session: aiohttp.ClientSession
    url: str
    key: str

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_seconds: float = CALL_SECONDS,
    ) -> Answer:
        """One call, one answer. Raises ``aiohttp.ClientError`` and ``TimeoutError``."""
        sent = {"authorization": f"Bearer {self.key}", **(headers or {})}
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            sent.setdefault("content-type", "application/json")
        async with self.session.request(
            method, self.url + path, data=content, headers=sent, timeout=aiohttp.ClientTimeout(total=timeout_seconds)
        ) as response:
            raw = await response.read()
            document = json.loads(raw) if raw and "json" in response.content_type else None
            kept = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, document, kept, raw)

    async def insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Call until the answer is final: what may pass later is sent again, the same to the byte."""
        until, pause = monotonic() + PATIENCE_SECONDS, 0.1
        while True:
            try:
                answer = await self.call(method, path, body, headers=headers, content=content)
            except (aiohttp.ClientError, TimeoutError):
                if monotonic() > until:
                    raise
            else:
                told = answer.document if isinstance(answer.document, dict) else {}
                if not told.get("retryable") or monotonic() > until:
                    return answer
                pause = max(pause, float(answer.headers.get("retry-after", 0)))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 3.0)

    async def get(self, path: str) -> Any:
        """The document at a path. Raises ``HubSaidNo``."""
        return await self._wanted("GET", path)

    async def do(self, method: str, path: str, body: Any) -> Any:
        """An act that must succeed. Raises ``HubSaidNo``."""
        return await self._wanted(method, path, body)

    async def send(self, method: str, path: str, content: bytes) -> Any:
        """As ``do``, with a document of its own format. Raises ``HubSaidNo``."""
        return await self._wanted(method, path, content=content)

    async def _wanted(self, method: str, path: str, body: Any = None, content: bytes | None = None) -> Any:
        answer = await self.insist(method, path, body, content=content)
        if not answer.good:
            raise HubSaidNo(method, path, answer)
        return answer.document

    async def pages(self, path: str) -> AsyncIterator[Any]:
        """Every item of a paged list, following ``next``."""
        following: str | None = path
        while following:
            page = await self.get(following)
            for item in page["items"]:
                yield item
            following = page.get("next")


@dataclass(frozen=True, slots=True)
class CityTime:
    """City time, as the hub told it once: it runs evenly, so nobody has to ask again."""

    city: datetime
    rate: float
    told_at: float = field(default_factory=monotonic)

    @classmethod
    async def ask(cls, client: HubClient) -> CityTime:
        """Ask the hub."""
        told = await client.get("/api/v1/clock")
        return cls(datetime.fromisoformat(told["now"]), float(told["rate"]))

    def now(self) -> datetime:
        """City time now."""
        return self.city + timedelta(seconds=(monotonic() - self.told_at) * self.rate)

    def seconds_of(self, minutes: float) -> float:
        """How long so many minutes of the city take here."""
        return minutes * 60 / self.rate

    async def pass_minutes(self, minutes: float) -> None:
        """Let so many minutes of the city go by."""
        await asyncio.sleep(max(0.0, self.seconds_of(minutes)))
