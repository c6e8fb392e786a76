"""Pulling: a unit fetches its letters under a lease and acknowledges them; and sends photos."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from auth.principal import Scope
from contracts.checking import check_body
from contracts.model import Model
from contracts.nouns import Connection
from contracts.problem import Problem
from hub.api.asgi import read_body
from hub.api.deps import Caller, Known, answer, matches, services_of, takes, takes_bytes
from hub.api.views import attachment_document, inbox_letter
from hub.case_numbers import parse
from hub.delivery import inbox
from hub.letters import letter_id, position_of
from hub.store import reading

router = APIRouter(prefix="/api/v1")

WAIT_MAX_SECONDS = 60
LEASE_MAX_SECONDS = 3600

ConnectionName = Annotated[
    str | None, Query(max_length=32, pattern=r"^[a-z][a-z0-9_-]*$", description="连接名 / the connection's name")
]


class Acknowledgement(Model):
    """Which letters of which lease were taken over."""

    lease_id: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    letters: Annotated[tuple[Annotated[str, Field(max_length=32)], ...], Field(min_length=1, max_length=500)]


@router.get("/inbox", tags=["inbox"], summary="收件箱 / fetch letters under a lease")
async def fetch(
    request: Request,
    caller: Caller,
    wait: Annotated[float, Query(ge=0, le=WAIT_MAX_SECONDS, description="秒 / seconds")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    lease: Annotated[float, Query(ge=1, le=LEASE_MAX_SECONDS, description="秒 / seconds")] = 60,
    connection: ConnectionName = None,
) -> Response:
    """Letters for the caller, urgent first, in order per case. What is not acknowledged in time comes again."""
    services = services_of(request)
    source = _connection(request, caller, connection)
    division = services.registry().division_code
    deadline = asyncio.get_running_loop().time() + wait
    while True:
        bell = services.letters_bell.waiter()
        handed = await inbox.hand_out(services.pool, source, limit=limit, seconds=lease, division=division)
        left = deadline - asyncio.get_running_loop().time()
        if handed.letters or left <= 0:
            break
        try:
            # The bell rings for everybody's letters; a lease that runs out or a held letter rings nothing.
            async with asyncio.timeout(min(left, 2.0)):
                await bell.wait()
        except TimeoutError:
            continue
    if handed.letters:
        services.say(
            "inbox.leased", connection_id=source.connection_id, unit_id=source.unit_id, letters=len(handed.letters)
        )
    return answer(
        {
            "lease_id": str(handed.lease_id),
            "lease_seconds": handed.seconds,
            "items": [inbox_letter(rendered, leases) for rendered, leases in handed.letters],
        }
    )


@router.post(
    "/inbox/ack",
    tags=["inbox"],
    summary="确认收件 / acknowledge letters",
    openapi_extra=takes(Acknowledgement),
)
async def acknowledge(request: Request, caller: Caller, connection: ConnectionName = None) -> Response:
    """The letters are the caller's now. Acknowledging twice is no fault; with a lost lease it comes again."""
    services = services_of(request)
    raw = await read_body(request.receive, request.headers.get("content-length"), services.settings.body_max_bytes)
    body = check_body(Acknowledgement, raw)
    source = _connection(request, caller, connection)
    positions = {name: position_of(name) for name in body.letters}
    asked = [position for position in positions.values() if position is not None]
    done = await inbox.acknowledge(
        services.pool, source, UUID(body.lease_id), asked, division=services.registry().division_code
    )
    if done.settled:
        services.say(
            "inbox.acknowledged", connection_id=source.connection_id, unit_id=source.unit_id, letters=len(done.settled)
        )
    unknown = [name for name, position in positions.items() if position is None]
    return answer(
        {
            "acknowledged": sorted(letter_id(position) for position in done.settled | done.before),
            "lease_lost": sorted([*unknown, *(letter_id(position) for position in done.lost)]),
        }
    )


@router.post(
    "/attachments",
    tags=["attachments"],
    status_code=201,
    summary="上传照片 / send a photo",
    openapi_extra=takes_bytes("image/jpeg", "image/png", "image/webp"),
)
async def send_photo(request: Request, caller: Caller) -> Response:
    """The raw bytes of a JPEG, PNG or WebP picture; the answer's ``attachment_id`` goes into messages."""
    services = services_of(request)
    limit = services.settings.attachment_max_bytes
    content = await read_body(request.receive, request.headers.get("content-length"), limit)
    row = await services.attachments.keep(caller.principal.unit_id, content)
    services.say("attachment.stored", unit_id=row.unit_id, size_bytes=row.size_bytes)
    document = attachment_document(row)
    return answer(document, 201, {"location": document["href"]})


@router.get(
    "/attachments/{id}",
    tags=["attachments"],
    summary="照片 / a photo",
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}}},
)
async def photo(
    request: Request,
    caller: Caller,
    id: Annotated[str, Path(max_length=64)],
    case_number: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """The picture. A unit reads its own, and with ``case_number`` those named in what it may see of that case."""
    services = services_of(request)
    row = await reading.attachment(services.pool, id) if "\0" not in id else None
    if row is None or not await _may_read(request, caller, row.unit_id, id, case_number):
        raise Problem("not_found", "没有该附件。", "There is no such attachment.")
    content = await services.attachments.read(row)
    etag = f'"{row.sha256.hex()}"'
    headers = {"etag": etag, "cache-control": "private, max-age=86400", "x-content-type-options": "nosniff"}
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=row.media_type, headers=headers)


async def _may_read(request: Request, caller: Known, owner: str, attachment_id: str, case_number: str | None) -> bool:
    if caller.only_unit in (None, owner):
        return True
    services = services_of(request)
    case_id = parse(case_number or "", services.registry().division_code)
    return case_id is not None and await reading.attachment_seen(
        services.pool, case_id, caller.only_unit, attachment_id
    )


def _connection(request: Request, caller: Known, name: str | None) -> Connection:
    if not caller.principal.may(Scope.UNIT):
        raise Problem("forbidden", "该密钥不能收件。", "This key may not fetch letters.")
    found = services_of(request).registry().pull_connection(caller.principal.unit_id, name)
    if found is None:
        raise Problem("not_found", f"没有可取件的连接 {name}。", f"There is no connection {name} to pull from.")
    return found
