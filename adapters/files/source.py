"""Reads a unit's inbox: each whole file once, row by row; what it came to goes back as a receipt.

The order of acts makes every crash harmless: rows are committed first, then the receipt is written, then the file is
moved. Whatever dies in between, the file is read again, and its rows answer as repeats.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from zoneinfo import ZoneInfo

import orjson

from adapters.arriving import HandingIn, arrived, fetched, took_effect_or_never_will
from adapters.documents import DocumentFault
from adapters.files.folder import Entry, Folder
from adapters.files.opening import Folders
from adapters.files.reading import Row, format_of, read_rows
from adapters.files.ready import Readiness
from adapters.files.receipts import Judged, errors, receipt, short_stem
from adapters.http.calls import machine_now
from adapters.kept import Kept, section
from adapters.mapping import Mapper, mapper_of
from contracts.mapping import Written
from contracts.nouns import Connection
from contracts.port import Bookmark, Reception, Unauthorised, Unavailable
from contracts.problem import Problem
from contracts.ways.files import FileSettings, ReadyRule

HANDED_IN_MAX = 200
"""Rows that are handed in at once: less than fills one batch of the intake."""


@dataclass(frozen=True, slots=True)
class _Way:
    """``shelved`` are the refused rows (file, row) that the shelf has; they outlive a collector, as ``faults`` do."""

    settings: FileSettings
    mapper: Mapper | None
    faults: Counter[str] = field(default_factory=Counter)
    shelved: set[tuple[str, int]] = field(default_factory=set)


class FileSource:
    """Collects what units put into folders; implements ``contracts.port.Source``."""

    def __init__(self, folders: Folders, now: Callable[[], datetime] = machine_now) -> None:
        self._folders = folders
        self._now = now
        self._ways: Kept[_Way] = Kept(_way)

    async def collect(self, connection: Connection, bookmark: Bookmark, reception: Reception) -> None:
        """Look, read and wait, until cancelled."""
        way = self._ways.of(connection)
        if way.mapper is None or not way.mapper.mapping.into:
            # Nothing is read from who only receives.
            await asyncio.Event().wait()
            return
        folder = self._folders.of(connection, way.settings)
        handing_in = HandingIn(connection, way.mapper, reception, "file", self._now, way.faults)
        inbox = _Inbox(way, way.mapper, folder, bookmark, handing_in)
        try:
            while True:
                seconds = await inbox.round()
                await asyncio.sleep(seconds)
        finally:
            await folder.close()

    async def close(self) -> None:
        """Each collector has closed its own folder."""


@dataclass(slots=True)
class _Inbox:
    """One unit's inbox, between one collector's beginning and its end."""

    way: _Way
    mapper: Mapper
    folder: Folder
    bookmark: Bookmark
    handing_in: HandingIn
    settings: FileSettings = field(init=False)
    _ready: Readiness = field(init=False)
    _written: Written = field(init=False)
    _moved: bool = False

    def __post_init__(self) -> None:
        self.settings = self.way.settings
        self._ready = Readiness(self.settings)
        mapping = self.mapper.mapping
        self._written = mapping.into[0].written_as or mapping.written_as

    async def round(self) -> float:
        """Read every file that is whole; in how many seconds to look again."""
        entries = await self.folder.entries(self.settings.inbox)
        unreadable: Unauthorised | None = None
        for entry in self._ready.whole(entries, monotonic()):
            try:
                await self._take(entry)
            except Unauthorised as fault:
                # One file that the hub may not read holds up no other.
                unreadable = Unauthorised(f"{entry.name}: {fault.reason}")
        if unreadable is not None:
            raise unreadable
        if not self._moved:
            # What troubled the collector before is over.
            await self._note(self.bookmark.text)
        soon = self._ready.next_seconds(monotonic())
        every = self.settings.every_seconds
        return every if soon is None else min(max(soon, 0.05), every)

    async def _take(self, entry: Entry) -> None:
        """One file, from reading it to moving it away."""
        most = self._written.bytes_max + 1
        raw = await self.folder.read(self.settings.inbox, entry.name, most)
        if raw is None or len(raw) != min(entry.size, most):
            # Gone, or still growing: the next round looks again.
            return
        digest = hashlib.sha256(raw).hexdigest()
        try:
            rows = await asyncio.to_thread(read_rows, raw, format_of(entry.name), self.settings, self._written)
        except DocumentFault as fault:
            judged = [await self._refuse(entry.name, raw, digest, fault)]
        else:
            judged = await self._hand_in(rows, digest)
        await self._reply(entry.name, raw, judged)
        if not await self._is_still(entry.name, digest):
            # The unit has put its next file there meanwhile: the next round reads it.
            return
        await self._put_away(entry.name, digest)
        self.way.shelved.clear()

    async def _hand_in(self, rows: Sequence[Row], digest: str) -> list[Judged]:
        """What became of each row; all of it is settled. Raises ``Unavailable`` where it must be read again."""
        settled, judged = self._settled(digest), list[Judged]()
        for start in range(0, len(rows), HANDED_IN_MAX):
            chunk = rows[start : start + HANDED_IN_MAX]
            judged += await self._judge(chunk, digest, range(start, settled))
            settled = max(settled, start + len(chunk))
            await self._note(orjson.dumps({"file": digest, "settled": settled}).decode())
        return judged

    async def _judge(self, rows: Sequence[Row], digest: str, before: range) -> list[Judged]:
        """``before``: the rows of these that were settled already; what was refused then is on the shelf."""
        judged: dict[int, Judged] = {}
        asked: list[tuple[int, Row]] = []
        for at, row in enumerate(rows):
            known = self._refused_before(row) if at < len(before) or (digest, row.number) in self.way.shelved else None
            if known is not None:
                judged[at] = Judged(row, known)
            else:
                asked.append((at, row))
        items = [fetched(dict(row.fields), row.fault.problem() if row.fault else None) for _, row in asked]
        outcomes = await self.handing_in.outcomes(items) if items else []
        trouble: Problem | None = None
        for (at, row), outcome in zip(asked, outcomes, strict=True):
            judged[at] = Judged(row, outcome)
            if not took_effect_or_never_will(outcome):
                trouble = outcome if isinstance(outcome, Problem) else None
            elif isinstance(outcome, Problem):
                self.way.shelved.add((digest, row.number))
        if trouble is not None:
            raise Unavailable(f"枢纽暂不能收下 / the hub cannot take it now ({trouble.kind})")
        return [judged[at] for at in range(len(rows))]

    def _refused_before(self, row: Row) -> Problem | None:
        """The refusal of a row that is no message, without handing it in: the shelf has it already."""
        said = self.handing_in.arrival(fetched(dict(row.fields), row.fault.problem() if row.fault else None)).said
        return said if isinstance(said, Problem) else None

    async def _refuse(self, name: str, raw: bytes, digest: str, fault: DocumentFault) -> Judged:
        """A file that cannot be read at all is one refusal, on the shelf as it came."""
        problem = fault.problem()
        if self._settled(digest) == 0:
            content_type = "application/octet-stream"
            connection, now = self.handing_in.connection, self.handing_in.now()
            await self.handing_in.reception.receive([arrived(problem, raw, content_type, connection, "file", now)])
            await self._note(orjson.dumps({"file": digest, "settled": 1}).decode())
        return Judged(Row(0, {}), problem)

    async def _reply(self, name: str, raw: bytes, judged: Sequence[Judged]) -> None:
        wrong = errors(name, judged, self.settings, self._written)
        told = receipt(name, raw, judged, self.settings, self._written)
        for reply in (wrong, told):
            if reply is not None:
                await self.folder.write(self.settings.receipts, reply.name, reply.content)

    async def _is_still(self, name: str, digest: str) -> bool:
        raw = await self.folder.read(self.settings.inbox, name, self._written.bytes_max + 1)
        return raw is None or hashlib.sha256(raw).hexdigest() == digest

    async def _put_away(self, name: str, digest: str) -> None:
        """Into the folder of the day; another file by the same name keeps its place there."""
        day = self.handing_in.now().astimezone(ZoneInfo(self.mapper.mapping.zone)).strftime("%Y%m%d")
        where, kept = f"{self.settings.done}/{day}", name
        if await self.folder.exists(where, name):
            ending = name.rpartition(".")[2]
            kept = f"{short_stem(name)}-{digest[:8]}.{ending[:16]}"
        await self.folder.move(self.settings.inbox, name, where, kept)
        if self.settings.ready is ReadyRule.MARKER:
            marker = self.settings.marker
            await self.folder.move(self.settings.inbox, name + marker, where, kept + marker)

    def _settled(self, digest: str) -> int:
        """How many rows of a file were settled before a crash."""
        try:
            kept = orjson.loads(self.bookmark.text or "{}")
            return int(kept["settled"]) if kept.get("file") == digest else 0
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
            return 0

    async def _note(self, text: str) -> None:
        await self.bookmark.move(text)
        self._moved = True


def _way(connection: Connection) -> _Way:
    mapper = mapper_of(connection.settings) if "mapping_of" in connection.settings else None
    return _Way(section(FileSettings, connection.settings), mapper)
