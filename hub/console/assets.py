"""The console's static files: read once, named by their digest, so that a browser keeps them as long as they stand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

MEDIA_TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    media_type: str
    digest: str

    @property
    def etag(self) -> str:
        """A strong ETag."""
        return f'"{self.digest}"'


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of ``static/`` that has a known media type, by name. Nothing else can be asked for."""
    found: dict[str, Asset] = {}
    for path in files("hub.console").joinpath("static").iterdir():
        media_type = MEDIA_TYPES.get(path.name.rpartition(".")[2])
        if media_type is not None:
            body = path.read_bytes()
            found[path.name] = Asset(body, media_type, hashlib.sha256(body).hexdigest()[:16])
    return found


def address(name: str) -> str:
    """Where a page finds a file, with its digest."""
    return f"/static/{name}?v={assets()[name].digest}"
