"""A unit's folder on its SFTP server: one connection, to the judged address, and to the profile's host key alone."""

from __future__ import annotations

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncssh

from adapters.cancellation import cancellation_heard
from adapters.files.folder import LISTED_MAX, Entry, is_taken
from adapters.guard import OutboundGuard
from contracts.port import DeliveryFailed, Unauthorised, Unavailable
from contracts.ways.files import SftpSettings

T = TypeVar("T")

Secret = Callable[[str], Awaitable[str]]
"""A secret of the unit by its name; raises ``Unauthorised``."""

KEEPALIVE_SECONDS = 15.0
_PERSON = (
    asyncssh.PermissionDenied,
    asyncssh.HostKeyNotVerifiable,
    asyncssh.KeyExchangeFailed,
    asyncssh.ProtocolNotSupported,
    asyncssh.SFTPPermissionDenied,
    asyncssh.KeyImportError,
)


def is_host_key(text: str) -> bool:
    """Whether a text that looks like a host key is one."""
    try:
        asyncssh.import_public_key(text)
    except asyncssh.KeyImportError:
        return False
    return True


def sftp_endpoint(settings: SftpSettings) -> str:
    """The server's address as the outbound guard judges addresses."""
    return f"https://{settings.host}:{settings.port}/"


@dataclass(slots=True)
class SftpFolder:
    """Implements ``Folder``."""

    settings: SftpSettings
    folder: str
    guard: OutboundGuard
    secret: Secret
    limit_seconds: float
    _connection: asyncssh.SSHClientConnection | None = None
    _client: asyncssh.SFTPClient | None = None
    _connecting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _made: set[str] = field(default_factory=set)

    async def entries(self, where: str) -> Sequence[Entry]:
        """The plain files."""
        async with self._at_work() as client:
            found: list[Entry] = []
            async for each in client.scandir(await self._ready(client, where)):
                name, told = str(each.filename), each.attrs
                plain = told.permissions is not None and stat.S_ISREG(told.permissions)
                if plain and is_taken(name) and name.isprintable():
                    found.append(Entry(name, told.size or 0, float(told.mtime or 0)))
                if len(found) >= LISTED_MAX:
                    break
            return found

    async def read(self, where: str, name: str, most: int) -> bytes | None:
        """A file's bytes."""
        async with self._at_work() as client:
            try:
                async with client.open(f"{await self._ready(client, where)}/{name}", "rb") as file:
                    raw = await file.read(most)
                    return raw if isinstance(raw, bytes) else raw.encode()
            except asyncssh.SFTPNoSuchFile:
                return None

    async def write(self, where: str, name: str, content: bytes) -> None:
        """Put a file there as a whole."""
        async with self._at_work() as client:
            folder = await self._ready(client, where)
            beginning = f"{folder}/.{name}.tmp"
            async with client.open(beginning, "wb") as file:
                await file.write(content)
                with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                    await file.fsync()
            await _rename(client, beginning, f"{folder}/{name}")

    async def move(self, where: str, name: str, to: str, new_name: str) -> None:
        """Move a file."""
        async with self._at_work() as client:
            source, target = await self._ready(client, where), await self._ready(client, to)
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await _rename(client, f"{source}/{name}", f"{target}/{new_name}")

    async def exists(self, where: str, name: str) -> bool:
        """Whether there is anything by this name."""
        async with self._at_work() as client:
            return await client.lexists(f"{await self._ready(client, where)}/{name}")

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            connection.abort()
            with contextlib.suppress(OSError, asyncssh.Error, TimeoutError):
                async with asyncio.timeout(1.0):
                    await connection.wait_closed()

    async def _ready(self, client: asyncssh.SFTPClient, where: str) -> str:
        """The folder's path, made where it is missing."""
        path = f"{self.folder}/{where}"
        if path not in self._made:
            await client.makedirs(path, exist_ok=True)
            self._made.add(path)
        return path

    @contextlib.asynccontextmanager
    async def _at_work(self) -> AsyncIterator[asyncssh.SFTPClient]:
        connected = False
        try:
            async with asyncio.timeout(self.limit_seconds):
                client = await self._connected()
                connected = True
                yield client
        except DeliveryFailed:
            raise
        except TimeoutError:
            await self.close()
            raise Unavailable(
                "SFTP 服务器没有按时应答 / the SFTP server did not answer in time", in_doubt=True
            ) from None
        except _PERSON as fault:
            await self.close()
            raise Unauthorised(_said("SFTP 服务器不接受", "the SFTP server does not accept us", fault)) from None
        except asyncssh.SFTPError as fault:
            # The connection is sound; a folder may have been taken away.
            self._made.clear()
            raise Unavailable(_said("SFTP 操作失败", "the SFTP server failed", fault)) from None
        except (OSError, asyncssh.Error) as fault:
            await self.close()
            raise Unavailable(_said("SFTP 连接失败", "no SFTP connection", fault), in_doubt=connected) from None

    async def _connected(self) -> asyncssh.SFTPClient:
        async with self._connecting:
            if self._client is None or self._connection is None or self._connection.is_closed():
                self._made.clear()
                with cancellation_heard():
                    self._connection = await self._connect()
                    self._client = await self._connection.start_sftp_client()
            return self._client

    async def _connect(self) -> asyncssh.SSHClientConnection:
        settings, pin = self.settings, await self.guard.pin(sftp_endpoint(self.settings), self.limit_seconds)
        secret = await self.secret(settings.secret)
        by_key = secret.lstrip().startswith("-----BEGIN")
        return await asyncssh.connect(
            pin.address,
            settings.port,
            username=settings.user,
            password=None if by_key else secret,
            client_keys=[asyncssh.import_private_key(secret)] if by_key else None,
            known_hosts=([asyncssh.import_public_key(settings.host_key)], [], []),
            # Nothing of whoever runs the hub: no configuration, no agent, no keys of his own.
            config=None,
            agent_path=None,
            gss_host=None,
            x509_trusted_certs=None,
            connect_timeout=self.limit_seconds,
            keepalive_interval=KEEPALIVE_SECONDS,
        )


async def _rename(client: asyncssh.SFTPClient, old: str, new: str) -> None:
    try:
        await client.posix_rename(old, new)
    except asyncssh.SFTPOpUnsupported:
        # Older servers know only the rename that fails where the new name is taken.
        if await client.exists(new):
            await client.remove(new)
        await client.rename(old, new)


def _said(zh: str, en: str, fault: Exception) -> str:
    return f"{zh} / {en} ({type(fault).__name__})"
