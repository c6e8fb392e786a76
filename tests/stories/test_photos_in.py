"""Units that send the pictures themselves, each in its own format: they become attachments of the hub."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.profile_files import with_files
from tests.node_packages import node_folder
from tests.stories.conftest import RunningHub, start_hub, stop_hub
from tests.stories.soap_stacks import PNG, run
from tests.stories.test_unit_calls import LEAD, a_case, apply, goes_live, log_of, shell

HERE = Path(__file__).parent
PASSWORD = "garden-41c7"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    running = start_hub(tmp_path_factory.mktemp("photos") / "data")
    try:
        text = (HERE / "photo_unit.yaml").read_text(encoding="utf-8")
        apply(running, with_files(text, lambda name: (HERE / name).read_text(encoding="utf-8")))
        assert shell(running, "secrets", "put", LEAD, "system", text=PASSWORD).returncode == 0
        goes_live(running, "soap")
        yield running
    finally:
        stop_hub(running)


@pytest.fixture(scope="module")
def collector(hub: RunningHub) -> str:
    return hub.key_of("collection")


@pytest.fixture
def number(hub: RunningHub, collector: str) -> str:
    return a_case(hub, collector)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def posted(hub: RunningHub, document: Any) -> tuple[int, Any]:
    """A JSON document, to the unit's own door."""
    shows = "Basic " + b64(f"szcg:{PASSWORD}".encode())
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    status, said, _ = hub.call("POST", f"/units/{LEAD}/in/json", body, authorization=shows)
    return status, said


def photos_of(hub: RunningHub, number: str) -> list[bytes]:
    """The bytes of the photos in the case's answer, in order."""
    (answer,) = [each for each in log_of(hub, number) if each["step"] == "answer"]
    return [hub.call("GET", f"/api/v1/attachments/{each}")[1] for each in answer["fact"]["photos"]]


def test_base64_in_json_becomes_attachments(hub: RunningHub, number: str) -> None:
    data = [{"data": b64(PNG)}, {"data": f"data:image/jpeg;base64,{b64(JPEG)}"}]
    status, said = posted(hub, {"id": f"a-{number}", "no": number, "text": "已修复", "result": "01", "pics": data})
    assert (status, said.get("code")) == (200, "0"), said
    assert photos_of(hub, number) == [PNG, JPEG]


def test_the_same_message_again_names_the_same_photos_and_takes_effect_once(hub: RunningHub, number: str) -> None:
    document = {"no": number, "text": "已修复", "pics": [{"data": b64(JPEG)}]}
    # PHP writes a slash in another way; the document has no id of its own, so its bytes are its id.
    body = json.dumps(document).replace("/", "\\/").encode()
    for _ in range(2):
        assert posted(hub, body)[0] == 200
    assert photos_of(hub, number) == [JPEG]


def test_a_photo_of_the_size_that_the_hub_takes_is_taken_though_messages_are_smaller(
    hub: RunningHub, number: str
) -> None:
    large = JPEG + b"\0" * 6_000_000
    assert posted(hub, {"no": number, "text": "已修复", "pics": [{"data": b64(large)}]})[0] == 200
    assert photos_of(hub, number) == [large]


@pytest.mark.parametrize(("data", "kind", "zh"), [
    ("http://pics.example/1.jpg", "attachment_invalid", "pics.data 应为图片的 base64"),
    (b64(b"%PDF-1.4 no picture"), "attachment_invalid", "照片 pics.data:只接受 JPEG、PNG、WebP"),
    (b64(JPEG + b"\0" * 10_500_000), "too_large", "10240 KiB"),
    ("att_0000000000000000", "attachment_unknown", ""),
])  # fmt: skip
def test_what_is_no_photo_is_refused_with_its_place(
    hub: RunningHub, number: str, data: str, kind: str, zh: str
) -> None:
    status, said = posted(hub, {"no": number, "text": "已修复", "pics": [{"data": data}]})
    assert status in (400, 413, 422), said
    assert said["type"].endswith(f"/{kind}") and zh in said["detail"], said


def test_more_photos_than_a_message_has_are_refused(hub: RunningHub, number: str) -> None:
    status, said = posted(hub, {"no": number, "text": "x", "pics": [{"data": b64(PNG)}] * 21})
    assert (status, said["type"].rpartition("/")[2]) == (413, "too_large")


def test_what_waits_on_the_shelf_keeps_its_photos_and_is_replayed_with_them(hub: RunningHub, number: str) -> None:
    large = JPEG + b"\1" * 600_000
    document = {"id": f"p-{number}", "no": number, "text": "已修复", "result": "77", "pics": [{"data": b64(large)}]}
    assert posted(hub, document)[0] == 422
    (waiting,) = [
        each for each in hub.call("GET", "/api/v1/refused?limit=20")[1]["items"] if each["kind"] == "mapping_parked"
    ]
    text = (HERE / "photo_unit.yaml").read_text(encoding="utf-8").replace('theirs: "01"}', 'theirs: "77"}')
    apply(hub, with_files(text, lambda name: (HERE / name).read_text(encoding="utf-8")))
    done = shell(hub, "refused", "replay", str(waiting["refused_id"]))
    assert done.returncode == 0, done.stderr
    assert photos_of(hub, number) == [large]


def test_files_of_a_form_become_attachments(hub: RunningHub, number: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (tmp_path / "1.png").write_bytes(PNG)
    (tmp_path / "2.jpg").write_bytes(JPEG)
    message = json.dumps({"no": number, "text": "已修复"}, ensure_ascii=False)
    words = ["curl", "-sS", "-u", f"szcg:{PASSWORD}", "-F", f"message={message}", "-F", "file=@1.png"]
    words += ["-F", "file=@2.jpg;type=image/jpeg", f"{hub.url}/units/{LEAD}/in/form"]
    # curl makes another boundary each time: the second is still the same message.
    for _ in range(2):
        said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
        assert json.loads(said).get("code") == "0", said
    assert photos_of(hub, number) == [PNG, JPEG]


def test_parts_of_a_unit_s_own_soap_become_attachments(hub: RunningHub, number: str, tmp_path: Path) -> None:
    (tmp_path / "before.png").write_bytes(PNG)
    (tmp_path / "after.png").write_bytes(PNG + JPEG)
    environment = {
        "NODE_PATH": str(node_folder("soap@^1.9.0") / "node_modules"),
        "HUB_ADDRESS": f"{hub.url}/units/{LEAD}/in/soap",
        "HUB_USER": "szcg",
        "HUB_PASSWORD": PASSWORD,
        "CASE_NUMBER": number,
        "MESSAGE_ID": uuid.uuid4().hex,
    }
    for _ in range(2):
        assert '"0"' in run(tmp_path, environment, "node", str(HERE / "mtom" / "reply.cjs"))
    assert photos_of(hub, number) == [PNG, PNG + JPEG]


@pytest.mark.parametrize(("door", "content_type", "body"), [
    ("json", "multipart/form-data; boundary=b", b"--b--\r\n"),
    ("form", "multipart/related; boundary=b", b"--b--\r\n"),
    ("form", "multipart/form-data", b"--b--\r\n"),
    ("form", "multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\ncut off"),
    ("form", "multipart/form-data; boundary=b", b"--b\r\n\r\nnameless\r\n--b--\r\n"),
    ("soap", "multipart/related; boundary=b", b"--b--\r\n"),
    ("soap", "multipart/related; boundary=b; start=x", b"--b\r\n\r\n<a/>\r\n--b--\r\n"),
])  # fmt: skip
def test_a_package_that_is_none_is_a_clear_refusal(hub: RunningHub, door: str, content_type: str, body: bytes) -> None:
    shows = "Basic " + b64(f"szcg:{PASSWORD}".encode())
    status, said, _ = hub.call("POST", f"/units/{LEAD}/in/{door}", body, authorization=shows, content_type=content_type)
    text = said.decode() if isinstance(said, bytes) else json.dumps(said)
    assert status in (400, 415, 422) and ("document_invalid" in text or "media_type_unsupported" in text), text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    door=st.sampled_from(["json", "form", "soap"]),
    kind=st.sampled_from(["form-data", "related", "mixed", "form-data; boundary=b; boundary=c", "related; charset=x"]),
    parts=st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([
        b"Content-Disposition: form-data; name=file; filename=a\r\n\r\n\x00",
        b"Content-Disposition: form-data; name=message\r\n\r\n{}",
        b"Content-Disposition: form-data; name=message; filename*=utf-8''%ff\r\n\r\n[]",
        b'Content-Type: text/xml\r\n\r\n<a xmlns:i="http://www.w3.org/2004/08/xop/include"><i:Include '
        b'href="cid:x"/></a>',
        b"Content-Type: text/xml\r\n\r\n<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        b"Content-ID: <x>\r\nContent-Transfer-Encoding: base64\r\n\r\n====",
    ])), max_size=4),
)  # fmt: skip
def test_packages_of_any_kind_are_taken_or_refused_and_break_nothing(
    hub: RunningHub, door: str, kind: str, parts: list[bytes]
) -> None:
    shows = "Basic " + b64(f"szcg:{PASSWORD}".encode())
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"
    said = f"multipart/{kind}" if "boundary" in kind else f"multipart/{kind}; boundary=b"
    status, told, _ = hub.call("POST", f"/units/{LEAD}/in/{door}", body, authorization=shows, content_type=said)
    assert 400 <= status < 500, told
