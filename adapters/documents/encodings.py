"""Bytes into text and back, in the encodings that units use."""

from __future__ import annotations

from adapters.documents.faults import DocumentFault
from contracts.mapping import Encoding

_READ_AS = {Encoding.UTF_8: "utf-8", **dict.fromkeys((Encoding.GBK, Encoding.GB2312, Encoding.GB18030), "gb18030")}
"""GB18030 holds all of GBK and GB2312, and units that declare the smaller send the larger."""

_WRITTEN_AS = {
    Encoding.UTF_8: "utf-8",
    Encoding.GBK: "gbk",
    Encoding.GB2312: "gb2312",
    Encoding.GB18030: "gb18030",
}
_MARKS = ((b"\xef\xbb\xbf", Encoding.UTF_8), (b"\x84\x31\x95\x33", Encoding.GB18030))


def decode(raw: bytes, encoding: Encoding | None) -> str:
    """The text of bytes; a byte order mark says more than what was declared. Raises ``DocumentFault``."""
    for mark, marked in _MARKS:
        if raw.startswith(mark):
            raw, encoding = raw[len(mark) :], marked
            break
    wanted = encoding or Encoding.UTF_8
    try:
        return raw.decode(_READ_AS[wanted])
    except UnicodeDecodeError as fault:
        raise DocumentFault(
            f"第 {fault.start} 字节起不是 {wanted.value} 文本。", f"Not {wanted.value} text from byte {fault.start} on."
        ) from None


def encode(text: str, encoding: Encoding | None, errors: str = "strict") -> bytes:
    """The bytes of a text. Raises ``DocumentFault`` for a letter that the encoding does not have."""
    wanted = encoding or Encoding.UTF_8
    try:
        return text.encode(_WRITTEN_AS[wanted], errors)
    except UnicodeEncodeError as fault:
        letter = f"U+{ord(text[fault.start]):04X}"
        raise DocumentFault(
            f"{wanted.value} 无法表示字符 {letter}。", f"{wanted.value} has no letter {letter}."
        ) from None


def named(name: str) -> Encoding:
    """The encoding that an XML declaration names. Raises ``DocumentFault``."""
    lower = name.lower().replace("_", "-")
    known = {"utf8": Encoding.UTF_8, "us-ascii": Encoding.UTF_8, "ascii": Encoding.UTF_8, "cp936": Encoding.GBK}
    try:
        return known.get(lower) or Encoding(lower)
    except ValueError:
        said = lower[:40]
        raise DocumentFault(f"不支持的编码 {said}。", f"The encoding {said} is not supported.") from None
