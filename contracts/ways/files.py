"""Exchange by file (文件交换): a folder or an SFTP account with an inbox and an outbox."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from contracts.model import Model


class FileSettings(Model):
    """Which folders, in which format."""

    folder: Annotated[str, Field(min_length=1, max_length=500)]
