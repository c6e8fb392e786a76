"""Administration of a unit's secrets and of its profile's versions. Administrators only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from auth.redaction import Secret
from contracts.checking import check_body
from contracts.model import Line, Model
from hub.api.deps import Caller, answer, services_of, takes, takes_bytes
from hub.api.routes_admin import UnitId, administrator, applied_document, body_of, by_whom, text_of
from hub.api.views import present
from hub.profile_versions import Difference, ProfileVersions
from hub.unit_secrets import VALUE_MAX

router = APIRouter(prefix="/api/v1", tags=["administration"], dependencies=[Depends(administrator)])

Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class SecretValue(Model):
    """The value of a secret. It is sealed, and never shown again."""

    value: Annotated[str, Field(min_length=1, max_length=VALUE_MAX)]


class Rollback(Model):
    """Which version to apply again, and why."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    reason: Line


@router.get("/units/{unit}/secrets", summary="单位密钥 / a unit's secrets, without their values")
async def secrets(request: Request, caller: Caller, unit: UnitId) -> Response:
    """Names, versions, when each was kept and when an older one retires; never a value."""
    kept = await services_of(request).onboarding.secrets.listed(unit)
    items = [
        present(name=each.name, version=each.version, created_at=each.created_at, retires_at=each.retires_at)
        for each in kept
    ]
    return answer({"unit_id": unit, "items": items})


@router.put("/units/{unit}/secrets/{name}", summary="存入单位密钥 / keep a secret", openapi_extra=takes(SecretValue))
async def put_secret(request: Request, caller: Caller, unit: UnitId, name: Name) -> Response:
    """A new version of the secret that the unit's profile names; in force at once."""
    given = check_body(SecretValue, await body_of(request))
    version = await services_of(request).onboarding.secrets.put(unit, name, Secret(given.value), by_whom(caller))
    return answer({"unit_id": unit, "name": name, "version": version})


@router.delete("/units/{unit}/secrets/{name}", summary="移除单位密钥 / remove a secret")
async def remove_secret(request: Request, caller: Caller, unit: UnitId, name: Name) -> Response:
    """Every version of it is gone."""
    await services_of(request).onboarding.secrets.remove(unit, name, by_whom(caller))
    return answer({"unit_id": unit, "name": name, "removed": True})


@router.get("/units/{unit}/profile/diff", summary="档案变化 / what changed between two versions")
async def difference(
    request: Request,
    caller: Caller,
    unit: UnitId,
    old: Annotated[Version, Query(alias="from")] = None,
    new: Annotated[Version, Query(alias="to")] = None,
) -> Response:
    """By default from the version before to the one in force."""
    found = await ProfileVersions(services_of(request).onboarding).between(unit, old, new)
    return answer(_difference(unit, found))


@router.post(
    "/units/{unit}/profile/diff",
    summary="应用前的变化 / what a profile would change",
    openapi_extra=takes_bytes("application/yaml", "application/json"),
)
async def proposed(request: Request, caller: Caller, unit: UnitId) -> Response:
    """Nothing is applied."""
    text = text_of(await body_of(request))
    return answer(
        _difference(unit, await ProfileVersions(services_of(request).onboarding).proposed(text, "proposed", unit))
    )


@router.post(
    "/units/{unit}/profile/rollback", summary="档案回退 / apply an old version again", openapi_extra=takes(Rollback)
)
async def roll_back(request: Request, caller: Caller, unit: UnitId) -> Response:
    """The old version is checked like any other and becomes a new one."""
    given = check_body(Rollback, await body_of(request))
    versions = ProfileVersions(services_of(request).onboarding)
    return answer(applied_document(await versions.roll_back(unit, given.version, by_whom(caller), given.reason)))


def _difference(unit: str, found: Difference) -> dict[str, object]:
    return {
        "unit_id": unit,
        "from": found.old,
        "to": found.new,
        "changes": [
            {"path": each.path, "did": each.did.value, "before": each.before, "after": each.after}
            | {"zh": each.zh, "en": each.en}
            for each in found.changes
        ],
        "yaml": found.yaml,
    }
