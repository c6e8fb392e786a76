"""The console's addresses: signing in and out, the overview, a case, its photos, the static files."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from auth.sessions import clear_cookie, set_cookie
from contracts.envelope import Mode
from hub.api.asgi import read_body
from hub.api.deps import services_of
from hub.api.services import Services
from hub.case_numbers import day_of, parse
from hub.console import assets
from hub.console.asked import Asked, Sort
from hub.console.case_page import case_page
from hub.console.overview_page import Overview, overview
from hub.console.page_route import PageRoute, notice
from hub.console.phrases import Phrases
from hub.console.rendering import page
from hub.console.units_table import connections_to_ask
from hub.console.visitor import (
    Refusal,
    Visitor,
    from_here,
    is_secure,
    language,
    sign_in,
    visitor_of,
)
from hub.console.words import Language, texts
from hub.store import overview as overview_store
from hub.store import reading

CASES_LISTED = 8
DEAD_LISTED = 20
ENTRIES_LISTED = 500
LETTERS_LISTED = 200
FORM_BYTES_MAX = 8 * 1024
KEPT_SECONDS = 365 * 24 * 3600

_PHOTO = re.compile(r"[A-Za-z0-9_.-]{1,80}")

router = APIRouter(route_class=PageRoute, include_in_schema=False)


# -- Signing in and out ----------------------------------------------------------------------------------------------


@router.get("/login")
async def login_page(request: Request) -> Response:
    """The form; who is signed in already goes on."""
    onward = _onward(request.query_params.get("next"))
    if await visitor_of(services_of(request), request) is not None:
        return RedirectResponse(onward, 303)
    return _login(request, onward)


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session with an API key."""
    services, given = services_of(request), await _form(request)
    onward = _onward(given.get("next"))
    if not from_here(request):
        return _login(request, onward, 403, "other_site")
    key = given.get("key", "").strip()
    if not key:
        return _login(request, onward, 422, "key_missing")
    try:
        cookie = await sign_in(services, key, request.client.host if request.client else "")
    except Refusal as refusal:
        said = refusal.why.zh if language(request) is Language.ZH else refusal.why.en
        return _login(request, onward, 403, said=said)
    response = RedirectResponse(onward, 303)
    response.headers.append("set-cookie", set_cookie(cookie, secure=is_secure(request), lasts=services.sessions.lasts))
    return response


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session in this browser. Another site's form ends nothing."""
    if not from_here(request):
        return notice(language(request), 403, "refused", texts(language(request))["other_site"])
    response = RedirectResponse("/login", 303)
    response.headers.append("set-cookie", clear_cookie(secure=is_secure(request)))
    return response


# -- Pages -----------------------------------------------------------------------------------------------------------


@router.get("/")
async def overview_page(request: Request) -> Response:
    """The first page: the day's cases by stage, what waits, the units, the dead letters."""
    visitor = await visitor_of(services_of(request), request)
    if visitor is None:
        return to_login(request)
    services, speaks, asked = services_of(request), language(request), _asked(request)
    say = phrases(services, speaks)
    seen = await _overview(services, asked, say)
    return page("overview.html", speaks, seen=seen, **frame(request, services, visitor, say))


@router.get("/fragments/overview")
async def overview_fragment(request: Request) -> Response:
    """The live part of the first page alone, for the script that keeps it fresh."""
    services = services_of(request)
    if await visitor_of(services, request) is None:
        return _bare(401)
    speaks = language(request)
    say = phrases(services, speaks)
    return page("live.html", speaks, seen=await _overview(services, _asked(request), say))


@router.get("/cases")
async def find_case(request: Request) -> Response:
    """The search form's way to a case."""
    number = request.query_params.get("number", "").strip()[:64]
    return RedirectResponse(f"/cases/{quote(number, safe='')}" if number else "/", 303)


@router.get("/cases/{number}")
async def one_case(request: Request, number: str) -> Response:
    """A case: the problem, its course, the dispatches and why, what happened, the letters."""
    services, speaks = services_of(request), language(request)
    visitor = await visitor_of(services, request)
    if visitor is None:
        return to_login(request)
    say, division = phrases(services, speaks), services.registry().division_code
    around = frame(request, services, visitor, say)
    made = parse(number, division)
    found = await reading.case(services.pool, made, None) if made is not None else None
    if made is None or found is None:
        lead = say.t["case_unknown_lead"]
        return page("notice.html", speaks, 404, title=say.t["case_unknown"], lead=lead, **around)
    entries = await reading.entries(services.pool, made, None, 0, ENTRIES_LISTED)
    letters = await reading.letters(
        services.pool, division, unit_id=None, case_id=made, before=None, limit=LETTERS_LISTED
    )
    tries = await overview_store.case_attempts(services.pool, made)
    return page("case.html", speaks, case=case_page(found.case, entries, letters, tries, say), **around)


@router.get("/cases/{number}/photos/{attachment_id}")
async def photo(request: Request, number: str, attachment_id: str) -> Response:
    """A photo that an entry of the case names."""
    services = services_of(request)
    if await visitor_of(services, request) is None:
        return _bare(401)
    made = parse(number, services.registry().division_code)
    if made is None or not _PHOTO.fullmatch(attachment_id):
        return _bare(404)
    row = await reading.attachment(services.pool, attachment_id)
    if row is None or not await reading.attachment_seen(services.pool, made, None, attachment_id):
        return _bare(404)
    # The bytes are a unit's: whatever they are, they are a picture and run nothing.
    headers = {
        "cache-control": "private, max-age=86400, immutable",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(await services.attachments.read(row), 200, headers, row.media_type)


@router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """A static file; for ever where its digest is asked for."""
    asset = assets.assets().get(name)
    if asset is None:
        return _bare(404)
    lasting = request.query_params.get("v") == asset.digest
    headers = {
        "etag": asset.etag,
        "cache-control": f"public, max-age={KEPT_SECONDS}, immutable" if lasting else "no-cache",
    }
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, 200, headers, asset.media_type)


# -- What they share -------------------------------------------------------------------------------------------------


async def _overview(services: Services, asked: Asked, say: Phrases) -> Overview:
    registry = services.registry()
    day = asked.day or say.now.astimezone(say.zone).date()
    seen = await overview_store.picture(
        services.pool,
        day=_number_of(day),
        now=say.now,
        mode=asked.mode,
        connections=connections_to_ask(registry, say.now),
        limit=CASES_LISTED,
    )
    dead = await reading.dead_letters(services.pool, registry.division_code, limit=DEAD_LISTED)
    return overview(seen, dead, asked, registry, say, rate=services.clock().rate)


def _number_of(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def phrases(services: Services, speaks: Language) -> Phrases:
    """How a page speaks now."""
    registry, now = services.registry(), services.clock().now()
    return Phrases(speaks, registry.zone, now, registry.directory(now), texts(speaks))


def _asked(request: Request) -> Asked:
    """What the address asks for; what it asks wrongly is as if it were not asked."""
    given = request.query_params
    now = services_of(request).clock().now()
    zone = services_of(request).registry().zone
    day: date | None
    try:
        day = date.fromisoformat(given.get("day", ""))
    except ValueError:
        day = None
    # The year must leave room for a day before and after.
    if day is not None and (not 2000 <= day.year <= 9000 or _number_of(day) == day_of(now, zone)):
        day = None
    mode, sort = given.get("mode", ""), given.get("sort", "")
    return Asked(
        day=day,
        mode=Mode(mode) if mode in set(Mode) else Mode.LIVE,
        sort=Sort(sort) if sort in set(Sort) else Sort.LATE,
        descending=given.get("down", "1") != "0",
    )


def frame(request: Request, services: Services, visitor: Visitor, say: Phrases) -> dict[str, Any]:
    """What the frame around each page needs."""
    rules = services.registry().city.rules
    kept = {name: value for name, value in request.query_params.items() if name != "lang"}
    other = Language.EN if say.language is Language.ZH else Language.ZH
    return {
        "city": say.either(rules.name_zh, rules.name_en),
        "who": say.unit(visitor.principal.unit_id),
        "credential": visitor.principal.credential_id,
        "other_language": f"{request.url.path}?{urlencode({**kept, 'lang': other.value})}",
        "printed": say.exact(say.now),
    }


def _login(
    request: Request, onward: str, status: int = 200, fault: str | None = None, *, said: str | None = None
) -> Response:
    speaks = language(request)
    rules = services_of(request).registry().city.rules
    city = rules.name_zh if speaks is Language.ZH else rules.name_en
    other = Language.EN if speaks is Language.ZH else Language.ZH
    return page(
        "login.html",
        speaks,
        status,
        city=city,
        onward=onward,
        fault=texts(speaks)[fault] if fault else said,
        other_language="/login?" + urlencode({"next": onward, "lang": other.value}),
    )


def to_login(request: Request) -> Response:
    """To the form, and back here after it."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/login" if target == "/" else f"/login?next={quote(target, safe='')}", 303)


def _onward(given: str | None) -> str:
    """Where to go after signing in: a place of ours, never another site (``//host``, ``/\\host``)."""
    if given and len(given) <= 512 and re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", given):
        return given
    return "/"


async def _form(request: Request) -> dict[str, str]:
    raw = await read_body(request.receive, request.headers.get("content-length"), FORM_BYTES_MAX)
    given = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=8)
    return {name: values[-1] for name, values in given.items()}


def _bare(status: int) -> Response:
    return Response(status_code=status, headers={"cache-control": "no-store"})
