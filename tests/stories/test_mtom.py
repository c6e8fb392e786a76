"""Photos as MTOM parts: stacks that nobody here wrote send them, and packages that mean harm are refused."""

from __future__ import annotations

import http.client
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.node_packages import node_folder
from tests.stories.conftest import RunningHub, start_hub, stop_hub
from tests.stories.soap_stacks import PNG, run

PROGRAMS = Path(__file__).with_name("mtom")
JAXWS = ("/usr/share/java/jaxws-rt.jar", "/usr/share/java/jaxws-tools.jar")
UNIT = "housing_construction"
NS = "https://cityhub.example/soap/v1"
XOP = "http://www.w3.org/2004/08/xop/include"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    running = start_hub(tmp_path_factory.mktemp("mtom") / "data")
    try:
        yield running
    finally:
        stop_hub(running)


@pytest.fixture(scope="module")
def key(hub: RunningHub) -> str:
    return hub.key_of(UNIT)


@pytest.fixture
def environment(hub: RunningHub, key: str, tmp_path: Path) -> Mapping[str, str]:
    # Every byte there is, ends of lines among them; so large that as base64 in the envelope it would be refused.
    (tmp_path / "after.png").write_bytes(PNG + bytes(range(256)) * 36_000 + b"\r\n--\r\n\r\n")
    return {"CITYHUB_URL": hub.url, "CITYHUB_UNIT": UNIT, "CITYHUB_KEY": key}


def kept(hub: RunningHub, key: str, attachment_id: str) -> bytes:
    held: bytes = hub.call("GET", f"/api/v1/attachments/{attachment_id.strip()}", key=key)[1]
    return held


def test_node_sends_a_photo_as_a_part(
    hub: RunningHub, key: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    path = {"NODE_PATH": str(node_folder("soap@^1.9.0") / "node_modules")}
    said = run(tmp_path, {**environment, **path}, "node", str(PROGRAMS / "photo.cjs"))
    assert kept(hub, key, said) == (tmp_path / "after.png").read_bytes()


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_jax_ws_sends_a_photo_as_a_part(
    hub: RunningHub, key: str, environment: Mapping[str, str], tmp_path: Path, version: str
) -> None:
    lacking = [each for each in (*JAXWS, "java", "javac") if not (shutil.which(each) or Path(each).exists())]
    if lacking:
        pytest.skip(f"JAX-WS is Debian's libjaxws-java and a JDK; missing: {', '.join(lacking)}")
    run(
        tmp_path,
        {},
        "java",
        "-jar",
        JAXWS[1],
        "-quiet",
        "-extension",
        "-Xnocompile",
        "-p",
        "cityhub",
        f"{hub.url}/soap/v1?wsdl",
    )
    sources = [str(each) for each in (tmp_path / "cityhub").glob("*.java")]
    run(tmp_path, {}, "javac", "-nowarn", "-cp", JAXWS[0], "-d", "classes", str(PROGRAMS / "Photo.java"), *sources)
    said = run(tmp_path, environment, "java", "-cp", f"classes:{JAXWS[0]}", "Photo", version)
    assert kept(hub, key, said) == (tmp_path / "after.png").read_bytes()


def posted(hub: RunningHub, key: str, parts: list[bytes], boundary: str = "b") -> tuple[int, str]:
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    line = http.client.HTTPConnection(hub.url.partition("//")[2], timeout=20)
    said = f'multipart/related; type="application/xop+xml"; start-info="text/xml"; boundary={boundary}'
    try:
        line.request("POST", "/soap/v1", body, {"authorization": f"Bearer {key}", "content-type": said})
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


def an_envelope(content: str) -> bytes:
    body = f'<h:sendPhoto xmlns:h="{NS}"><h:content>{content}</h:content></h:sendPhoto>'
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    return (
        'Content-Type: application/xop+xml; type="text/xml"\r\nContent-ID: <root>\r\n\r\n'
        f'<s:Envelope xmlns:s="{soap}"><s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


def included(href: str) -> str:
    return f'<i:Include xmlns:i="{XOP}" href="{href}"/>'


A_PART = b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <p1>\r\n\r\n" + PNG


def test_a_package_made_by_hand_is_taken(hub: RunningHub, key: str) -> None:
    status, said = posted(hub, key, [an_envelope(included("cid:p1")), A_PART])
    assert status == 200 and "att_" in said


@pytest.mark.parametrize("href", ["cid:other", "http://127.0.0.1/x", "file:///etc/passwd", "", "p1"])
def test_a_reference_that_leads_outside_the_message_is_refused(hub: RunningHub, key: str, href: str) -> None:
    status, said = posted(hub, key, [an_envelope(included(href)), A_PART])
    assert status == 500 and "document_invalid" in said and "xop:Include" in said and "一消息的部分" in said


@pytest.mark.parametrize(("parts", "kind"), [
    ([an_envelope(included("cid:p1") * 2), A_PART], "document_invalid"),
    ([an_envelope("x" + included("cid:p1")), A_PART], "document_invalid"),
    ([an_envelope(included("cid:p1")), *[A_PART] * 60], "too_large"),
    ([an_envelope("<a/>" * 50_000), A_PART], "too_large"),
    ([an_envelope("&x;"), A_PART], "document_invalid"),
    ([an_envelope(included("cid:p1")), A_PART.replace(PNG, b"no picture")], "attachment_invalid"),
    ([an_envelope(included("cid:p1")), A_PART.replace(b"binary", b"x-gzip")], "document_invalid"),
    ([an_envelope(included("cid:p1")), b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c--"], "document_invalid"),
    ([b"X: " + b"y" * 9000 + b"\r\n\r\n"], "document_invalid"),
    ([A_PART], "document_invalid"),
    ([], "document_invalid"),
])  # fmt: skip
def test_a_package_that_means_harm_is_a_fault(hub: RunningHub, key: str, parts: list[bytes], kind: str) -> None:
    status, said = posted(hub, key, parts)
    assert status == 500 and f"/{kind}<" in said, said


def test_one_part_named_a_thousand_times_does_not_grow(hub: RunningHub, key: str) -> None:
    many = "".join(f"<c>{included('cid:p1')}</c>" for _ in range(1000))
    status, said = posted(hub, key, [an_envelope(many), A_PART + b"x" * 400_000])
    assert status == 500 and "/too_large<" in said


def test_a_long_message_of_another_kind_is_refused_though_it_came_in_parts(hub: RunningHub, key: str) -> None:
    envelope = (
        an_envelope(included("cid:p1")).replace(b"sendPhoto", b"queryCase").replace(b"h:content", b"h:case_number")
    )
    status, said = posted(hub, key, [envelope, A_PART + b"x" * 2_000_000])
    assert status == 500 and "/contract_broken<" in said
