"""XML as plain values: an element is its text, or its children by name; attributes ``@name``, text beside ``#text``.

Entities, document types and the network are off: a document with a ``<!DOCTYPE`` is refused before it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from lxml import etree

from adapters.documents.encodings import decode, encode, named
from adapters.documents.faults import DocumentFault
from adapters.documents.values import text_of
from contracts.mapping import Encoding, Written
from contracts.paths import Path, parse_path

DEPTH_MAX = 64
ELEMENTS_MAX = 20_000
MARKUP_MAX = 120_000
"""So many ``<`` at most are parsed at all: each element would become an object, and a text in it has its own."""
ATTRIBUTES_MAX = 100
LETTERS_MAX = 16 * 1024 * 1024
"""Letters of text in a document whose values are referred to: a long text may be named again and again."""
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_SOAP_ENCODED = ("{http://schemas.xmlsoap.org/soap/encoding/}", "{http://schemas.xmlsoap.org/soap/envelope/}")
_ENVELOPE_11 = "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
_BODY_11 = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_DECLARATION = re.compile(r"""\s{0,100}<\?xml\s[^>]{0,200}?\?>""")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def read_xml(raw: bytes | str, encoding: Encoding | None, written: Written, at: Path = ()) -> dict[str, Any]:
    """The root element by its name. ``at`` is where the document stands inside another. Raises ``DocumentFault``."""
    if (raw.count("<") if isinstance(raw, str) else raw.count(b"<")) > MARKUP_MAX:
        raise DocumentFault("XML 的元素过多。", "The XML has too many elements.", "too_large")
    return root_values(parse_xml(raw, encoding), written, at)


def root_values(root: Any, written: Written, at: Path) -> dict[str, Any]:
    """A parsed root element by its name; what RPC/encoded refers to stands in its place. Raises ``DocumentFault``."""
    body: Any = root.find(_BODY_11) if root.tag == _ENVELOPE_11 else None
    referred = referred_in(body) if body is not None else {}
    for each in referred.values():
        body.remove(each)
    return element_values(root, written, at, referred)


def referred_in(body: Any) -> dict[str, Any]:
    """What stands beside the own element of a SOAP body to be referred to (SOAP 1.1, section 5.4.1), by its id."""
    return {str(child.get("id")): child for child in body[1:] if child.get("id")}


def element_values(
    node: Any, written: Written, at: Path = (), referred: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """A parsed element by its name, of bounded depth and size; ``href="#…"`` stands for what is referred to.

    Raises ``DocumentFault``.
    """
    reading = _Reading(written, at, referred)
    name = reading.name(node.tag)
    return {name: reading.element(node, (*at, name), 1)}


def parse_xml(raw: bytes | str, encoding: Encoding | None = None) -> Any:
    """The root element of an XML text, document types refused before it is parsed. Raises ``DocumentFault``."""
    text = raw if isinstance(raw, str) else decode(raw, encoding or _declared(raw))
    text = text.removeprefix("\ufeff")
    found = _DECLARATION.match(text)
    text = text[found.end() :] if found else text
    _refuse_document_type(text)
    try:
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), _parser())
    except (etree.XMLSyntaxError, ValueError) as fault:
        said = str(getattr(fault, "msg", None) or fault)[:200]
        raise DocumentFault(f"不是有效的 XML:{said}", f"It is not valid XML: {said}") from None
    if root is None:
        raise DocumentFault("XML 没有根元素。", "The XML has no root element.")
    return root


def write_xml(value: Any, encoding: Encoding | None, written: Written, *, declaration: bool) -> str:
    """The XML text of a root element by its name. Raises ``DocumentFault``."""
    if not isinstance(value, dict) or len(value) != 1:
        raise DocumentFault("XML 应有且只有一个根元素。", "XML has one root element.")
    ((name, inner),) = value.items()
    namespaces = {each.prefix or None: each.uri for each in written.namespaces}
    try:
        root = etree.Element(_tag(name, namespaces), nsmap=namespaces)  # type: ignore[arg-type]
        _fill(root, inner, namespaces, 1)
    except (ValueError, TypeError) as fault:
        said = str(fault)[:200]
        raise DocumentFault(f"无法写成 XML:{said}", f"It cannot be written as XML: {said}") from None
    etree.cleanup_namespaces(root)
    text = etree.tostring(root, encoding="unicode")
    said = (encoding or Encoding.UTF_8).value.upper()
    return f'<?xml version="1.0" encoding="{said}"?>{text}' if declaration else text


def xml_bytes(text: str, encoding: Encoding | None) -> bytes:
    """The bytes of an XML text; a letter that the encoding lacks goes as a character reference."""
    return encode(text, encoding, "xmlcharrefreplace")


@cache
def _parser() -> Any:
    # Making one costs as much as a small document; it keeps nothing of what it parsed, and locks itself.
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )


def _declared(raw: bytes) -> Encoding | None:
    head = raw[:300].decode("ascii", "replace")
    found = _DECLARATION.match(head.lstrip("\ufffd"))
    said = _ENCODING.search(found[0]) if found else None
    return named(said[1]) if said else None


def _refuse_document_type(text: str) -> None:
    # It can only stand before the root element, among comments and instructions.
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if text.startswith("<!--", position):
            end, close = text.find("-->", position + 4), 3
        elif text.startswith("<?", position):
            end, close = text.find("?>", position + 2), 2
        else:
            break
        if end < 0:
            break
        position = end + close
    if text.startswith("<!", position):
        raise DocumentFault("不接受带 DOCTYPE 的 XML。", "XML with a DOCTYPE is not taken.")


class _Reading:
    def __init__(self, written: Written, at: Path, referred: Mapping[str, Any]) -> None:
        self.referred = referred
        self.prefixes: Mapping[str, str] = {each.uri: each.prefix for each in written.namespaces}
        self.lists = frozenset(
            tuple(part for part in parse_path(each) if isinstance(part, str)) for each in written.lists
        )
        self.elements = 0
        self.letters = 0

    def name(self, tag: Any) -> str:
        """The name that paths know: with a prefix where the profile declares its namespace, else alone."""
        uri, brace, local = str(tag)[1:].partition("}") if str(tag).startswith("{") else ("", "", str(tag))
        prefix = self.prefixes.get(uri, "") if brace else ""
        return f"{prefix}:{local}" if prefix else local

    def element(self, node: Any, path: Path, depth: int) -> Any:
        self.elements += 1
        if depth > DEPTH_MAX or self.elements > ELEMENTS_MAX:
            raise DocumentFault(
                f"XML 超过 {DEPTH_MAX} 层或 {ELEMENTS_MAX} 个元素。",
                f"The XML has more than {DEPTH_MAX} levels or {ELEMENTS_MAX} elements.",
                "too_deep" if depth > DEPTH_MAX else "too_large",
            )
        made: dict[str, Any] = {}
        if self.referred:
            # Depth and size bound what refers to itself, or twice to what refers twice to what …
            node = self.referred.get((node.get("href") or "").removeprefix("#"), node)
            self._count_letters(node)
        if node.attrib and not self._attributes(node, made):
            return None
        texts = [node.text or ""]
        for child in node:
            # Entities that were not resolved have no name.
            if not isinstance(child.tag, str):
                raise DocumentFault("XML 不得使用实体。", "XML may not use entities.")
            name = self.name(child.tag)
            below = (*path, name)
            value = self.element(child, below, depth + 1)
            texts.append(child.tail or "")
            # No element's value is a list, so a list is what was gathered here.
            if name not in made:
                made[name] = [value] if below in self.lists else value
            elif isinstance(made[name], list):
                made[name].append(value)
            else:
                made[name] = [made[name], value]
        if not made:
            return "".join(texts)
        text = "".join(texts)
        if text.strip():
            made["#text"] = text
        return made

    def _count_letters(self, node: Any) -> None:
        self.letters += len(node.text or "")
        if self.letters > LETTERS_MAX:
            raise DocumentFault("XML 引用的文本过多。", "The XML refers to too much text.", "too_large")

    def _attributes(self, node: Any, made: dict[str, Any]) -> bool:
        """Take over the attributes; False where the element says that it is nil."""
        if len(node.attrib) > ATTRIBUTES_MAX:
            raise DocumentFault("XML 元素的属性过多。", "An XML element has too many attributes.", "too_large")
        for name, value in node.attrib.items():
            if name == _XSI + "nil" and value in ("true", "1"):
                return False
            if self.referred and name == "id":
                continue
            # What only says how a value is encoded is not part of it.
            if not str(name).startswith((_XSI, _XML, *_SOAP_ENCODED)):
                made[f"@{self.name(name)}"] = value
        return True


def _tag(name: str, namespaces: Mapping[str | None, str]) -> str:
    prefix, colon, local = name.rpartition(":")
    if colon and prefix not in namespaces:
        raise ValueError(f"the prefix {prefix} has no namespace")
    uri = namespaces.get(prefix if colon else None)
    return f"{{{uri}}}{local}" if uri else local


def _fill(node: Any, value: Any, namespaces: Mapping[str | None, str], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise ValueError("it is nested too deeply")
    if not isinstance(value, dict):
        node.text = text_of(value)
        return
    for name, inner in value.items():
        if name == "#text":
            node.text = text_of(inner)
        elif name.startswith("@"):
            # An attribute without a prefix is in no namespace.
            node.set(_tag(name[1:], namespaces) if ":" in name else name[1:], text_of(inner))
        else:
            for each in inner if isinstance(inner, list) else (inner,):
                if each is not None:
                    _fill(etree.SubElement(node, _tag(name, namespaces)), each, namespaces, depth + 1)
