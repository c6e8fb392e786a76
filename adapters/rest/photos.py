"""A letter in the unit's own format, the pictures with it: as base64 inside the document, or as files of a form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.documents import write_document
from adapters.documents.encodings import encode
from adapters.documents.packages import Piece, form_package
from adapters.documents.values import text_of
from adapters.documents.writing import content_type, wrap_documents
from adapters.photos import Placed, photos_in, put_base64
from contracts.mapping import Encoding, Format, Written
from contracts.paths import parse_path
from contracts.port import Photos
from contracts.ways.rest import RestPhotos, RestPhotosAs

FILE_FIELD, DOCUMENT_FIELD = "photo", "document"


async def with_photos(
    document: dict[str, Any], written: Written, wanted: RestPhotos, photos: Photos, letter_id: str
) -> tuple[str, bytes]:
    """The media type and the bytes. Raises ``DocumentFault``, or ``Refused`` where a photo cannot be had."""
    placed = await photos_in(document, wanted.at, photos)
    if wanted.sent_as is RestPhotosAs.BASE64:
        for each in placed:
            put_base64(each)
        return content_type(written), write_document(document, written)
    if written.format is Format.FORM:
        pieces = _fields(document, written, wanted, placed)
    else:
        for each in placed:
            each.spot.put(each.file_name)
        made = write_document(document, written)
        pieces = [Piece(wanted.document_field or DOCUMENT_FIELD, content_type(written), made)]
        pieces += [_file(wanted.file_field or FILE_FIELD, each) for each in placed]
    # A letter that is sent again has the same bytes, and the same signature over them.
    body, said = form_package(pieces, f"cityhub-{letter_id}")
    return said, body


def _fields(document: dict[str, Any], written: Written, wanted: RestPhotos, placed: Sequence[Placed]) -> list[Piece]:
    """A form's fields as parts; those that name photos are the photos."""
    for path in wanted.at:
        document.pop(_field(path), None)
    wrap_documents(document, written)
    said = f"text/plain; charset={(written.encoding or Encoding.UTF_8).value}"
    pieces = [
        Piece(name, said, encode(text_of(each), written.encoding))
        for name, held in document.items()
        for each in (held if isinstance(held, list) else [held])
    ]
    return pieces + [_file(wanted.file_field or _field(each.at), each) for each in placed]


def _field(path: str) -> str:
    return str(parse_path(path)[0])


def _file(field: str, placed: Placed) -> Piece:
    return Piece(field, placed.photo.media_type, placed.photo.content, placed.file_name)
