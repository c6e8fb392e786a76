"""Photos (附件): named by an id of the unit that sent them, kept by content, on the disk before a commit."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import uuid_utils.compat as uuids

from contracts.photos import SentPhoto
from contracts.port import Photo
from contracts.problem import Problem
from hub.store import reading
from hub.store.pool import Pool
from hub.store.reading import AttachmentRow


@dataclass(frozen=True, slots=True)
class Picture:
    """What the bytes of a picture say of themselves."""

    media_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Attachments:
    """The store of photos: files named by their SHA-256 below ``folder``, rows in the database."""

    folder: Path
    pool: Pool
    size_max_bytes: int

    async def keep(self, unit_id: str, content: bytes) -> AttachmentRow:
        """Keep a photo. Raises ``Problem`` for what is no picture or too large."""
        return await self._keep(f"att_{uuids.uuid7().hex}", unit_id, content)

    async def _keep(self, attachment_id: str, unit_id: str, content: bytes) -> AttachmentRow:
        if len(content) > self.size_max_bytes:
            limit = self.size_max_bytes // 1024
            raise Problem("too_large", f"附件不得超过 {limit} KiB。", f"An attachment has at most {limit} KiB.")
        picture = recognise(content)
        digest = hashlib.sha256(content)
        await asyncio.to_thread(self._write, digest.hexdigest(), content)
        row = AttachmentRow(
            attachment_id,
            unit_id,
            digest.digest(),
            picture.media_type,
            len(content),
            picture.width,
            picture.height,
        )
        await reading.add_attachment(self.pool, row)
        return row

    async def shelve(self, unit_id: str, photo: SentPhoto) -> None:
        """Keep a photo that came inside a message; implements ``contracts.photos.PhotoShelf``. Raises ``Problem``."""
        await self._keep(photo.attachment_id, unit_id, photo.content)

    async def read(self, row: AttachmentRow) -> bytes:
        """The bytes of a kept photo. Raises ``Problem`` where the file is gone."""
        try:
            return await asyncio.to_thread(self._path(row.sha256.hex()).read_bytes)
        except FileNotFoundError:
            raise Problem("not_found", "附件文件已不存在。", "The attachment's file is gone.") from None

    async def photo(self, attachment_id: str) -> Photo:
        """A photo that a letter names; implements ``contracts.port.Photos``. Raises ``KeyError``."""
        row = await reading.attachment(self.pool, attachment_id)
        if row is None:
            raise KeyError(attachment_id)
        try:
            return Photo(row.media_type, await self.read(row))
        except Problem:
            raise KeyError(attachment_id) from None

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest

    def _write(self, digest: str, content: bytes) -> None:
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{uuids.uuid4().hex}")
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        # The name must be on the disk too, before a commit refers to it; who wrote it may not have come so far yet.
        for folder in (path.parent, self.folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def recognise(content: bytes) -> Picture:
    """JPEG, PNG or WebP by their first bytes, with the size where it is cheap to read. Raises ``Problem``."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR" and len(content) >= 24:
        return Picture("image/png", int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))
    if content.startswith(b"\xff\xd8\xff"):
        return Picture("image/jpeg", *_jpeg_size(content))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Picture("image/webp")
    raise Problem(
        "attachment_invalid", "只接受 JPEG、PNG、WebP 图片。", "Only JPEG, PNG and WebP pictures are accepted."
    )


def _jpeg_size(content: bytes) -> tuple[int | None, int | None]:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None, None
