"""How far a unit was read, as it is kept in the bookmark, and how a page moves it on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import orjson

from adapters.arriving import Fetched
from adapters.documents import DocumentFault
from adapters.documents.places import as_text, reached
from adapters.mapping.dates import date_reader, date_writer
from adapters.mapping.faults import Trouble
from adapters.polling.page import Page
from contracts.ways.poll import CursorKind, PollCursor

SEEN_MAX = 2000
_STEP = timedelta(seconds=1)
"""Within a round the next page is asked for from so long before the last item: others may have the same second."""


@dataclass(frozen=True, slots=True)
class Progress:
    """``cursor`` is the last id, the last time (RFC 3339) or the page's token, as ``kind`` says.

    ``seen`` holds the digests of what would come again and is settled, with the time (epoch) for which it is kept.

    What is settled and comes again is not handed in again: what was refused is not put on the shelf anew each round.
    """

    kind: str = ""
    cursor: str = ""
    seen: Mapping[str, float] = field(default_factory=dict)

    def text(self) -> str:
        """As the bookmark keeps it."""
        return orjson.dumps({"kind": self.kind, "cursor": self.cursor, "seen": dict(self.seen)}).decode()

    def settle(self, items: Sequence[Fetched]) -> Progress:
        """These are settled; the page as a whole is not."""
        kept = {**self.seen, **{item.digest: 0.0 for item in items if item.digest not in self.seen}}
        return replace(self, seen=_newest(kept))


def progress_of(text: str, cursor: PollCursor | None) -> Progress:
    """The progress that a bookmark keeps; the profile's start where there is none, or one of another kind of cursor.

    Raises ``DocumentFault`` where the start is no time.
    """
    kind = cursor.kind.value if cursor is not None else ""
    try:
        read = orjson.loads(text) if text else {}
        if isinstance(read, dict) and read.get("kind") == kind:
            return Progress(kind, str(read["cursor"]), {str(name): float(at) for name, at in read["seen"].items()})
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        pass
    start = cursor.start if cursor is not None else None
    if not start or cursor is None:
        return Progress(kind)
    return Progress(kind, moment_text(start, cursor) if cursor.kind is CursorKind.TIME else start)


def moment_text(text: str, cursor: PollCursor) -> str:
    """The unit's time as RFC 3339. Raises ``DocumentFault``."""
    try:
        return str(date_reader(cursor.date, cursor.zone)(text))
    except Trouble as trouble:
        raise DocumentFault(trouble.zh, trouble.en) from None


def asked_for(progress: Progress, cursor: PollCursor | None, since: datetime | None) -> str:
    """What ``{cursor}`` stands for in the next request; ``since`` is where a round goes on after a full page."""
    if cursor is None or not progress.cursor:
        return ""
    if cursor.kind is not CursorKind.TIME:
        return progress.cursor
    moment = since or datetime.fromisoformat(progress.cursor) - timedelta(seconds=cursor.overlap_seconds)
    return str(date_writer(cursor.date, cursor.zone)(moment.isoformat()))


@dataclass(frozen=True, slots=True)
class Moved:
    """The progress after a page that is settled, and from where a time is asked for if there is more."""

    progress: Progress
    since: datetime | None = None


def moved(progress: Progress, page: Page, cursor: PollCursor | None) -> Moved:
    """Past a page that is settled. Raises ``DocumentFault`` where the unit's answer lets nobody go on."""
    if cursor is None:
        return Moved(replace(progress, seen=_all_of(page)))
    match cursor.kind:
        case CursorKind.PAGE:
            if page.following and page.following != progress.cursor:
                return Moved(replace(progress, cursor=page.following, seen={}))
            return Moved(replace(progress, seen=_all_of(page)))
        case CursorKind.ID:
            return Moved(_past_ids(progress, page, cursor))
        case CursorKind.TIME:
            return _past_times(progress, page, cursor)


def _past_ids(progress: Progress, page: Page, cursor: PollCursor) -> Progress:
    ids = [found for item in page.items if (found := as_text(reached(item.value, cursor.at or ".")))]
    if not ids:
        if page.items:
            raise DocumentFault(f"记录中没有 {cursor.at}。", f"The records have no {cursor.at}.")
        return replace(progress, seen={})
    last = ids[-1]
    if all(map(_whole, ids)):
        _goes_up([int(each) for each in ids], page, cursor)
        known = [progress.cursor] if _whole(progress.cursor) else []
        last = max([*ids, *known], key=int)
    return replace(progress, cursor=last, seen={})


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 40


def _past_times(progress: Progress, page: Page, cursor: PollCursor) -> Moved:
    times: list[datetime] = []
    seen = dict(progress.seen)
    for item in page.items:
        told = as_text(reached(item.value, cursor.at or "."))
        try:
            moment = datetime.fromisoformat(moment_text(told, cursor)) if told else None
        except DocumentFault:
            moment = None
        if moment is not None:
            times.append(moment)
        seen[item.digest] = moment.timestamp() if moment is not None else 0.0
    if page.items and not times:
        raise DocumentFault(f"记录中没有可读的时间 {cursor.at}。", f"The records have no readable time at {cursor.at}.")
    if not times:
        return Moved(progress)
    _goes_up([each.timestamp() for each in times], page, cursor)
    latest = max(times)
    if progress.cursor:
        latest = max(latest, datetime.fromisoformat(progress.cursor))
    oldest = latest.timestamp() - cursor.overlap_seconds - _STEP.total_seconds()
    kept = {digest: at for digest, at in seen.items() if at >= oldest or at == 0.0}
    return Moved(replace(progress, cursor=latest.isoformat(), seen=_newest(kept)), max(times) - _STEP)


def _goes_up(values: Sequence[float], page: Page, cursor: PollCursor) -> None:
    """A full page that begins with the newest hides older ones for ever. Raises ``DocumentFault``."""
    if page.more and values[0] > values[-1] and list(values) == sorted(values, reverse=True):
        raise DocumentFault(
            f"对方按 {cursor.at} 从新到旧应答,翻页会漏;请改为从旧到新",
            f"the unit answers the newest {cursor.at} first, so paging would miss some: ask for the oldest first",
        )


def _all_of(page: Page) -> dict[str, float]:
    return _newest({item.digest: 0.0 for item in page.items})


def _newest(seen: Mapping[str, float]) -> dict[str, float]:
    kept = list(seen.items())[-SEEN_MAX:]
    return dict(kept)
