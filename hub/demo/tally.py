"""What each unit did, counted from the hub's own answers: dispatched, in time, late, returned, rework. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hub.demo.evidence import Document, Evidence


@dataclass(slots=True)
class UnitTally:
    """One unit's day. Each dispatch is in time, late, returned or open; rework counts those that were ordered again."""

    name_zh: str
    dispatched: int = 0
    in_time: int = 0
    late: int = 0
    returned: int = 0
    open: int = 0
    rework: int = 0
    letters: int = 0
    redelivered: int = 0

    def document(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def tally(evidence: Evidence, names: Mapping[str, str]) -> dict[str, UnitTally]:
    """Every unit that had a dispatch or a letter, the busiest first."""
    made: dict[str, UnitTally] = {}

    def of(unit_id: str) -> UnitTally:
        return made.setdefault(unit_id, UnitTally(names.get(unit_id, unit_id)))

    for dispatch in _dispatches(evidence.cases):
        _count(of(dispatch["unit_id"]), dispatch)
    for letter in evidence.letters:
        of(letter["unit_id"]).letters += 1
    for row in evidence.rows:
        if row["what"] == "letter.received" and row["repeat"]:
            of(row["unit"]).redelivered += 1
    return dict(sorted(made.items(), key=lambda item: (-item[1].dispatched, item[0])))


def transports(evidence: Evidence) -> dict[str, int]:
    """Letters by the way they took, as their receivers noted it; the messages that the hub fetched from units that
    cannot call; and the changes that followers read."""
    counted = Counter(row["via"] for row in evidence.rows if row["what"] == "letter.taken")
    counted["poll"] = sum(1 for row in evidence.rows if row["what"] == "message.handed" and row["by"] == "poll")
    counted["feed"] = sum(1 for row in evidence.rows if row["what"] == "change.seen")
    return dict(counted)


def ways_in(evidence: Evidence) -> dict[str, int]:
    """Messages by the way in, as their senders noted it; each counted once, however often it was said."""
    said = {
        (row["unit"], row["message_id"]): row.get("by", "rest")
        for row in evidence.rows
        if row["what"] in ("message.sent", "message.handed")
    }
    return dict(Counter(said.values()))


def _dispatches(cases: Iterable[Document]) -> Iterable[Document]:
    return (dispatch for case in cases for dispatch in case.get("dispatches", ()))


def _count(unit: UnitTally, dispatch: Document) -> None:
    unit.dispatched += 1
    unit.rework += dispatch["round"] > 1
    if "returned_at" in dispatch:
        unit.returned += 1
    elif "answered_at" not in dispatch:
        unit.open += 1
    elif datetime.fromisoformat(dispatch["answered_at"]) > datetime.fromisoformat(dispatch["due_at"]):
        unit.late += 1
    else:
        unit.in_time += 1
