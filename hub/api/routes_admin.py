"""Administration: profiles, states, keys, secrets, lanes, letters, the refused shelf. Administrators only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from contracts.checking import check_body
from contracts.model import Line, Model, Optionally
from contracts.nouns import UnitState
from contracts.problem import Problem
from hub.api.asgi import read_body
from hub.api.deps import Caller, Known, answer, caller_of, paged, services_of, takes, takes_bytes
from hub.api.speaker import admin
from hub.api.views import present, refused_document
from hub.delivery import repair
from hub.letters import letter_id, position_of
from hub.onboarding import Applied
from hub.store import reading, shelf
from hub.store import registry as registry_store
from hub.store import sources as source_store


async def administrator(request: Request) -> None:
    admin((await caller_of(request)).principal)


router = APIRouter(prefix="/api/v1", tags=["administration"], dependencies=[Depends(administrator)])

UnitId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]


class StateChange(Model):
    """A unit's new state, with the reason; ``live`` is the administrator's recorded approval."""

    state: UnitState
    reason: Line


class KeyRequest(Model):
    """A new API key for a unit."""

    admin: bool = False
    note: Optionally[Line] = None
    days: Optionally[Annotated[int, Field(ge=1, le=3650)]] = None


class Reason(Model):
    """Why an operator did it."""

    reason: Line


async def body_of(request: Request) -> bytes:
    """The body of a request, bounded."""
    services = services_of(request)
    return await read_body(request.receive, request.headers.get("content-length"), services.settings.body_max_bytes)


def text_of(raw: bytes) -> str:
    """A profile's text. Raises ``Problem``."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("profile_invalid", "接入档案应为 UTF-8 文本。", "A profile is UTF-8 text.") from None


def by_whom(caller: Known) -> str:
    """Who acts: kept with what was done."""
    return f"{caller.principal.unit_id}/{caller.principal.credential_id}"


@router.put(
    "/units/{unit}/profile",
    summary="应用接入档案 / apply a profile (YAML or JSON)",
    openapi_extra=takes_bytes("application/yaml", "application/json"),
)
async def apply_profile(request: Request, caller: Caller, unit: UnitId) -> Response:
    """Apply a unit's profile. Signing secrets that are made now are in the answer, once."""
    text = text_of(await body_of(request))
    applied = await services_of(request).onboarding.apply(text, by_whom(caller), unit)
    return answer(applied_document(applied))


@router.get("/units/{unit}/profile", summary="接入档案 / the profile in force and its history")
async def profile(request: Request, caller: Caller, unit: UnitId) -> Response:
    """Every version, newest first, with who and when."""
    async with services_of(request).pool.acquire() as conn:
        history = await registry_store.profile_history(conn, unit)
    if not history:
        raise Problem("not_found", "该单位还没有接入档案。", "The unit has no profile yet.")
    items = [
        present(
            version=each.version,
            document=each.document,
            applied_at=each.applied_at,
            applied_by=each.applied_by,
            reason=each.reason or None,
        )
        for each in history
    ]
    return answer({"unit_id": unit, "items": items})


@router.post("/units/{unit}/state", summary="接入状态 / move a unit to a state", openapi_extra=takes(StateChange))
async def set_state(request: Request, caller: Caller, unit: UnitId) -> Response:
    """draft, testing, certified, live, suspended or retired."""
    change = check_body(StateChange, await body_of(request))
    await services_of(request).onboarding.set_state(unit, change.state, by_whom(caller), change.reason)
    return answer({"unit_id": unit, "state": change.state.value})


@router.post(
    "/units/{unit}/keys", status_code=201, summary="签发密钥 / issue an API key", openapi_extra=takes(KeyRequest)
)
async def issue_key(request: Request, caller: Caller, unit: UnitId) -> Response:
    """The key's text is in the answer, once; only its digest is kept."""
    wanted = check_body(KeyRequest, await body_of(request))
    text, row = await services_of(request).onboarding.issue_key(
        unit, by_whom(caller), admin=wanted.admin, note=wanted.note or "", days=wanted.days
    )
    return answer({"key_id": row.key_id, "unit_id": unit, "key": text.reveal()}, 201)


@router.get("/keys", summary="密钥列表 / list keys")
async def list_keys(request: Request, caller: Caller) -> Response:
    """Every key without its secret."""
    async with services_of(request).pool.acquire() as conn:
        rows = await registry_store.keys(conn)
    return answer(
        {
            "items": [
                present(
                    key_id=row.key_id,
                    unit_id=row.unit_id,
                    scopes=sorted(row.scopes),
                    note=row.note or None,
                    created_at=row.created_at,
                    expires_at=row.expires_at,
                    revoked_at=row.revoked_at,
                )
                for row in rows
            ]
        }
    )


@router.delete("/keys/{key_id}", summary="撤销密钥 / revoke a key")
async def revoke_key(request: Request, caller: Caller, key_id: Annotated[str, Path(max_length=64)]) -> Response:
    """Good for nothing within seconds, in every process."""
    if "\0" in key_id or not await services_of(request).onboarding.revoke_key(key_id, by_whom(caller)):
        raise Problem("not_found", "没有在用的该密钥。", "There is no such key in force.")
    return answer({"key_id": key_id, "revoked": True})


@router.post("/connections/{connection}/secret", status_code=201, summary="轮换签名密钥 / rotate a signing secret")
async def rotate_secret(request: Request, caller: Caller, connection: UnitId) -> Response:
    """New secrets, shown once; for a day the old ones sign beside them."""
    shown = await services_of(request).onboarding.rotate_signing(connection, by_whom(caller))
    return answer({"secrets": [{"connection_id": name, "secret": secret.reveal()} for name, secret in shown]}, 201)


@router.get("/lanes", summary="通道 / every lane with what waits on it")
async def lanes(request: Request, caller: Caller) -> Response:
    """Waiting, held and dead letters per connection; whether it is paused or its breaker open."""
    rows = await reading.lanes(services_of(request).pool)
    return answer(
        {
            "items": [
                present(
                    connection_id=row.connection_id,
                    unit_id=row.unit_id,
                    running=row.running,
                    breaker=row.breaker,
                    paused_at=row.paused_at,
                    paused_reason=row.paused_reason,
                    waiting=row.waiting,
                    held=row.held,
                    dead=row.dead,
                    oldest_waiting_at=row.oldest,
                )
                for row in rows
            ]
        }
    )


@router.get("/sources", summary="来源 / every connection that the hub fetches from")
async def sources(request: Request, caller: Caller) -> Response:
    """Queues, polled services and folders: how far each was read, and what troubles it."""
    rows = await source_store.all_sources(services_of(request).pool)
    return answer(
        {
            "items": [
                present(
                    connection_id=row.connection_id,
                    unit_id=row.unit_id,
                    running=row.held,
                    bookmark=row.bookmark or None,
                    moved_at=row.moved_at,
                    troubled_at=row.troubled_at,
                    trouble=row.trouble,
                )
                for row in rows
            ]
        }
    )


@router.post("/lanes/{connection}/resume", summary="恢复通道 / let a paused lane go on")
async def resume_lane(request: Request, caller: Caller, connection: UnitId) -> Response:
    """After what paused it (credentials, certificate, address) was mended."""
    if not await services_of(request).onboarding.resume_lane(connection, by_whom(caller)):
        raise Problem("not_found", "没有暂停的该通道。", "There is no such paused lane.")
    return answer({"connection_id": connection, "resumed": True})


@router.post("/letters/{id}/replay", summary="重新投递 / replay a held or dead letter", openapi_extra=takes(Reason))
async def replay(request: Request, caller: Caller, id: Annotated[str, Path(max_length=32)]) -> Response:
    """The same letter with the same bytes goes out again; a receiver that had it drops it by its id."""
    reason = check_body(Reason, await body_of(request)).reason
    services = services_of(request)
    done = await repair.replay(services.pool, _position(id), by_whom(caller), reason)
    services.say("letter.replayed", letter_id=letter_id(done), by=by_whom(caller))
    return answer({"letter_id": letter_id(done), "replayed": True})


@router.post("/letters/{id}/cancel", summary="取消信件 / cancel a held or dead letter", openapi_extra=takes(Reason))
async def cancel(request: Request, caller: Caller, id: Annotated[str, Path(max_length=32)]) -> Response:
    """It will not be delivered; the next letter of its case goes on."""
    reason = check_body(Reason, await body_of(request)).reason
    services = services_of(request)
    done = await repair.cancel(services.pool, _position(id), by_whom(caller), reason)
    services.say("letter.cancelled", letter_id=letter_id(done), by=by_whom(caller))
    return answer({"letter_id": letter_id(done), "cancelled": True})


@router.get("/refused", summary="拒收消息 / the refused shelf")
async def refused(
    request: Request,
    caller: Caller,
    unit_id: Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")] = None,
    settled: bool = False,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Messages that broke their contract, newest first."""
    rows = await shelf.listed(services_of(request).pool, unit_id=unit_id, before=before, settled=settled, limit=limit)
    following = str(rows[-1].refused_id) if len(rows) == limit else None
    return paged(request, [refused_document(row) for row in rows], "before", following)


@router.get("/refused/{refused_id}", summary="拒收消息原文 / one refused message, raw")
async def refused_one(request: Request, caller: Caller, refused_id: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    """The bytes as they came (shown as text), and why they were refused."""
    row = await shelf.one(services_of(request).pool, refused_id)
    if row is None:
        raise Problem("not_found")
    return answer(refused_document(row))


@router.post("/refused/{refused_id}/settle", summary="处理完毕 / take it off the shelf's open list")
async def settle(request: Request, caller: Caller, refused_id: Annotated[int, Path(ge=1, le=2**62)]) -> Response:
    """Somebody dealt with it."""
    async with services_of(request).pool.acquire() as conn:
        if not await shelf.settle(conn, refused_id, by_whom(caller)):
            raise Problem("not_found")
    return answer({"refused_id": refused_id, "settled": True})


def _position(text: str) -> int:
    position = position_of(text)
    if position is None:
        raise Problem("not_found", "没有该信件。", "There is no such letter.")
    return position


def applied_document(applied: Applied) -> dict[str, object]:
    """What applying a profile came to; secrets that were made now are in it, once."""
    return {
        "unit_id": applied.unit_id,
        "version": applied.version,
        "state": applied.state.value,
        "secrets": [{"connection_id": name, "secret": secret.reveal()} for name, secret in applied.shown_once],
        "findings": [
            {"pointer": each.pointer, "detail_zh": each.zh, "detail_en": each.en, "rule": each.rule}
            for each in applied.findings
        ],
    }


@router.post("/refused/{refused_id}/replay", summary="按改好的档案重放 / read it again by the mended profile")
async def replay_refused(
    request: Request, caller: Caller, refused_id: Annotated[int, Path(ge=1, le=2**62)]
) -> Response:
    """It takes effect once, however often it is asked for, and is then off the shelf. Else the answer says why not."""
    services = services_of(request)
    done = await services.replays.replay(refused_id, by_whom(caller))
    return answer({"refused_id": refused_id, "case_number": done.case_number, "repeated": done.repeated})
