"""What all partner processes share: how one begins and ends, how a unit speaks, how letters are taken in."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import struct
import sys
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hub.demo.config import Access, PartnerConfig, read_config
from hub.demo.hub_client import Answer, CityTime, HubClient
from hub.demo.journal import Journal, Row

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a partner works with once it was told its part."""

    config: PartnerConfig
    session: aiohttp.ClientSession
    journal: Journal
    clock: CityTime
    tasks: asyncio.TaskGroup
    turns: Iterator[int] = field(default_factory=itertools.count)

    def voice(self, access: Access) -> Voice:
        """A unit's way to speak."""
        return Voice(access.unit_id, HubClient(self.session, self.config.url, access.key), self.journal)


def run_partner(play: Callable[[Scene], Awaitable[None]], port: Callable[[], Awaitable[int]] | None = None) -> None:
    """Say that the process is there, read its part, play it until standard input ends."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(play, port))


async def _run(play: Callable[[Scene], Awaitable[None]], port: Callable[[], Awaitable[int]] | None) -> None:
    sys.stdout.write(json.dumps({"ready": True, "port": await port() if port else None}) + "\n")
    sys.stdout.flush()
    lines = await _lines()
    line = await lines.readline()
    if not line:
        return
    config = read_config(line.decode())
    journal = Journal(Path(config.journal))
    # Each unit may hold a long poll beside its messages.
    connector = aiohttp.TCPConnector(limit=64)
    async with aiohttp.ClientSession(connector=connector) as session:
        clock = await CityTime.ask(HubClient(session, config.url, config.units[0].key))
        playing = asyncio.create_task(_play(play, config, session, journal, clock))
        ended = asyncio.create_task(lines.read())
        # Whoever started this process holds the other end: it ends with them, however they end.
        await asyncio.wait([playing, ended], return_when=asyncio.FIRST_COMPLETED)
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
    journal.close()


async def _play(
    play: Callable[[Scene], Awaitable[None]],
    config: PartnerConfig,
    session: aiohttp.ClientSession,
    journal: Journal,
    clock: CityTime,
) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            await play(Scene(config, session, journal, clock, tasks))
            await asyncio.Event().wait()
    except Exception:
        # The supervisor keeps what a partner says on standard error, and shows it when the partner died.
        traceback.print_exc()
        raise


async def _lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


@dataclass(slots=True)
class Voice:
    """How a unit speaks: each message under its own key, sent until it is answered, the answer in the journal."""

    unit_id: str
    client: HubClient
    journal: Journal

    async def say(
        self,
        route: str,
        case_number: str,
        body: Mapping[str, Any],
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A message about a case, by its resource route."""
        path = f"/api/v1/cases/{case_number}/{route}"
        answer = await self.client.insist("POST", path, body, headers={"idempotency-key": key, **(headers or {})})
        self.journal.write(self.row(answer, f"case.{route}", key))
        return answer

    async def report(self, told: Mapping[str, Any], photos: list[str]) -> Answer:
        """A report, under the sender's own number for it."""
        key = f"report-{told['sender_case']}"
        answer = await self.client.insist(
            "POST",
            "/api/v1/cases",
            report_body(told, photos),
            headers={"idempotency-key": key, "ce-sendercase": told["sender_case"]},
        )
        self.journal.write(self.row(answer, "case.report", key, sender_case=told["sender_case"]))
        return answer

    async def photo(self, name: str) -> str:
        """Upload a photo; its id goes into a message."""
        answer = await self.client.insist(
            "POST", "/api/v1/attachments", content=picture(name), headers={"content-type": "image/png"}
        )
        if not answer.good:
            raise RuntimeError(f"the photo was refused: {answer.status} {answer.document}")
        return str(answer.document["attachment_id"])

    def row(self, answer: Answer, kind: str, key: str, **more: Any) -> Row:
        """The journal's row of an answered message."""
        told = answer.document if isinstance(answer.document, dict) else {}
        if answer.good:
            # Not every way tells the position.
            told = {name: told[name] for name in ("case_number", "version", "position") if name in told}
            what = "message.sent"
        else:
            told = {"problem": answer.problem, "detail": told.get("detail")}
            what = "message.refused"
        return {
            "what": what,
            "unit": self.unit_id,
            "message_id": key,
            "kind": kind,
            "status": answer.status,
            "replayed": answer.replayed,
            **told,
            **more,
        }


@dataclass(slots=True)
class Mailroom:
    """Takes letters in (收发): notes each arrival, lets each id take effect once, all on the disk before it answers."""

    unit_id: str
    via: str
    journal: Journal
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._known = {
            row["letter_id"]
            for row in self.journal.rows()
            if row["what"] == "letter.taken" and row["unit"] == self.unit_id
        }

    def arrived(self, events: Iterable[Event]) -> list[Event]:
        """The events that are new, once their arrival is on the disk."""
        fresh: list[Event] = []
        rows: list[Row] = []
        for event in events:
            row = {
                "unit": self.unit_id,
                "via": self.via,
                "letter_id": event["id"],
                "contract": event["type"],
                "case_number": event["subject"],
                "sequence": int(event["sequence"]),
            }
            repeat = event["id"] in self._known
            rows.append({"what": "letter.received", "repeat": repeat, **row})
            if not repeat:
                self._known.add(event["id"])
                rows.append({"what": "letter.taken", **row})
                fresh.append(event)
        if rows:
            self.journal.write(*rows)
        return fresh


async def pulled(voice: Voice, mailroom: Mailroom, *, connection: str, pause_seconds: float) -> AsyncIterator[Event]:
    """The letters of an inbox as they come: leased, written down, acknowledged, handed on."""
    wait = 20 if connection != "desk" else 0
    while True:
        page = await voice.client.get(f"/api/v1/inbox?wait={wait}&limit=50&lease=30&connection={connection}")
        events = [item["event"] for item in page["items"]]
        fresh = mailroom.arrived(events)
        if events:
            letters = [event["id"] for event in events]
            await voice.client.do(
                "POST",
                f"/api/v1/inbox/ack?connection={connection}",
                {"lease_id": page["lease_id"], "letters": letters},
            )
        for event in fresh:
            yield event
        # A system that looks every few minutes of city time; it need not be woken by each letter.
        await asyncio.sleep(pause_seconds)


def report_body(told: Mapping[str, Any], photos: list[str]) -> dict[str, Any]:
    """A planned report as the contract ``case.report`` wants it."""
    body = {
        "category_code": told["category_code"],
        "description": told["description"],
        "place": {
            "longitude": told["longitude"],
            "latitude": told["latitude"],
            "system": told["system"],
            "address": told["address"],
        },
        "source": told["source"],
        "photos": photos,
    }
    if told["component_code"]:
        body["component_code"] = told["component_code"]
    return body


def picture(name: str) -> bytes:
    """A small PNG of one colour, another for each name."""
    colour = zlib.crc32(name.encode()).to_bytes(4, "big")[:3]
    side = 16
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + colour * side) * side)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )
