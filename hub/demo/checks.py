"""Compares what partners wrote down with what the hub says. Pure: lists of plain documents in, findings out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Line = Mapping[str, Any]

STEP_OF = {
    "acknowledgement": "acknowledge",
    "return": "return",
    "dispatch": "dispatch",
    "acceptance": "accept",
    "rejection": "reject",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison found. Each list names the things themselves, so that a fault can be looked up."""

    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    out_of_order: tuple[str, ...]
    redelivered: int
    bad: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Nothing lost, doubled, out of order or otherwise wrong."""
        return not (self.lost or self.duplicated or self.out_of_order or self.bad)


def check(
    journals: Sequence[Line], letters: Iterable[Line], cases: Iterable[Line], entries: Mapping[str, Sequence[Line]]
) -> Verdict:
    """The whole comparison: partners' lines, the hub's letters, cases, and entries by case."""
    told, known = list(letters), list(cases)
    received = Counter(line["letter_id"] for line in journals if line["kind"] == "letter")
    effects = Counter(line["letter_id"] for line in journals if line["kind"] == "effect")
    return Verdict(
        lost=tuple([*lost_letters(told, received), *lost_reports(journals, known), *lost_messages(journals, entries)]),
        duplicated=tuple([*doubled_effects(effects), *doubled_reports(known), *doubled_steps(journals, entries)]),
        out_of_order=tuple([*disordered_letters(journals), *disordered_changes(journals)]),
        redelivered=sum(count - 1 for count in received.values()),
        bad=tuple(
            f"{line['kind']} {line.get('unit_id') or line.get('key') or line.get('fault')}"
            for line in journals
            if line["kind"] in ("bad_signature", "changed_answer", "fault")
        ),
    )


def lost_letters(letters: Iterable[Line], received: Mapping[str, int]) -> list[str]:
    """Letters that no partner has, whatever the hub believes."""
    return [f"letter {each['letter_id']} ({each['state']})" for each in letters if each["letter_id"] not in received]


def lost_reports(journals: Iterable[Line], cases: Iterable[Line]) -> list[str]:
    """Reports that were answered with a number but are no case."""
    numbers = {case["case_number"] for case in cases}
    answered = {line["case_number"] for line in journals if line["kind"] == "reported" and line["status"] == 201}
    return [f"report {number}" for number in sorted(answered - numbers)]


def lost_messages(journals: Iterable[Line], entries: Mapping[str, Sequence[Line]]) -> list[str]:
    """Messages that were answered as accepted but left no entry."""
    return [
        f"{what} of {number}" for (number, unit, what), wanted, found in _steps(journals, entries) if found < wanted
    ]


def doubled_steps(journals: Iterable[Line], entries: Mapping[str, Sequence[Line]]) -> list[str]:
    """Entries for which no accepted message stands."""
    return [
        f"{what} of {number}" for (number, unit, what), wanted, found in _steps(journals, entries) if found > wanted
    ]


def _steps(
    journals: Iterable[Line], entries: Mapping[str, Sequence[Line]]
) -> list[tuple[tuple[str, str, str], int, int]]:
    wanted: Counter[tuple[str, str, str]] = Counter()
    for line in journals:
        if line["kind"] == "sent" and line["status"] in (200, 201):
            step = STEP_OF.get(line["what"])
            if line["what"] == "feedback":
                step = "answer" if line["final"] else "progress"
            if step is not None:
                wanted[line["case_number"], line["unit_id"], step] += 1
    found: Counter[tuple[str, str, str]] = Counter()
    told = {*STEP_OF.values(), "answer", "progress"}
    for number, log in entries.items():
        for entry in log:
            if entry["step"] in told and entry["unit_id"] != "hub":
                found[number, entry["unit_id"], entry["step"]] += 1
    return [(key, wanted[key], found[key]) for key in sorted(wanted.keys() | found.keys())]


def doubled_effects(effects: Mapping[str, int]) -> list[str]:
    """Letters that took effect twice at their receiver."""
    return [f"letter {letter_id}" for letter_id, count in effects.items() if count > 1]


def doubled_reports(cases: Iterable[Line]) -> list[str]:
    """One report of a sender that became two cases."""
    seen = Counter(case["sender_case_id"] for case in cases if "sender_case_id" in case)
    return [f"report {name}" for name, count in seen.items() if count > 1]


def disordered_letters(journals: Iterable[Line]) -> list[str]:
    """Letters of a case that reached a unit in another order than they were written."""
    last: dict[tuple[str, str], int] = {}
    found = []
    for line in journals:
        if line["kind"] == "effect":
            key = (line["unit_id"], line["case_number"])
            if line["sequence"] <= last.get(key, 0):
                found.append(f"letter {line['letter_id']}")
            last[key] = line["sequence"]
    return found


def disordered_changes(journals: Iterable[Line]) -> list[str]:
    """Changes of a unit's feed that came out of commit order, or twice."""
    last: dict[str, tuple[int, int]] = {}
    found = []
    for line in journals:
        if line["kind"] == "change":
            epoch, _, position = line["position"].partition("-")
            at = (int(epoch), int(position))
            if at <= last.get(line["unit_id"], (0, 0)):
                found.append(f"change {line['position']}")
            last[line["unit_id"]] = at
    return found
