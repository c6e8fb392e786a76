"""The documents of a description, fetched at drafting time: from a file and beside it, or through the request guard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from adapters.documents.encodings import decode
from adapters.documents.faults import DocumentFault
from adapters.documents.xml import parse_xml
from adapters.drafting.fields import DraftFault
from adapters.http.calls import HttpCalls
from adapters.soap.wsdl import BASE
from contracts.mapping import Encoding
from contracts.port import DeliveryFailed

BYTES_MAX = 2 * 1024 * 1024
DOCUMENTS_MAX = 50
LIMIT_SECONDS = 20.0

_IMPORTS = (
    ("{http://schemas.xmlsoap.org/wsdl/}import", "location"),
    ("{http://www.w3.org/2001/XMLSchema}import", "schemaLocation"),
    ("{http://www.w3.org/2001/XMLSchema}include", "schemaLocation"),
    ("{http://www.w3.org/2001/XMLSchema}redefine", "schemaLocation"),
)
_ROOT = BASE.rpartition("/")[0] + "/"


@dataclass(frozen=True, slots=True)
class Wsdl:
    """A WSDL, and all that it imports, each under the location by which a profile keeps it."""

    text: str
    imported: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetching:
    """Reads files and addresses. An address is judged as any that the hub calls."""

    calls: HttpCalls

    async def raw(self, source: str) -> bytes:
        """The bytes at a path or an address. Raises ``DraftFault``."""
        if is_address(source):
            return await self._called(source)
        try:
            return _bounded(await asyncio.to_thread(Path(source).read_bytes), source)
        except OSError as fault:
            why = fault.strerror or fault
            raise DraftFault(f"读不到 {source}:{why}", f"cannot read {source}: {why}") from None

    async def wsdl(self, source: str) -> Wsdl:
        """A WSDL with its imports, as far as they go. Raises ``DraftFault``."""
        text = _text(await self.raw(source), source)
        kept: dict[str, str] = {}
        # Where each stands really, and where it stands seen from the WSDL: a profile keeps only the second.
        waiting = [(text, source, BASE)]
        while waiting:
            held, real, seen = waiting.pop()
            for location in _imports(held, real):
                there = urljoin(seen, location)
                name = there.removeprefix(_ROOT)
                if there == BASE or name in kept or _is_known(there):
                    continue
                if len(kept) >= DOCUMENTS_MAX:
                    raise DraftFault(
                        f"导入超过 {DOCUMENTS_MAX} 份文档。", f"More than {DOCUMENTS_MAX} documents are imported."
                    )
                origin = _beside(real, location, source)
                kept[name] = _text(await self.raw(origin), origin)
                waiting.append((kept[name], origin, there))
        return Wsdl(text, kept)

    async def _called(self, url: str) -> bytes:
        try:
            answer = await self.calls.call(
                url, {"accept": "*/*"}, None, method="GET", limit_seconds=LIMIT_SECONDS, answer_max=BYTES_MAX + 1
            )
        except DeliveryFailed as failure:
            # A reason is one line of both languages.
            zh, _, en = failure.reason.partition(" / ")
            raise DraftFault(f"取不到 {url}:{zh}", f"cannot fetch {url}: {en or zh}") from None
        if answer.status != 200:
            raise DraftFault(f"取不到 {url}:HTTP {answer.status}", f"cannot fetch {url}: HTTP {answer.status}")
        return _bounded(answer.body, url)


def is_address(source: str) -> bool:
    """Whether a source is an address, not a file."""
    return source.lower().startswith(("http://", "https://"))


def _imports(text: str, name: str) -> Iterator[str]:
    try:
        root = parse_xml(text)
    except DocumentFault as fault:
        raise DraftFault(f"{name}:{fault.zh}", f"{name}: {fault.en}") from None
    for tag, attribute in _IMPORTS:
        for element in root.iter(tag):
            location = (element.get(attribute) or "").strip()
            if location:
                yield location


def _beside(real: str, location: str, source: str) -> str:
    """Where an import stands. One of a file stands in its folder or below: no description reaches other files."""
    if is_address(real) or is_address(location):
        return urljoin(real, location) if is_address(real) else location
    parts = urlsplit(location)
    folder = Path(source).resolve().parent
    path = (Path(real).resolve().parent / unquote(parts.path)).resolve()
    if parts.scheme or parts.netloc or not path.is_relative_to(folder):
        raise DraftFault(
            f"导入的 {location[:200]} 不在 WSDL 所在文件夹之内。",
            f"The import {location[:200]} does not stand in the folder of the WSDL.",
        )
    return str(path)


def _is_known(url: str) -> bool:
    # SOAP's own encoding schema comes with the hub.
    return url == "http://schemas.xmlsoap.org/soap/encoding/"


def _text(raw: bytes, name: str) -> str:
    for encoding in (Encoding.UTF_8, Encoding.GB18030):
        try:
            return decode(raw, encoding).removeprefix("\ufeff")
        except DocumentFault:
            continue
    raise DraftFault(f"{name} 不是文本。", f"{name} is no text.")


def _bounded(raw: bytes, name: str) -> bytes:
    if len(raw) > BYTES_MAX:
        raise DraftFault(f"{name} 超过 {BYTES_MAX} 字节。", f"{name} has more than {BYTES_MAX} bytes.")
    return raw
