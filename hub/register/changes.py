"""What a file changes: each of its lines against what is known, as intervals to end and intervals to begin. Pure.

A line says how it is from its first day on, until its last day or until the next interval that is known already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from hub.register.entries import Entry, Line

_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a line does to the register."""

    ADDED = "added"
    CHANGED_OWNER = "changed_owner"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """One line's effect: ``before`` is no longer believed as it was, ``kept`` is what remains of it before the line.

    ``until`` is the last day for which the line speaks; None is open.
    """

    kind: Kind
    line: Line
    until: date | None
    before: Entry | None = None
    kept: Entry | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a whole file changes, in the order of its lines."""

    changes: tuple[Change, ...]

    def counts(self) -> dict[Kind, int]:
        """How many lines do what."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in Kind}

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of a kind."""
        return tuple(change for change in self.changes if change.kind is kind)


def difference(lines: Iterable[Line], known: Mapping[str, Sequence[Entry]]) -> Difference:
    """What the lines change in what is ``known`` now: the believed intervals of each code, in any order."""
    return Difference(tuple(_change(line, known.get(line.component_code, ())) for line in lines))


def _change(line: Line, known: Sequence[Entry]) -> Change:
    first = line.valid_from
    later = [entry.valid_from for entry in known if entry.valid_from > first]
    ends = [day for day in (line.valid_to, min(later) - _DAY if later else None) if day is not None]
    until = min(ends) if ends else None
    before = next((entry for entry in known if entry.in_force(first)), None)
    if before is None:
        return Change(Kind.ADDED, line, until)
    if before.told == line.told and before.valid_to == until:
        return Change(Kind.UNCHANGED, line, until, before)
    kept = replace(before, valid_to=first - _DAY) if before.valid_from < first else None
    moved = before.told.owner_unit_id != line.told.owner_unit_id
    return Change(Kind.CHANGED_OWNER if moved else Kind.CHANGED, line, until, before, kept)


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What writing a difference comes to: entries that are believed no longer, and those that are from now on."""

    ended: tuple[Entry, ...]
    begun: tuple[Entry, ...]


def rewriting(found: Difference, import_id: int, file_name: str, now: datetime) -> Rewriting:
    """The entries to end and to begin. What remains of an old interval keeps the file and line that it came from."""
    changes = [change for change in found.changes if change.kind is not Kind.UNCHANGED]
    kept = [replace(change.kept, known_from=now, entry_id=0) for change in changes if change.kept is not None]
    new = [
        Entry(
            component_code=change.line.component_code,
            told=change.line.told,
            valid_from=change.line.valid_from,
            valid_to=change.until,
            source=change.line.source,
            import_id=import_id,
            file_name=file_name,
            line=change.line.number,
            known_from=now,
        )
        for change in changes
    ]
    return Rewriting(tuple(change.before for change in changes if change.before is not None), (*kept, *new))
