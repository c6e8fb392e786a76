"""Signing of pushes by Standard Webhooks 1.0: HMAC-SHA256 (``v1``) and Ed25519 (``v1a``).

What is signed is ``{webhook-id}.{webhook-timestamp}.{body}``. Every live secret signs, so a unit that still knows the
old one and a unit that already knows the new one both verify: a rotation has no gap.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth.port import SigningSecrets
from contracts.ways.rest import Signing

_KEYS_MAX = 1024


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class NoSigningSecret(Exception):
    """The connection has no live secret of the kind that its profile asks for; nothing is ever sent unsigned."""

    signing: Signing


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs; keeps Ed25519 keys it has already read, since reading one costs as much as a signature."""

    _keys: dict[bytes, Ed25519PrivateKey] = field(default_factory=dict, repr=False)

    def headers(
        self, letter_id: str, timestamp: int, body: bytes, secrets: SigningSecrets, signing: Signing
    ) -> dict[str, str]:
        """The three headers of this attempt; ``timestamp`` is the attempt's, in seconds. Raises ``NoSigningSecret``."""
        if "." in letter_id:
            # A dot would let an id and a timestamp be read two ways under one signature.
            raise ValueError(f"a letter's id has no dot: {letter_id}")
        signed = f"{letter_id}.{timestamp}.".encode() + body
        signatures: list[str] = []
        if signing in (Signing.HMAC, Signing.BOTH):
            signatures += [_v1(hmac.digest(secret, signed, "sha256")) for secret in secrets.symmetric]
        if signing in (Signing.ED25519, Signing.BOTH):
            signatures += [_v1a(self._key(seed).sign(signed)) for seed in secrets.asymmetric]
        if not signatures:
            raise NoSigningSecret(signing)
        return {
            "webhook-id": letter_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }

    def _key(self, seed: bytes) -> Ed25519PrivateKey:
        key = self._keys.get(seed)
        if key is None:
            if len(self._keys) >= _KEYS_MAX:
                self._keys.clear()
            key = self._keys[seed] = Ed25519PrivateKey.from_private_bytes(seed)
        return key


def _v1(signature: bytes) -> str:
    return "v1," + base64.b64encode(signature).decode()


def _v1a(signature: bytes) -> str:
    return "v1a," + base64.b64encode(signature).decode()
