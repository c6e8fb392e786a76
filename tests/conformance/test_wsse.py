"""The shipped profile of the power bureau, spoken to a service that verifies all of it with other libraries."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls, machine_now
from adapters.soap import SoapAdapter, SoapCalls
from contracts.nouns import Connection, Receipt
from contracts.port import Photo, Refused, Unauthorised
from tests.conformance.shipped import KeptPhotos, NamedSecrets, a_dispatch, a_letter_of, loopback, shipped_connection
from tests.values import replace

PASSWORD = "密码 of power"
# Line ends, a boundary and bytes of every kind: what a MIME package must carry unchanged.
PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 40 + b"\r\n--L000000000001\r\n\r\n--L000000000001--\r\n"


@dataclass(frozen=True, slots=True)
class Bureau:
    """The running service, and the certificate with its key that it trusts."""

    port: int
    pem: str

    def connection(self, path: str = "orders", **settings: Any) -> Connection:
        """The power bureau's connection, to this service."""
        made = shipped_connection("power_wsse", f"http://127.0.0.1:{self.port}/{path}")
        return replace(made, connection_id=f"power.{path}.{sorted(settings)}", settings={**made.settings, **settings})


@pytest.fixture(scope="module")
def bureau() -> Iterator[Bureau]:
    """One service for the claims of this file."""
    pem, der = a_certificate()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("wsse_partner.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None and process.stdout is not None
        told = {"user": "szcg", "password": PASSWORD, "certificate": base64.b64encode(der).decode()}
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        yield Bureau(int(process.stdout.readline()), pem)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def trusted(bureau: Bureau) -> dict[str, str]:
    """What the safe holds for the bureau."""
    return {"wsse-password": PASSWORD, "signing-certificate": bureau.pem}


@pytest.fixture
async def http() -> AsyncIterator[HttpCalls]:
    """Calls to this machine."""
    made = HttpCalls(OutboundGuard(allow=loopback()), "0.1.0")
    yield made
    await made.close()


def an_adapter(http: HttpCalls, secrets: dict[str, str], hours_slow: float = 0) -> SoapAdapter:
    calls = SoapCalls(Authenticator(NamedSecrets(secrets), http), lambda: machine_now() - timedelta(hours=hours_slow))
    return SoapAdapter(calls, KeptPhotos({"att_01": Photo("image/jpeg", PHOTO)}))


@pytest.mark.parametrize("signature", ["rsa-sha256", "rsa-sha1"])
async def test_the_bureau_verifies_digest_time_and_signature_and_has_every_byte_of_the_photo(
    http: HttpCalls, bureau: Bureau, trusted: dict[str, str], signature: str
) -> None:
    security = {**bureau.connection().settings["security"], "signature": signature}
    connection = bureau.connection(security=security)
    delivered = await an_adapter(http, trusted).deliver(connection, a_dispatch())
    assert delivered.receipt is Receipt.RECEIVED
    assert f"L000000000001:{hashlib.sha256(PHOTO).hexdigest()}" in delivered.answer.decode()


async def test_the_same_letter_again_is_trusted_again(http: HttpCalls, bureau: Bureau, trusted: dict[str, str]) -> None:
    adapter = an_adapter(http, trusted)
    first, again = [await adapter.deliver(bureau.connection(), a_dispatch()) for _ in range(2)]
    assert first.receipt is again.receipt is Receipt.RECEIVED


async def test_another_contract_goes_to_another_operation(
    http: HttpCalls, bureau: Bureau, trusted: dict[str, str]
) -> None:
    delivered = await an_adapter(http, trusted).deliver(bureau.connection(), a_letter_of("case.recall_notice"))
    assert delivered.receipt is Receipt.PROCESSED


async def test_what_was_changed_on_the_way_is_not_trusted(
    http: HttpCalls, bureau: Bureau, trusted: dict[str, str]
) -> None:
    with pytest.raises(Unauthorised, match="FailedCheck"):
        await an_adapter(http, trusted).deliver(bureau.connection("tampered"), a_dispatch())


async def test_a_wrong_password_calls_a_person(http: HttpCalls, bureau: Bureau, trusted: dict[str, str]) -> None:
    with pytest.raises(Unauthorised, match="FailedAuthentication"):
        await an_adapter(http, {**trusted, "wsse-password": "old"}).deliver(bureau.connection(), a_dispatch())


async def test_a_wrong_clock_calls_a_person(http: HttpCalls, bureau: Bureau, trusted: dict[str, str]) -> None:
    with pytest.raises(Unauthorised, match="MessageExpired"):
        await an_adapter(http, trusted, hours_slow=1).deliver(bureau.connection(), a_dispatch())


async def test_a_certificate_without_its_key_calls_a_person_and_is_not_repeated(
    http: HttpCalls, bureau: Bureau, trusted: dict[str, str]
) -> None:
    only = "-----BEGIN CERTIFICATE-----" + bureau.pem.partition("-----BEGIN CERTIFICATE-----")[2]
    with pytest.raises(Unauthorised, match="signing-certificate") as caught:
        await an_adapter(http, {**trusted, "signing-certificate": only}).deliver(bureau.connection(), a_dispatch())
    assert "BEGIN" not in caught.value.reason


async def test_a_photo_that_the_hub_does_not_have_buries_the_letter(
    http: HttpCalls, bureau: Bureau, trusted: dict[str, str]
) -> None:
    with pytest.raises(Refused):
        await an_adapter(http, trusted).deliver(bureau.connection(), a_dispatch(photos=["att_77"]))


def a_certificate() -> tuple[str, bytes]:
    """A certificate that signs, as PEM with its key, and as DER."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Quzhou city hub")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = private + made.public_bytes(serialization.Encoding.PEM)
    return pem.decode(), made.public_bytes(serialization.Encoding.DER)
