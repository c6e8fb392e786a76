"""Following the change feed: page after page, the cursor on the disk only after what it passed was dealt with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from hub.demo.hub_client import HubClient

PAUSE_SECONDS = 0.3


async def follow(client: HubClient, cursor_file: Path) -> AsyncIterator[list[dict[str, Any]]]:
    """Pages of entries. A page counts as passed when the next one is asked for: then the cursor is kept."""
    cursor = _kept(cursor_file)
    while True:
        after = f"&after={cursor}" if cursor else ""
        page = await client.get(f"/api/v1/changes?wait=20&limit=200{after}")
        if page["items"]:
            yield page["items"]
        cursor = page["cursor"]
        _keep(cursor_file, cursor)
        if not page["more"]:
            await asyncio.sleep(PAUSE_SECONDS)


def _kept(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _keep(file: Path, cursor: str) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(cursor)
    draft.replace(file)
