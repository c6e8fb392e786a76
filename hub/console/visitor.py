"""Who looks at the pages: the session in the cookie, the credential behind it, the language. People's accounts come
beside the API key here: whatever signs in, a page only ever sees a ``Visitor``."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

from fastapi import Request

from auth.principal import NotAuthenticated, Principal
from auth.sessions import COOKIE_NAME
from hub.api.asgi import language_of
from hub.api.services import Services
from hub.api.speaker import sees_all
from hub.clock import machine_now
from hub.console.words import TEXTS, Language
from hub.life_cycle import Word

LANGUAGE_COOKIE = "cityhub_lang"


class Refusal(Exception):
    """Signing in was refused; ``why`` says it to the person."""

    def __init__(self, why: Word) -> None:
        super().__init__(why.en)
        self.why = why


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at the console, known by the credential that they showed."""

    principal: Principal


async def visitor_of(services: Services, request: Request) -> Visitor | None:
    """The visitor whose session is in the cookie; None where there is none, it is over, or its credential no longer
    opens the console."""
    cookie = request.cookies.get(COOKIE_NAME)
    if not cookie:
        return None
    try:
        session = services.sessions.read(cookie, machine_now())
        principal = await services.keys.principal_of(session.credential_id)
    except NotAuthenticated:
        return None
    return Visitor(principal) if sees_all(services, principal) else None


async def sign_in(services: Services, key: str, from_address: str) -> str:
    """The session's cookie for a key that opens the console. Raises ``Refusal``."""
    if services.rates.wait_seconds(f"sign-in {from_address}", monotonic()) > 0:
        raise Refusal(TEXTS["too_often"])
    try:
        principal = await services.keys.check(key)
    except NotAuthenticated as refusal:
        services.say("key.refused", fault=refusal.fault.value)
        raise Refusal(Word(refusal.zh + "。", refusal.en + ".")) from None
    if not sees_all(services, principal):
        services.say("key.refused", fault="not_allowed")
        raise Refusal(TEXTS["not_allowed"])
    return services.sessions.issue(principal.credential_id, machine_now())


def from_here(request: Request) -> bool:
    """Whether a form was sent by one of our own pages. Browsers say so; what says nothing is no browser's cross-site
    form, and the cookie is ``SameSite=Strict`` besides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def is_secure(request: Request) -> bool:
    """Whether the reader came by HTTPS, here or at a proxy before us. It only decides on the cookie's ``Secure``."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").lower() == "https"


def language(request: Request) -> Language:
    """The language asked for in the address, kept in the cookie, or preferred by the browser; Chinese first."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if wanted in (Language.ZH, Language.EN):
            return Language(wanted)
    return Language.EN if language_of(request.headers) == "en" else Language.ZH
