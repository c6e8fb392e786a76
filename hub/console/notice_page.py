"""The monthly notice (月度通报) in the console: as a page that prints, as PDF, and as a file that stands alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from hub.api.deps import services_of
from hub.api.speaker import charge
from hub.api.turns import notice_of
from hub.console import assets
from hub.console.page_route import PageRoute
from hub.console.pages import frame, phrases, to_login
from hub.console.rendering import page, rendered
from hub.console.visitor import language, visitor_of
from hub.evaluation.notice import Notice
from hub.notice_pdf import NUMERALS, pdf
from hub.notices import month_named

COST = 50.0
"""A notice reads a month of cases."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/notices")
async def latest(request: Request) -> Response:
    """To the last month that is over."""
    services = services_of(request)
    if await visitor_of(services, request) is None:
        return to_login(request)
    today = services.clock().now().astimezone(services.registry().zone).date()
    return RedirectResponse(f"/notices/{today.replace(day=1) - timedelta(days=1):%Y-%m}", 303)


@router.get("/notices/{month}.pdf")
async def as_pdf(request: Request, month: str) -> Response:
    """The same notice as PDF."""
    services = services_of(request)
    visitor = await visitor_of(services, request)
    if visitor is None:
        return to_login(request)
    charge(services, visitor.principal, COST)
    made = await notice_of(services, month)
    headers = {"content-disposition": f'attachment; filename="notice-{month}.pdf"', "cache-control": "no-store"}
    return Response(await asyncio.to_thread(pdf, made), 200, headers, "application/pdf")


@router.get("/notices/{month}")
async def one_month(request: Request, month: str) -> Response:
    """A month's notice; its months before and after beside it."""
    services, speaks = services_of(request), language(request)
    visitor = await visitor_of(services, request)
    if visitor is None:
        return to_login(request)
    charge(services, visitor.principal, COST)
    made, say = await notice_of(services, month), phrases(services, speaks)
    period = month_named(month)
    following = period.until + timedelta(days=1)
    return page(
        "monthly.html",
        speaks,
        notice=made,
        numerals=NUMERALS,
        month=month,
        before=f"{period.since - timedelta(days=1):%Y-%m}",
        after=f"{following:%Y-%m}" if following <= say.now.astimezone(say.zone).date() else None,
        **frame(request, services, visitor, say),
    )


def alone(notice: Notice) -> str:
    """The notice as one HTML file with its style inside, which needs no server."""
    style = assets.assets()["console.css"].body.decode()
    return rendered("monthly_alone.html", notice=notice, numerals=NUMERALS, style=Markup(style))
