"""The day as it can be watched from outside: the change feed folded into where each case stands."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.demo.hub_client import HubClient

OVER = frozenset({"closed", "rejected", "duplicate", "voided"})
"""The states that no step leaves, as the interface documents them."""

RECENT = 8
PAUSE_SECONDS = 0.25


@dataclass(slots=True)
class Standing:
    """Where one case stands, by its last entry."""

    state: str = ""
    stage: str = ""
    unit_id: str | None = None
    due_at: datetime | None = None
    changed_at: str = ""
    last: str = ""


@dataclass(slots=True)
class Picture:
    """All cases as the feed told them so far, and the newest entries."""

    cases: dict[str, Standing] = field(default_factory=dict)
    dispatched: Counter[str] = field(default_factory=Counter)
    recent: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))

    def take(self, entry: Mapping[str, Any]) -> None:
        """One entry more."""
        standing = self.cases.setdefault(entry["case_number"], Standing())
        standing.state, standing.stage = entry["state"], entry["stage"]
        standing.changed_at, standing.last = entry["known_at"], entry["step_name"]
        fact = entry["fact"]
        order = fact.get("order") or fact.get("rework")
        if order:
            standing.unit_id, standing.due_at = order["unit_id"], datetime.fromisoformat(order["due_at"])
            self.dispatched[order["unit_id"]] += 1
        self.recent.append(entry)

    @property
    def over(self) -> int:
        """How many cases are over."""
        return sum(1 for each in self.cases.values() if each.state in OVER)

    @property
    def by_stage(self) -> Counter[str]:
        """Cases by stage."""
        return Counter(each.stage for each in self.cases.values())

    def with_units(self) -> Counter[str]:
        """Cases in the hands of each unit."""
        return Counter(each.unit_id for each in self._handled() if each.unit_id)

    def late(self, now: datetime) -> Counter[str]:
        """Of these, cases past their deadline."""
        return Counter(each.unit_id for each in self._handled() if each.unit_id and each.due_at and each.due_at < now)

    def _handled(self) -> list[Standing]:
        return [each for each in self.cases.values() if each.state in ("dispatched", "acknowledged")]


async def watch(admin: HubClient, picture: Picture, cases: int) -> None:
    """Follow the feed until so many cases are registered and all of them over."""
    cursor = ""
    while len(picture.cases) < cases or picture.over < len(picture.cases):
        page = await admin.get(f"/api/v1/changes?wait=5&limit=500{f'&after={cursor}' if cursor else ''}")
        for entry in page["items"]:
            picture.take(entry)
        cursor = page["cursor"]
        if not page["more"]:
            await asyncio.sleep(PAUSE_SECONDS)


async def count_letters(admin: HubClient, letters: dict[str, Mapping[str, Any]]) -> None:
    """Keep the newest letters' states; those older than a page that was seen whole change no more in the view."""
    while True:
        page = await admin.get("/api/v1/letters?limit=500")
        letters.update((letter["letter_id"], letter) for letter in page["items"])
        await asyncio.sleep(1.0)
