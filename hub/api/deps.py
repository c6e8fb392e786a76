"""What every FastAPI route shares: the caller, the services, answers and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic import BaseModel

from auth.principal import Principal
from contracts.model import ContractSchema
from hub.api.services import Services
from hub.api.speaker import sees_all, speaker


@dataclass(frozen=True, slots=True)
class Known:
    """The caller of a route. ``only_unit`` is the unit to whose part it is limited; None sees everything."""

    principal: Principal
    only_unit: str | None


def services_of(request: Request) -> Services:
    """The hub behind this app."""
    services: Services = request.app.state.services
    return services


async def caller_of(request: Request) -> Known:
    """Who calls. Raises ``Problem``."""
    services = services_of(request)
    principal = await speaker(services, request.headers)
    return Known(principal, None if sees_all(services, principal) else principal.unit_id)


# The two schemes are declared for the OpenAPI document; `speaker` is what checks.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="接口密钥 / API key: Bearer chk_…")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="api_key", description="接口密钥 / API key")


async def _caller(request: Request, _bearer: Any = Depends(_BEARER), _key: Any = Depends(_HEADER)) -> Known:
    return await caller_of(request)


Caller = Annotated[Known, Depends(_caller)]


def takes(model: type[BaseModel], media_type: str = "application/json") -> dict[str, Any]:
    """The body of a route that reads it itself, for the OpenAPI document."""
    schema = inlined(model.model_json_schema(schema_generator=ContractSchema))
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def takes_bytes(*media_types: str) -> dict[str, Any]:
    """The body of a route that takes raw bytes or text, for the OpenAPI document."""
    shape = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(media_types, shape)}}


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its definitions inside it, so that it means the same wherever it stands."""
    definitions = schema.get("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/$defs/"):
                rest = {name: resolve(value) for name, value in node.items() if name != "$ref"}
                return {**resolve(definitions[reference.removeprefix("#/$defs/")]), **rest}
            return {name: resolve(value) for name, value in node.items() if name not in ("$defs", "$id", "$schema")}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    made: dict[str, Any] = resolve(schema)
    return made


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(document), status, headers, "application/json; charset=utf-8")


def matches(given: str | None, etag: str) -> bool:
    """Whether ``If-None-Match`` names what the caller would get: a list of tags, weak ones too, or ``*`` (RFC 9110)."""
    named = [each.strip().removeprefix("W/") for each in (given or "").split(",")]
    return "*" in named or etag in named


def paged(request: Request, items: Sequence[Any], name: str, value: str | None, **more: Any) -> Response:
    """A page of items; where there are more, an RFC 8288 link and ``next`` lead on. ``more`` stands beside them."""
    document: dict[str, Any] = {"items": items, **more}
    headers = {}
    if value is not None:
        # A relative reference: it holds behind any proxy.
        following = request.url.include_query_params(**{name: value})
        target = f"{following.path}?{following.query}"
        headers["link"] = f'<{target}>; rel="next"'
        document["next"] = target
    return answer(document, headers=headers)
