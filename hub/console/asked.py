"""What a reader asks of the overview: which day, which mode, how the units are sorted; links that change it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from contracts.envelope import Mode


class Sort(StrEnum):
    """The columns by which units are sorted."""

    UNIT = "unit"
    OPEN = "open"
    LATE = "late"
    NEXT = "next"
    WAITING = "waiting"
    HELD = "held"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asked for: which day (None: today), which mode, how the units are sorted."""

    day: date | None = None
    mode: Mode = Mode.LIVE
    sort: Sort = Sort.LATE
    descending: bool = True

    def query(self, **changes: Any) -> str:
        """The query of a link that changes some of it; what is usual is left out."""
        values: dict[str, Any] = {"day": self.day, "mode": self.mode, "sort": self.sort, "down": self.descending}
        values |= changes
        given: dict[str, str] = {}
        if values["day"] is not None:
            given["day"] = values["day"].isoformat()
        if values["mode"] is not Mode.LIVE:
            given["mode"] = values["mode"].value
        if values["sort"] is not Sort.LATE or not values["down"]:
            given |= {"sort": values["sort"].value, "down": "1" if values["down"] else "0"}
        return "?" + urlencode(given) if given else ""
