"""Starts a unit's OAuth 2.0 server in another process, and speaks of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from pyreqwest.client import ClientBuilder

from contracts.ways.http import Authentication, ClientAuthentication

SECRET = "s3cret/+&é"


class NamedSecrets:
    """The secrets of the test, by unit and name."""

    def __init__(self, secrets: Mapping[tuple[str, str], str]) -> None:
        self.secrets = dict(secrets)

    async def named(self, unit_id: str, name: str) -> str:
        """The secret. Raises ``KeyError``."""
        return self.secrets[unit_id, name]

    async def signing(self, connection_id: str) -> Any:
        """None here."""
        raise KeyError(connection_id)


@dataclass
class OAuthUnit:
    """A running server, and the private keys of the hub that it trusts, by algorithm."""

    port: int
    private_keys: Mapping[str, str]

    def url(self, path: str) -> str:
        """An address of the unit."""
        return f"http://127.0.0.1:{self.port}{path}"

    def authentication(
        self,
        behaviour: str = "",
        way: ClientAuthentication = ClientAuthentication.CLIENT_SECRET_BASIC,
        secret: str = "client",
        scope: str | None = None,
    ) -> Authentication:
        """OAuth 2.0 at a token endpoint that behaves so."""
        return Authentication.model_validate(
            {
                "kind": "oauth2",
                "secret": secret,
                "client_id": "hub",
                "token_endpoint": self.url(f"/token/{behaviour}" if behaviour else "/token"),
                "client_authentication": way,
                **({} if scope is None else {"scope": scope}),
            },
            strict=False,
        )

    async def fetches(self, behaviour: str = "") -> list[dict[str, str]]:
        """How tokens were asked for, at the endpoint that behaves so."""
        return [each for each in (await asyncio.to_thread(self.seen))["fetches"] if each["behaviour"] == behaviour]

    async def calls(self, path: str) -> list[dict[str, Any]]:
        """The calls to a path."""
        return [each for each in (await asyncio.to_thread(self.seen))["calls"] if each["path"] == path]

    async def tell(self, what: str) -> None:
        """Make it ``revoke`` all tokens, or ``let_go`` of the slow ones."""
        async with ClientBuilder().no_proxy().build() as client:
            await client.post(self.url(f"/_/{what}")).build().send()

    def seen(self) -> dict[str, Any]:
        """All that came."""
        with urllib.request.urlopen(self.url("/_/seen"), timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def an_oauth_unit() -> Iterator[OAuthUnit]:
    """A server in another process, ended with the block."""
    keys: dict[str, RSAKey | ECKey | OKPKey] = {
        "RS256": RSAKey.generate_key(2048),
        "ES256": ECKey.generate_key("P-256"),
        "EdDSA": OKPKey.generate_key("Ed25519"),
    }
    public = json.dumps({name: key.as_dict(private=False) for name, key in keys.items()})
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("oauth_partner.py")), public],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        private = {name: key.as_pem(private=True).decode() for name, key in keys.items()}
        private["JWK"] = json.dumps(keys["ES256"].as_dict(private=True))
        yield OAuthUnit(port, private)
    finally:
        process.kill()
        process.communicate()
