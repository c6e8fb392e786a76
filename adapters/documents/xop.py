"""XOP: an XML document whose long binary texts travel beside it as parts (MTOM), put back where they belong."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote

from adapters.documents.encodings import named
from adapters.documents.faults import DocumentFault
from adapters.documents.packages import MediaType, parts_of, root_of
from adapters.documents.xml import parse_xml

INCLUDE = "{http://www.w3.org/2004/08/xop/include}Include"
BYTES_MAX = 32 * 1024 * 1024
"""Bytes of all that is put back: a small message may not grow large by naming one part again and again."""
ROOT_MAX = 2 * 1024 * 1024
"""Bytes of the document itself."""
_ROOTS = frozenset({"application/xop+xml", "text/xml", "application/soap+xml", "application/xml"})


def read_package(raw: bytes, media: MediaType, markup_max: int) -> Any:
    """The root element of a package, whole again: each ``xop:Include`` is the base64 of its part.

    Raises ``DocumentFault``.
    """
    if media.name != "multipart/related":
        raise DocumentFault(f"不接受 {media.name[:60]}。", f"{media.name[:60]} is not taken.", "media_type_unsupported")
    parts = parts_of(raw, media)
    part = root_of(parts, media)
    if part.media.name not in _ROOTS:
        said = part.media.name[:60]
        raise DocumentFault(f"根部分应为 XML,不是 {said}。", f"The root part is XML, not {said}.")
    if len(part.content) > ROOT_MAX or part.content.count(b"<") > markup_max:
        raise DocumentFault("XML 的元素过多或过长。", "The XML is too long, or has too many elements.", "too_large")
    charset = part.media.parameters.get("charset", "")
    root = parse_xml(part.content, named(charset) if charset else None)
    contents = {each.content_id: each.content for each in parts if each is not part and each.content_id}
    size = 0
    for include in list(root.iter(INCLUDE)):
        content = _content(include, contents)
        size += len(content)
        if size > BYTES_MAX:
            raise DocumentFault(
                f"各部分共超过 {BYTES_MAX} 字节。", f"The parts have more than {BYTES_MAX} bytes.", "too_large"
            )
        holder = include.getparent()
        if holder is None or len(holder) != 1 or (holder.text or "").strip() or (include.tail or "").strip():
            raise DocumentFault("xop:Include 应独占其元素。", "An xop:Include stands alone in its element.")
        holder.remove(include)
        holder.text = base64.b64encode(content).decode()
    return root


def _content(include: Any, contents: dict[str, bytes]) -> bytes:
    href = str(include.get("href") or "")
    found = contents.get(unquote(href[4:])) if href[:4].lower() == "cid:" else None
    if found is None:
        # Nothing is ever fetched for a message.
        raise DocumentFault(
            f"xop:Include 只能指向同一消息的部分(cid:),没有 {href[:100]}。",
            f"An xop:Include names a part of its own message (cid:); there is no {href[:100]}.",
        )
    return found
