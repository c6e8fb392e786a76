"""What a push carries to prove itself, and what a unit's answer means."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from adapters.http.retry_after import RETRY_AFTER_MAX_SECONDS, retry_after_seconds
from adapters.http.statuses import outcome
from adapters.rest.signing import NoSigningSecret, Signer
from auth.port import SigningSecrets
from auth.signing_secrets import (
    generate_asymmetric,
    generate_symmetric,
    parse_asymmetric,
    parse_public,
    parse_symmetric,
    public_text,
)
from contracts.nouns import Receipt
from contracts.port import DeliveryFailed, Refused, Unauthorised, Unavailable
from contracts.ways.rest import Signing

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BODY = json.dumps({"type": "case.dispatch", "地点": "衢江路"}, ensure_ascii=False).encode()
SYMMETRIC, OLD_SYMMETRIC, PRIVATE = generate_symmetric(), generate_symmetric(), generate_asymmetric()
SECRETS = SigningSecrets(
    (parse_symmetric(SYMMETRIC.reveal()), parse_symmetric(OLD_SYMMETRIC.reveal())),
    (parse_asymmetric(PRIVATE.reveal()),),
)


def signed(signing: Signing, body: bytes = BODY, secrets: SigningSecrets = SECRETS) -> dict[str, str]:
    return Signer().headers("ltr_1-42", int(datetime.now(UTC).timestamp()), body, secrets, signing)


def verify_ed25519(headers: dict[str, str], body: bytes) -> None:
    """As a unit would, with nothing but the standard and its public key."""
    public = Ed25519PublicKey.from_public_bytes(parse_public(public_text(PRIVATE.reveal())))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for each in headers["webhook-signature"].split(" "):
        version, _, text = each.partition(",")
        if version == "v1a":
            return public.verify(base64.b64decode(text), content)
    raise InvalidSignature


@pytest.mark.parametrize("secret", [SYMMETRIC, OLD_SYMMETRIC])
@pytest.mark.parametrize("signing", [Signing.HMAC, Signing.BOTH])
def test_the_standards_own_library_verifies_with_each_live_secret(secret: object, signing: Signing) -> None:
    Webhook(secret.reveal()).verify(BODY, signed(signing))  # type: ignore[attr-defined]


@pytest.mark.parametrize("signing", [Signing.ED25519, Signing.BOTH])
def test_an_ed25519_signature_verifies_with_the_public_key_alone(signing: Signing) -> None:
    verify_ed25519(signed(signing), BODY)


@given(st.binary(min_size=1, max_size=64), st.integers(0, 200))
def test_a_body_with_any_byte_changed_does_not_verify(noise: bytes, place: int) -> None:
    changed = BODY[: place % len(BODY)] + noise + BODY[place % len(BODY) + len(noise) :]
    if changed != BODY:
        headers = signed(Signing.BOTH)
        with pytest.raises(InvalidSignature):
            verify_ed25519(headers, changed)
        with pytest.raises((WebhookVerificationError, UnicodeDecodeError)):
            Webhook(SYMMETRIC.reveal()).verify(changed, headers, json_parse=False)


def test_a_profile_that_asks_for_one_kind_gets_only_that_kind() -> None:
    kinds = {
        signing: [each.split(",")[0] for each in signed(signing)["webhook-signature"].split(" ")]
        for signing in Signing
        if signing is not Signing.NONE
    }
    assert kinds == {Signing.HMAC: ["v1", "v1"], Signing.ED25519: ["v1a"], Signing.BOTH: ["v1", "v1", "v1a"]}


@pytest.mark.parametrize(
    ("signing", "secrets"),
    [
        (Signing.HMAC, SigningSecrets((), SECRETS.asymmetric)),
        (Signing.ED25519, SigningSecrets(SECRETS.symmetric, ())),
        (Signing.BOTH, SigningSecrets()),
        # Who asks for no signature gets none by never coming here.
        (Signing.NONE, SECRETS),
    ],
)
def test_nothing_goes_out_unsigned(signing: Signing, secrets: SigningSecrets) -> None:
    with pytest.raises(NoSigningSecret):
        signed(signing, secrets=secrets)


def test_a_letters_id_with_a_dot_is_never_signed() -> None:
    with pytest.raises(ValueError, match="no dot"):
        Signer().headers("ltr.1", 1_800_000_000, BODY, SECRETS, Signing.HMAC)


def test_a_signer_shows_none_of_the_keys_it_has_read() -> None:
    signer = Signer()
    signer.headers("ltr_1", 1_800_000_000, BODY, SECRETS, Signing.BOTH)
    assert repr(SECRETS.asymmetric[0]) not in repr(signer)


@pytest.mark.parametrize("status", [200, 201, 203, 204, 206])
def test_a_success_is_processed(status: int) -> None:
    assert outcome(status, {}, b"", NOW) is Receipt.PROCESSED


def test_a_202_is_received_only() -> None:
    assert outcome(202, {}, b"", NOW) is Receipt.RECEIVED


@pytest.mark.parametrize(
    ("statuses", "failure"),
    [
        ((404, 405, 408, 425, 429, 500, 502, 503, 504, 507, 599, 999, 100, 0), Unavailable),
        ((400, 409, 413, 415, 422, 451), Refused),
        ((301, 302, 303, 304, 307, 308, 401, 403, 407, 410), Unauthorised),
    ],
)
def test_each_failure_is_of_its_kind(statuses: tuple[int, ...], failure: type[DeliveryFailed]) -> None:
    assert {type(outcome(status, {}, b"", NOW)) for status in statuses} == {failure}


@given(st.integers(), st.dictionaries(st.sampled_from(["retry-after", "webhook-delivery"]), st.text()), st.binary())
def test_whatever_a_unit_answers_has_an_outcome_and_little_of_it_is_kept(
    status: int, headers: dict[str, str], answer: bytes
) -> None:
    said = outcome(status, headers, answer * 50, NOW)
    assert isinstance(said, Receipt) or (said.status == status and len(said.answer) <= 2048)
    if isinstance(said, Unavailable) and said.retry_after_seconds is not None:
        assert 0 <= said.retry_after_seconds <= RETRY_AFTER_MAX_SECONDS


def test_a_unit_that_asks_to_stop_is_obeyed_whatever_its_status() -> None:
    for status in (200, 202, 503):
        assert isinstance(outcome(status, {"webhook-delivery": "disable"}, b"", NOW), Unauthorised)


def test_asking_to_drop_a_letter_ends_its_tries_and_leaves_a_success_a_success() -> None:
    header = {"webhook-delivery": "Abort-Message"}
    assert isinstance(outcome(503, header, b"", NOW), Refused)
    assert outcome(200, header, b"", NOW) is Receipt.PROCESSED


def test_a_gateways_timeout_leaves_the_letter_in_doubt_and_a_busy_unit_does_not() -> None:
    in_doubt = {status: getattr(outcome(status, {}, b"", NOW), "in_doubt", None) for status in (429, 503, 502, 504)}
    assert in_doubt == {429: False, 503: False, 502: True, 504: True}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("9" * 400, RETRY_AFTER_MAX_SECONDS),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), RETRY_AFTER_MAX_SECONDS),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(text: str, seconds: float | None) -> None:
    assert retry_after_seconds(text, NOW) == seconds
