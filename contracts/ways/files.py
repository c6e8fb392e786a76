"""Exchange by file (文件交换): a folder or an SFTP account where the hub reads a unit's files and writes its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.model import Line, Model, Optionally, RuleBroken
from contracts.paths import PathText
from contracts.ways.http import SecretName

_PART = r"[A-Za-z0-9_\u4e00-\u9fff][A-Za-z0-9_.\u4e00-\u9fff-]{0,99}"
# No part begins with a dot, so there is no way up and nothing hidden.
FOLDER_PATTERN = f"^{_PART}(/{_PART}){{0,7}}$"
HOST_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
HOST_KEY_PATTERN = r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,1400}={0,2}$"
SUFFIX_PATTERN = r"^\.[A-Za-z0-9]{1,16}$"

FolderName = Annotated[str, Field(pattern=FOLDER_PATTERN)]
"""A folder below the hub's files root (``--files-root``) or the SFTP account's own; nothing else can be named."""


class FileFormat(StrEnum):
    """What the hub writes files in. What it reads goes by each file's own ending."""

    CSV = "csv"
    XLSX = "xlsx"
    XML = "xml"


class ReadyRule(StrEnum):
    """How the hub knows that a file is whole: it stays as it is, another says so, or it was named so only then."""

    STABLE = "stable"
    MARKER = "marker"
    RENAMED = "renamed"


class SftpSettings(Model):
    """An SFTP account. ``secret`` names a password or a private key; ``host_key`` is the server's own, pinned."""

    host: Annotated[str, Field(pattern=HOST_PATTERN)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    user: Line
    secret: SecretName
    host_key: Annotated[str, Field(pattern=HOST_KEY_PATTERN)]


class FileSettings(Model):
    """Which folders, in which format. A file in ``inbox`` is read once it is whole, answered by a receipt in
    ``receipts`` and moved below ``done`` by its date; letters are put into ``outbox``.

    ``records`` is where an XML file has its records. With ``letters_per_file`` above 1 a file is closed when it is
    full, or after ``close_seconds``.
    """

    folder: FolderName
    sftp: Optionally[SftpSettings] = None
    format: FileFormat = FileFormat.CSV
    inbox: FolderName = "inbox"
    outbox: FolderName = "outbox"
    receipts: FolderName = "receipts"
    done: FolderName = "done"
    ready: ReadyRule = ReadyRule.STABLE
    settle_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    marker: Annotated[str, Field(pattern=SUFFIX_PATTERN)] = ".done"
    records: Optionally[PathText] = None
    sheet: Optionally[Line] = None
    header: bool = True
    byte_order_mark: bool = False
    letters_per_file: Annotated[int, Field(ge=1, le=1000)] = 1
    close_seconds: Annotated[float, Field(ge=0.05, le=30)] = 1.0
    every_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 10.0

    @model_validator(mode="after")
    def _folders_differ(self) -> FileSettings:
        if len({self.inbox, self.outbox, self.receipts, self.done}) < 4:
            raise RuleBroken("inbox、outbox、receipts、done 应各不相同", "inbox, outbox, receipts and done differ")
        if self.letters_per_file > 1 and self.format is FileFormat.XML and self.records is None:
            raise RuleBroken("一个 XML 文件装多封信件须有 records", "several letters in an XML file need records")
        return self
