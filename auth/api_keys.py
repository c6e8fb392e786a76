"""API keys (接口密钥): minted once, shown once, kept as a digest, checked in memory.

A key reads ``chk_<key id>_<secret><checksum>``: the key id names it in logs and pages, the secret has 256 bits, and the
checksum (CRC-32 of all before it, six characters of base 62) lets a truncated paste be told from a wrong key and a
secret scanner tell a key from noise. A plain SHA-256 keeps the secret, because 256 random bits cannot be guessed.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from auth.principal import Fault, NotAuthenticated, Principal
from auth.redaction import Secret

PREFIX = "chk_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 12
_SECRET_LENGTH = 43  # 62^43 > 2^256
_CHECKSUM_LENGTH = 6  # 62^6 > 2^32
_LENGTH = len(PREFIX) + _ID_LENGTH + 1 + _SECRET_LENGTH + _CHECKSUM_LENGTH

KEY_PATTERN = rf"chk_[0-9A-Za-z]{{{_ID_LENGTH}}}_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}"
"""What a secret scanner looks for."""

_KEY = re.compile(KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A key as it is kept: everything but the secret."""

    key_id: str
    unit_id: str
    digest: bytes = field(repr=False)
    scopes: frozenset[str]
    note: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new key: ``text`` is shown once to the one who asked, ``row`` is kept."""

    text: Secret
    row: CredentialRow


def mint(
    unit_id: str,
    scopes: Iterable[str],
    now: datetime,
    note: str = "",
    expires_at: datetime | None = None,
) -> MintedKey:
    """A new key for a unit. Several keys of a unit may live at once, so a key is rotated without a gap."""
    key_id = _random_text(_ID_LENGTH)
    body = f"{PREFIX}{key_id}_{_random_text(_SECRET_LENGTH)}"
    text = body + _checksum(body)
    row = CredentialRow(key_id, unit_id, digest_of(text), frozenset(scopes), note, now, expires_at)
    return MintedKey(Secret(text), row)


def digest_of(text: str) -> bytes:
    """What is kept of a key: the SHA-256 of its whole text."""
    return sha256(text.encode()).digest()


def well_formed(text: str) -> bool:
    """Whether a text is a whole key: prefix, length, alphabet and checksum."""
    return _KEY.fullmatch(text) is not None and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


@dataclass(frozen=True, slots=True)
class _Known:
    """A row made ready to be checked: the principal built once, moments as plain seconds."""

    digest: bytes
    principal: Principal
    expires: float
    revoked: float


class KeyCheck:
    """Checks keys against a snapshot of their rows in memory; implements ``auth.principal.Checks``.

    The owner calls ``refresh`` when the rows change. A revoked key works until then, so refresh often (seconds).
    """

    def __init__(self, rows: Iterable[CredentialRow] = (), clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: Mapping[str, _Known] = {}
        self.refresh(rows)

    def refresh(self, rows: Iterable[CredentialRow]) -> None:
        """Take a new snapshot, whole: a check sees the old rows or the new ones, never a mixture."""
        self._known = {row.key_id: _made_ready(row) for row in rows}

    def check(self, header_value: str) -> Principal:
        """The principal of ``Bearer chk_…`` (Authorization) or ``chk_…`` (X-API-Key). Raises ``NotAuthenticated``."""
        text = header_value
        if text[:4] != PREFIX:
            text = _without_scheme(text)
        known = self._known.get(text[4 : 4 + _ID_LENGTH])
        # A whole key only: a longer text must not be hashed for its sender, and only ASCII has a digest here.
        if known is None or len(text) != _LENGTH or not text.isascii():
            raise _refusal(text)
        if not hmac.compare_digest(sha256(text.encode()).digest(), known.digest):
            raise _refusal(text)
        return self._in_force(known)

    def principal_of(self, key_id: str) -> Principal:
        """The principal of a key that was checked before (a console session). Raises ``NotAuthenticated``."""
        known = self._known.get(key_id)
        if known is None:
            raise NotAuthenticated(Fault.UNKNOWN)
        return self._in_force(known)

    def _in_force(self, known: _Known) -> Principal:
        now = self._clock()
        if known.revoked <= now:
            raise NotAuthenticated(Fault.REVOKED, known.principal.credential_id)
        if known.expires <= now:
            raise NotAuthenticated(Fault.EXPIRED, known.principal.credential_id)
        return known.principal


def _made_ready(row: CredentialRow) -> _Known:
    return _Known(
        digest=row.digest,
        principal=Principal(row.unit_id, row.key_id, row.scopes),
        expires=row.expires_at.timestamp() if row.expires_at else float("inf"),
        revoked=row.revoked_at.timestamp() if row.revoked_at else float("inf"),
    )


def _without_scheme(header_value: str) -> str:
    # RFC 9110: the scheme's name has no case; one space is the rule, more are met.
    scheme, _, rest = header_value.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header_value.strip()


def _refusal(text: str) -> NotAuthenticated:
    return NotAuthenticated(Fault.UNKNOWN if well_formed(text) else Fault.MALFORMED)


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    left, made = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        left, place = divmod(left, 62)
        made = _ALPHABET[place] + made
    return made
