"""JSON read strictly: RFC 8259 in UTF-8, of bounded shape, and I-JSON's rule that a name stands once in an object.

So what the hub understood is what everybody understands who reads the same bytes. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import orjson

from contracts.problem import Problem, Violation

DEPTH_MAX = 32
VALUES_MAX = 2_000
"""No contract has room for more values; listing the faults of a body with a million would hold up everybody else."""
VIOLATIONS_MAX = 100
NAME_MAX = 100

_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NOT_PUNCTUATION = bytes(set(range(256)) - set(b"[]{},"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def load_json(raw: bytes, base: str = "#") -> Any:
    """The value of JSON bytes, of bounded shape, without a repeated name. Raises ``Problem``."""
    guard_shape(raw)
    value = parse_json(raw)
    refuse_repeats(raw, texts_in(orjson.dumps(value)), base)
    return value


def parse_json(raw: bytes) -> Any:
    """The value of JSON bytes, whatever its shape. Raises ``Problem`` with line and column."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as fault:
        raise _not_json(raw, fault) from None


def guard_shape(raw: bytes) -> None:
    """Refuse what is nested too deeply or has too many values, before anything looks at each. Raises ``Problem``."""
    if len(raw) > 2 * VALUES_MAX and _too_many(raw):
        zh, en = f"一条消息最多 {VALUES_MAX} 个值。", f"A message has at most {VALUES_MAX} values."
        raise Problem("too_large", zh, en)
    if too_deep(raw):
        raise Problem("too_deep", f"嵌套不得超过 {DEPTH_MAX} 层。", f"At most {DEPTH_MAX} levels of nesting.")


def _too_many(raw: bytes) -> bool:
    # A value brings at most a name and a text, and all but the first of a list or an object follow a comma.
    return texts_in(raw) > 2 * VALUES_MAX or _skeleton(raw).count(b",") >= VALUES_MAX


def too_deep(raw: bytes, limit: int = DEPTH_MAX) -> bool:
    """Whether JSON bytes nest deeper than ``limit``; a short count for nearly all of them, linear for the worst."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    brackets = _skeleton(raw).translate(_ONE_KIND, b",")
    left = brackets
    for _ in range(limit):
        # Each round takes away the innermost level.
        left, before = left.replace(b"[]", b""), len(left)
        if not left:
            return False
        if len(left) == before:
            break
    depth = 0
    # Too deep, or no JSON at all: the parser says what is wrong with that.
    for byte in brackets:
        depth += 1 if byte == 0x5B else -1
        if depth > limit:
            return True
    return False


def texts_in(raw: bytes) -> int:
    """How many names and texts stand in JSON bytes."""
    quotes = raw.count(b'"')
    if b'\\"' in raw:
        quotes -= raw.replace(b"\\\\", b"").count(b'\\"')
    return quotes // 2


def refuse_repeats(raw: bytes, kept: int, base: str = "#") -> None:
    """Refuse a name that stands twice in one object: two readers could take different values.

    ``kept`` is how many names and texts the parsed value has; a repeated name loses at least one. Raises ``Problem``.
    """
    if texts_in(raw) == kept:
        return
    repeats = tuple(_repeats(raw, base))
    if repeats:
        raise Problem("not_json", "同一对象中字段名重复。", "A name stands twice in one object.", repeats)


def pointer(parts: tuple[str | int, ...], base: str = "#") -> str:
    """An RFC 6901 pointer as a URI fragment. A name too long to repeat ends it: it then points to what holds it."""
    made = base
    for part in parts:
        text = str(part)
        if len(text) > NAME_MAX:
            break
        escaped = text.replace("~", "~0").replace("/", "~1")
        made += "/" + quote(escaped, safe="!$&'()*+,;=:@?~", errors="replace")
    return made


def _skeleton(raw: bytes) -> bytes:
    return _TEXTS.sub(b"", raw).translate(None, _NOT_PUNCTUATION)


def _repeats(raw: bytes, base: str) -> Iterator[Violation]:
    # Each object comes out as its pairs, so that a repeated name is still there to be seen.
    unread: list[tuple[tuple[str | int, ...], Any]] = [((), json.loads(raw, object_pairs_hook=_Pairs))]
    while unread:
        place, value = unread.pop()
        if isinstance(value, _Pairs):
            seen: set[str] = set()
            for name, inner in value:
                if name in seen:
                    yield Violation(pointer((*place, name), base), "字段名重复", "the name stands twice", "repeated")
                seen.add(name)
                unread.append(((*place, name), inner))
        elif isinstance(value, list):
            unread.extend(((*place, index), inner) for index, inner in enumerate(value))


class _Pairs(tuple[tuple[str, Any], ...]):
    """An object as its pairs, told from a list by its type."""


def _not_json(raw: bytes, fault: orjson.JSONDecodeError) -> Problem:
    """What is wrong with bytes that are not JSON, where, and what to do about it."""
    for there, zh, en in _ENCODINGS:
        if there(raw):
            return Problem("not_json", zh, en)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as broken:
        zh, en = f"第 {broken.start + 1} 字节起不是 UTF-8", f"From byte {broken.start + 1} on it is not UTF-8"
        if _is_gbk(raw):
            return Problem("not_json", f"{zh},像是 GBK,请先转为 UTF-8。", f"{en}; it looks like GBK, send UTF-8.")
        return Problem("not_json", f"{zh}。", f"{en}.")
    line, column = text.count("\n", 0, fault.pos) + 1, fault.pos - text.rfind("\n", 0, fault.pos)
    hint_zh, hint_en = next(
        ((zh, en) for told, zh, en in _HINTS if told.search(f"{fault.msg}\n{text[fault.pos : fault.pos + 10]}")),
        ("", ""),
    )
    return Problem(
        "not_json",
        f"第 {line} 行第 {column} 列起不是有效的 JSON{hint_zh}。",
        f"It is not valid JSON from line {line}, column {column}{hint_en}.",
        fields={"line": line, "column": column},
    )


def _is_gbk(raw: bytes) -> bool:
    try:
        return any("\u4e00" <= letter <= "\u9fff" for letter in raw.decode("gbk"))
    except UnicodeDecodeError:
        return False


_ENCODINGS: tuple[tuple[Callable[[bytes], bool], str, str], ...] = (
    (lambda raw: not raw.strip(), "消息是空的。", "The message is empty."),
    (
        lambda raw: raw.startswith(b"\xef\xbb\xbf"),
        "开头有字节顺序标记(BOM),请去掉。",
        "It begins with a byte order mark; leave it out.",
    ),
    (
        lambda raw: raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:4],
        "像是 UTF-16,请先转为 UTF-8。",
        "It looks like UTF-16; send UTF-8.",
    ),
    (lambda raw: raw.lstrip().startswith(b"<"), "像是 XML,应为 JSON。", "It looks like XML; send JSON."),
)

# Told by the parser's words and the text at the fault.
_HINTS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(told), zh, en)
    for told, zh, en in (
        (r"\n-?(NaN|Inf)", ":JSON 没有 NaN 和 Infinity", ": JSON has no NaN and no Infinity"),
        (r"\n'", ":文本和字段名须用双引号", ": names and texts stand in double quotes"),
        (r"infinity", ":数字过大", ": the number is too large"),
        (r"surrogate", ":半个代理对不是字符", ": half of a surrogate pair is no character"),
        (
            r"control character",
            ":文本中的换行和制表符须写作 \\n、\\t",
            ": a line break or tab in a text is written \\n, \\t",
        ),
        (r"trailing comma", ":末项之后不得有逗号", ": no comma after the last item"),
        (r"unexpected end", ":内容不完整", ": it ends too early"),
    )
)
