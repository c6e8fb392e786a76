"""The SOAP adapter: one call of the unit's own operation for one try at one letter. It keeps and retries nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.documents.faults import DocumentFault
from adapters.documents.writing import wrap_documents
from adapters.http.statuses import ANSWER_KEPT_MAX
from adapters.mapping import MappingFailed
from adapters.soap.calls import SoapCalls, put_at
from adapters.soap.photos import Part, put_photos
from adapters.soap.prepared import Prepared
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter
from contracts.port import Photos, Refused, Unauthorised
from contracts.ways.soap import SoapCall

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class SoapAdapter:
    """Delivers letters by SOAP; implements ``contracts.port.Adapter``."""

    def __init__(self, calls: SoapCalls, photos: Photos) -> None:
        self._calls = calls
        self._photos = photos

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Try once to hand the letter over, within ``connection.timeout_seconds``."""
        ready = await self._calls.prepared(connection)
        name = letter.contract.partition("/")[0]
        call = ready.calls.get(name)
        if call is None:
            raise Unauthorised(f"档案没有 {name} 的操作 / the profile names no operation for {name}")
        arguments, parts = await self._arguments(ready, call, letter)
        headers = {}
        # A letter must not fail for a trace id that someone upstream made up.
        if letter.traceparent is not None and _TRACEPARENT.fullmatch(letter.traceparent):
            headers["traceparent"] = letter.traceparent
        answer = await self._calls.call(
            connection, call.operation, arguments, message_id=letter.letter_id, parts=parts, headers=headers
        )
        if not isinstance(answer.outcome, Receipt):
            raise answer.outcome
        http = answer.http
        return Delivered(answer.outcome, http.status, http.body[:ANSWER_KEPT_MAX], http.sent_at, http.answered_at)

    async def close(self) -> None:
        """Let go of threads and pools."""
        await self._calls.close()

    async def _arguments(
        self, ready: Prepared, call: SoapCall, letter: RenderedLetter
    ) -> tuple[dict[str, Any], tuple[Part, ...]]:
        try:
            arguments = arguments_before_photos(ready, call, letter.body)
            parts: tuple[Part, ...] = ()
            if ready.settings.photos is not None:
                parts = await put_photos(arguments, ready.settings.photos, self._photos)
            finish_arguments(ready, call, arguments)
        except (MappingFailed, DocumentFault) as fault:
            # The letter has no form in the unit's words: a person mends the profile, and it is sent again.
            raise Refused(_mapping_reason(fault)) from None
        return arguments, parts


def arguments_before_photos(ready: Prepared, call: SoapCall, event: bytes | Mapping[str, Any]) -> dict[str, Any]:
    """The mapped fields of a letter, or the letter itself where there is no mapping. Raises ``MappingFailed``."""
    if ready.mapper is not None:
        return ready.mapper.values(call.contract, event)
    arguments: dict[str, Any] = {}
    put_at(arguments, call.event or "event", event.decode() if isinstance(event, bytes) else event)
    return arguments


def finish_arguments(ready: Prepared, call: SoapCall, arguments: dict[str, Any]) -> None:
    """Write what of the arguments is a document of its own as its text. Raises ``DocumentFault``."""
    if ready.mapper is not None:
        wrap_documents(arguments, ready.mapper.written_out(call.contract))


def _mapping_reason(fault: MappingFailed | DocumentFault) -> str:
    if isinstance(fault, DocumentFault):
        return f"信件无法写成对方的文档:{fault.zh} / {fault.en}"[:500]
    zh, en = fault.faults[0].sentence()
    return f"信件无法写成对方的文档:{zh} / {en}"[:500]
