"""The component register (部件台账): an administrator imports, units read the entries that concern them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts.messages import CoordinateSystem
from contracts.problem import Problem
from hub.api.asgi import read_body
from hub.api.deps import Caller, answer, caller_of, paged, services_of, takes_bytes
from hub.api.register_views import entry_document, imported_document
from hub.api.speaker import admin
from hub.api.views import present
from hub.register.changes import Kind
from hub.registering import Registering
from hub.store import register as store
from hub.store.register import EntryFilter

FILE_BYTES_MAX = 64 * 1024 * 1024

CODE = r"^[A-Za-z0-9][A-Za-z0-9_.:/-]*$"

Unit = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
Limit = Annotated[int, Query(ge=1, le=500)]

router = APIRouter(prefix="/api/v1/register", tags=["register"])


async def _administrator(request: Request) -> None:
    admin((await caller_of(request)).principal)


@router.post(
    "/imports",
    summary="导入部件台账(CSV) / import a register file",
    openapi_extra=takes_bytes("text/csv"),
    dependencies=[Depends(_administrator)],
)
async def take(
    request: Request,
    caller: Caller,
    file_name: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]+$")] = "register.csv",
    effective: Annotated[date | None, Query(description="生效日期,默认今天 / from when it holds")] = None,
    system: Annotated[CoordinateSystem, Query(description="坐标系 / the file's datum")] = CoordinateSystem.WGS84,
    dry_run: Annotated[bool, Query(description="只检查,不写入 / only try it")] = False,
) -> Response:
    """The whole file or nothing of it. ``moves`` names the open cases that are with a former owner."""
    services = services_of(request)
    raw = await read_body(request.receive, request.headers.get("content-length"), FILE_BYTES_MAX)
    by = f"{caller.principal.unit_id}/{caller.principal.credential_id}"
    registering = Registering(services.pool, services.registry, services.clock)
    done = await registering.take(raw, file_name, by, effective_from=effective, system=system, only_try=dry_run)
    if done.import_id is not None:
        counts = {kind.value: done.counts[kind] for kind in Kind}
        services.say("register.imported", import_id=done.import_id, by=by, **counts, moves=len(done.moves))
    return answer(imported_document(done))


@router.get("/imports", summary="导入记录 / the files that were offered", dependencies=[Depends(_administrator)])
async def imports(request: Request, caller: Caller, limit: Limit = 50) -> Response:
    """Newest first; a refused file too, with how many of its lines had faults."""
    async with services_of(request).pool.acquire() as conn:
        found = await store.imports(conn, limit)
    return answer(
        {
            "items": [
                {
                    "import_id": each.import_id,
                    "file_name": each.file_name,
                    "sha256": each.sha256.hex(),
                    "effective_from": each.effective_from,
                    "rows": each.rows,
                    "added": each.added,
                    "changed_owner": each.changed_owner,
                    "changed": each.changed,
                    "unchanged": each.unchanged,
                    "refused": each.refused,
                    "imported_by": each.imported_by,
                    "known_at": each.known_at,
                }
                for each in found
            ]
        }
    )


@router.get("", summary="部件台账 / the entries in force, by code")
async def entries(
    request: Request,
    caller: Caller,
    unit_id: Unit = None,
    category_code: Unit = None,
    day: Annotated[date | None, Query(description="哪一天,默认今天 / on which day")] = None,
    after: Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.:/-]*$")] = "",
    limit: Limit = 100,
) -> Response:
    """What the caller's unit owns, maintains or is in charge of; the command centre reads all."""
    wanted = EntryFilter(caller.only_unit, unit_id, category_code)
    async with services_of(request).pool.acquire() as conn:
        found = await store.page(conn, day or _today(request), wanted, after, limit)
    following = found[-1].component_code if len(found) == limit else None
    return paged(request, [entry_document(each) for each in found], "after", following)


@router.get("/{code:path}", summary="一个部件及其历史 / one component with its history")
async def component(
    request: Request, caller: Caller, code: Annotated[str, Path(max_length=64, pattern=CODE)]
) -> Response:
    """Every entry, what is believed now before what no longer is; a unit reads those that concern it."""
    async with services_of(request).pool.acquire() as conn:
        found = await store.history(conn, code)
    unit, day = caller.only_unit, _today(request)
    seen = [each for each in found if unit is None or each.concerns(unit)]
    if not seen:
        raise Problem("not_found", "台账中没有该部件。", "The register has no such component.")
    present_one = next((each for each in seen if each.in_force(day)), None)
    return answer(
        present(
            component_code=code,
            in_force=entry_document(present_one) if present_one else None,
            history=[entry_document(each) for each in seen],
        )
    )


def _today(request: Request) -> date:
    services = services_of(request)
    return services.clock().now().astimezone(services.registry().zone).date()
