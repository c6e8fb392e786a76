"""Starts a unit's SFTP server in another process; its folder is on this machine, where a test sees what lies in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "hub", "p@ss"


@dataclass(frozen=True, slots=True)
class SftpUnit:
    """A running server: its port, its host key, its folder, and a private key that it takes."""

    port: int
    host_key: str
    folder: Path
    private_key: str
    process: subprocess.Popen[bytes]

    def hang_up(self) -> None:
        """Every connection breaks, as when the server is started anew."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"hang up\n")
        self.process.stdin.flush()

    def settings(self, secret: str = "sftp", **more: Any) -> dict[str, Any]:
        """The profile's section."""
        said = {"host": "127.0.0.1", "port": self.port, "user": USER, "secret": secret, "host_key": self.host_key}
        return {**said, **more}


@contextmanager
def an_sftp_unit(folder: Path) -> Iterator[SftpUnit]:
    """A server in another process, ended with the block."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    public, private = key.export_public_key().decode().strip(), key.export_private_key().decode()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("sftp_partner.py")), str(folder), public],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield SftpUnit(told["port"], told["host_key"], folder, private, process)
    finally:
        process.kill()
        process.communicate()
