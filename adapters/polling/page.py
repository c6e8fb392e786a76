"""What a unit answered to a poll: its items, whether there are more, and where the next page begins. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.arriving import Fetched, fetched
from adapters.documents import DocumentFault, read_document
from adapters.documents.encodings import decode, encode
from adapters.documents.places import as_text, reached
from adapters.documents.reading import unwrap
from contracts.json_text import DEPTH_MAX, parse_json, too_deep
from contracts.mapping import Format, Written
from contracts.problem import Problem
from contracts.ways.poll import CursorKind, PollSettings

_YES = frozenset({"true", "1", "y", "yes", "是"})


@dataclass(frozen=True, slots=True)
class Page:
    """A page. ``following`` is the token of the next one, empty where there is none."""

    items: Sequence[Fetched]
    more: bool
    following: str = ""


def page_document(raw: bytes, written: Written) -> Any:
    """The answer as values. A page holds many messages, so the bounds of one message are not its own.

    Raises ``DocumentFault``.
    """
    if written.format is not Format.JSON:
        return read_document(raw, written)
    if len(raw) > written.bytes_max:
        said = written.bytes_max
        raise DocumentFault(f"一页超过 {said} 字节。", f"A page has more than {said} bytes.", "too_large")
    text = encode(decode(raw, written.encoding), None)
    if too_deep(text):
        raise DocumentFault(f"嵌套不得超过 {DEPTH_MAX} 层。", f"At most {DEPTH_MAX} levels of nesting.", "too_deep")
    try:
        return unwrap(parse_json(text), written)
    except Problem as problem:
        raise DocumentFault(problem.zh or "不是有效的 JSON。", problem.en or "It is not valid JSON.") from None


def read_page(document: Any, settings: PollSettings, asked: str = "") -> Page:
    """The page of an answer to a request with the cursor ``asked``.

    Raises ``DocumentFault`` where the items are no list of documents.
    """
    held = reached(document, settings.items)
    if held is None or held == "":
        held = []
    # An element that stands alone is a list of one.
    found = held if isinstance(held, list) else [held]
    if not all(isinstance(each, dict) for each in found):
        raise DocumentFault(f"{settings.items} 不是记录的列表。", f"{settings.items} is no list of records.")
    following = ""
    if settings.cursor is not None and settings.cursor.kind is CursorKind.PAGE:
        following = as_text(reached(document, settings.cursor.next or "."))
    if settings.more is not None:
        more = as_text(reached(document, settings.more)).lower() in _YES
    elif settings.cursor is not None and settings.cursor.kind is CursorKind.PAGE:
        # Many a unit names the same token again until something new comes.
        more = bool(found) and following not in ("", asked)
    else:
        more = settings.cursor is not None and len(found) >= settings.limit
    return Page([fetched(each) for each in found], more, following)
