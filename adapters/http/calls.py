"""One call over HTTP(S): guarded, to the address that was judged, within a time limit, its answer bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, RequestPanicError
from pyreqwest.response import Response

from adapters.cancellation import cancellation_heard
from adapters.guard import OutboundGuard
from adapters.http.clients import PinnedClients
from adapters.http.faults import failure_of, sent_nothing

ANSWER_READ_MAX = 16 * 1024
"""Bytes of an answer that are read where the caller asks for no more; a longer one is cut off."""
_LEAST_SECONDS = 0.001


class HttpAnswer(Struct, frozen=True):
    """What came back: ``headers`` holds those that were asked for, names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: datetime
    answered_at: datetime


def machine_now() -> datetime:
    """The machine clock: signatures and attempts are always in real time."""
    return datetime.now(UTC)


class HttpCalls:
    """Makes calls. ``root_certificates`` (PEM) are trusted besides the machine's own, for private authorities."""

    def __init__(
        self,
        guard: OutboundGuard,
        version: str,
        root_certificates: tuple[bytes, ...] = (),
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self._guard = guard
        self._clients = PinnedClients(f"CityHub/{version}", root_certificates)
        self._now = now

    async def call(
        self,
        url: str,
        headers: Callable[[datetime], Mapping[str, str]] | Mapping[str, str],
        body: bytes | None,
        *,
        limit_seconds: float,
        method: str = "POST",
        wanted: Collection[str] = (),
        answer_max: int = ANSWER_READ_MAX,
        identity: bytes | None = None,
    ) -> HttpAnswer:
        """Call once. The limit covers the name's address, connecting, the request, and the answer, however it drips.

        ``headers`` may depend on the moment of sending; ``identity`` is the hub's certificate chain and key (PEM) for a
        unit that demands one. Raises the port's ``Unavailable`` or ``Unauthorised``; any
        answer, whatever its status, is returned.
        """
        with cancellation_heard():
            started = time.monotonic()
            pin = await self._guard.pin(url, limit_seconds)
            client = await self._clients.client(pin, identity)
            sent_at = self._now()
            left = max(limit_seconds - (time.monotonic() - started), _LEAST_SECONDS)
            request = (
                client.request(method, pin.endpoint.url)
                .headers(dict(headers(sent_at) if callable(headers) else headers))
                .timeout(timedelta(seconds=left))
                .streamed_read_buffer_limit(min(answer_max, 64 * 1024))
            )
            if body is not None:
                request = request.body_bytes(body)
            try:
                async with request.build_streamed() as response:
                    answer = await response.body_reader.read(answer_max)
            except (BuilderError, RequestPanicError):
                raise
            except DetailedPyreqwestError as fault:
                failure = failure_of(fault)
                if sent_nothing(failure):
                    self._guard.avoid(pin)
                raise failure from None
            return HttpAnswer(
                response.status,
                _headers(response, wanted),
                b"" if answer is None else bytes(answer),
                sent_at,
                self._now(),
            )

    async def close(self) -> None:
        """Let go of sockets and pools."""
        await self._clients.close()


def _headers(response: Response, wanted: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in wanted:
        try:
            value = response.get_header(name)
        except ValueError:
            # Not ASCII: it says nothing that we could follow.
            continue
        if value is not None:
            found[name] = value
    return found
