"""Console sessions (控制台会话): a signed cookie that expires and names the credential behind it. No server state.

The cookie proves who logged in, not that the credential still holds: its reader asks ``KeyCheck.principal_of`` next,
so revoking a key also ends its sessions.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from auth.principal import Fault, NotAuthenticated

COOKIE_NAME: Final = "cityhub_session"
COOKIE_HTTP_ONLY: Final = True
COOKIE_SAME_SITE: Final = "Strict"
COOKIE_PATH: Final = "/"
SESSION_LASTS: Final = timedelta(hours=10)
"""One shift: long enough not to log in twice a day, short enough that a forgotten browser closes by itself."""

_VERSION = "v1"
_DOMAIN = b"cityhub session v1\x00"
_TEXT_MAX = 512


@dataclass(frozen=True, slots=True)
class Session:
    """What a genuine cookie says."""

    credential_id: str
    expires_at_seconds: int


@dataclass(frozen=True, slots=True)
class Sessions:
    """Issues and reads session cookies. ``keys``: the first signs, all of them verify, so a key may be rotated."""

    keys: tuple[bytes, ...] = field(repr=False)
    lasts: timedelta = SESSION_LASTS

    def __post_init__(self) -> None:
        if not self.keys or any(len(key) < 32 for key in self.keys):
            raise ValueError("sessions need signing keys of at least 32 bytes")

    def issue(self, credential_id: str, now: datetime) -> str:
        """The cookie's value for one who has just shown a credential."""
        expires = int((now + self.lasts).timestamp())
        payload = f"{expires}:{credential_id}".encode()
        return f"{_VERSION}.{_encoded(payload)}.{_encoded(_mac(self.keys[0], payload))}"

    def read(self, text: str, now: datetime) -> Session:
        """The session in a cookie. Raises ``NotAuthenticated`` when it was altered, is not ours, or is over."""
        payload, mac = _parted(text)
        # Every key is tried, so the time taken does not tell which one matched.
        genuine = [hmac.compare_digest(mac, _mac(key, payload)) for key in self.keys]
        if not any(genuine):
            raise NotAuthenticated(Fault.UNKNOWN)
        expires, _, credential_id = payload.decode().partition(":")
        session = Session(credential_id, int(expires))
        if session.expires_at_seconds <= now.timestamp():
            raise NotAuthenticated(Fault.EXPIRED, credential_id)
        return session


def set_cookie(value: str, *, secure: bool, lasts: timedelta = SESSION_LASTS) -> str:
    """The ``Set-Cookie`` header of a login. ``secure`` everywhere but on a plain-HTTP trial machine."""
    return _cookie(value, int(lasts.total_seconds()), secure)


def clear_cookie(*, secure: bool) -> str:
    """The ``Set-Cookie`` header of a logout."""
    return _cookie("", 0, secure)


def _cookie(value: str, seconds: int, secure: bool) -> str:
    parts = [f"{COOKIE_NAME}={value}", f"Path={COOKIE_PATH}", f"Max-Age={seconds}", f"SameSite={COOKIE_SAME_SITE}"]
    if COOKIE_HTTP_ONLY:
        parts.append("HttpOnly")
    if secure:
        parts.append("Secure")
    return "; ".join(parts)


def _parted(text: str) -> tuple[bytes, bytes]:
    pieces = text.split(".")
    if len(text) > _TEXT_MAX or len(pieces) != 3 or pieces[0] != _VERSION:
        raise NotAuthenticated(Fault.MALFORMED)
    try:
        return _decoded(pieces[1]), _decoded(pieces[2])
    except (binascii.Error, ValueError):
        raise NotAuthenticated(Fault.MALFORMED) from None


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, _DOMAIN + payload, "sha256")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
