"""What came to a unit's own door as one document: alone, or in a package with its photos beside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from adapters.documents import DocumentFault, read_document
from adapters.documents.encodings import decode
from adapters.documents.packages import MediaType, Part, media_type, parts_of
from adapters.documents.reading import unwrap
from adapters.documents.writing import CONTENT_TYPES, write_document
from adapters.documents.xml import ELEMENTS_MAX, root_values
from adapters.documents.xop import read_package
from contracts.mapping import Format, Written

BYTES_MAX = 16 * 1024 * 1024
"""Of a document with photos in it; the door says how much it takes in."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The document, and the bytes that stand for it: read again they are the same document."""

    document: Any = field(repr=False)
    raw: bytes = field(repr=False)
    content_type: str


def open_document(raw: bytes, content_type: str, written: Written, *, photos: bool) -> Opened:
    """The document of what came. Raises ``DocumentFault``."""
    media = media_type(content_type)
    if not media.is_package:
        if photos:
            written = written.model_copy(update={"bytes_max": BYTES_MAX})
        return Opened(read_document(raw, written), raw, content_type)
    if media.name == "multipart/related" and written.format is Format.XML:
        root = read_package(raw, media, 2 * ELEMENTS_MAX)
        whole = etree.tostring(root, encoding="utf-8", xml_declaration=True)
        return Opened(unwrap(root_values(root, written, ()), written), whole, "text/xml; charset=utf-8")
    if media.name == "multipart/form-data" and written.format is Format.FORM:
        fields = _fields(raw, media, written)
        whole = write_document(dict(fields), written.model_copy(update={"wrap": ()}))
        return Opened(unwrap(fields, written), whole, CONTENT_TYPES[Format.FORM])
    raise DocumentFault(
        f"{media.name[:60]} 与档案的格式 {written.format} 不符:XML 用 multipart/related,表单用 multipart/form-data。",
        f"{media.name[:60]} does not go with the profile's format {written.format}: XML takes multipart/related, a "
        "form multipart/form-data.",
        "media_type_unsupported",
    )


def _fields(raw: bytes, media: MediaType, written: Written) -> dict[str, Any]:
    """A form's fields, files as their base64; a field that stands several times is a list."""
    made: dict[str, Any] = {}
    for part in parts_of(raw, media):
        name = part.field
        if not name:
            raise DocumentFault("表单的部分没有 name。", "A part of the form has no name.")
        value = base64.b64encode(part.content).decode() if part.is_file else _text(part, written)
        if name not in made:
            made[name] = [value] if name in written.lists else value
        elif isinstance(made[name], list):
            made[name].append(value)
        else:
            made[name] = [made[name], value]
    return made


def _text(part: Part, written: Written) -> str:
    return decode(part.content, written.encoding)
