"""What of an exchange by file cannot work, found before a profile is applied. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters.files.opening import NO_ROOT
from adapters.files.sftp import is_host_key
from contracts.mapping import UnitMapping
from contracts.paths import parse_path
from contracts.port import ProfileFault
from contracts.profile import ConnectionProfile
from contracts.ways.files import FileFormat


def file_faults(entry: ConnectionProfile, root: Path | None) -> Iterator[ProfileFault]:
    """Every fault of a connection by file; none of another."""
    settings, mapping = entry.file, entry.mapping
    if settings is None:
        return
    if settings.sftp is None and root is None:
        yield ProfileFault(("file", "folder"), *NO_ROOT, "files_root")
    if settings.sftp is not None and not is_host_key(settings.sftp.host_key):
        yield ProfileFault(
            ("file", "sftp", "host_key"),
            "不是有效的公钥;请取服务器 /etc/ssh/ssh_host_ed25519_key.pub 中的一行",
            "it is no valid public key: take the line of the server's /etc/ssh/ssh_host_ed25519_key.pub",
            "host_key",
        )
    if settings.letters_per_file > 1 and settings.close_seconds >= entry.timeout_seconds:
        yield ProfileFault(
            ("file", "close_seconds"),
            "应小于 timeout_seconds,否则信件总是超时",
            "it must be below timeout_seconds, or every letter would time out",
            "time",
        )
    if mapping is None:
        yield ProfileFault(("mapping",), "文件交换须有 mapping", "exchange by file needs a mapping", "mapping")
        return
    yield from _rows_to_read(mapping)
    if settings.format is not FileFormat.XML:
        yield from _columns_to_write(mapping)


def _rows_to_read(mapping: UnitMapping) -> Iterator[ProfileFault]:
    forms = [table.written_as or mapping.written_as for table in mapping.into]
    for index, form in enumerate(forms):
        if form != forms[0]:
            yield ProfileFault(
                ("mapping", "in", index, "written_as"),
                "一个收件文件夹只有一种书写方式:各 in 表的 written_as 须相同",
                "an inbox is written in one way: the written_as of all in tables must be the same",
                "mapping",
            )


def _columns_to_write(mapping: UnitMapping) -> Iterator[ProfileFault]:
    for index, table in enumerate(mapping.out):
        for at, rule in enumerate(table.fields):
            if rule.to is not None and len(parse_path(rule.to)) != 1:
                yield ProfileFault(
                    ("mapping", "out", index, "fields", at),
                    f"{rule.to} 不是列名:CSV 和 Excel 中每个字段是一列",
                    f"{rule.to} is no column: in CSV and Excel each field is one",
                    "mapping",
                )
