"""Letters out by file: a letter is delivered once the file that holds it is whole, named, and flushed to the disk.

A file has the letters of one contract, named by its first and its last letter, so that names follow the letters'
order and a letter that comes again under the same name has the same content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.documents import DocumentFault
from adapters.files.folder import Folder
from adapters.files.opening import Folders
from adapters.files.writing import write_rows
from adapters.http.calls import machine_now
from adapters.kept import Kept, section
from adapters.mapping import Mapper, MappingFailed, mapper_of
from adapters.mapping.unwritten import unwritten
from contracts.mapping import Table, Written
from contracts.nouns import Connection, Delivered, Receipt, RenderedLetter
from contracts.port import Refused, Unavailable
from contracts.ways.files import FileFormat, FileSettings

TAKEN = 202
"""The file is there; what the unit makes of it is not known."""


@dataclass(frozen=True, slots=True)
class _Way:
    settings: FileSettings
    mapper: Mapper
    tables: Mapping[str, Table]
    folder: Folder
    open: dict[str, _Batch] = field(default_factory=dict)

    def written(self, contract: str) -> Written:
        """How the unit writes documents of this contract."""
        return self.tables[contract].written_as or self.mapper.mapping.written_as

    def columns(self, contract: str) -> list[str]:
        """The columns of a table: those the profile lists, else those its rules write, in their order."""
        listed = self.written(contract).columns
        return list(listed) if listed else columns_written(self.tables[contract])


@dataclass(slots=True)
class _Batch:
    """Letters of one contract that go into one file: their fields by letter id, and how the file's writing ended."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    name: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class FileAdapter:
    """Delivers letters as files; implements ``contracts.port.Adapter``.

    From ``ending`` on nothing waits for company: the process is to end, and its lanes wait for what is under way.
    """

    def __init__(
        self, folders: Folders, ending: asyncio.Event | None = None, now: Callable[[], datetime] = machine_now
    ) -> None:
        self._folders = folders
        self._ending = ending or asyncio.Event()
        self._now = now
        self._ways: Kept[_Way] = Kept(self._way, self._drop)
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(self, connection: Connection, letter: RenderedLetter) -> Delivered:
        """Put the letter into a file; alone, or with those that come within the time its profile gives."""
        way, contract, sent_at = self._ways.of(connection), letter.contract.partition("/")[0], self._now()
        try:
            values = way.mapper.values(letter.contract, letter.body)
            # A letter that the format or the encoding cannot hold fails alone, before it joins others.
            alone = write_rows(way.columns(contract), [values], way.settings, way.written(contract))
        except (MappingFailed, DocumentFault) as fault:
            raise unwritten(fault) from None
        strange = sorted(set(values) - set(way.columns(contract)))
        if strange and way.settings.format is not FileFormat.XML:
            raise unwritten(_no_column(strange[0]))
        if way.settings.letters_per_file == 1:
            name = _named(contract, letter.letter_id, letter.letter_id, way)
            await way.folder.write(way.settings.outbox, name, alone)
        else:
            name = await self._among_others(way, contract, letter.letter_id, values, connection.timeout_seconds)
        return Delivered(Receipt.RECEIVED, TAKEN, f"{way.settings.outbox}/{name}".encode(), sent_at, self._now())

    async def close(self) -> None:
        """Write what waits, and let go of connections."""
        for way in self._ways.all():
            for batch in way.open.values():
                batch.full.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for way in self._ways.all():
            await way.folder.close()

    async def _among_others(
        self, way: _Way, contract: str, letter_id: str, values: dict[str, Any], limit_seconds: float
    ) -> str:
        batch = way.open.get(contract)
        if batch is None:
            batch = way.open[contract] = _Batch()
            self._own(self._write(way, contract, batch))
        batch.rows[letter_id] = values
        if len(batch.rows) >= way.settings.letters_per_file:
            batch.full.set()
            del way.open[contract]
        try:
            async with asyncio.timeout(limit_seconds):
                return await asyncio.shield(batch.name)
        except TimeoutError:
            raise Unavailable("文件没有按时写成 / the file was not written in time", in_doubt=True) from None

    async def _write(self, way: _Way, contract: str, batch: _Batch) -> None:
        waits = [asyncio.ensure_future(each.wait()) for each in (batch.full, self._ending)]
        await asyncio.wait(waits, timeout=way.settings.close_seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        if way.open.get(contract) is batch:
            del way.open[contract]
        ids = sorted(batch.rows)
        name = _named(contract, ids[0], ids[-1], way)
        try:
            rows = [batch.rows[each] for each in ids]
            content = write_rows(way.columns(contract), rows, way.settings, way.written(contract))
            await way.folder.write(way.settings.outbox, name, content)
        except Exception as fault:
            # Whoever waits for the file gets it; where nobody does any more, it was theirs to say.
            batch.name.set_exception(fault)
            batch.name.exception()
            return
        batch.name.set_result(name)

    def _own(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _way(self, connection: Connection) -> _Way:
        settings = section(FileSettings, connection.settings)
        if "mapping_of" not in connection.settings:
            raise Refused("档案没有 mapping.out,写不成文件 / the profile has no mapping.out, so no file can be written")
        mapper = mapper_of(connection.settings)
        tables = {table.contract: table for table in mapper.mapping.out}
        return _Way(settings, mapper, tables, self._folders.of(connection, settings))

    def _drop(self, way: _Way) -> None:
        for batch in way.open.values():
            batch.full.set()
        self._own(_closed(way))


def columns_written(table: Table) -> list[str]:
    """The columns that a table's rules write, in their order."""
    names: dict[str, None] = {}
    for rule in table.fields:
        if rule.coordinates is not None:
            names |= dict.fromkeys((rule.coordinates.longitude, rule.coordinates.latitude))
        elif rule.to is not None:
            names[rule.to] = None
    return list(names)


async def _closed(way: _Way) -> None:
    for batch in list(way.open.values()):
        await asyncio.wait([batch.name])
    await way.folder.close()


def _named(contract: str, first: str, last: str, way: _Way) -> str:
    span = first if first == last else f"{first}-{last}"
    return f"{contract}-{span}.{way.settings.format}"


def _no_column(name: str) -> DocumentFault:
    return DocumentFault(f"没有名为 {name} 的列。", f"There is no column {name}.")
