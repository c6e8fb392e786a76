"""The REST adapter: one call for one try at one letter. It keeps no letter, retries nothing, follows nothing.

A connection with a mapping gets its own documents, by its own methods and addresses; without one, signed CloudEvents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.answers import Answers
from adapters.documents import DocumentFault
from adapters.http.authentication import Authenticator, Caller
from adapters.http.calls import ANSWER_READ_MAX, HttpAnswer, HttpCalls
from adapters.http.statuses import ANSWER_KEPT_MAX, CONTROL_HEADERS, outcome
from adapters.kept import Kept, section
from adapters.mapping import Mapper, MappingFailed, mapper_of
from adapters.mapping.unwritten import unwritten
from adapters.rest.photos import with_photos
from adapters.rest.signing import NoSigningSecret, Signer
from auth.port import Secrets, SigningSecrets
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter
from contracts.port import DeliveryFailed, Photos, Unauthorised
from contracts.ways.rest import RestCall, RestSettings, Signing

RULED_ANSWER_MAX = 256 * 1024
"""Bytes of an answer that are read where rules look into it."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class _Way:
    """How one connection is called."""

    settings: RestSettings
    calls: Mapping[str, RestCall]
    caller: Caller
    mapper: Mapper | None
    answers: Answers | None


class RestAdapter:
    """Delivers letters over HTTP(S); implements ``contracts.port.Adapter``."""

    def __init__(self, secrets: Secrets, calls: HttpCalls, photos: Photos) -> None:
        self._secrets = secrets
        self._photos = photos
        self._authenticator = Authenticator(secrets, calls)
        self._signer = Signer()
        self._ways: Kept[_Way] = Kept(_way)

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``."""
        way = self._ways.of(connection)
        content_type, body = await _document(way, letter, self._photos)
        endpoint, method = _address(way, letter)
        signing = way.settings.signing
        secrets = SigningSecrets() if signing is Signing.NONE else await self._secrets.signing(connection.connection_id)
        answer = await self._authenticator.call(
            way.caller,
            endpoint,
            self._headers(letter, content_type, body, secrets, signing),
            body,
            limit_seconds=connection.timeout_seconds,
            method=method,
            wanted=CONTROL_HEADERS,
            answer_max=ANSWER_READ_MAX if way.answers is None else RULED_ANSWER_MAX,
            turned_away=lambda answer: isinstance(_said(way, answer), Unauthorised),
        )
        said = _said(way, answer)
        if not isinstance(said, Receipt):
            said.answer = said.answer[:ANSWER_KEPT_MAX]
            raise said
        return Delivered(said, answer.status, answer.body[:ANSWER_KEPT_MAX], answer.sent_at, answer.answered_at)

    async def close(self) -> None:
        """End token fetches under way; the HTTP client is its owner's."""
        await self._authenticator.close()

    def _headers(
        self, letter: RenderedLetter, content_type: str, body: bytes, secrets: SigningSecrets, signing: Signing
    ) -> Callable[[datetime], dict[str, str]]:
        def headers(sent_at: datetime) -> dict[str, str]:
            # Without a signature a repeat is still known by the letter's id.
            made = {"webhook-id": letter.letter_id}
            if signing is not Signing.NONE:
                made = self._signed(letter.letter_id, sent_at, body, secrets, signing)
            made["content-type"] = content_type
            # A letter must not fail for a trace id that someone upstream made up.
            if letter.traceparent is not None and _TRACEPARENT.fullmatch(letter.traceparent):
                made["traceparent"] = letter.traceparent
            return made

        return headers

    def _signed(
        self, letter_id: str, sent_at: datetime, body: bytes, secrets: SigningSecrets, signing: Signing
    ) -> dict[str, str]:
        try:
            return self._signer.headers(letter_id, int(sent_at.timestamp()), body, secrets, signing)
        except NoSigningSecret:
            raise Unauthorised(
                f"连接没有可用的签名密钥 / the connection has no live signing secret ({signing})"
            ) from None


def _way(connection: Connection) -> _Way:
    settings = section(RestSettings, connection.settings)
    mapper = mapper_of(connection.settings) if "mapping_of" in connection.settings else None
    return _Way(
        settings,
        {call.contract: call for call in settings.calls},
        Caller(connection.unit_id, settings.authentication, settings.client_certificate),
        # A mapping for what comes in alone says nothing of what goes out.
        mapper if mapper is not None and mapper.writes else None,
        Answers(settings.answers) if settings.answers is not None else None,
    )


async def _document(way: _Way, letter: RenderedLetter, photos: Photos) -> tuple[str, bytes]:
    """What goes over the wire, and its media type. Raises ``Refused``: a person mends the profile and replays."""
    if way.mapper is None:
        return letter.content_type, letter.body
    wanted = way.settings.photos
    try:
        if wanted is not None:
            document = way.mapper.values(letter.contract, letter.body)
            written = way.mapper.written_out(letter.contract)
            return await with_photos(document, written, wanted, photos, letter.letter_id)
        made = way.mapper.write(letter.contract, letter.body)
    except (MappingFailed, DocumentFault) as fault:
        raise unwritten(fault) from None
    return made.content_type, made.body


def _address(way: _Way, letter: RenderedLetter) -> tuple[str, str]:
    call = way.calls.get(letter.contract.partition("/")[0])
    if call is None:
        endpoint, method = way.settings.endpoint, way.settings.method
    else:
        endpoint, method = call.endpoint or way.settings.endpoint, call.method
    if "{" in endpoint:
        endpoint = endpoint.replace("{case_number}", letter.case_number).replace("{letter_id}", letter.letter_id)
    return endpoint, method.value


def _said(way: _Way, answer: HttpAnswer) -> Receipt | DeliveryFailed:
    """What the answer means: by the profile's rules, and where none holds by its status."""
    ruled = way.answers.of_bytes(answer.status, answer.body) if way.answers is not None else None
    return ruled if ruled is not None else outcome(answer.status, answer.headers, answer.body, answer.answered_at)
