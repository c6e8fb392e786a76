"""Sealing (封存): secrets at rest under AES-256-GCM, each bound to the name of what it is the secret of.

The text form is ``sealed:v1:<master key id>:<base64url of nonce, ciphertext and tag>``. The name is associated data:
a sealed text copied to another row does not open there.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auth.master_keys import MasterKeys

_PREFIX = "sealed:v1:"
_NONCE_BYTES = 12
_PURPOSE = "sealing"


class SealFault(StrEnum):
    """Why a text does not open; the set is closed."""

    NOT_SEALED = "not_sealed"
    KEY_MISSING = "key_missing"
    DOES_NOT_OPEN = "does_not_open"


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class SealBroken(Exception):
    """A sealed text does not open here. Carries no secret: the name, the fault, the id of the key that is asked for."""

    name: str
    fault: SealFault
    key_id: str = ""

    def __str__(self) -> str:
        match self.fault:
            case SealFault.NOT_SEALED:
                return f"{self.name}: this is not a sealed text"
            case SealFault.KEY_MISSING:
                return f"{self.name}: sealed under master key {self.key_id}, which is not here; restore that key"
            case SealFault.DOES_NOT_OPEN:
                return f"{self.name}: altered, or sealed for another name"


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals with the newest master key and opens with whichever key sealed."""

    master_keys: MasterKeys
    _ciphers: dict[str, AESGCM] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ciphers = {key.key_id: AESGCM(key.derive(_PURPOSE)) for key in self.master_keys.keys}
        object.__setattr__(self, "_ciphers", ciphers)

    def seal(self, name: str, secret: bytes) -> str:
        """The sealed text of a secret. ``name`` says whose it is (``signing/water/1``) and must be known to open it."""
        key_id = self.master_keys.newest.key_id
        # A random nonce is safe for some 2^32 seals under one key; a city seals thousands.
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, secret, _associated(key_id, name))
        return f"{_PREFIX}{key_id}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, name: str, text: str) -> bytes:
        """The secret of that name. Raises ``SealBroken``."""
        key_id, raw = _parted(name, text)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken(name, SealFault.KEY_MISSING, key_id)
        try:
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _associated(key_id, name))
        except InvalidTag:
            raise SealBroken(name, SealFault.DOES_NOT_OPEN, key_id) from None

    def reseal(self, name: str, text: str) -> str | None:
        """The same secret under the newest master key; ``None`` where it is already. Raises ``SealBroken``."""
        if key_of(text) == self.master_keys.newest.key_id:
            return None
        return self.seal(name, self.open(name, text))


def key_of(text: str) -> str | None:
    """The id of the master key that sealed a text; ``None`` where it is not a sealed text."""
    if not text.startswith(_PREFIX):
        return None
    return text.removeprefix(_PREFIX).partition(":")[0]


def _parted(name: str, text: str) -> tuple[str, bytes]:
    key_id, _, encoded = text.removeprefix(_PREFIX).partition(":")
    if not text.startswith(_PREFIX) or not key_id:
        raise SealBroken(name, SealFault.NOT_SEALED)
    try:
        raw = base64.b64decode(encoded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken(name, SealFault.NOT_SEALED) from None
    # One secret, one text: the unused bits of the last character must be as they were written.
    if len(raw) < _NONCE_BYTES + 16 or base64.urlsafe_b64encode(raw).decode() != encoded:
        raise SealBroken(name, SealFault.NOT_SEALED)
    return key_id, raw


def _associated(key_id: str, name: str) -> bytes:
    return f"{_PREFIX}{key_id}:{name}".encode()
