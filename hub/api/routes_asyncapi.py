"""The AsyncAPI document of the RabbitMQ side: for everybody, and for a unit with its own channels."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from contracts.asyncapi import document
from contracts.nouns import Transport
from contracts.yaml_text import write_yaml
from hub.api.deps import Caller, answer, services_of
from hub.broker_access import broker_address

router = APIRouter()

Form = Literal["json", "yaml"]
YAML = "application/yaml; charset=utf-8"


@router.get("/asyncapi.{form}", tags=["contracts"], summary="AsyncAPI 3 / the RabbitMQ side")
async def asyncapi(request: Request, form: Form) -> Response:
    """Any connection's channels; ``{connection}`` stands for its id."""
    return _written(_for_everybody(request.app.version), form)


@router.get(
    "/api/v1/asyncapi.{form}", tags=["contracts"], summary="AsyncAPI 3,本单位的通道 / the caller's own channels"
)
async def own_asyncapi(request: Request, caller: Caller, form: Form) -> Response:
    """The channels of the caller's live connections on the hub's broker, and where that is."""
    services = services_of(request)
    own = sorted(
        connection.connection_id
        for connection in services.registry().connections.values()
        if connection.unit_id == caller.principal.unit_id
        and connection.transport is Transport.RABBITMQ
        and "broker" not in connection.settings
    )
    return _written(document(request.app.version, own, broker_address(services.settings.rabbitmq)), form)


@cache
def _for_everybody(version: str) -> dict[str, Any]:
    return document(version)


def _written(made: dict[str, Any], form: Form) -> Response:
    return answer(made) if form == "json" else Response(write_yaml(made), media_type=YAML)
