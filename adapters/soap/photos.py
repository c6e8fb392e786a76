"""Photos in a call: the bytes take the place of attachment ids, as base64 or as MTOM parts beside the envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree

from adapters.photos import photos_in, put_base64
from contracts.port import Photo, Photos
from contracts.ways.soap import PhotosAs, SoapPhotos

XOP = "http://www.w3.org/2004/08/xop/include"


@dataclass(frozen=True, slots=True)
class Part:
    """A photo that travels beside the envelope, under its content id; ``text`` is its base64 form."""

    content_id: str
    photo: Photo
    text: str


async def put_photos(arguments: dict[str, Any], wanted: SoapPhotos, photos: Photos) -> tuple[Part, ...]:
    """Put the photos into the arguments; the parts that MTOM sends beside them. Raises ``Refused``."""
    parts: dict[str, Part] = {}
    for placed in await photos_in(arguments, wanted.at, photos):
        text = put_base64(placed)
        if wanted.sent_as is PhotosAs.MTOM:
            parts[placed.name] = Part(f"{placed.name}@cityhub", placed.photo, text)
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
