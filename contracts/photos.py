"""Photos that come inside a message: what the hub calls them is decided by their unit and their bytes."""

from __future__ import annotations

import hashlib
from typing import Protocol

from msgspec import Struct


class SentPhoto(Struct, frozen=True):
    """A photo out of a message: the attachment that it becomes, its bytes, where it stood, and as what text."""

    attachment_id: str
    content: bytes
    at: str = ""
    text: str = ""


def photo_id(unit_id: str, content: bytes) -> str:
    """The id of a photo that a unit sends inside a message: a message that is said again names the same photo."""
    said = hashlib.sha256(f"{unit_id}\0".encode() + hashlib.sha256(content).digest())
    return f"att_{said.hexdigest()[:32]}"


class PhotoShelf(Protocol):
    """Where photos that came inside a message are kept before the message is decided on."""

    async def shelve(self, unit_id: str, photo: SentPhoto) -> None:
        """Keep it; a second time is no other time. Raises ``Problem`` for what is no picture or too large."""
        ...
