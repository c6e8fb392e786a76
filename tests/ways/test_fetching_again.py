"""What the hub cannot take now is fetched again, the rest of it not; what it never can take stops nothing for ever."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from adapters.arriving import FAULTS_MAX
from adapters.files import FileSource, Folders
from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.polling import PollSource
from contracts.arrival import Answer, Arrival, Said
from contracts.nouns import Connection
from contracts.port import Source, Unavailable
from contracts.problem import Problem
from contracts.profile import Profile
from hub.registry import connections_of
from tests.conformance.oauth_unit import NamedSecrets
from tests.conformance.polled_unit import PolledUnit, a_polled_unit, a_row

FIELDS = [
    {"to": "category_code", "constant": "E0402"},
    {"to": "description", "from": "text"},
    {"to": "place", "coordinates": {"system": "CGCS2000", "longitude": "lng", "latitude": "lat"}},
]
MAPPING = {"in": [{"contract": "case.report", "fields": FIELDS}]}


@dataclass
class Busy:
    """A reception that cannot take what a text stands in, as often as told, and a bookmark."""

    troubles: Counter[str]
    kind: str
    handed_in: list[str] = field(default_factory=list)
    refused: list[Arrival] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.moves[-1] if self.moves else ""

    async def move(self, text: str) -> None:
        self.moves.append(text)

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        return [self._answer(arrival) for arrival in arrivals]

    def _answer(self, arrival: Arrival) -> Answer | Problem:
        if not isinstance(arrival.said, Said):
            self.refused.append(arrival)
            return arrival.said
        text = str(arrival.said.body.document()["description"])
        self.handed_in.append(text)
        if self.troubles[text] > 0:
            self.troubles[text] -= 1
            return Problem(self.kind)
        return Answer(1, "330800-20261123-000042", 1, "dispatched", 1)


@pytest.fixture(scope="module")
def unit() -> Iterator[PolledUnit]:
    with a_polled_unit() as unit:
        yield unit


def polled(unit: PolledUnit, log: str) -> tuple[Source, Connection]:
    poll = {
        "endpoint": unit.url(f"/by-id/{log}"),
        "query": [{"name": "after", "value": "{cursor}"}, {"name": "limit", "value": "{limit}"}],
        "items": "data.rows",
        "cursor": {"kind": "id", "at": "id"},
        "every_seconds": 600,
    }
    source = PollSource(NamedSecrets({}), HttpCalls(OutboundGuard((ip_network("127.0.0.0/8"),)), "0.1.0"))
    return source, a_connection({"transport": "pull", "receives": [], "poll": poll})


def by_file(root: Path, rows: Sequence[dict[str, Any]]) -> tuple[Source, Connection]:
    names = ("text", "lng", "lat")
    (root / "post/inbox").mkdir(parents=True)
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
    (root / "post/inbox/a.csv").write_text("\r\n".join(lines), encoding="utf-8")
    file = {"folder": "post", "ready": "renamed", "every_seconds": 600}
    source = FileSource(Folders(root, OutboundGuard(), NamedSecrets({})))
    return source, a_connection({"transport": "file", "receives": [], "file": file})


def a_connection(entry: dict[str, Any]) -> Connection:
    written = {"format": "delimited", "columns": ["text", "lng", "lat"]} if "file" in entry else {"format": "json"}
    said = {"name": "main", "mapping": {**MAPPING, "written_as": written}, **entry}
    return connections_of(Profile.model_validate({"unit": "post", "connections": [said]}, strict=False), 1)[0]


async def collected(source: Source, connection: Connection, busy: Busy) -> int:
    """Collect as the hub does, again after each trouble, until nothing troubles; how often it was troubled."""
    troubled = 0
    while True:
        try:
            async with asyncio.timeout(1.0):
                await source.collect(connection, busy, busy)
        except Unavailable:
            troubled += 1
        except TimeoutError:
            return troubled


@pytest.mark.parametrize("way", ["poll", "file"])
async def test_what_cannot_be_taken_now_is_fetched_again_before_anything_moves_on(
    unit: PolledUnit, tmp_path: Path, way: str
) -> None:
    rows = [a_row(number) for number in (1, 2, 3)]
    unit.add("again", *rows)
    source, connection = polled(unit, "again") if way == "poll" else by_file(tmp_path, rows)
    busy = Busy(Counter({rows[1]["text"]: 2}), "store_unavailable")
    assert await collected(source, connection, busy) == 2
    assert busy.handed_in.count(rows[1]["text"]) == 3
    if way == "poll":
        # What was settled the first time is not handed in again.
        assert busy.handed_in.count(rows[0]["text"]) == 1
        assert [move for move in busy.moves if '"cursor":"3"' in move] == busy.moves[-1:]
    else:
        assert (tmp_path / "post/receipts/a.receipt.csv").is_file()
    await source.close()


@pytest.mark.parametrize("way", ["poll", "file"])
async def test_what_the_hub_fails_on_every_time_is_kept_raw_and_passed_over(
    unit: PolledUnit, tmp_path: Path, way: str
) -> None:
    rows = [a_row(number) for number in (1, 2, 3)]
    unit.add("poison", *rows)
    source, connection = polled(unit, "poison") if way == "poll" else by_file(tmp_path, rows)
    busy = Busy(Counter({rows[1]["text"]: 1000}), "internal")
    assert await collected(source, connection, busy) == FAULTS_MAX
    (kept,) = busy.refused
    assert rows[1]["text"] in kept.raw.decode()
    assert rows[2]["text"] in busy.handed_in
    await source.close()


async def test_a_row_that_is_no_message_is_shelved_once_however_often_its_file_is_read(tmp_path: Path) -> None:
    rows = [a_row(1), a_row(2, lng="west"), a_row(3)]
    source, connection = by_file(tmp_path, rows)
    busy = Busy(Counter({rows[2]["text"]: 3}), "overloaded")
    assert await collected(source, connection, busy) == 3
    assert len(busy.refused) == 1
    told = io.StringIO((tmp_path / "post/receipts/a.receipt.csv").read_text(encoding="utf-8"))
    assert [line.split(",")[1] for line in told][1:] == ["accepted", "refused", "accepted"]
