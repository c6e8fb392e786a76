"""The demo's claims, held against the partners' own journals: nothing lost, nothing twice, each case in order. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from hub.demo.evidence import Evidence
from hub.demo.journal import Row
from hub.demo.watch import OVER

STEPS_OF: Mapping[str, frozenset[str]] = {
    "case.report": frozenset({"report"}),
    "case.acceptance": frozenset({"accept"}),
    "case.rejection": frozenset({"reject"}),
    "case.dispatch": frozenset({"dispatch"}),
    "case.acknowledgement": frozenset({"acknowledge", "acknowledge_assisting"}),
    "case.return": frozenset({"return", "return_assisting"}),
    "case.feedback": frozenset({"progress", "answer", "answer_assisting"}),
    "case.verification": frozenset({"pass", "fail"}),
    "case.extension": frozenset({"request_extension"}),
    "case.extension-decision": frozenset({"extend", "refuse_extension"}),
    "case.suspension": frozenset({"request_suspension"}),
    "case.suspension-decision": frozenset({"suspend", "refuse_suspension"}),
    "case.resumption": frozenset({"resume"}),
    "case.dispute": frozenset({"dispute"}),
    "case.dispute-decision": frozenset({"uphold_dispute", "dismiss_dispute"}),
    "case.coordination-result": frozenset({"dispatch", "escalate"}),
    "case.sub-dispatch": frozenset({"sub_dispatch"}),
}
"""Which steps of the log a message of each kind may have taken."""

NEVER = frozenset({"signature.refused", "answer.differed"})
"""What no partner's journal may hold."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What does not hold, in sentences that name the case, the unit, the letter. Empty everywhere: all claims hold."""

    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    hanging: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every claim holds."""
        return not (self.lost or self.duplicated or self.out_of_order or self.unexpected or self.hanging)


def judge(evidence: Evidence) -> Verdict:
    """Every check over the evidence."""
    return Verdict(
        lost=_all(evidence, lost_reports, lost_letters, lost_messages, lost_words, lost_changes),
        duplicated=_all(evidence, doubled_reports, doubled_letters, doubled_messages, doubled_changes),
        out_of_order=_all(evidence, unordered_letters, unordered_changes),
        unexpected=_all(evidence, unexpected),
        hanging=_all(evidence, hanging),
    )


def redelivered(evidence: Evidence) -> int:
    """Arrivals that a receiver knew and dropped: allowed, and counted apart."""
    return sum(1 for row in _rows(evidence, "letter.received") if row["repeat"])


# -- lost ----------------------------------------------------------------------------------------------------------


def lost_reports(evidence: Evidence) -> Iterator[str]:
    """Each planned report was answered, and the hub has the case under the number that it answered."""
    told = {row["sender_case"]: row for row in _rows(evidence, "message.sent") if row["kind"] == "case.report"}
    kept = {case.get("sender_case_id"): case["case_number"] for case in evidence.cases}
    for name in evidence.planned:
        if name not in told:
            yield f"report {name}: never answered"
        elif kept.get(name) != told[name]["case_number"]:
            yield f"report {name}: answered as {told[name]['case_number']}, the hub has {kept.get(name)}"


def lost_letters(evidence: Evidence) -> Iterator[str]:
    """Each letter of the hub was delivered and is in its receiver's journal, which has none that the hub lacks."""
    taken = {(row["unit"], row["letter_id"]) for row in _rows(evidence, "letter.taken")}
    written = {(letter["unit_id"], letter["letter_id"]) for letter in evidence.letters}
    for letter in evidence.letters:
        name = f"letter {letter['letter_id']} ({letter['contract']}) to {letter['unit_id']}, {letter['case_number']}"
        if letter["state"] != "delivered":
            yield f"{name}: {letter['state']} after {letter.get('attempts', 0)} attempts, {letter.get('reason', '')}"
        elif (letter["unit_id"], letter["letter_id"]) not in taken:
            yield f"{name}: delivered, says the hub; the unit's journal lacks it"
    for unit, letter_id in sorted(taken - written):
        yield f"letter {letter_id} to {unit}: in the journal, unknown to the hub"


def lost_messages(evidence: Evidence) -> Iterator[str]:
    """What was answered is in the case's log: the entry that the answer names, and a step of the message's kind."""
    by_position = {entry["position"]: entry for entry in evidence.entries}
    by_version = {(entry["case_number"], entry["sequence"]): entry for entry in evidence.entries}
    steps = {(entry["case_number"], entry["unit_id"], entry["step"]) for entry in evidence.entries}
    for row in _rows(evidence, "message.sent"):
        answered = (row["case_number"], row["version"])
        # Not every way tells the position.
        entry = by_position.get(row["position"]) if "position" in row else by_version.get(answered)
        name = f"message {row['message_id']} of {row['unit']}"
        if entry is None or (entry["case_number"], entry["sequence"]) != answered:
            yield f"{name}: answered with {row['case_number']} v{row['version']}, which the log does not have"
        elif not any((row["case_number"], row["unit"], step) in steps for step in STEPS_OF[row["kind"]]):
            yield f"{name}: answered, but {row['case_number']} has no such step of {row['unit']}"
    for case, (steps_seen, version) in _log_lengths(evidence).items():
        if steps_seen != version:
            yield f"case {case}: version {version}, but its log has {steps_seen} entries"


def lost_words(evidence: Evidence) -> Iterator[str]:
    """What a unit handed over without an answer (in a queue, a file, to be fetched) took as many steps.

    What was on its way while the case was taken from the unit may take none; nor what a receipt calls refused.
    """
    taken = Counter((entry["case_number"], entry["unit_id"], entry["step"]) for entry in evidence.entries)
    recalled = {
        (row["unit"], row["case_number"])
        for row in _rows(evidence, "letter.taken")
        if row.get("contract", "").startswith("case.recall_notice")
    }
    refused = {(row["unit"], row["message_id"]) for row in _rows(evidence, "message.refused")}
    handed: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in _rows(evidence, "message.handed"):
        if (row["unit"], row["message_id"]) not in refused:
            handed[row["case_number"], row["unit"], row["kind"]].add(row["message_id"])
    for (case, unit, kind), names in handed.items():
        steps = sum(taken[case, unit, step] for step in STEPS_OF[kind])
        if steps < len(names) and (unit, case) not in recalled:
            yield f"{kind} of {unit}: {len(names)} handed over ({min(names)}), {case} has {steps} such steps"


def lost_changes(evidence: Evidence) -> Iterator[str]:
    """Whoever governs an area saw every step of its cases in the feed."""
    followers = {row["unit"] for row in _rows(evidence, "change.seen")}
    seen = Counter((row["unit"], row["case_number"]) for row in _rows(evidence, "change.seen"))
    for case in evidence.cases:
        unit = evidence.governors.get(case.get("area_id", ""))
        if unit in followers and seen[unit, case["case_number"]] < case["version"]:
            number = case["case_number"]
            yield f"feed of {unit}: {seen[unit, number]} of {case['version']} steps of {number}"


# -- twice ---------------------------------------------------------------------------------------------------------


def doubled_reports(evidence: Evidence) -> Iterator[str]:
    """One report is one case, however often it was sent."""
    counted = Counter(case["sender_case_id"] for case in evidence.cases if "sender_case_id" in case)
    for name, times in counted.items():
        if times > 1:
            yield f"report {name}: became {times} cases"


def doubled_letters(evidence: Evidence) -> Iterator[str]:
    """No letter took effect twice at its receiver."""
    for (unit, letter_id), times in _twice((r["unit"], r["letter_id"]) for r in _rows(evidence, "letter.taken")):
        yield f"letter {letter_id}: took effect {times} times at {unit}"


def doubled_messages(evidence: Evidence) -> Iterator[str]:
    """A unit took each step in a case no more often than it sent messages, under different keys, that may take it."""
    sent: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in (*_rows(evidence, "message.sent"), *_rows(evidence, "message.handed")):
        for step in STEPS_OF[row["kind"]]:
            sent[row["case_number"], row["unit"], step].add(row["message_id"])
    known = frozenset().union(*STEPS_OF.values())
    taken = Counter(
        (entry["case_number"], entry["unit_id"], entry["step"])
        for entry in evidence.entries
        if entry["step"] in known and entry["unit_id"] != "hub"
    )
    for (case, unit, step), times in taken.items():
        if times > len(sent[case, unit, step]):
            yield f"case {case}: {unit} took {step} {times} times and asked for it {len(sent[case, unit, step])} times"


def doubled_changes(evidence: Evidence) -> Iterator[str]:
    """The feed told no follower the same change twice."""
    for (unit, position), times in _twice((r["unit"], r["position"]) for r in _rows(evidence, "change.seen")):
        yield f"feed of {unit}: {position} came {times} times"


# -- in order ------------------------------------------------------------------------------------------------------


def unordered_letters(evidence: Evidence) -> Iterator[str]:
    """A unit's letters of one case took effect in the order in which the hub counted them."""
    came: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in _rows(evidence, "letter.taken"):
        came[row["unit"], row["case_number"]].setdefault(row["letter_id"], row["sequence"])
    for (unit, case), letters in came.items():
        yield from _falls(list(letters.values()), f"letters of {case} to {unit}")


def unordered_changes(evidence: Evidence) -> Iterator[str]:
    """Every follower saw commit order, and the steps of each case in theirs."""
    feeds: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    steps: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in _rows(evidence, "change.seen"):
        feeds[row["unit"]].append(tuple(int(part) for part in row["position"].split("-")))
        steps[row["unit"], row["case_number"]].append(row["sequence"])
    for unit, positions in feeds.items():
        yield from _falls(positions, f"feed of {unit}")
    for (unit, case), sequences in steps.items():
        yield from _falls(sequences, f"feed of {unit}, {case}")


# -- the rest ------------------------------------------------------------------------------------------------------


def unexpected(evidence: Evidence) -> Iterator[str]:
    """No signature was bad, no repeat was answered differently."""
    for row in evidence.rows:
        if row["what"] in NEVER:
            yield f"{row['what']} at {row['unit']}: {row.get('reason') or row.get('message_id')}"


def hanging(evidence: Evidence) -> Iterator[str]:
    """Every case is over; one that is not says where it waits, and on what."""
    waiting: dict[str, list[str]] = defaultdict(list)
    for letter in evidence.letters:
        if letter["state"] != "delivered":
            waiting[letter["case_number"]].append(f"{letter['contract']} to {letter['unit_id']} {letter['state']}")
    refused = {row["message_id"]: row for row in _rows(evidence, "message.refused")}
    for case in evidence.cases:
        if case["state"] in OVER:
            continue
        number = case["case_number"]
        why = [f"with {case['lead_unit_id']}, due {case.get('due_at')}"] if case.get("lead_unit_id") else []
        why += waiting[number]
        why += [f"{key} refused: {row['problem']}" for key, row in refused.items() if number in key]
        yield f"case {number} is {case['state']} since {case['changed_at']}: {'; '.join(why) or 'nobody acts'}"


def _all(evidence: Evidence, *checks: Callable[[Evidence], Iterable[str]]) -> tuple[str, ...]:
    return tuple(sentence for check in checks for sentence in check(evidence))


def _rows(evidence: Evidence, what: str) -> Iterator[Row]:
    return (row for row in evidence.rows if row["what"] == what)


def _twice(names: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], int]]:
    return ((name, times) for name, times in Counter(names).items() if times > 1)


def _falls(values: list[int] | list[tuple[int, ...]], name: str) -> Iterator[str]:
    for before, after in pairwise(values):
        if after <= before:  # type: ignore[operator]
            yield f"{name}: {after} came after {before}"


def _log_lengths(evidence: Evidence) -> dict[str, tuple[int, int]]:
    entries = Counter(entry["case_number"] for entry in evidence.entries)
    return {case["case_number"]: (entries[case["case_number"]], case["version"]) for case in evidence.cases}
