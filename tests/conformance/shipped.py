"""The shipped profiles at work: their connections to a partner of the test, a letter, the secrets and the photos."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import orjson

from auth.port import SigningSecrets
from contracts.nouns import Connection, RenderedLetter
from contracts.port import Photo
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from contracts.samples import VALID
from hub.registry import connections_of
from tests.values import replace

PROFILES = Path(__file__).parents[2] / "adapters/profiles"


def loopback() -> tuple[IPv4Network, ...]:
    """What the guard allows here."""
    return (IPv4Network("127.0.0.0/8"),)


class NamedSecrets:
    """A safe with these secrets of every unit."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = secrets

    async def signing(self, connection_id: str) -> SigningSecrets:
        """None here."""
        return SigningSecrets()

    async def named(self, unit_id: str, name: str) -> str:
        """The secret."""
        return self._secrets[name]


class KeptPhotos:
    """A hub with these photos."""

    def __init__(self, photos: Mapping[str, Photo]) -> None:
        self._photos = photos

    async def photo(self, attachment_id: str) -> Photo:
        """The photo."""
        return self._photos[attachment_id]


def shipped_connection(folder: str, endpoint: str) -> Connection:
    """The connection of a shipped profile, to another endpoint."""
    text = (PROFILES / folder / "profile.yaml").read_text(encoding="utf-8")
    profile, _ = read_profile(with_files(text, lambda name: (PROFILES / folder / name).read_text(encoding="utf-8")))
    (connection,) = connections_of(profile, 1)
    return replace(connection, settings={**connection.settings, "endpoint": endpoint})


def a_dispatch(letter_id: str = "L000000000001", **changed: Any) -> RenderedLetter:
    """The contract's example of a dispatch as a letter; fields may be changed, or left out with an empty tuple."""
    return a_letter_of("case.dispatch", letter_id, **changed)


def a_letter_of(contract: str, letter_id: str = "L000000000001", **changed: Any) -> RenderedLetter:
    """The contract's example as a letter."""
    data = {name: value for name, value in (VALID[f"{contract}/1.0"] | changed).items() if value != ()}
    number = "330800-20261123-000042"
    event = {"specversion": "1.0", "id": letter_id, "source": "/cityhub", "type": contract, "subject": number}
    body = orjson.dumps({**event, "time": "2026-11-23T09:13:00+08:00", "mode": "test", "data": data})
    return RenderedLetter(
        letter_id, number, f"{contract}/1.0", "application/cloudevents+json", body, sha256(body).digest()
    )
