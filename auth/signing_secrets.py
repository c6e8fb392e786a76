"""Signing secrets (签名密钥) in the texts of Standard Webhooks, which units paste into their libraries.

``whsec_`` a symmetric secret, ``whsk_`` an Ed25519 private key (never leaves the hub), ``whpk_`` its public key.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth.port import SigningSecrets
from auth.redaction import Secret

SYMMETRIC = "whsec_"
PRIVATE = "whsk_"
PUBLIC = "whpk_"

SYMMETRIC_BYTES = 32
# The standard asks for 24 to 64 bytes of symmetric secret.
_SYMMETRIC_MIN, _SYMMETRIC_MAX = 24, 64
_SEED_BYTES = 32
_PUBLIC_BYTES = 32


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class NotASigningSecret(ValueError):
    """A text is no signing secret. Does not repeat the text."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.en


def generate_symmetric() -> Secret:
    """A new ``whsec_`` text, to be shown to the unit once."""
    return Secret(_text(SYMMETRIC, secrets.token_bytes(SYMMETRIC_BYTES)))


def generate_asymmetric() -> Secret:
    """A new ``whsk_`` text; the unit gets only ``public_text`` of it."""
    return Secret(_text(PRIVATE, secrets.token_bytes(_SEED_BYTES)))


def public_text(private: str) -> str:
    """The ``whpk_`` text of a ``whsk_`` text; no secret. Raises ``NotASigningSecret``."""
    return _text(PUBLIC, _public_of(parse_asymmetric(private)))


def parse_symmetric(text: str) -> bytes:
    """The raw HMAC key of a ``whsec_`` text. Raises ``NotASigningSecret``."""
    raw = _decoded(SYMMETRIC, text)
    if not _SYMMETRIC_MIN <= len(raw) <= _SYMMETRIC_MAX:
        raise NotASigningSecret("签名密钥应为 24 到 64 字节", "a symmetric signing secret has 24 to 64 bytes")
    return raw


def parse_asymmetric(text: str) -> bytes:
    """The Ed25519 seed (32 bytes) of a ``whsk_`` text. Raises ``NotASigningSecret``.

    Some libraries write the seed and the public key together (64 bytes); the two must then agree.
    """
    raw = _decoded(PRIVATE, text)
    seed = raw[:_SEED_BYTES]
    if len(raw) == _SEED_BYTES:
        return seed
    if len(raw) == 2 * _SEED_BYTES and _public_of(seed) == raw[_SEED_BYTES:]:
        return seed
    raise NotASigningSecret("Ed25519 私钥有误", "an Ed25519 private key has 32 bytes, or 64 with its public key")


def parse_public(text: str) -> bytes:
    """The raw Ed25519 public key of a ``whpk_`` text. Raises ``NotASigningSecret``."""
    raw = _decoded(PUBLIC, text)
    if len(raw) != _PUBLIC_BYTES:
        raise NotASigningSecret("Ed25519 公钥应为 32 字节", "an Ed25519 public key has 32 bytes")
    return raw


def gather(texts: Iterable[str]) -> SigningSecrets:
    """The live secrets of a connection from their texts, newest first, kinds told by prefix."""
    symmetric: list[bytes] = []
    asymmetric: list[bytes] = []
    for text in texts:
        if text.startswith(PRIVATE):
            asymmetric.append(parse_asymmetric(text))
        else:
            symmetric.append(parse_symmetric(text))
    return SigningSecrets(tuple(symmetric), tuple(asymmetric))


def _public_of(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _text(prefix: str, raw: bytes) -> str:
    return prefix + base64.b64encode(raw).decode()


def _decoded(prefix: str, text: str) -> bytes:
    if not text.startswith(prefix):
        raise NotASigningSecret(f"签名密钥应以 {prefix} 开头", f"this signing secret begins with {prefix}")
    encoded = text.removeprefix(prefix)
    try:
        # Unpadded texts are met; verifying libraries take them too.
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotASigningSecret("签名密钥不是有效的 Base64", "the signing secret is not valid base64") from None
