"""What each SOAP operation does: messages go to the reception, questions are answered as REST answers them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import uuid_utils.compat as uuids

from auth.principal import Principal
from contracts.arrival import Arrival, Said
from contracts.nouns import RenderedLetter
from contracts.problem import Problem, Violation
from contracts.soap.operations import (
    CONFIRM_LETTERS,
    FETCH_LETTERS,
    FETCH_PHOTO,
    QUERY_CASE,
    SEND_PHOTO,
    Operation,
    said_by,
)
from hub.api.pulling import confirmed, fetched, photo_of, pull_connection
from hub.api.services import Services
from hub.api.speaker import sees_all
from hub.api.views import answer_document, attachment_document, case_document
from hub.case_numbers import parse
from hub.store import reading

Question = Callable[[Services, Principal, Any], Awaitable[Mapping[str, Any]]]


async def sent(
    services: Services,
    operation: Operation,
    request: Any,
    traceparent: str,
    arrival: Callable[[Said], Arrival],
) -> Mapping[str, Any]:
    """The receipt of a message. Raises ``Problem`` where it is refused."""
    said = said_by(operation, request, uuids.uuid7().hex, traceparent)
    outcome = (await services.reception.receive([arrival(said)]))[0]
    if isinstance(outcome, Problem):
        raise outcome
    document = answer_document(outcome, services.registry().epoch, said.message_id)
    return {"receipt": {**document, "repeated": outcome.repeated}}


async def _fetch_letters(services: Services, principal: Principal, request: Any) -> Mapping[str, Any]:
    source = pull_connection(services, principal, request.connection)
    handed = await fetched(
        services, source, wait=request.wait_seconds, limit=request.limit, lease=request.lease_seconds
    )
    letters = [_letter(rendered, leases) for rendered, leases in handed.letters]
    return {
        "inbox": {"lease_id": str(handed.lease_id), "lease_seconds": int(handed.seconds), "letters": letters},
    }


def _letter(rendered: RenderedLetter, leases: int) -> dict[str, Any]:
    event = orjson.loads(rendered.body)
    return {
        "letter_id": rendered.letter_id,
        "handed_out": leases,
        "contract": rendered.contract,
        "case_number": rendered.case_number,
        "mode": event["mode"],
        "sequence": int(event["sequence"]),
        "time": event["time"],
        "recorded_at": event["recordedtime"],
        "based_on_version": event["basedonversion"],
        event["type"].rpartition(".")[2]: event["data"],
    }


async def _confirm_letters(services: Services, principal: Principal, request: Any) -> Mapping[str, Any]:
    source = pull_connection(services, principal, request.connection)
    return {"confirmed": await confirmed(services, source, request.lease_id, request.letters)}


async def _query_case(services: Services, principal: Principal, request: Any) -> Mapping[str, Any]:
    only_unit = _only(services, principal)
    case_id = parse(request.case_number, services.registry().division_code)
    seen = await reading.case(services.pool, case_id, only_unit) if case_id is not None else None
    if seen is None or not seen.sees:
        number = request.case_number
        raise Problem("case_unknown", f"没有案件 {number}。", f"There is no case {number}.")
    return {"case": case_document(seen, services.clock().now(), only_unit, services.registry().epoch)}


async def _send_photo(services: Services, principal: Principal, request: Any) -> Mapping[str, Any]:
    try:
        content = base64.b64decode("".join(request.content.split()), validate=True)
    except (ValueError, binascii.Error):
        said = Violation("#/content", "应为 base64", "must be base64", "base64")
        raise Problem("contract_broken", violations=(said,)) from None
    row = await services.attachments.keep(principal.unit_id, content)
    services.say("attachment.stored", unit_id=row.unit_id, size_bytes=row.size_bytes)
    return {"photo": attachment_document(row)}


async def _fetch_photo(services: Services, principal: Principal, request: Any) -> Mapping[str, Any]:
    row = await photo_of(services, _only(services, principal), request.attachment_id, request.case_number)
    content = await services.attachments.read(row)
    return {"photo": {"media_type": row.media_type, "content": base64.b64encode(content).decode("ascii")}}


def _only(services: Services, principal: Principal) -> str | None:
    return None if sees_all(services, principal) else principal.unit_id


QUESTIONS: Mapping[str, Question] = {
    FETCH_LETTERS.name: _fetch_letters,
    CONFIRM_LETTERS.name: _confirm_letters,
    QUERY_CASE.name: _query_case,
    SEND_PHOTO.name: _send_photo,
    FETCH_PHOTO.name: _fetch_photo,
}
