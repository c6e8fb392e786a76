"""A unit's folder on the hub's own machine, below the files root. No link is followed and no way leads out of it.

Whoever may write into the folder could put a link where a folder was a moment ago. So no path is ever opened by its
text: each folder is opened from the one above, as a folder and not as a link, and files from the folder that is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from adapters.files.folder import LISTED_MAX, Entry, is_taken
from contracts.port import Unauthorised, Unavailable

T = TypeVar("T")

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PERSON = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENOTDIR, errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG}


class LocalFolder:
    """Implements ``Folder``. ``threads`` bounds how many calls may wait for a slow disk."""

    def __init__(self, root: Path, folder: str, threads: ThreadPoolExecutor, limit_seconds: float) -> None:
        self._root = root
        self._folder = tuple(folder.split("/"))
        self._threads = threads
        self._limit_seconds = limit_seconds

    async def entries(self, where: str) -> Sequence[Entry]:
        """The plain files."""
        return await self._beside(lambda: self._entries(where))

    async def read(self, where: str, name: str, most: int) -> bytes | None:
        """A file's bytes."""
        return await self._beside(lambda: self._read(where, name, most))

    async def write(self, where: str, name: str, content: bytes) -> None:
        """Put a file there as a whole."""
        await self._beside(lambda: self._write(where, name, content))

    async def move(self, where: str, name: str, to: str, new_name: str) -> None:
        """Move a file."""
        await self._beside(lambda: self._move(where, name, to, new_name))

    async def exists(self, where: str, name: str) -> bool:
        """Whether there is anything by this name."""
        return await self._beside(lambda: self._exists(where, name))

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _beside(self, act: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, act)
        except TimeoutError:
            raise Unavailable("文件夹没有反应 / the folder does not respond", in_doubt=True) from None
        except OSError as fault:
            said = fault.strerror or type(fault).__name__
            if fault.errno in _PERSON:
                raise Unauthorised(f"文件夹不可用(权限或链接) / the folder cannot be used: {said}") from None
            raise Unavailable(f"文件夹暂不可用 / the folder is not available: {said}") from None

    @contextlib.contextmanager
    def _opened(self, where: str) -> Iterator[int]:
        here = os.open(self._root, _FOLDER)
        try:
            for part in (*self._folder, *where.split("/")):
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=here)
                below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def _entries(self, where: str) -> Sequence[Entry]:
        found: list[Entry] = []
        with self._opened(where) as folder, os.scandir(folder) as scan:
            for each in scan:
                # A name that is no text could not be written into a receipt.
                if len(found) >= LISTED_MAX:
                    break
                if not is_taken(each.name) or not each.name.isprintable():
                    continue
                with contextlib.suppress(FileNotFoundError):
                    told = each.stat(follow_symlinks=False)
                    if stat.S_ISREG(told.st_mode):
                        found.append(Entry(each.name, told.st_size, told.st_mtime))
        return found

    def _read(self, where: str, name: str, most: int) -> bytes | None:
        with self._opened(where) as folder:
            try:
                # Without O_NONBLOCK a pipe by that name would hold the thread for ever.
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            except FileNotFoundError:
                return None
            with os.fdopen(file, "rb") as opened:
                return opened.read(most) if stat.S_ISREG(os.fstat(file).st_mode) else None

    def _write(self, where: str, name: str, content: bytes) -> None:
        # Of its own each time: a try that was given up may still be writing.
        beginning = f".{name}.{secrets.token_hex(4)}.tmp"
        with self._opened(where) as folder:
            with os.scandir(folder) as entries:
                left = [each.name for each in entries if each.name.startswith(f".{name}.")]
            for each in left:
                # From before a crash, or of the try that was given up, which ends when it finds it gone.
                if each.endswith(".tmp"):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(each, dir_fd=folder)
            file = os.open(beginning, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o664, dir_fd=folder)
            with os.fdopen(file, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(file)
            os.rename(beginning, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def _move(self, where: str, name: str, to: str, new_name: str) -> None:
        with self._opened(where) as source, self._opened(to) as target:
            with contextlib.suppress(FileNotFoundError):
                os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
            os.fsync(target)
            os.fsync(source)

    def _exists(self, where: str, name: str) -> bool:
        with self._opened(where) as folder:
            try:
                os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return False
            return True
