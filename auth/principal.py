"""Who is speaking: a principal, and the port through which a header becomes one.

API keys are one way to be known (``auth.api_keys``); access tokens will be another behind the same ``Checks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Scope(StrEnum):
    """What a credential may be used for: speak as its unit, or administer the hub."""

    UNIT = "unit"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A checked speaker. ``credential_id`` names what it showed, so that it can be traced and revoked."""

    unit_id: str
    credential_id: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the credential carries this scope."""
        return scope in self.scopes


class Fault(StrEnum):
    """Why a credential was refused; the set is closed."""

    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


SENTENCES: Mapping[Fault, tuple[str, str]] = {
    Fault.MALFORMED: ("凭据格式有误,可能未完整复制", "The credential is malformed, perhaps not copied in full"),
    Fault.UNKNOWN: ("凭据无效", "The credential is not known"),
    Fault.EXPIRED: ("凭据已过期,请更换", "The credential has expired, use a new one"),
    Fault.REVOKED: ("凭据已撤销", "The credential was revoked"),
}


# Not frozen: contextlib sets an exception's traceback.
@dataclass(eq=False)
class NotAuthenticated(Exception):
    """A credential was shown and refused. ``credential_id`` is set only where the secret itself was right."""

    fault: Fault
    credential_id: str | None = None

    @property
    def zh(self) -> str:
        """The reason in Chinese."""
        return SENTENCES[self.fault][0]

    @property
    def en(self) -> str:
        """The reason in English."""
        return SENTENCES[self.fault][1]

    def __str__(self) -> str:
        return self.en


class Checks(Protocol):
    """Turns what a header carries into a principal. Quick and without I/O: it runs for every request."""

    def check(self, header_value: str) -> Principal:
        """The principal behind a credential. Raises ``NotAuthenticated``."""
        ...
