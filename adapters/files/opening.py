"""Opens a connection's folder: below the files root, or on the unit's SFTP server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from adapters.files.folder import Folder
from adapters.files.local import LocalFolder
from adapters.files.sftp import SftpFolder
from adapters.guard import OutboundGuard
from auth.port import Secrets
from contracts.nouns import Connection
from contracts.port import Unauthorised
from contracts.ways.files import FileSettings

THREADS = 4

NO_ROOT = ("枢纽没有设置文件根目录(--files-root)", "the hub has no files root (--files-root)")


@dataclass(frozen=True, slots=True)
class Folders:
    """What opening a folder needs."""

    root: Path | None
    guard: OutboundGuard
    secrets: Secrets
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="files"), repr=False
    )

    def of(self, connection: Connection, settings: FileSettings) -> Folder:
        """The connection's folder. Raises ``Unauthorised`` where the hub has no place for files."""
        if settings.sftp is None:
            if self.root is None:
                raise Unauthorised(" / ".join(NO_ROOT))
            return LocalFolder(self.root, settings.folder, self._threads, connection.timeout_seconds)

        async def secret(name: str) -> str:
            try:
                return (await self.secrets.named(connection.unit_id, name)).rstrip("\r\n")
            except KeyError:
                raise Unauthorised(
                    f"单位 {connection.unit_id} 没有名为 {name} 的密钥 / "
                    f"the unit {connection.unit_id} has no secret named {name}"
                ) from None

        return SftpFolder(settings.sftp, settings.folder, self.guard, secret, connection.timeout_seconds)

    def close(self) -> None:
        """Let go of the threads; what they write they finish."""
        self._threads.shutdown(wait=False)
