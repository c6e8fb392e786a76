"""Pulling: a unit fetches its letters under a lease and acknowledges them; and sends photos."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from contracts.checking import check_body
from contracts.model import Model
from hub.api.asgi import read_body
from hub.api.deps import Caller, answer, matches, services_of, takes, takes_bytes
from hub.api.pulling import confirmed, fetched, photo_of, pull_connection
from hub.api.views import attachment_document, inbox_letter

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
    source = pull_connection(services, caller.principal, connection)
    handed = await fetched(services, source, wait=wait, limit=limit, lease=lease)
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
    source = pull_connection(services, caller.principal, connection)
    return answer(await confirmed(services, source, body.lease_id, body.letters))


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
    row = await photo_of(services, caller.only_unit, id, case_number)
    content = await services.attachments.read(row)
    etag = f'"{row.sha256.hex()}"'
    headers = {"etag": etag, "cache-control": "private, max-age=86400", "x-content-type-options": "nosniff"}
    if matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=row.media_type, headers=headers)
