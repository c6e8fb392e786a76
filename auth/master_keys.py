"""The master keys (主密钥) that every sealed secret rests on: a private file in the data folder, or a setting.

The file has one key a line in base64, newest first. The first key seals; the others only open what they once sealed.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_HEADING = "# CityHub master keys, newest first. Whoever reads this opens every sealed secret: back it up apart."


class MasterKeyFault(Exception):
    """The master keys cannot be used; the text says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key and its public name."""

    key_id: str
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, raw: bytes) -> MasterKey:
        """The key with its name, which is part of a digest and tells nothing of the key."""
        if len(raw) != KEY_BYTES:
            raise MasterKeyFault(f"a master key has {KEY_BYTES} bytes, this one has {len(raw)}")
        return cls(sha256(b"cityhub master key id\x00" + raw).hexdigest()[:12], raw)

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, so that no key serves two."""
        kdf = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"cityhub v1 " + purpose.encode())
        return kdf.derive(self.raw)


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """All master keys in force, newest first."""

    keys: tuple[MasterKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise MasterKeyFault("there is no master key")

    @property
    def newest(self) -> MasterKey:
        """The key that seals."""
        return self.keys[0]

    def derive_all(self, purpose: str) -> tuple[bytes, ...]:
        """One key for a purpose from each master key, newest first (for ``auth.sessions``)."""
        return tuple(key.derive(purpose) for key in self.keys)


def from_texts(texts: Iterable[str]) -> MasterKeys:
    """Master keys given by setting, each as base64 of 32 bytes, newest first. Raises ``MasterKeyFault``."""
    return MasterKeys(tuple(MasterKey.of(_decoded(text)) for text in texts))


def load_or_create(path: Path) -> MasterKeys:
    """The keys of the file, made with one new key where there is none. Two processes at once agree on one."""
    if not path.exists():
        with contextlib.suppress(FileExistsError), _beside(path, [_new_text()]) as temporary:
            # A link, unlike a rename, fails where the file is there already: the first process wins.
            os.link(temporary, path)
            _sync_folder(path)
    return load(path)


def load(path: Path) -> MasterKeys:
    """The keys of the file. Raises ``MasterKeyFault`` when others may read it or it is damaged."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise MasterKeyFault(f"the master key file {path} cannot be read: {fault}") from None
    if mode & 0o077:
        raise MasterKeyFault(f"others may read the master key file {path}: run chmod 600 on it, then rotate the key")
    return from_texts(line for line in lines if line.strip() and not line.startswith("#"))


def rotate(path: Path) -> MasterKeys:
    """Put a new key in front. Old keys stay until everything is sealed anew and ``retire`` drops them."""
    with _alone(path):
        texts = [_text(key.raw) for key in load_or_create(path).keys]
        return _rewrite(path, [_new_text(), *texts])


def retire(path: Path, still_used: Iterable[str]) -> MasterKeys:
    """Drop the keys that sealed nothing any more; ``still_used`` names those found in sealed texts."""
    kept = frozenset(still_used)
    with _alone(path):
        keys = load(path)
        return _rewrite(path, [_text(key.raw) for key in keys.keys if key is keys.newest or key.key_id in kept])


def _rewrite(path: Path, texts: list[str]) -> MasterKeys:
    with _beside(path, texts) as temporary:
        temporary.replace(path)
        _sync_folder(path)
    return load(path)


@contextlib.contextmanager
def _beside(path: Path, texts: list[str]) -> Iterator[Path]:
    """A finished private file next to the real one, gone again afterwards if it was not moved into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join([_HEADING, *texts]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Only one process changes the file at a time; the lock is a file of its own, since the real one is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _new_text() -> str:
    return _text(secrets.token_bytes(KEY_BYTES))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise MasterKeyFault("a master key is not valid base64") from None
