"""The REST adapter: one POST for one try at one letter. It keeps nothing, retries nothing, follows nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, RequestPanicError
from pyreqwest.response import Response

from adapters.guard import OutboundGuard
from adapters.rest.answers import ANSWER_KEPT_MAX, CONTROL_HEADERS, outcome
from adapters.rest.clients import PinnedClients
from adapters.rest.faults import failure_of, sent_nothing
from adapters.rest.signing import NoSigningSecret, Signer
from auth.port import Secrets
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter
from contracts.port import Unauthorised
from contracts.profile import Signing

ANSWER_READ_MAX = 16 * 1024
"""Bytes of an answer that are read at all; a longer one costs its connection, not our memory."""
_LEAST_SECONDS = 0.001
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def machine_now() -> datetime:
    """The machine clock: signatures and attempts are always in real time."""
    return datetime.now(UTC)


class RestAdapter:
    """Delivers letters over HTTP(S); implements ``contracts.port.Adapter``.

    ``root_certificates`` (PEM) are trusted besides the machine's own, for units under a private authority.
    """

    def __init__(
        self,
        secrets: Secrets,
        guard: OutboundGuard,
        version: str,
        root_certificates: tuple[bytes, ...] = (),
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self._secrets = secrets
        self._guard = guard
        self._signer = Signer()
        self._clients = PinnedClients(f"CityHub/{version}", root_certificates)
        self._now = now

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``.

        The limit covers the name's address, connecting, the request, and the answer, however slowly it drips.
        """
        limit, started = connection.timeout_seconds, time.monotonic()
        pin = await self._guard.pin(connection.settings["endpoint"], limit)
        client = await self._clients.client(pin)
        sent_at = self._now()
        headers = await self._headers(connection, letter, sent_at)
        left = max(limit - (time.monotonic() - started), _LEAST_SECONDS)
        request = (
            client.post(pin.endpoint.url)
            .headers(headers)
            .body_bytes(letter.body)
            .timeout(timedelta(seconds=left))
            .streamed_read_buffer_limit(ANSWER_READ_MAX)
            .build_streamed()
        )
        try:
            async with request as response:
                body = await response.body_reader.read(ANSWER_READ_MAX)
        except (BuilderError, RequestPanicError):
            raise
        except DetailedPyreqwestError as fault:
            failure = failure_of(fault)
            if sent_nothing(failure):
                self._guard.avoid(pin)
            raise failure from None
        answered_at = self._now()
        answer = b"" if body is None else bytes(body)
        said = outcome(response.status, _control(response), answer, answered_at)
        if not isinstance(said, Receipt):
            raise said
        return Delivered(said, response.status, answer[:ANSWER_KEPT_MAX], sent_at, answered_at)

    async def close(self) -> None:
        """Let go of sockets and pools."""
        await self._clients.close()

    async def _headers(self, connection: Connection, letter: RenderedLetter, sent_at: datetime) -> dict[str, str]:
        signing = Signing(connection.settings.get("signing", Signing.HMAC))
        secrets = await self._secrets.signing(connection.connection_id)
        try:
            headers = self._signer.headers(letter.letter_id, int(sent_at.timestamp()), letter.body, secrets, signing)
        except NoSigningSecret:
            raise Unauthorised(
                f"连接没有可用的签名密钥 / the connection has no live signing secret ({signing})"
            ) from None
        headers["content-type"] = letter.content_type
        # A letter must not fail for a trace id that someone upstream made up.
        if letter.traceparent is not None and _TRACEPARENT.fullmatch(letter.traceparent):
            headers["traceparent"] = letter.traceparent
        return headers


def _control(response: Response) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in CONTROL_HEADERS:
        try:
            value = response.get_header(name)
        except ValueError:
            # Not ASCII: it says nothing that we could follow.
            continue
        if value is not None:
            found[name] = value
    return found
