"""What every FastAPI route shares: the caller, the services, answers and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.security import APIKeyHeader, HTTPBearer

from auth.principal import Principal
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


def caller_of(request: Request) -> Known:
    """Who calls. Raises ``Problem``."""
    services = services_of(request)
    principal = speaker(services, request.headers)
    return Known(principal, None if sees_all(services, principal) else principal.unit_id)


# The two schemes are declared for the OpenAPI document; `speaker` is what checks.
_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="接口密钥 / API key: Bearer chk_…")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="api_key", description="接口密钥 / API key")


def _caller(request: Request, _bearer: Any = Depends(_BEARER), _key: Any = Depends(_HEADER)) -> Known:
    return caller_of(request)


Caller = Annotated[Known, Depends(_caller)]


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(document), status, headers, "application/json; charset=utf-8")


def paged(request: Request, items: Sequence[Any], name: str, value: str | None) -> Response:
    """A page of items; where there are more, an RFC 8288 link and ``next`` lead on."""
    document: dict[str, Any] = {"items": items}
    headers = {}
    if value is not None:
        # A relative reference: it holds behind any proxy.
        following = request.url.include_query_params(**{name: value})
        target = f"{following.path}?{following.query}"
        headers["link"] = f'<{target}>; rel="next"'
        document["next"] = target
    return answer(document, headers=headers)
