"""Hostile bytes at both doors: refused at once, with a fault; no crash, no hang, no internal error, bounded memory."""

from __future__ import annotations

import base64
import http.client
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.soap.operations import OPERATIONS
from contracts.soap.wsdl import FILE
from tests.stories.conftest import RunningHub
from tests.stories.test_unit_calls import LEAD, PASSWORD
from tests.stories.test_unit_calls import hub as hub

SECONDS = 2.0
GROWTH_MAX_MB = 200
NS = "https://cityhub.example/soap/v1"
WATER = "http://water.example/szcg/"


class Door:
    """One connection, kept, to one path of the hub, as a unit that is let in."""

    def __init__(self, hub: RunningHub, path: str, shows: str) -> None:
        self.path, self.shows = path, shows
        self.at = hub.url.partition("//")[2]
        self.line = http.client.HTTPConnection(self.at, timeout=20)

    def post(self, body: bytes, content_type: str = "text/xml; charset=utf-8") -> tuple[int, bytes]:
        headers = {"authorization": self.shows, "content-type": content_type}
        for again in (False, True):
            try:
                self.line.request("POST", self.path, body, headers)
                answer = self.line.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                self.line.close()
                if again:
                    raise
        raise AssertionError


@pytest.fixture(scope="module")
def doors(hub: RunningHub) -> dict[str, Door]:
    own = "Basic " + base64.b64encode(f"szcg:{PASSWORD}".encode()).decode()
    return {
        "soap": Door(hub, "/soap/v1", f"Bearer {hub.key_of(LEAD)}"),
        "unit": Door(hub, f"/units/{LEAD}/in/asmx", own),
    }


@pytest.fixture(scope="module", autouse=True)
def nothing_broke(hub: RunningHub) -> Iterator[None]:
    """The same workers serve on, no larger than before, and none of them met a bug."""
    before = _workers(hub)
    yield
    after = _workers(hub)
    assert after.keys() == before.keys()
    assert sum(after.values()) - sum(before.values()) < GROWTH_MAX_MB
    log = hub.data.parent / f"{hub.data.name}.log"
    assert "request.failed" not in log.read_text(encoding="utf-8")


def _workers(hub: RunningHub) -> dict[int, float]:
    """Resident megabytes of each process that the supervisor started (but for the database's)."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            command = status.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if f"PPid:\t{hub.process.pid}\n" in text and b"hub.cli" in command:
            found[int(status.parent.name)] = int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024
    assert found
    return found


def envelope(inner: str, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{before}<soap:Envelope '
        f'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{inner}</soap:Body></soap:Envelope>'
    ).encode()


def call_of(door: str, text: str) -> str:
    """A call of the door with a text where one is meant."""
    if door == "soap":
        return f'<queryCase xmlns="{NS}"><case_number>{text}</case_number></queryCase>'
    return f'<Notify xmlns="{WATER}"><xml>{text}</xml></Notify>'


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
ATTACKS = {
    "billion laughs": lambda door: envelope(call_of(door, "&l11;"), f'<!DOCTYPE l [<!ENTITY l0 "lol">{LAUGHS}]>'),
    "quadratic blow-up": lambda door: envelope(
        call_of(door, "&a;" * 20_000), f'<!DOCTYPE a [<!ENTITY a "{"a" * 50_000}">]>'
    ),
    "an external entity": lambda door: envelope(
        call_of(door, "&x;"), '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    ),
    "an external parameter entity": lambda door: envelope(
        call_of(door, "x"), '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]>'
    ),
    "an external document type": lambda door: envelope(
        call_of(door, "x"), '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">'
    ),
    "a bare document type behind a comment": lambda door: envelope(call_of(door, "x"), "<!-- --><?a b?><!DOCTYPE a>"),
    "an undeclared entity": lambda door: envelope(call_of(door, "&nobody;")),
    "deep nesting": lambda door: envelope(call_of(door, "<a>" * 100_000)),
    "deep nesting, closed": lambda door: envelope(call_of(door, "<a>" * 300 + "</a>" * 300)),
    "nesting below the parser's limit": lambda door: envelope(call_of(door, "<a>" * 200 + "</a>" * 200)),
    "a huge attribute": lambda door: envelope(f'<a b="{"x" * 900_000}"/>'),
    "very many attributes": lambda door: envelope("<a " + "".join(f'a{n}="" ' for n in range(80_000)) + "/>"),
    "very many namespaces": lambda door: envelope("<a " + "".join(f'xmlns:n{n}="u{n}" ' for n in range(40_000)) + "/>"),
    "very many elements": lambda door: envelope(call_of(door, "<a/>" * 200_000)),
    "a huge text": lambda door: envelope(call_of(door, "x" * 1_000_000)),
    "a huge name": lambda door: envelope(f"<{'a' * 900_000}/>"),
    "very many comments": lambda door: envelope("<!---->" * 120_000 + call_of(door, "x")),
    "an inclusion": lambda door: envelope(
        '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    ),
    "a stylesheet": lambda door: b'<?xml-stylesheet href="http://127.0.0.1:9/a.xsl"?>' + envelope(call_of(door, "x")),
    "UTF-7": lambda door: b'<?xml version="1.0" encoding="utf-7"?>+ADw-a+AD4-',
    "UTF-32": lambda door: envelope(call_of(door, "x")).decode().encode("utf-32"),
    "half a document": lambda door: envelope(call_of(door, "x"))[:-30],
    "no document": lambda door: b"",
    "zero bytes": lambda door: b"\0" * 1000,
    "XML 1.1": lambda door: envelope(call_of(door, "&#1;")).replace(b'"1.0"', b'"1.1"', 1),
}


@pytest.mark.parametrize("door", ["soap", "unit"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_at_once_and_the_door_goes_on(doors: dict[str, Door], door: str, attack: str) -> None:
    began = time.monotonic()
    status, said = doors[door].post(ATTACKS[attack](door))
    assert time.monotonic() - began < SECONDS
    refuses(status, said)
    assert b"root:" not in said and b"lollol" not in said


def refuses(status: int, said: bytes) -> None:
    """A refusal that blames the sender: a fault, a problem, or the unit's own answer."""
    assert b"internal" not in said, said
    if status == 500:
        assert b"<faultcode>soap:" in said and b"Server" not in said[:400], said[:600]
        assert not re.search(rb"<status>5\d\d</status>", said), said
    else:
        assert status in (200, 400, 401, 413, 415, 422), (status, said[:300])
        # The unit's own answer to a refusal goes with 200.
        assert status != 200 or b"CODE&gt;9" in said or b"Response" in said, said[:300]


# -- fuzz --------------------------------------------------------------------------------------------------------------

NAMES = sorted({*re.findall(r'name="([A-Za-z_]+)"', FILE.read_text(encoding="utf-8")), "REPLY"})
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", " ", "true", "1", "-1", "1e999", "NaN", "2026-11-23T09:12:30+08:00", "x" * 5000, "]]>"]),
    st.integers(-(2**70), 2**70).map(str),
    st.just("330800-20261123-000042"),
)
QUIRKS = st.sampled_from(
    ["", "", "", ' xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"', ' xmlns=""', ' a="b"']
)


def _escaped(text: str) -> str:
    safe = "".join(each for each in text if each in "\t\n\r" or " " <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd")
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _element(name: str, quirk: str, inner: str) -> str:
    return f"<{name}{quirk}>{inner}</{name}>"


ELEMENTS = st.recursive(
    TEXTS.map(_escaped),
    lambda inner: st.lists(st.builds(_element, st.sampled_from(NAMES), QUIRKS, inner), max_size=4).map("".join),
    max_leaves=12,
)
FAST = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
BOTH = st.sampled_from(["soap", "unit"])
TYPES = st.sampled_from(
    ["text/xml; charset=utf-8", "application/soap+xml", "text/xml; charset=gbk", 'text/xml; charset="x"', "", "a/b"]
)


@FAST
@given(door=BOTH, body=st.binary(max_size=300), content_type=TYPES)
def test_any_bytes_are_answered(doors: dict[str, Door], door: str, body: bytes, content_type: str) -> None:
    refuses(*doors[door].post(body, content_type))


@FAST
@given(operation=st.sampled_from(sorted(OPERATIONS)), inner=ELEMENTS, quirk=QUIRKS)
def test_any_element_of_the_service_is_answered(doors: dict[str, Door], operation: str, inner: str, quirk: str) -> None:
    if operation == "fetchLetters" and "wait_seconds" in inner:
        return
    quirk = "" if 'xmlns="' in quirk else quirk
    status, said = doors["soap"].post(envelope(f'<{operation} xmlns="{NS}"{quirk}>{inner}</{operation}>'))
    if status != 200:
        refuses(status, said)


@FAST
@given(inner=ELEMENTS, wrapped=st.booleans())
def test_any_document_of_a_unit_is_answered(doors: dict[str, Door], inner: str, wrapped: bool) -> None:
    text = _escaped(f'<REPLY id="a" type="FINISH">{inner}</REPLY>') if wrapped else inner
    refuses(*doors["unit"].post(envelope(call_of("unit", text))))


@FAST
@given(data=st.data(), door=BOTH)
def test_a_damaged_call_is_answered(doors: dict[str, Door], data: st.DataObject, door: str) -> None:
    body = bytearray(envelope(call_of(door, "330800-20261123-000042")))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        end = at + data.draw(st.integers(0, 12))
        body[at:end] = data.draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"<", b">", b"&", b"<!", b"]]>"])))
    refuses(*doors[door].post(bytes(body)))
