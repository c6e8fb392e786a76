"""The REST adapter: one POST for one try at one letter. It keeps nothing, retries nothing, follows nothing."""

from __future__ import annotations

import re
from datetime import datetime

from adapters.http.calls import HttpCalls
from adapters.rest.answers import ANSWER_KEPT_MAX, CONTROL_HEADERS, outcome
from adapters.rest.signing import NoSigningSecret, Signer
from auth.port import Secrets
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter
from contracts.port import Unauthorised
from contracts.ways.rest import Signing

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class RestAdapter:
    """Delivers letters over HTTP(S); implements ``contracts.port.Adapter``."""

    def __init__(self, secrets: Secrets, calls: HttpCalls) -> None:
        self._secrets = secrets
        self._calls = calls
        self._signer = Signer()

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``."""
        signing = Signing(connection.settings.get("signing", Signing.HMAC))
        secrets = await self._secrets.signing(connection.connection_id)

        def headers(sent_at: datetime) -> dict[str, str]:
            try:
                made = self._signer.headers(letter.letter_id, int(sent_at.timestamp()), letter.body, secrets, signing)
            except NoSigningSecret:
                raise Unauthorised(
                    f"连接没有可用的签名密钥 / the connection has no live signing secret ({signing})"
                ) from None
            made["content-type"] = letter.content_type
            # A letter must not fail for a trace id that someone upstream made up.
            if letter.traceparent is not None and _TRACEPARENT.fullmatch(letter.traceparent):
                made["traceparent"] = letter.traceparent
            return made

        answer = await self._calls.call(
            connection.settings["endpoint"],
            headers,
            letter.body,
            limit_seconds=connection.timeout_seconds,
            wanted=CONTROL_HEADERS,
        )
        said = outcome(answer.status, answer.headers, answer.body, answer.answered_at)
        if not isinstance(said, Receipt):
            raise said
        return Delivered(said, answer.status, answer.body[:ANSWER_KEPT_MAX], answer.sent_at, answer.answered_at)

    async def close(self) -> None:
        """Let go of sockets and pools."""
        await self._calls.close()
