"""MIME packages (multipart/related, multipart/form-data): their parts, bounded in number and in what heads each."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property

from adapters.documents.faults import DocumentFault

PARTS_MAX = 40
"""A letter names at most 20 photos."""
HEAD_MAX = 4096
"""Bytes of a part's headers."""
TYPE_MAX = 1000
"""Characters of a content type."""
_AS_IS = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(frozen=True)
class MediaType:
    """A content type: its name, and its parameters by their names in small letters."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_package(self) -> bool:
        """Whether it holds parts."""
        return self.name.startswith("multipart/")


@dataclass(frozen=True)
class Part:
    """One part: its headers by their names in small letters, and its bytes."""

    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    @cached_property
    def media(self) -> MediaType:
        """What it says it is."""
        return media_type(self.headers.get("content-type", "text/plain"))

    @cached_property
    def content_id(self) -> str:
        """Its id, without the brackets."""
        return self.headers.get("content-id", "").strip().removeprefix("<").removesuffix(">")

    @cached_property
    def field(self) -> str:
        """The form field that it is; empty where it is none."""
        return media_type(self.headers.get("content-disposition", "")).parameters.get("name", "")

    @cached_property
    def is_file(self) -> bool:
        """Whether a form sends it as a file."""
        return "filename" in media_type(self.headers.get("content-disposition", "")).parameters


@dataclass(frozen=True, slots=True)
class Piece:
    """One field of a form that is written as parts; a file where it has a name."""

    field: str
    content_type: str
    content: bytes
    file_name: str = ""


def media_type(text: str) -> MediaType:
    """A content type, or any header of that form. What cannot be read has no name."""
    message = Message()
    try:
        message["content-type"] = text[:TYPE_MAX].replace("\r", " ").replace("\n", " ")
        found = message.get_params(failobj=[("", "")])
        name, *parameters = [(str(key).strip().lower(), _value(value)) for key, value in found]
    except (ValueError, TypeError, LookupError, IndexError):
        return MediaType("")
    return MediaType(name[0], dict(parameters))


def parts_of(raw: bytes, media: MediaType) -> Sequence[Part]:
    """The parts of a package. Raises ``DocumentFault``."""
    boundary = media.parameters.get("boundary", "").encode("utf-8", "replace")
    if not 1 <= len(boundary) <= 200:
        raise DocumentFault("Content-Type 没有 boundary。", "The Content-Type has no boundary.")
    mark = b"--" + boundary
    # What stands before the first mark is for readers that know no packages.
    at = 0 if raw.startswith(mark) else raw.find(b"\r\n" + mark) + 2
    if at == 1:
        raise _broken()
    parts: list[Part] = []
    while True:
        at += len(mark)
        if raw.startswith(b"--", at):
            return parts
        line = raw.find(b"\r\n", at, at + 100)
        end = raw.find(b"\r\n" + mark, max(line, at))
        if line < 0 or raw[at:line].strip() or end < 0:
            raise _broken()
        if len(parts) == PARTS_MAX:
            raise DocumentFault(f"最多 {PARTS_MAX} 个部分。", f"A package has at most {PARTS_MAX} parts.", "too_large")
        parts.append(_part(raw, line, end))
        at = end + 2


def form_package(pieces: Sequence[Piece], boundary: str) -> tuple[bytes, str]:
    """A multipart/form-data body and its media type; the same pieces are the same bytes."""
    while any(boundary.encode() in piece.content for piece in pieces):
        boundary += "_"
    made = []
    for piece in pieces:
        named = f'; filename="{_quoted(piece.file_name)}"' if piece.file_name else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(piece.field)}"{named}\r\n'
        made.append(f"{head}Content-Type: {piece.content_type}\r\n\r\n".encode() + piece.content + b"\r\n")
    return b"".join((*made, f"--{boundary}--\r\n".encode())), f'multipart/form-data; boundary="{boundary}"'


def root_of(parts: Sequence[Part], media: MediaType) -> Part:
    """The part that the others belong to: the one that ``start`` names, else the first. Raises ``DocumentFault``."""
    start = media.parameters.get("start", "").strip().removeprefix("<").removesuffix(">")
    for part in parts:
        if not start or part.content_id == start:
            return part
    raise DocumentFault("找不到 start 所指的部分。", "There is no part that start names.")


def _part(raw: bytes, line: int, end: int) -> Part:
    # The blank line may follow at once: a part without headers.
    over = raw.find(b"\r\n\r\n", line, min(end + 2, line + HEAD_MAX) + 2)
    if over < 0:
        raise DocumentFault("部分的头过长或不完整。", "The headers of a part are too long, or cut off.")
    headers: dict[str, str] = {}
    text = raw[line + 2 : over].decode("utf-8", "replace") if over > line else ""
    for each in text.replace("\r\n\t", " ").replace("\r\n ", " ").split("\r\n"):
        name, colon, value = each.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    content = raw[over + 4 : end]
    said = headers.get("content-transfer-encoding", "").strip().lower()
    if said == "base64":
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except (ValueError, binascii.Error):
            raise DocumentFault("部分不是有效的 base64。", "A part is not valid base64.") from None
    elif said not in _AS_IS:
        zh, en = f"部分的编码 {said[:40]} 不接受。", f"A part's encoding {said[:40]} is not taken."
        raise DocumentFault(f"{zh}用 binary。", f"{en} Use binary.")
    if media_type(headers.get("content-type", "")).is_package:
        raise DocumentFault("部分之内不得再有 multipart。", "No package may stand inside a part.")
    return Part(headers, content)


def _quoted(text: str) -> str:
    # As browsers write it (HTML, multipart/form-data encoding algorithm).
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _value(value: object) -> str:
    # RFC 2231 gives a charset, a language and the text.
    return str(value[2]) if isinstance(value, tuple) else str(value)


def _broken() -> DocumentFault:
    return DocumentFault("不是完整的 MIME 包(multipart)。", "It is no whole MIME package (multipart).")
