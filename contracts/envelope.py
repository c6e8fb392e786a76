"""The envelope: what every message carries besides its body, whatever brought it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from contracts.messages import Body


class Mode(StrEnum):
    """Whether a message is real (演练 drill and 测试 test never count in an evaluation)."""

    LIVE = "live"
    DRILL = "drill"
    TEST = "test"


class Sender(Struct, frozen=True):
    """Who spoke: the unit, the connection it used and the credential it showed."""

    unit_id: str
    connection_id: str
    credential_id: str


class Message(Struct, frozen=True):
    """One message that crossed the hub's border, checked against its contract.

    ``keys`` identify it for ever: the same key never takes effect twice. ``fingerprint`` tells a repeat
    (same content) from a reuse of the id for something else.
    """

    message_id: str
    source: str
    contract: str
    sender: Sender
    body: Body
    keys: tuple[bytes, ...]
    fingerprint: bytes
    received_at: datetime
    effective_at: datetime | None = None
    case_id: int | None = None
    sender_case_id: str | None = None
    mode: Mode = Mode.LIVE
    based_on_version: int | None = None
    actor: str | None = None
    on_behalf_of: str | None = None
    sequence: int | None = None
    traceparent: str | None = None
    raw: bytes = b""
    content_type: str = "application/json"

    @property
    def kind(self) -> str:
        """The contract's name without its version: ``case.feedback``."""
        return self.contract.partition("/")[0]
