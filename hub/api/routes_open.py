"""What anybody may read: the contracts, the interface's description, the kinds of problems, health."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from contracts.catalogue import published
from contracts.problem import PROBLEMS, Problem
from hub.api.deps import answer, services_of

router = APIRouter()

Part = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9._]+$")]


@router.get("/contracts/", include_in_schema=False)
@router.get("/contracts", tags=["contracts"], summary="契约目录 / every contract")
async def contracts() -> Response:
    """Each live contract with the addresses of its schema and its examples."""
    return answer({"items": [_listed(name) for name in sorted(published())]})


@router.get("/contracts/{name}", tags=["contracts"], summary="一种契约的各版本 / the versions of a contract")
async def versions(name: Part) -> Response:
    """Each live version of one contract."""
    found = [each for each in sorted(published()) if each.partition("/")[0] == name]
    if not found:
        raise Problem("not_found", "没有该契约。", "There is no such contract.")
    return answer({"items": [_listed(each) for each in found]})


@router.get("/contracts/{name}/{version}/schema.json", include_in_schema=False)
@router.get("/contracts/{name}/{version}", tags=["contracts"], summary="契约 / the JSON Schema of a contract")
async def contract(name: Part, version: Part) -> Response:
    """JSON Schema 2020-12."""
    return _file(name, version, "schema")


@router.get(
    "/contracts/{name}/{version}/examples/{which}", tags=["contracts"], summary="示例 / a valid or an invalid example"
)
async def example(name: Part, version: Part, which: Part) -> Response:
    """``valid`` or ``invalid``."""
    if which not in ("valid", "invalid"):
        raise Problem("not_found")
    return _file(name, version, which)


@router.get("/problems", tags=["contracts"], summary="错误目录 / every kind of problem")
async def problems() -> Response:
    """The table of problems, zh and en."""
    return answer(
        {
            "items": [
                {
                    "kind": kind,
                    "status": row.status,
                    "title_zh": row.title_zh,
                    "title_en": row.title_en,
                    "retryable": row.retryable,
                }
                for kind, row in PROBLEMS.items()
            ]
        }
    )


@router.get("/problems/{kind}", tags=["contracts"], summary="错误 / one kind of problem")
async def problem(kind: Part) -> Response:
    """What a problem's ``type`` leads to."""
    row = PROBLEMS.get(kind)
    if row is None:
        raise Problem("not_found")
    return answer(
        {
            "kind": kind,
            "status": row.status,
            "title_zh": row.title_zh,
            "title_en": row.title_en,
            "retryable": row.retryable,
        }
    )


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """OpenAPI 3.1."""
    return answer(request.app.openapi())


@router.get("/healthz", tags=["operations"], summary="存活 / alive")
async def healthz() -> Response:
    """The process answers."""
    return answer({"status": "ok"})


@router.get("/readyz", tags=["operations"], summary="就绪 / ready, with causes")
async def readyz(request: Request) -> Response:
    """200 when every check passes, else 503 with the causes."""
    ready, document = await services_of(request).ready()
    return answer(document, 200 if ready else 503)


@router.get("/metrics", tags=["operations"], summary="指标 / Prometheus metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Prometheus text format."""
    return Response(await services_of(request).metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _listed(name: str) -> dict[str, object]:
    href = f"/contracts/{name}"
    return {"contract": name, "href": href, "examples": [f"{href}/examples/valid", f"{href}/examples/invalid"]}


def _file(name: str, version: str, which: str) -> Response:
    folder = published().get(f"{name}/{version}")
    if folder is None:
        raise Problem("not_found", "没有该契约。", "There is no such contract.")
    media = "application/schema+json" if which == "schema" else "application/json"
    return Response((folder / f"{which}.json").read_bytes(), media_type=media)
