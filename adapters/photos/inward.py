"""In: base64 in a unit's document becomes the id of the attachment that the hub keeps of it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote_plus

from adapters.documents.faults import DocumentFault
from adapters.photos.spots import spots
from contracts.paths import parse_path
from contracts.photos import SentPhoto, photo_id

PHOTOS_MAX = 20
"""A message names no more."""
_ID = re.compile(r"att_[0-9A-Za-z_]{1,60}")
"""No base64: it has no underline. A unit that uploaded a photo before may name it."""
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)
_SHOWN_MAX = 40


def take_photos(document: Any, at: Sequence[str], unit_id: str) -> tuple[SentPhoto, ...]:
    """The photos that stand at these paths; their ids stand there now. Raises ``DocumentFault``.

    A text that is empty is no photo and is taken away, one that is an attachment's id stays.
    """
    made: list[SentPhoto] = []
    for path in at:
        for spot in list(spots(document, parse_path(path))):
            text = spot.text.strip()
            if _ID.fullmatch(text):
                continue
            if not text:
                spot.put(None)
                continue
            if len(made) == PHOTOS_MAX:
                zh, en = f"照片超过 {PHOTOS_MAX} 张。", f"There are more than {PHOTOS_MAX} photos."
                raise DocumentFault(zh, en, "too_large")
            content = _content(text, path)
            name = photo_id(unit_id, content)
            made.append(SentPhoto(name, content, path, spot.text))
            spot.put(name)
        _drop_none(document, path)
    return tuple(made)


def without_photos(raw: bytes, photos: Sequence[SentPhoto]) -> bytes:
    """The bytes of a document with ids where the base64 stood, as far as it stands there as it was read."""
    for photo in photos:
        for form in _forms(photo.text):
            raw = raw.replace(form, photo.attachment_id.encode())
    return raw


def _forms(text: str) -> Iterator[bytes]:
    """How the formats write it: as it is, with JSON's other slash, as a form's value."""
    yield text.encode()
    yield text.replace("/", "\\/").encode()
    yield quote_plus(text).encode()


def _content(text: str, path: str) -> bytes:
    found = _DATA_URL.match(text)
    try:
        return base64.b64decode("".join(text[found.end() if found else 0 :].split()), validate=True)
    except (ValueError, binascii.Error):
        shown = text[:_SHOWN_MAX]
        raise DocumentFault(
            f"{path} 应为图片的 base64,实为“{shown}”。",
            f"{path} is a picture in base64, and is “{shown}”.",
            "attachment_invalid",
        ) from None


def _drop_none(document: Any, path: str) -> None:
    """Photos that are none leave no gap in their list."""
    *way, last = parse_path(path)
    holders = [document]
    for part in way:
        reached = [each.get(part) for each in holders if isinstance(each, dict)]
        holders = [one for each in reached for one in (each if isinstance(each, list) else (each,))]
    for holder in holders:
        held = holder.get(last) if isinstance(holder, dict) else None
        if isinstance(held, list):
            holder[last] = [each for each in held if each is not None]
