"""The HTTP face: hot doors in front, the FastAPI app behind them, every error a problem."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from contracts.checking import told
from contracts.problem import Problem
from hub.api import (
    routes_admin,
    routes_asyncapi,
    routes_cases,
    routes_evaluation,
    routes_inbox,
    routes_open,
    routes_register,
    routes_units,
)
from hub.api.asgi import Gone, language_of, problem_response
from hub.api.doors import Doors
from hub.api.heads import Heads
from hub.api.openapi import document
from hub.api.services import Services
from hub.api.soap_door import SoapDoor
from hub.api.unit_door import UnitDoor
from hub.console import notice_page, pages
from hub.store.pool import LOST

VERSION = "0.1.0"


def face(services: Services) -> Doors:
    """The ASGI app of a hub."""
    app = FastAPI(
        title="CityHub 城市管理枢纽",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    routes = (
        routes_cases,
        routes_evaluation,
        routes_inbox,
        routes_register,
        routes_admin,
        routes_units,
        routes_open,
        routes_asyncapi,
        pages,
        notice_page,
    )
    for module in routes:
        app.include_router(module.router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _bad_query)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Gone, _gone)
    for lost in LOST:
        app.add_exception_handler(lost, _store_lost)
    app.add_exception_handler(Exception, _bug)
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(document(app))
        return made

    app.openapi = openapi  # type: ignore[method-assign]
    return Doors(services, SoapDoor(services, UnitDoor(services, Heads(app))))


def _respond(request: Request, problem: Problem) -> Response:
    made = problem_response(problem, language_of(request.headers))
    headers = {name.decode(): value.decode() for name, value in made.headers}
    return Response(made.body, made.status, headers, made.content_type.decode())


async def _problem(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, Problem)
    services: Services = request.app.state.services
    services.say("request.refused", kind=fault.kind, path=_path(request))
    return _respond(request, fault)


async def _bad_query(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    return _respond(request, Problem("query_invalid", violations=told(fault.errors())))


async def _http(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    kind = {404: "not_found", 405: "method_not_allowed"}.get(fault.status_code, "not_found")
    response = _respond(request, Problem(kind))
    for name, value in (fault.headers or {}).items():
        response.headers[name] = value
    return response


async def _store_lost(request: Request, fault: Exception) -> Response:
    services: Services = request.app.state.services
    services.say("store.troubled", reason=type(fault).__name__)
    return _respond(request, Problem("store_unavailable", retry_after_seconds=5))


async def _gone(request: Request, fault: Exception) -> Response:
    return Response(status_code=499)


async def _bug(request: Request, fault: Exception) -> Response:
    services: Services = request.app.state.services
    services.say("request.failed", path=_path(request), fault=fault)
    return _respond(request, Problem("internal"))


def _path(request: Request) -> str:
    route = request.scope.get("route")
    return getattr(route, "path", "unknown")
