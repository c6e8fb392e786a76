"""The bends of the day's cases (案件的曲折), counted from the hub's own log. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Entry = Mapping[str, Any]

BENDS: Mapping[str, tuple[str, Callable[[Entry], bool]]] = {
    "returns": ("退回", lambda entry: entry["step"] == "return"),
    "coordinations": ("协调", lambda entry: entry["step"] == "coordinate"),
    "disputes_at_centre": (
        "争议至指挥中心",
        lambda entry: (
            entry["step"] in ("coordinate", "escalate")
            and (entry["fact"]["rule"], entry["fact"]["level"]) == ("returned", "command_center")
        ),
    ),
    "escalations": ("提级", lambda entry: entry["step"] == "escalate"),
    "substitutes": (
        "代整改",
        lambda entry: entry["step"] == "dispatch" and entry["fact"]["order"].get("substitute", False),
    ),
    "second_dispatches": ("二次派遣", lambda entry: entry["step"] == "recall" and entry["fact"].get("second", False)),
    "extensions": ("延期", lambda entry: entry["step"] == "extend"),
    "suspensions": ("挂账", lambda entry: entry["step"] == "suspend"),
    "disputes": ("争议", lambda entry: entry["step"] == "dispute"),
    "assistances": ("协助", lambda entry: entry["step"] == "assist"),
    "sub_dispatches": ("二级派遣", lambda entry: entry["step"] == "sub_dispatch"),
    "duplicates": ("重复", lambda entry: entry["step"] == "link_duplicate"),
    "reworks": ("返工", lambda entry: entry["step"] == "fail"),
    "late_proofs": ("补传", lambda entry: entry["step"] == "answer" and "late_proof" in entry["fact"]),
    "reminders": ("提醒催办督办", lambda entry: entry["step"] in ("warn", "remind", "supervise")),
}
"""Each kind: its word, and which entry is one."""


SHOWN = (
    *("returns", "disputes_at_centre", "extensions", "suspensions", "second_dispatches", "substitutes"),
    *("disputes", "duplicates", "late_proofs"),
)
"""What a day of the demo is to show, however short, from as many reports on as open it."""


def missing(counted: Mapping[str, int]) -> list[str]:
    """What of it did not happen."""
    return [name for name in SHOWN if not counted[name]]


def bends(entries: Iterable[Entry]) -> dict[str, int]:
    """How often each happened."""
    log = list(entries)
    return {name: sum(1 for entry in log if is_one(entry)) for name, (_, is_one) in BENDS.items()}


def told(counted: Mapping[str, int]) -> str:
    """One line for the terminal."""
    return "、".join(f"{BENDS[name][0]} {count}" for name, count in counted.items() if count)
