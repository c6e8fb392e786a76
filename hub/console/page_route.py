"""A route for people: what goes wrong is a page too, and every answer carries the console's headers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from contracts.problem import Problem
from hub.api.deps import services_of
from hub.console.rendering import HEADERS, page
from hub.console.visitor import LANGUAGE_COOKIE, language
from hub.console.words import TEXTS, Language, texts
from hub.store.pool import LOST

LANGUAGE_KEPT_SECONDS = 365 * 24 * 3600

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route for people: what goes wrong is a page too, and every answer carries the console's headers."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler inside ours."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            speaks = language(request)
            try:
                response = await inner(request)
            except Problem as problem:
                said = problem.zh if speaks is Language.ZH else problem.en
                response = notice(speaks, problem.status, "refused", said)
            except LOST as fault:
                services_of(request).say("store.troubled", reason=type(fault).__name__)
                response = notice(speaks, 503, "unavailable", texts(speaks)["unavailable_lead"])
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            if request.query_params.get("lang") == speaks:
                response.set_cookie(
                    LANGUAGE_COOKIE, speaks, max_age=LANGUAGE_KEPT_SECONDS, samesite="lax", httponly=True
                )
            return response

        return handler


def notice(speaks: Language, status: int, title: str, lead: str) -> Response:
    """A page for what went wrong, which needs nothing of the hub."""
    word = TEXTS[title]
    return page("notice_bare.html", speaks, status, title=word.zh if speaks is Language.ZH else word.en, lead=lead)
