"""A sample of the unit's documents as described fields: JSON, XML, a form, delimited text; documents inside too."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.documents.encodings import decode
from adapters.documents.faults import DocumentFault
from adapters.documents.reading import read_document
from adapters.documents.xml import parse_xml
from adapters.drafting.fields import Described, DraftFault, Shape, UnitField, can_be_told
from adapters.drafting.values import reads_as_number
from contracts.mapping import Encoding, Format, Namespace, Wrap, Written
from contracts.paths import Path, parse_path, path_text, walk

TELLING = frozenset({"type", "event", "action", "cmd", "state", "status", "msgtype", "类型", "状态", "动作"})
"""Fields whose values say what a document is for."""
FIELDS_MAX = 500
COLUMNS_MAX = 200
SEPARATORS = ",|\t;"
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DOCUMENT = re.compile(r"\s*(<\?xml|<[A-Za-z_][\w.:-]*[\s/>]|[{\[])")


def read_sample(raw: bytes, name: str, *, outward: bool = False) -> Described:
    """What a sample has; of one that the hub is to write (``outward``) the namespaces too. Raises ``DraftFault``."""
    text, encoding = _text(raw)
    form = _format(text)
    try:
        written, value = _read(raw, text, encoding, form, outward)
        written, value = _with_inner(raw, written, value)
    except DocumentFault as fault:
        raise DraftFault(f"样本无法读取:{fault.zh}", f"the sample cannot be read: {fault.en}") from None
    gathered = _Gathered()
    gathered.take(value, ())
    lists = tuple(path_text(path) for path in gathered.lists)
    if form is not Format.JSON and lists:
        written = written.model_copy(update={"lists": lists})
    about, state, fields = " ".join([name, *gathered.about]), " ".join(gathered.state), tuple(gathered.fields)
    return Described(name, about, fields, written, shared_base(fields), state)


def _text(raw: bytes) -> tuple[str, Encoding | None]:
    declared = _DECLARED.match(raw[:200].lstrip(b"\xef\xbb\xbf"))
    named = {each.value: each for each in Encoding}.get(declared[1].decode().lower()) if declared else None
    for encoding in (named, Encoding.UTF_8, Encoding.GB18030):
        if encoding is None:
            continue
        try:
            return decode(raw, encoding).removeprefix("\ufeff"), encoding
        except DocumentFault:
            continue
    raise DraftFault("样本既不是 UTF-8 也不是 GB18030 文本。", "The sample is neither UTF-8 nor GB18030 text.")


def _named(encoding: Encoding | None) -> dict[str, Any]:
    # Absent is not null.
    return {} if encoding is None else {"encoding": encoding}


def _format(text: str) -> Format:
    head = text.lstrip()[:1]
    if head in ("{", "["):
        return Format.JSON
    if head == "<":
        return Format.XML
    first = text.strip().partition("\n")[0]
    if "\n" not in text.strip() and re.fullmatch(r"[^=&\s]+=[^&\s]*(&[^=&\s]+=[^&\s]*)*", first):
        return Format.FORM
    return Format.DELIMITED


def _read(raw: bytes, text: str, encoding: Encoding | None, form: Format, outward: bool) -> tuple[Written, Any]:
    said = None if encoding is Encoding.UTF_8 else encoding
    if form is Format.DELIMITED:
        return _delimited(text, said)
    namespaces = _namespaces(text) if form is Format.XML and outward else ()
    written = Written(format=form, namespaces=namespaces, **_named(said))
    value = read_document(raw, written)
    if isinstance(value, list):
        raise DraftFault("样本是列表;请给出其中一条。", "The sample is a list: give one of its elements.")
    return written, value


def _delimited(text: str, encoding: Encoding | None) -> tuple[Written, Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    separator = max(SEPARATORS, key=lambda each: lines[0].count(each) if lines else 0)
    rows = [row for row in csv.reader(io.StringIO("\n".join(lines[:100])), delimiter=separator) if row]
    if len(rows) < 2 or len(rows[0]) < 2:
        raise DraftFault(
            "分隔文本的样本须有一行列名和至少一行内容。",
            "A sample of delimited text has a line of column names and one or more of content.",
        )
    columns = tuple(_visible(name)[:200] or f"column {index}" for index, name in enumerate(rows[0][:COLUMNS_MAX], 1))
    written = Written(format=Format.DELIMITED, separator=separator, columns=columns, **_named(encoding))
    width = len(columns)
    return written, {
        name: [row[index] for row in rows[1:] if len(row) == width][0:1][0] if rows[1:] else ""
        for index, name in enumerate(columns)
    }


def _visible(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable()).strip()


def _namespaces(text: str) -> tuple[Namespace, ...]:
    found: dict[str, str] = {}
    for node in parse_xml(text).iter():
        for prefix, uri in (node.nsmap or {}).items():
            found.setdefault(uri, prefix or f"n{len(found) + 1}")
    used = [uri for uri in found if "XMLSchema" not in uri]
    return tuple(Namespace(prefix=found[uri], uri=uri) for uri in used[:20])


def _with_inner(raw: bytes, written: Written, value: Any) -> tuple[Written, Any]:
    """The document with the documents that stand in its texts, at most four."""
    for path, text in list(_inner(value, ()))[:4]:
        encoding = _DECLARED.match(text[:200].strip().encode("ascii", "replace"))
        named = {each.value: each for each in Encoding}.get(encoding[1].decode().lower()) if encoding else None
        form = Format.JSON if text.strip()[0] in "{[" else Format.XML
        wrap = Wrap(inside=path_text(path), format=form, **_named(None if named is Encoding.UTF_8 else named))
        tried = written.model_copy(update={"wrap": (*written.wrap, wrap)})
        try:
            written, value = tried, read_document(raw, tried)
        except DocumentFault:
            # It only looked like one.
            continue
    return written, value


def _inner(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _inner(each, (*path, name))
    elif isinstance(value, str) and path and _looks_like_one(value) and can_be_told(path):
        yield path, value


def _looks_like_one(text: str) -> bool:
    return _DOCUMENT.match(text) is not None and text.strip()[-1] in ">}]"


@dataclass(slots=True)
class _Gathered:
    """The leaves of a document."""

    fields: list[UnitField] = field(default_factory=list)
    lists: list[Path] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    state: list[str] = field(default_factory=list)

    def take(self, value: Any, path: Path) -> None:
        if len(self.fields) > FIELDS_MAX:
            raise DraftFault(f"样本超过 {FIELDS_MAX} 个字段。", f"The sample has more than {FIELDS_MAX} fields.")
        if path and not can_be_told(path):
            return
        if isinstance(value, dict):
            if len(path) < 6:
                self.about += [str(part) for part in path[-1:] if not str(part).startswith("@")]
            inner = [name for name in value if not name.startswith(("@", "#"))]
            for name, each in value.items():
                if len(inner) == 1 and path and _is_one_of(name, str(path[-1])) and not isinstance(each, list):
                    # One picture among `PICS` is a list that has one.
                    self._list([each], (*path, name))
                else:
                    self.take(each, (*path, name))
        elif isinstance(value, list):
            self._list(value, path)
        elif path:
            leaf = _leaf(path, value)
            self.fields.append(leaf)
            # The action of WS-Addressing is an address.
            if leaf.name.lower() in TELLING and leaf.samples and "://" not in leaf.samples[0]:
                self.state.append(leaf.samples[0][:40])

    def _list(self, value: list[Any], path: Path) -> None:
        self.lists.append(path)
        first = value[0] if value else None
        inside = "."
        if isinstance(first, dict):
            names = [name for name, each in first.items() if not isinstance(each, dict | list)]
            usual = ("id", "fileid", "picid", "photoid", "no", "code", "url", "path", "text")
            told = sorted(
                (name for name in names if name.strip("@#").lower() in usual),
                key=lambda name: usual.index(name.strip("@#").lower()),
            )
            inside = path_text((told[0] if told else names[0],)) if names else "."
        said = walk(first, () if inside == "." else (names_of(inside),)) if first is not None else None
        self.fields.append(
            UnitField(path_text(path), str(path[-1]), samples=(str(said),) if said is not None else (), element=inside)
        )


def _is_one_of(name: str, holder: str) -> bool:
    one, many = (text.rpartition(":")[2].lower() for text in (name, holder))
    return many in (f"{one}s", f"{one}es", f"{one}list", f"{one}_list", f"{one}array") or many == f"arrayof{one}"


def names_of(inside: str) -> str:
    """The name that a path of one step has."""
    return inside.removeprefix('["').removesuffix('"]')


def _leaf(path: Path, value: Any) -> UnitField:
    named = [part for part in path if isinstance(part, str)]
    name = named[-2] if named[-1] == "#text" and len(named) > 1 else named[-1]
    name = name.removeprefix("@")
    local = name.rpartition(":")[2]
    if isinstance(value, bool):
        shape = Shape.BOOLEAN
    elif isinstance(value, int):
        shape = Shape.INTEGER
    elif isinstance(value, float):
        shape = Shape.NUMBER
    else:
        shape = Shape.TEXT
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if shape is Shape.TEXT and reads_as_number(text) and "." in text:
        shape = Shape.NUMBER
    return UnitField(path_text(path), local, shape=shape, samples=(text,) if text else ())


def shared_base(fields: Sequence[UnitField]) -> str:
    """What all paths begin with, if it is more than one step: the rules are easier to read without it."""
    paths = [parse_path(each.path)[:-1] for each in fields]
    if len(paths) < 2:
        return ""
    shared: list[str | int] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return path_text(tuple(shared)) if shared else ""
