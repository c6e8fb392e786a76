"""Out: the photos that a letter names, each with the place where its id stands."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.photos.spots import Spot, spots
from contracts.paths import parse_path
from contracts.port import Photo, Photos, Refused

BYTES_MAX = 32 * 1024 * 1024
"""Bytes of photos in one letter."""

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A photo, the id by which the letter names it, and where that stands: the spot, and the profile's path."""

    spot: Spot
    name: str
    photo: Photo
    at: str

    @property
    def file_name(self) -> str:
        """What it is called as a file."""
        return f"{self.name}.{_ENDINGS.get(self.photo.media_type, 'bin')}"


async def photos_in(document: Any, at: Sequence[str], photos: Photos) -> list[Placed]:
    """The photos whose ids stand at these paths. Raises ``Refused``."""
    made: list[Placed] = []
    size = 0
    for path in at:
        for spot in list(spots(document, parse_path(path))):
            try:
                photo = await photos.photo(spot.text)
            except KeyError:
                raise Refused("信件所指的照片不在枢纽 / the hub does not have a photo that the letter names") from None
            size += len(photo.content)
            if size > BYTES_MAX:
                raise Refused(f"照片共超过 {BYTES_MAX} 字节 / the photos have more than {BYTES_MAX} bytes")
            made.append(Placed(spot, spot.text, photo, path))
    return made


def put_base64(placed: Placed) -> str:
    """Put the photo where its id stood; its text."""
    text = base64.b64encode(placed.photo.content).decode()
    placed.spot.put(text)
    return text
