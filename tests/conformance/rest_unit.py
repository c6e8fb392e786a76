"""Starts a unit's REST system in another process and speaks of it as a ``Partner``."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyreqwest.client import ClientBuilder

from auth.port import SigningSecrets
from contracts.nouns import Connection, Transport
from tests.conformance.adapter_suite import Behaviour, SeenLetter

UNIT_NAME = "unit.example"
"""The name on the unit's certificate; no name server knows it."""
SYMMETRIC = b"a symmetric secret of 32 bytes.."
SEED = b"an Ed25519 seed of 32 bytes....."


class FixedSecrets:
    """The secrets of the test, the same for every connection."""

    def __init__(self, secrets: SigningSecrets | None = None) -> None:
        self._secrets = secrets if secrets is not None else SigningSecrets((SYMMETRIC,), (SEED,))

    async def signing(self, connection_id: str) -> SigningSecrets:
        """The signing secrets."""
        return self._secrets

    async def named(self, unit_id: str, name: str) -> str:
        """None here."""
        raise KeyError(name)


@dataclass
class RestUnit:
    """A running REST system: its ports, the authority that signed its certificate, and a certificate for callers.

    ``demanding_port`` takes only callers who show a certificate of that authority.
    """

    plain_port: int
    secure_port: int
    demanding_port: int
    authority: bytes
    identity: bytes
    behaviours: frozenset[Behaviour] = frozenset(Behaviour)
    _serials: Iterator[int] = field(default_factory=count)

    def connection(self, behaviour: Behaviour | str, timeout_seconds: float = 10.0) -> Connection:
        """A new connection to a unit that behaves so."""
        path = f"/{behaviour}/{next(self._serials)}"
        match behaviour:
            case Behaviour.NOT_THERE:
                return self.at(f"http://127.0.0.1:{_closed_port()}{path}", timeout_seconds)
            case Behaviour.FALSE_CERTIFICATE:
                return self.at(f"https://127.0.0.1:{self.secure_port}{path}", timeout_seconds)
            case _:
                return self.at(f"http://127.0.0.1:{self.plain_port}{path}", timeout_seconds)

    def at(self, endpoint: str, timeout_seconds: float = 10.0, **settings: str) -> Connection:
        """A connection to any endpoint."""
        return Connection(
            connection_id="water.main",
            unit_id="water",
            transport=Transport.REST,
            profile_version=1,
            settings={"endpoint": endpoint, "signing": "hmac-sha256", **settings},
            receives=frozenset({"case.dispatch"}),
            timeout_seconds=timeout_seconds,
        )

    async def seen(self, connection: Connection, at_least: int = 0) -> Sequence[SeenLetter]:
        """The letters that reached the unit over this connection; waits until there are so many."""
        return [
            SeenLetter(
                letter_id=call["headers"]["webhook-id"],
                body=base64.b64decode(call["body"]),
                attempted_at=call["headers"]["webhook-timestamp"],
            )
            for call in await self.calls(connection, at_least)
        ]

    async def calls(self, connection: Connection, at_least: int = 0) -> list[dict[str, Any]]:
        """The calls themselves: headers, body, and the address of the caller's socket."""
        path = "/" + connection.settings["endpoint"].split("/", 3)[3]
        return await self.calls_of(path, at_least)

    async def calls_of(self, path: str, at_least: int = 0) -> list[dict[str, Any]]:
        """The calls to a path."""
        async with ClientBuilder().no_proxy().build() as client:
            asked = client.get(f"http://127.0.0.1:{self.plain_port}/_seen/{at_least}{path}")
            found = await asked.timeout(timedelta(seconds=30)).build().send()
            calls: list[dict[str, Any]] = await found.json()
            return calls


@contextmanager
def a_rest_unit(folder: Path, program: str = "rest_partner.py") -> Iterator[RestUnit]:
    """A REST system in another process, ended with the block."""
    authority, chain = certificates()
    (folder / "unit.pem").write_bytes(chain)
    (folder / "authority.pem").write_bytes(authority)
    process = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name(program)),
            folder / "unit.pem",
            folder / "authority.pem",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield RestUnit(ports["plain"], ports["secure"], ports["demanding"], authority, chain)
    finally:
        process.kill()
        process.communicate()


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def certificates() -> tuple[bytes, bytes]:
    """An authority, and a chain with its key for the unit's name and for 127.0.0.1."""
    now = datetime.now(UTC)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A city's own authority")])
    root = (
        x509.CertificateBuilder()
        .subject_name(root_name)
        .issuer_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    names = x509.SubjectAlternativeName([x509.DNSName(UNIT_NAME), x509.IPAddress(ip_address("127.0.0.1"))])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, UNIT_NAME)]))
        .issuer_name(root_name)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return root.public_bytes(pem), private + leaf.public_bytes(pem)
