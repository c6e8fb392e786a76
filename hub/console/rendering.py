"""Pages as responses: templates escape everything, headers allow nothing that is not served from here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.console import assets
from hub.console.words import TAG, Language, texts

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Not "no-referrer": with it browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""What every answer of the console carries."""

PAGE_HEADERS: Mapping[str, str] = {"cache-control": "no-store", "vary": "cookie, accept-language"}
"""A page tells of cases: no cache keeps it."""


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("hub.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = assets.address
    return made


def rendered(template: str, **values: Any) -> str:
    """A template that needs no reader's language."""
    return _templates().get_template(template).render(**values)


def page(template: str, language: Language, status: int = 200, **values: Any) -> Response:
    """A template as a response in one language."""
    text = (
        _templates()
        .get_template(template)
        .render(t=texts(language), language=language.value, tag=TAG[language], **values)
    )
    headers = {**PAGE_HEADERS, "content-language": TAG[language]}
    return Response(text, status, headers, "text/html; charset=utf-8")
