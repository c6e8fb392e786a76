"""Push over REST in a unit's own format: its document, its addresses, its token, its way to say no."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from email.policy import HTTP
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from adapters.checks import ConnectionChecks
from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.rest import RestAdapter
from auth.port import SigningSecrets
from contracts.nouns import Connection, Receipt, RenderedLetter
from contracts.port import Photo, Refused, Unauthorised, Unavailable
from contracts.profile import Profile
from contracts.samples import VALID
from hub.registry import connections_of
from tests.conformance.adapter_suite import a_letter
from tests.conformance.oauth_unit import SECRET, NamedSecrets, OAuthUnit, an_oauth_unit
from tests.conformance.rest_unit import SYMMETRIC
from tests.conformance.shipped import KeptPhotos
from tests.values import replace

LOOPBACK = (ip_network("127.0.0.0/8"),)
MAPPING = {
    "codes": [{"name": "kind", "unknown": "park", "pairs": [{"ours": "C0107", "theirs": "MANHOLE"}]}],
    "out": [
        {
            "contract": "case.dispatch",
            "fields": [
                {"to": "order.no", "from": "case_number"},
                {"to": "order.kind", "from": "category_code", "codes": "kind"},
                {"to": "order.msg", "from": "envelope.id"},
            ],
        },
        {"contract": "case.reminder", "fields": [{"to": "no", "from": "case_number"}]},
    ],
}


class Secrets(NamedSecrets):
    """With a signing secret too."""

    async def signing(self, connection_id: str) -> SigningSecrets:
        return SigningSecrets((SYMMETRIC,))


@pytest.fixture(scope="module")
def unit() -> Iterator[OAuthUnit]:
    with an_oauth_unit() as unit:
        yield unit


@pytest.fixture
async def adapter() -> AsyncIterator[RestAdapter]:
    secrets = Secrets({("telecom", "client"): SECRET})
    adapter = RestAdapter(secrets, HttpCalls(OutboundGuard(LOOPBACK), "0.1.0"), KeptPhotos({}))
    yield adapter
    await adapter.close()


def a_profile(unit: OAuthUnit, mapping: Any = MAPPING, receives: tuple[str, ...] = (), **rest: Any) -> Profile:
    said = {"authentication": unit.authentication().document(), **rest}
    connection = {"name": "own", "transport": "rest", "rest": said, "receives": receives or ("case.dispatch",)}
    if mapping:
        connection["mapping"] = mapping
    return Profile.model_validate({"unit": "telecom", "connections": [connection]}, strict=False)


def a_connection(unit: OAuthUnit, **rest: Any) -> Connection:
    (connection,) = connections_of(a_profile(unit, **rest), 1)
    return connection


def the_letter(contract: str = "case.dispatch", **data: Any) -> RenderedLetter:
    event = {
        "id": "ltr_0000000000000042",
        "type": contract,
        "subject": "330800-20261123-000042",
        "time": "2026-11-23T09:13:00+08:00",
        "data": {**VALID[f"{contract}/1.0"], **data},
    }
    return replace(a_letter(), letter_id=event["id"], contract=f"{contract}/1.0", body=orjson.dumps(event))


async def test_a_letter_goes_out_in_the_units_own_words_signed_and_by_its_own_token(
    unit: OAuthUnit, adapter: RestAdapter
) -> None:
    delivered = await adapter.deliver(a_connection(unit, endpoint=unit.url("/api/orders")), the_letter())
    assert delivered.receipt is Receipt.PROCESSED
    (call,) = await unit.calls("/api/orders")
    assert json.loads(call["body"]) == {
        "order": {"no": "330800-20261123-000042", "kind": "MANHOLE", "msg": "ltr_0000000000000042"}
    }
    headers = {name.lower(): text for name, text in call["headers"].items()}
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["authorization"].startswith("Bearer token-")
    assert Webhook(SYMMETRIC).verify(call["body"], headers)


async def test_each_contract_goes_to_its_own_address_by_its_own_method(unit: OAuthUnit, adapter: RestAdapter) -> None:
    calls = [{"contract": "case.reminder", "endpoint": unit.url("/api/urge/{case_number}"), "method": "PUT"}]
    connection = a_connection(unit, endpoint=unit.url("/api/split"), calls=calls, signing="none")
    await adapter.deliver(connection, the_letter())
    await adapter.deliver(connection, the_letter("case.reminder"))
    (first,) = await unit.calls("/api/split")
    (second,) = await unit.calls("/api/urge/330800-20261123-000042")
    assert (first["method"], second["method"]) == ("POST", "PUT")
    # Without a signature the letter's id still tells a repeat.
    named = {name.lower() for name in second["headers"]}
    assert "webhook-id" in named and "webhook-signature" not in named


async def test_a_letter_with_a_code_that_the_profile_lacks_is_refused_with_line_and_field_and_never_sent(
    unit: OAuthUnit, adapter: RestAdapter
) -> None:
    connection = a_connection(unit, endpoint=unit.url("/api/unknown"))
    with pytest.raises(Refused) as caught:
        await adapter.deliver(connection, the_letter(category_code="C0999"))
    exported = a_profile(unit, endpoint=unit.url("/api/unknown")).yaml().splitlines()
    line = next(number for number, text in enumerate(exported, 1) if "order.kind" in text)
    assert f"档案第 {line} 行" in caught.value.reason and f"profile line {line}" in caught.value.reason
    assert "order.kind" in caught.value.reason and "C0999" in caught.value.reason
    assert await unit.calls("/api/unknown") == []


async def test_a_letter_whose_contract_has_no_table_is_refused(unit: OAuthUnit, adapter: RestAdapter) -> None:
    connection = a_connection(unit, endpoint=unit.url("/api/none"))
    with pytest.raises(Refused, match=r"no out table for case\.recall_notice"):
        await adapter.deliver(connection, the_letter("case.recall_notice"))


@pytest.mark.parametrize(
    ("code", "outcome"), [(0, Receipt.RECEIVED), (5001, Refused), (5090, Unavailable), (4010, Unauthorised)]
)
async def test_a_200_with_a_code_inside_means_what_the_profile_says(
    unit: OAuthUnit, adapter: RestAdapter, code: int, outcome: Any
) -> None:
    rules = [
        {"means": "received", "when": [{"path": "code", "equals": "0"}]},
        {"means": "refused", "when": [{"path": "code", "equals": "5001"}], "reason": "msg"},
        {"means": "retry", "when": [{"path": "code", "equals": "5090"}], "retry_after_seconds": 60},
        {"means": "unauthorised", "when": [{"path": "code", "equals": "4010"}]},
    ]
    connection = a_connection(unit, endpoint=unit.url(f"/api/says/{code}"), answers={"rules": rules})
    if isinstance(outcome, Receipt):
        assert (await adapter.deliver(connection, the_letter())).receipt is outcome
        return
    with pytest.raises(outcome) as caught:
        await adapter.deliver(connection, the_letter())
    if outcome is Refused:
        assert "工单号不存在" in caught.value.reason


async def test_a_token_that_a_200_calls_stale_is_fetched_anew(unit: OAuthUnit, adapter: RestAdapter) -> None:
    rules = [{"means": "unauthorised", "when": [{"path": "code", "equals": "4011"}], "reason": "msg"}]
    connection = a_connection(unit, endpoint=unit.url("/api/quietly/orders"), answers={"rules": rules})
    await adapter.deliver(connection, the_letter())
    await unit.tell("revoke")
    assert (await adapter.deliver(connection, the_letter())).receipt is Receipt.PROCESSED
    assert len(await unit.calls("/api/quietly/orders")) == 3


async def test_a_mapping_that_only_reads_leaves_letters_the_cloudevents_they_are(
    unit: OAuthUnit, adapter: RestAdapter
) -> None:
    mapping = {"in": [{"contract": "case.feedback", "fields": [{"to": "description", "from": "text"}]}]}
    await adapter.deliver(a_connection(unit, endpoint=unit.url("/api/plain"), mapping=mapping), the_letter())
    (call,) = await unit.calls("/api/plain")
    assert json.loads(call["body"]) == orjson.loads(the_letter().body)


async def test_contracts_that_the_profile_cannot_write_are_told_before_it_is_applied(unit: OAuthUnit) -> None:
    checks = ConnectionChecks(OutboundGuard(LOOPBACK))
    wanted = ("case.dispatch", "case.recall_notice")
    (mapped,) = a_profile(unit, receives=wanted, endpoint=unit.url("/api/x")).connections
    (fault,) = await checks.faults(mapped)
    assert fault.place == ("receives", 1) and "case.recall_notice" in fault.zh and "no table for" in fault.en
    (plain,) = a_profile(unit, mapping=None, receives=wanted, endpoint=unit.url("/api/x")).connections
    assert await checks.faults(plain) == []


async def test_every_address_of_the_calls_is_judged_before_it_is_applied(unit: OAuthUnit) -> None:
    calls = [{"contract": "case.dispatch", "endpoint": "http://169.254.169.254/latest"}]
    (entry,) = a_profile(unit, endpoint=unit.url("/api/x"), calls=calls).connections
    (fault,) = await ConnectionChecks(OutboundGuard(LOOPBACK)).faults(entry)
    assert fault.place == ("rest", "calls", 0, "endpoint")


JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) + b"\r\n--cityhub-ltr_0000000000000042\r\n"
PICTURES = KeptPhotos({"att_01": Photo("image/jpeg", JPEG), "att_02": Photo("image/png", b"\x89PNG two")})


def a_mapping_with_photos(format: str) -> dict[str, Any]:
    fields = [{"to": "no", "from": "case_number"}, {"to": "pics", "from": "photos"}]
    return {"written_as": {"format": format}, "out": [{"contract": "case.dispatch", "fields": fields}]}


@pytest.fixture
async def sender() -> AsyncIterator[RestAdapter]:
    secrets = Secrets({("telecom", "client"): SECRET})
    made = RestAdapter(secrets, HttpCalls(OutboundGuard(LOOPBACK), "0.1.0"), PICTURES)
    yield made
    await made.close()


def parts_of(call: dict[str, Any]) -> list[tuple[str | None, str | None, str, bytes]]:
    """(field, file name, type, bytes) of each part, as the standard library's parser reads them."""
    said = next(text for name, text in call["headers"].items() if name.lower() == "content-type")
    head = f"Content-Type: {said}\r\n\r\n".encode()
    message = message_from_bytes(head + call["body"].encode(errors="surrogateescape"), policy=HTTP)
    assert message.is_multipart() and not message.defects
    return [
        (
            each.get_param("name", header="content-disposition"),
            each.get_filename(),
            each.get_content_type(),
            each.get_payload(decode=True),
        )
        for each in message.iter_parts()
    ]


async def test_a_unit_that_wants_the_pictures_gets_them_as_base64_where_the_ids_stood(
    unit: OAuthUnit, sender: RestAdapter
) -> None:
    rest = {"endpoint": unit.url("/api/base64"), "photos": {"at": ["pics"]}}
    connection = a_connection(unit, mapping=a_mapping_with_photos("json"), **rest)
    await sender.deliver(connection, the_letter(photos=["att_01", "att_02"]))
    (call,) = await unit.calls("/api/base64")
    pictures = [base64.b64decode(each) for each in json.loads(call["body"])["pics"]]
    assert pictures == [JPEG, b"\x89PNG two"]


async def test_a_unit_that_wants_files_gets_them_beside_its_document_which_names_them(
    unit: OAuthUnit, sender: RestAdapter
) -> None:
    photos = {"at": ["pics"], "sent_as": "multipart", "document_field": "order"}
    connection = a_connection(
        unit, mapping=a_mapping_with_photos("json"), endpoint=unit.url("/api/files"), photos=photos
    )
    for _ in range(2):
        await sender.deliver(connection, the_letter(photos=["att_01", "att_02"]))
    first, again = await unit.calls("/api/files")
    document, one, two = parts_of(first)
    assert document[0] == "order" and document[2] == "application/json"
    assert json.loads(document[3]) == {"no": "330800-20261123-000042", "pics": ["att_01.jpg", "att_02.png"]}
    assert one == ("photo", "att_01.jpg", "image/jpeg", JPEG)
    assert two == ("photo", "att_02.png", "image/png", b"\x89PNG two")
    assert first["body"] == again["body"]


async def test_a_form_with_files_has_its_fields_as_fields(unit: OAuthUnit, sender: RestAdapter) -> None:
    photos = {"at": ["pics"], "sent_as": "multipart"}
    connection = a_connection(
        unit, mapping=a_mapping_with_photos("form"), endpoint=unit.url("/api/form"), photos=photos
    )
    await sender.deliver(connection, the_letter(photos=["att_01"]))
    (call,) = await unit.calls("/api/form")
    assert parts_of(call) == [
        ("no", None, "text/plain", b"330800-20261123-000042"),
        ("pics", "att_01.jpg", "image/jpeg", JPEG),
    ]


async def test_a_photo_that_the_hub_lacks_is_a_refusal_and_nothing_is_sent(
    unit: OAuthUnit, sender: RestAdapter
) -> None:
    rest = {"endpoint": unit.url("/api/lacking"), "photos": {"at": ["pics"]}}
    with pytest.raises(Refused, match="照片不在枢纽"):
        await sender.deliver(
            a_connection(unit, mapping=a_mapping_with_photos("json"), **rest), the_letter(photos=["att_9"])
        )
    assert await unit.calls("/api/lacking") == []


async def test_photos_without_an_out_table_are_told_before_the_profile_is_applied(unit: OAuthUnit) -> None:
    profile = a_profile(unit, mapping=None, endpoint=unit.url("/api/x"), photos={"at": ["pics"]})
    (fault,) = await ConnectionChecks(OutboundGuard(LOOPBACK)).faults(profile.connections[0])
    assert fault.place == ("rest", "photos") and "mapping.out" in fault.zh
