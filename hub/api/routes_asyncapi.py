"""The AsyncAPI document of the RabbitMQ side: for everybody, and for a unit with its own channels."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Response

from contracts.asyncapi import document
from contracts.nouns import Transport
from contracts.yaml_text import write_yaml
from hub.api.deps import Caller, answer, services_of
from hub.broker_access import broker_address

router = APIRouter()

YAML = "application/yaml"
AS_YAML: dict[int | str, dict[str, Any]] = {200: {"content": {YAML: {"schema": {"type": "object"}}}}}


@router.get("/asyncapi.json", tags=["contracts"], summary="AsyncAPI 3 / the RabbitMQ side")
async def asyncapi(request: Request) -> Response:
    """Any connection's channels; ``{connection}`` stands for its id."""
    return answer(_for_everybody(request.app.version))


@router.get(
    "/asyncapi.yaml", tags=["contracts"], response_class=Response, responses=AS_YAML, summary="AsyncAPI 3, YAML"
)
async def asyncapi_yaml(request: Request) -> Response:
    """The same as YAML."""
    return _yaml(_for_everybody(request.app.version))


@router.get("/api/v1/asyncapi.json", tags=["contracts"], summary="AsyncAPI 3,本单位的通道 / the caller's own channels")
async def own_asyncapi(request: Request, caller: Caller) -> Response:
    """The channels of the caller's live connections on the hub's broker, and where that is."""
    return answer(_of_caller(request, caller))


@router.get(
    "/api/v1/asyncapi.yaml",
    tags=["contracts"],
    response_class=Response,
    responses=AS_YAML,
    summary="AsyncAPI 3,本单位的通道,YAML / the caller's own channels, YAML",
)
async def own_asyncapi_yaml(request: Request, caller: Caller) -> Response:
    """The same as YAML."""
    return _yaml(_of_caller(request, caller))


def _of_caller(request: Request, caller: Caller) -> dict[str, Any]:
    services = services_of(request)
    own = sorted(
        connection.connection_id
        for connection in services.registry().connections.values()
        if connection.unit_id == caller.principal.unit_id
        and connection.transport is Transport.RABBITMQ
        and "broker" not in connection.settings
    )
    return document(request.app.version, own, broker_address(services.settings.rabbitmq))


@cache
def _for_everybody(version: str) -> dict[str, Any]:
    return document(version)


def _yaml(made: dict[str, Any]) -> Response:
    return Response(write_yaml(made), media_type=f"{YAML}; charset=utf-8")
