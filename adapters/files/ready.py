"""Which files of a folder are whole: as long as one may still be written, it is not read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.files.folder import Entry
from contracts.ways.files import FileSettings, ReadyRule


@dataclass(slots=True)
class Readiness:
    """Remembers since when each file is what it is."""

    settings: FileSettings
    _since: dict[str, tuple[Entry, float]] = field(default_factory=dict)
    _alone: dict[str, Entry] = field(default_factory=dict)

    def whole(self, entries: Sequence[Entry], now: float) -> list[Entry]:
        """The files that are whole, the oldest first; ``now`` only moves forward."""
        named = {entry.name: entry for entry in entries}
        marker = self.settings.marker
        files = [entry for entry in entries if not (self._by_marker and entry.name.endswith(marker))]
        self._since = {
            entry.name: self._since[entry.name]
            if entry.name in self._since and self._since[entry.name][0] == entry
            else (entry, now)
            for entry in files
        }
        if self._by_marker:
            # Left behind by an earlier file: it says nothing of the next one by that name.
            self._alone = {
                name: entry
                for name, entry in named.items()
                if name.endswith(marker) and (name.removesuffix(marker) not in named or self._alone.get(name) == entry)
            }
        return sorted(
            (entry for entry in files if self._is_whole(entry, named, now)), key=lambda each: (each.modified, each.name)
        )

    def next_seconds(self, now: float) -> float | None:
        """In how many seconds another may be whole; None where only another look will tell."""
        if self.settings.ready is not ReadyRule.STABLE or not self._since:
            return None
        first = min(since for _, since in self._since.values()) + self.settings.settle_seconds
        return max(first - now, 0.0)

    @property
    def _by_marker(self) -> bool:
        return self.settings.ready is ReadyRule.MARKER

    def _is_whole(self, entry: Entry, named: Mapping[str, Entry], now: float) -> bool:
        match self.settings.ready:
            case ReadyRule.RENAMED:
                return True
            case ReadyRule.MARKER:
                marker = entry.name + self.settings.marker
                return marker in named and (marker not in self._alone or self._is_settled(entry, now))
            case ReadyRule.STABLE:
                return self._is_settled(entry, now)

    def _is_settled(self, entry: Entry, now: float) -> bool:
        return now - self._since[entry.name][1] >= self.settings.settle_seconds
