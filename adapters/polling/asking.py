"""The request that asks a unit for what is new: a profile's template, filled in. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from adapters.documents.encodings import encode
from contracts.ways.poll import BodyKind, PollSettings

_PLACE = re.compile(r"\{(cursor|limit|now|secret:[a-z][a-z0-9_-]{0,63})\}")
CONTENT_TYPES: Mapping[BodyKind, str] = {
    BodyKind.JSON: "application/json",
    BodyKind.XML: "text/xml; charset={encoding}",
    BodyKind.FORM: "application/x-www-form-urlencoded",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it goes over the wire."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None


def secrets_of(settings: PollSettings) -> frozenset[str]:
    """The secrets that the template names."""
    texts = [
        *(each.value for each in settings.query),
        *(each.value for each in settings.headers),
        settings.body or "",
    ]
    found = (place.partition(":") for text in texts for place in _PLACE.findall(text))
    return frozenset(name for kind, _, name in found if kind == "secret")


def request(settings: PollSettings, values: Mapping[str, str]) -> Asked:
    """Fill the template. ``values`` has ``limit``, ``now``, each secret, and ``cursor``: empty where there is none.

    Raises ``DocumentFault`` where the request's encoding has no letter for a value.
    """
    pairs = [
        f"{quote(each.name, safe='')}={_filled(each.value, values, lambda text: text, whole=_query)}"
        for each in settings.query
        if values["cursor"] or "{cursor}" not in each.value
    ]
    url = settings.endpoint
    if pairs:
        url += ("&" if "?" in url else "?") + "&".join(pairs)
    headers = {each.name.lower(): _filled(each.value, values, _one_line) for each in settings.headers}
    if settings.body is None:
        return Asked(url, headers, b"" if settings.method == "POST" else None)
    name = settings.encoding.value if settings.encoding is not None else "utf-8"
    escaped = _ESCAPES[settings.body_as]
    body = encode(_filled(settings.body, values, lambda text: escaped(text, name)), settings.encoding)
    kind = settings.content_type or CONTENT_TYPES[settings.body_as].format(encoding=name)
    return Asked(url, {"content-type": kind, **headers}, body)


def _filled(
    template: str,
    values: Mapping[str, str],
    escaped: Callable[[str], str],
    whole: Callable[[str], str] = lambda text: text,
) -> str:
    return whole(_PLACE.sub(lambda place: escaped(values[place[1]]), template))


def _query(text: str) -> str:
    return quote(text, safe="")


def _one_line(text: str) -> str:
    # A unit's own cursor must not begin a header of its own.
    return "".join(letter for letter in text if " " <= letter <= "~")


_ESCAPES: Mapping[BodyKind, Callable[[str, str], str]] = {
    BodyKind.JSON: lambda text, encoding: json.dumps(text, ensure_ascii=False)[1:-1],
    BodyKind.XML: lambda text, encoding: escape(text, {'"': "&quot;"}),
    BodyKind.FORM: lambda text, encoding: quote_plus(text, encoding=encoding, errors="xmlcharrefreplace"),
}
