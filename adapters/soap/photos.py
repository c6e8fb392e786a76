"""Photos in a call: the bytes take the place of attachment ids, as base64 or as MTOM parts beside the envelope."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from contracts.paths import Path, parse_path
from contracts.port import Photo, Photos, Refused
from contracts.ways.soap import PhotosAs, SoapPhotos

BYTES_MAX = 32 * 1024 * 1024
"""Bytes of photos in one letter."""
XOP = "http://www.w3.org/2004/08/xop/include"


@dataclass(frozen=True, slots=True)
class Part:
    """A photo that travels beside the envelope, under its content id; ``text`` is its base64 form."""

    content_id: str
    photo: Photo
    text: str


@dataclass(slots=True)
class _Spot:
    """Where an attachment id stands."""

    holder: Any
    key: Any

    @property
    def name(self) -> str:
        return str(self.holder[self.key])


async def put_photos(arguments: dict[str, Any], wanted: SoapPhotos, photos: Photos) -> tuple[Part, ...]:
    """Put the photos into the arguments; the parts that MTOM sends beside them. Raises ``Refused``."""
    parts: dict[str, Part] = {}
    size = 0
    for at in wanted.at:
        for spot in list(_spots(arguments, parse_path(at))):
            name = spot.name
            try:
                photo = await photos.photo(name)
            except KeyError:
                raise Refused("信件所指的照片不在枢纽 / the hub does not have a photo that the letter names") from None
            size += len(photo.content)
            if size > BYTES_MAX:
                raise Refused(f"照片共超过 {BYTES_MAX} 字节 / the photos have more than {BYTES_MAX} bytes")
            text = base64.b64encode(photo.content).decode()
            spot.holder[spot.key] = text
            if wanted.sent_as is PhotosAs.MTOM:
                parts[name] = Part(f"{name}@cityhub", photo, text)
    return tuple(parts.values())


def package(envelope: Any, parts: Sequence[Part], envelope_type: str, boundary: str) -> tuple[bytes, str]:
    """The envelope and its parts as one MTOM body, and its media type.

    A signature is over the base64 text that a part takes the place of (XOP, section 5): so sign first.
    """
    places = {part.text: part for part in parts}
    for node in envelope.iter():
        part = places.get(node.text or "")
        if part is not None:
            node.text = None
            etree.SubElement(node, f"{{{XOP}}}Include", nsmap={"xop": XOP}, href=f"cid:{part.content_id}")
    root = f'application/xop+xml; charset=utf-8; type="{envelope_type}"'
    while any(boundary.encode() in part.photo.content for part in parts):
        boundary += "_"
    pieces = [_piece(boundary, root, "envelope@cityhub", etree.tostring(envelope, encoding="utf-8"))]
    pieces += [_piece(boundary, part.photo.media_type, part.content_id, part.photo.content) for part in parts]
    said = (
        f'multipart/related; boundary="{boundary}"; type="application/xop+xml"; start="<envelope@cityhub>"; '
        f'start-info="{envelope_type}"'
    )
    return b"".join((*pieces, f"--{boundary}--\r\n".encode())), said


def _piece(boundary: str, content_type: str, content_id: str, content: bytes) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{content_id}>\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"


def _spots(value: Any, path: Path) -> Iterator[_Spot]:
    """Every text at a path; lists on the way and at its end are gone through."""
    if not path:
        return
    here, *rest = path
    for holder in value if isinstance(value, list) else (value,):
        if not isinstance(holder, dict) or not isinstance(here, str) or here not in holder:
            continue
        held = holder[here]
        if rest:
            yield from _spots(held, tuple(rest))
        elif isinstance(held, list):
            yield from (_Spot(held, index) for index, each in enumerate(held) if isinstance(each, str))
        elif isinstance(held, str):
            yield _Spot(holder, here)
