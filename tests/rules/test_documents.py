"""Units' documents: read in every encoding they use, written back, and the attacks on XML refused."""

from __future__ import annotations

import base64
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.documents import DocumentFault, read_document, write_document
from contracts.mapping import Encoding, Format, Namespace, Wrap, Written

XML = Written(format=Format.XML)
JSON = Written(format=Format.JSON)


def refused(raw: bytes, written: Written = XML) -> DocumentFault:
    with pytest.raises(DocumentFault) as fault:
        read_document(raw, written)
    assert fault.value.zh and fault.value.en
    return fault.value


# Encodings.


@pytest.mark.parametrize("declared", ["gbk", "GB2312", "gb18030", "GB18030", "utf-8", "UTF-8"])
def test_a_document_is_read_in_the_encoding_it_declares(declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><案件><描述>井盖破损</描述></案件>'
    assert read_document(text.encode(declared), XML) == {"案件": {"描述": "井盖破损"}}


def test_letters_outside_gb2312_are_read_where_gb2312_was_declared() -> None:
    text = '<?xml version="1.0" encoding="gb2312"?><a>镕㙟𠮷</a>'
    assert read_document(text.encode("gb18030"), XML) == {"a": "镕㙟𠮷"}


def test_the_profile_knows_better_than_a_declaration_that_lies() -> None:
    raw = '<?xml version="1.0" encoding="utf-8"?><a>井盖</a>'.encode("gbk")
    refused(raw)
    assert read_document(raw, Written(format=Format.XML, encoding=Encoding.GBK)) == {"a": "井盖"}


@pytest.mark.parametrize("format", [Format.XML, Format.JSON])
def test_a_letter_that_the_encoding_lacks_is_written_another_way(format: Format) -> None:
    written = Written(format=format, encoding=Encoding.GBK)
    assert read_document(write_document({"a": "𠮷井"}, written), written) == {"a": "𠮷井"}


def test_a_letter_that_a_form_cannot_write_is_refused() -> None:
    with pytest.raises(DocumentFault):
        write_document({"a": "𠮷"}, Written(format=Format.FORM, encoding=Encoding.GBK))


def test_a_form_in_gbk_is_read() -> None:
    written = Written(format=Format.FORM, encoding=Encoding.GBK)
    assert read_document(b"a=%BE%AE%B8%C7&b=1&b=2", written) == {"a": "井盖", "b": ["1", "2"]}


# The shape of XML.


def test_attributes_texts_lists_and_nil() -> None:
    raw = b"""<r xmlns:x="http://www.w3.org/2001/XMLSchema-instance" id="7"><one>1</one><n x:nil="true"/>
      <t x:type="s">typed</t><t2 u="m">12</t2><many>a</many><many>b</many><only>c</only></r>"""
    written = Written(format=Format.XML, lists=("r.only",))
    assert read_document(raw, written) == {
        "r": {
            "@id": "7",
            "one": "1",
            "n": None,
            "t": "typed",
            "t2": {"@u": "m", "#text": "12"},
            "many": ["a", "b"],
            "only": ["c"],
        }
    }


def test_names_carry_the_profiles_prefixes_whatever_the_document_calls_them() -> None:
    written = Written(format=Format.XML, namespaces=(Namespace(prefix="w", uri="urn:water"),))
    raw = b'<a xmlns="urn:water"><z:b xmlns:z="urn:water">1</z:b><c xmlns="urn:other">2</c></a>'
    assert read_document(raw, written) == {"w:a": {"w:b": "1", "c": "2"}}


@pytest.mark.parametrize("in_base64", [False, True])
@pytest.mark.parametrize("inner", [Format.XML, Format.JSON])
def test_a_document_inside_a_document_comes_back(inner: Format, in_base64: bool) -> None:
    wrap = Wrap(inside="Envelope.xml", format=inner, encoding=Encoding.GB18030, base64=in_base64)
    written = Written(format=Format.XML, wrap=(wrap,))
    value = {"Envelope": {"key": "k", "xml": {"案件": {"描述": '<井>&"盖"'}}}}
    raw = write_document({"Envelope": dict(value["Envelope"])}, written)
    assert read_document(raw, written) == value
    if in_base64:
        found = read_document(raw, XML)["Envelope"]["xml"]
        assert "井".encode("gb18030") in base64.b64decode(found)


# Attacks.

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">%s]><lolz>&lol9;</lolz>""" % b"".join(
    b'<!ENTITY lol%d "%s">' % (n, (b"&lol%d;" % (n - 1) if n > 1 else b"&lol;") * 10) for n in range(1, 10)
)
SOAP = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>'
ATTACKS = {
    "a long text referred to again and again": SOAP
    % (b'<r>%s</r><v id="i">%s</v>' % (b'<a href="#i"/>' * 5_000, b"x" * 400_000)),
    "a value that refers to itself": SOAP % b'<r href="#i"/><v id="i"><n href="#i"/></v>',
    "values that refer twice to what refers twice": SOAP
    % b"<r href='#i0'/>%s"
    % b"".join(b"<v id='i%d'><a href='#i%d'/><b href='#i%d'/></v>" % (n, n + 1, n + 1) for n in range(40)),
    "billion laughs": LAUGHS,
    "quadratic blowup": b'<!DOCTYPE a [<!ENTITY x "%s">]><a>%s</a>' % (b"x" * 50_000, b"&x;" * 50_000),
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "external entity over the network": b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:1/x">]><a>&x;</a>',
    "parameter entity": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><a/>',
    "external document type": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>',
    "document type after a comment": b'<!-- <a/> --> <?p x?>\n<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "an entity that nobody declared": b"<a>&x;</a>",
    "huge depth": b"<a>" * 100_000 + b"</a>" * 100_000,
    "some depth": b"<a>" * 100 + b"</a>" * 100,
    "many elements": b"<r>" + b"<a/>" * 100_000 + b"</r>",
    "many attributes": b"<a " + b" ".join(b'a%d="1"' % n for n in range(5_000)) + b"/>",
    "too long": b"<a>" + b"x" * 2_000_000 + b"</a>",
    "an endless comment": b"<!--" + b"<!--" * 100_000,
    "no end": b"<a>" * 50,
    "nothing": b"",
    "no document": b"\x00\xff\xfe",
    "utf-16": "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><a/>".encode("utf-16"),
    "utf-7": b"<?xml version='1.0' encoding='utf-7'?>+ADw-!DOCTYPE a+AD4APA-a/+AD4-",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_by_xml_is_refused_at_once_and_in_little_memory(name: str) -> None:
    tracemalloc.start()
    began = time.perf_counter()
    try:
        refused(ATTACKS[name])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - began < 2
    assert most < 40_000_000


def test_millions_of_tags_are_counted_before_they_are_parsed() -> None:
    began = time.perf_counter()
    refused(b"<r>" + b"<a/>" * 3_900_000 + b"</r>", Written(format=Format.XML, bytes_max=16 * 1024 * 1024))
    assert time.perf_counter() - began < 0.3


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_inside_a_string_is_refused_too(name: str) -> None:
    written = Written(format=Format.JSON, wrap=(Wrap(inside="xml", base64=True),), bytes_max=16 * 1024 * 1024)
    if not ATTACKS[name] or name == "too long":
        return
    refused(b'{"xml": "%s"}' % base64.b64encode(ATTACKS[name]), written)


ENCODED = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><call><state href="#id0"/>'
    '<who href="#id1"/></call>{beside}</e:Body></e:Envelope>'
)


def test_what_an_rpc_encoded_message_refers_to_stands_in_its_place() -> None:
    beside = '<multiRef id="id0">10</multiRef><multiRef id="id1"><crew>一班</crew><last href="#id0"/></multiRef>'
    read = read_document(ENCODED.format(beside=beside).encode(), XML)
    assert read == {"Envelope": {"Body": {"call": {"state": "10", "who": {"crew": "一班", "last": "10"}}}}}


def test_what_refers_to_itself_twice_is_refused_soon() -> None:
    beside = '<multiRef id="id0"><a href="#id0"/><b href="#id0"/></multiRef>'
    began = time.perf_counter()
    assert refused(ENCODED.format(beside=beside).encode()).kind in ("too_deep", "too_large")
    assert time.perf_counter() - began < 2


def test_a_text_that_speaks_of_a_document_type_is_no_document_type() -> None:
    assert read_document(b"<a><![CDATA[<!DOCTYPE html>]]></a>", XML) == {"a": "<!DOCTYPE html>"}


@pytest.mark.parametrize(
    "raw", [b"[" * 100_000, b"{" * 40 + b"}" * 40, b'{"a":1,"a":2}', b"NaN", b"[" + b"1," * 50_000 + b"1]"]
)
def test_json_beyond_bounds_is_refused(raw: bytes) -> None:
    refused(raw, JSON)


# Whatever comes, comes to an answer.

NAMES = st.sampled_from(["a", "b", "案件", "x_1"])
# What XML has a form for, without the blanks at the ends that an element of elements would lose.
TEXTS = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="".join(map(chr, [*range(32), 0xFFFE, 0xFFFF]))),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip() == text)
TREES: Any = st.recursive(
    TEXTS,
    lambda inner: st.dictionaries(NAMES, inner | st.lists(inner, min_size=2, max_size=3), min_size=1, max_size=3),
    max_leaves=8,
)
WAYS = st.sampled_from(
    [
        b"<a>%s</a>",
        b'<?xml version="1.0" encoding="gbk"?><a b="%s"/>',
        b"<a><![CDATA[%s",
        b"%s",
        b"<!--%s--><a/>",
        b'{"a": "%s"}',
        b"<a xmlns:x='%s'><x:b/></a>",
    ]
)


@given(TREES, st.sampled_from(list(Encoding)))
def test_a_tree_written_as_xml_is_read_back(tree: Any, encoding: Encoding) -> None:
    written = Written(format=Format.XML, encoding=encoding)
    assert read_document(write_document({"r": tree}, written), written) == {"r": tree}


@settings(deadline=2000)
@given(st.binary(max_size=200), WAYS, st.sampled_from(list(Format)), st.none() | st.sampled_from(list(Encoding)))
@example(b"&#0;", b"<a>%s</a>", Format.XML, None)
@example(b"&#xD800;", b"<a>%s</a>", Format.XML, None)
def test_bytes_of_any_kind_are_read_or_refused(
    inner: bytes, way: bytes, format: Format, encoding: Encoding | None
) -> None:
    wraps = (Wrap(inside="a"), Wrap(inside="a.b", format=Format.JSON, base64=True))
    written = Written(format=format, columns=("a", "b"), wrap=wraps).model_copy(update={"encoding": encoding})
    try:
        read_document(way % inner, written)
    except DocumentFault as fault:
        assert fault.zh and fault.en


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(list(Format)), st.sampled_from(list(Encoding)))
def test_values_of_any_kind_are_written_or_refused(value: Any, format: Format, encoding: Encoding) -> None:
    written = Written(format=format, encoding=encoding, columns=("a",), wrap=(Wrap(inside="a.b"),))
    try:
        write_document(value, written)
    except DocumentFault as fault:
        assert fault.zh and fault.en
