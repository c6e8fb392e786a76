"""A backup's file: a plain tar, written whole or not at all, and checked whole before anything is taken from it.

``database.dump`` (``pg_dump``'s custom format), ``attachments/…``, and last ``manifest.json`` with the SHA-256 of each
member, so that a file that was cut short has no manifest.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import AwareDatetime, BaseModel, ConfigDict

from hub.store.fault import StoreFault
from hub.store.migrate import migrations

FORMAT = 1

DUMP, ATTACHMENTS, _MANIFEST = "database.dump", "attachments", "manifest.json"

_CHUNK_BYTES = 1024 * 1024


class Manifest(BaseModel):
    """What a backup holds. No entry in it has a later commit position than ``last_position``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    created_at: AwareDatetime
    epoch: int
    last_position: int
    schema_number: int
    server_major: int
    pg_dump_major: int
    sha256: dict[str, str]


def pack(file: Path, staging: Path, attachments: Path | None, described: Manifest) -> Manifest:
    """The dump and the attachments into the tar, each read once; the manifest after them; the file into its place."""
    members = [(staging / DUMP, DUMP)]
    if attachments is not None:
        paths = sorted(path for path in attachments.rglob("*") if path.is_file())
        members += [(path, f"{ATTACHMENTS}/{path.relative_to(attachments).as_posix()}") for path in paths]
    digests: dict[str, str] = {}
    packed = staging / "packed.tar"
    with os.fdopen(os.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path, name in members:
                # One may have been erased since it was listed, rightly.
                with contextlib.suppress(FileNotFoundError), path.open("rb") as file_in:
                    info = tarfile.TarInfo(name)
                    info.size, info.mtime = os.fstat(file_in.fileno()).st_size, int(described.created_at.timestamp())
                    digested = _Digested(file_in)
                    tar.addfile(info, digested)
                    digests[name] = digested.hexdigest()
            manifest = described.model_copy(update={"sha256": digests})
            text = manifest.model_dump_json(indent=1).encode()
            info = tarfile.TarInfo(_MANIFEST)
            info.size, info.mtime = len(text), int(described.created_at.timestamp())
            tar.addfile(info, BytesIO(text))
        out.flush()
        os.fsync(out.fileno())
    packed.replace(file)
    _sync_folder(file.parent)
    return manifest


def unpack(file: Path, staging: Path) -> Manifest:
    """Everything in the file into the staging folder, each member compared with the manifest."""
    manifest: Manifest | None = None
    digests: dict[str, str] = {}
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                source = tar.extractfile(member)
                if source is None or not _expected(member.name) or member.name in digests or manifest is not None:
                    raise ValueError(member.name)
                if member.name == _MANIFEST:
                    manifest = Manifest.model_validate_json(source.read())
                    continue
                target = staging / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                digested = _Digested(source)
                with target.open("wb") as out:
                    shutil.copyfileobj(digested, out, _CHUNK_BYTES)
                digests[member.name] = digested.hexdigest()
    except FileNotFoundError:
        raise StoreFault(f"没有文件 {file}。", f"There is no file {file}.") from None
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _damaged(file, str(error)) from error
    if manifest is None:
        raise _damaged(file, "no manifest")
    if manifest.format != FORMAT or manifest.schema_number > max((step.number for step in migrations()), default=0):
        raise StoreFault(
            f"{file} 由更新版本的程序备份;请用该版本恢复。",
            f"{file} was written by a newer version of this code; restore it with that one.",
        )
    if DUMP not in digests or digests != manifest.sha256:
        odd = {name for name, _ in digests.items() ^ manifest.sha256.items()}
        raise _damaged(file, ", ".join(sorted(odd)[:3]))
    return manifest


def _expected(name: str) -> bool:
    """Whether a member is one that a backup has, and stays inside its folder."""
    parts = PurePosixPath(name).parts
    return name in (DUMP, _MANIFEST) or (len(parts) > 1 and parts[0] == ATTACHMENTS and ".." not in parts)


def _damaged(file: Path, what: str) -> StoreFault:
    return StoreFault(
        f"备份文件 {file} 不完整或已损坏({what}),没有做任何改动;请换一个备份。",
        f"The backup {file} is cut short or damaged ({what}), and nothing was changed; take another one.",
    )


def merge(staged: Path, attachments: Path) -> None:
    """Add the backup's attachments that are missing or differ, each one synced before it takes its name."""
    for source in (path for path in staged.rglob("*") if path.is_file()):
        target = attachments / source.relative_to(staged)
        if target.exists() and filecmp.cmp(source, target, shallow=False):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        with source.open("rb") as file_in, partial.open("wb") as out:
            shutil.copyfileobj(file_in, out, _CHUNK_BYTES)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(target)
        _sync_folder(target.parent)


class _Digested:
    """A file as it is read once, with the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self._digest.update(piece)
        return piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@contextlib.contextmanager
def staging_in(parent: Path) -> Iterator[Path]:
    """A private folder on the disk where its content is going, gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cityhub-", dir=parent) as staging:
        yield Path(staging)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
