"""Photos in units' documents, both ways, and the packages that carry them."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.documents import DocumentFault
from adapters.documents.packages import media_type, parts_of
from adapters.documents.xop import read_package
from adapters.photos import take_photos, without_photos
from contracts.photos import photo_id

CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TEXT = base64.b64encode(CONTENT).decode()
ID = photo_id("gas", CONTENT)


def taken(document: Any, *at: str) -> Any:
    return [(each.attachment_id, each.content) for each in take_photos(document, at, "gas")]


@pytest.mark.parametrize(("document", "left"), [
    ({"a": {"b": TEXT}}, {"a": {"b": ID}}),
    ({"a": [{"b": TEXT}, {"c": "x"}]}, {"a": [{"b": ID}, {"c": "x"}]}),
    ({"a": {"b": [TEXT, "", " "]}}, {"a": {"b": [ID]}}),
    ({"a": {"b": {"@name": "1.png", "#text": TEXT}}}, {"a": {"b": {"@name": "1.png", "#text": ID}}}),
    ({"a": {"b": "\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76))}}, {"a": {"b": ID}}),
])  # fmt: skip
def test_base64_wherever_it_stands_becomes_an_id(document: Any, left: Any) -> None:
    assert taken(document, "a.b") == [(ID, CONTENT)]
    assert document == left


@pytest.mark.parametrize(
    "document", [{"a": {"b": ""}}, {"a": {}}, {}, [], None, {"a": {"b": 5}}, {"a": {"b": "att_1"}}]
)
def test_where_there_is_no_photo_none_is_taken(document: Any) -> None:
    assert taken(document, "a.b") == []


def test_units_that_send_the_same_picture_have_a_photo_each() -> None:
    assert photo_id("gas", CONTENT) != photo_id("water", CONTENT)


@pytest.mark.parametrize(
    "raw", [TEXT, TEXT.replace("/", "\\/"), TEXT.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")]
)
def test_what_is_kept_of_a_message_has_the_id_in_the_place_of_the_photo(raw: str) -> None:
    photos = take_photos({"a": TEXT}, ["a"], "gas")
    assert without_photos(f"<<{raw}>>".encode(), photos) == f"<<{ID}>>".encode()


def test_what_is_no_base64_names_its_place() -> None:
    with pytest.raises(DocumentFault) as fault:
        taken({"a": {"b": "/uploads/1.jpg"}}, "a.b")
    assert fault.value.kind == "attachment_invalid" and "a.b" in fault.value.zh and "a.b" in fault.value.en


# Packages.


def a_package(*parts: tuple[str, bytes], boundary: str = "b") -> bytes:
    mark = f"--{boundary}\r\n".encode()
    return (
        b"".join(mark + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts)
        + f"--{boundary}--".encode()
    )


RELATED = media_type('multipart/related; type="application/xop+xml"; boundary="b"')


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_parts_are_read_as_they_were_written(contents: list[bytes]) -> None:
    boundary = "b0undary-of-parts"
    raw = a_package(*((f"Content-ID: <{n}>", each) for n, each in enumerate(contents)), boundary=boundary)
    read = parts_of(raw, media_type(f"multipart/related; boundary={boundary}"))
    assert [(each.content_id, each.content) for each in read] == [(str(n), each) for n, each in enumerate(contents)]


@settings(deadline=None)
@given(st.binary(max_size=400), st.text(max_size=80))
def test_bytes_of_any_kind_are_read_or_refused(raw: bytes, content_type: str) -> None:
    for said in (content_type, "multipart/related; boundary=b", f"multipart/form-data; boundary={content_type}"):
        try:
            read_package(b"--b\r\n" + raw, media_type(said), 1000)
        except DocumentFault as fault:
            assert fault.zh and fault.en


def test_a_million_marks_are_refused_soon() -> None:
    began = time.perf_counter()
    with pytest.raises(DocumentFault):
        parts_of(b"--b\r\n\r\n\r\n" * 1_000_000, RELATED)
    with pytest.raises(DocumentFault):
        parts_of(b"--b\r\n" + b"x" * 10_000_000, RELATED)
    assert time.perf_counter() - began < 1


def test_a_part_may_be_base64_itself() -> None:
    root = '<a><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:p%401"/></a>'
    parts = (
        ("Content-Type: application/xop+xml", root.encode()),
        ("Content-ID: <p@1>\r\nContent-Transfer-Encoding: base64", TEXT.encode()),
    )
    assert read_package(a_package(*parts), RELATED, 1000).text == TEXT
