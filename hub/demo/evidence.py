"""What there is to judge by: the hub's cases, entries and letters as it tells them, and the partners' own journals."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.demo.hub_client import HubClient
from hub.demo.journal import Row, read_rows

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both sides of the story. ``rows`` are all journals', each journal's in its order; ``planned`` the sender's own
    numbers of the reports that were to be sent; ``governors`` says whose feed must show an area's cases."""

    planned: Sequence[str]
    governors: Mapping[str, str]
    cases: Sequence[Document]
    entries: Sequence[Document]
    letters: Sequence[Document]
    rows: Sequence[Row]


async def gather(admin: HubClient, journals: Path, planned: Sequence[str], governors: Mapping[str, str]) -> Evidence:
    """Ask the hub first, read the journals after: what the hub calls delivered must be in them by then."""
    cases = [case async for case in admin.pages("/api/v1/cases?limit=500")]
    letters = [letter async for letter in admin.pages("/api/v1/letters?limit=500")]
    entries = await _log(admin)
    return Evidence(planned, governors, cases, entries, letters, await asyncio.to_thread(_rows, journals))


def _rows(journals: Path) -> list[Row]:
    return [row for path in sorted(journals.glob("*.jsonl")) for row in read_rows(path)]


async def _log(admin: HubClient) -> list[Document]:
    """The whole log, from its first entry, in commit order."""
    entries: list[Document] = []
    cursor = ""
    while True:
        page = await admin.get(f"/api/v1/changes?limit=500{f'&after={cursor}' if cursor else ''}")
        entries.extend(page["items"])
        cursor = page["cursor"]
        if not page["more"]:
            return entries
