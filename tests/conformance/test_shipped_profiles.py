"""The shipped profiles of REST, polling and files at work: each as it is shipped, with a partner in another process."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.files import FileAdapter, FileSource, Folders
from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.polling import PollSource
from adapters.rest import RestAdapter
from contracts.arrival import Answer, Arrival, Said
from contracts.nouns import Connection, Receipt, RenderedLetter
from contracts.port import Adapter, Refused, Source, Unauthorised
from contracts.problem import Problem
from contracts.profile_text import read_profile
from contracts.samples import VALID
from hub.registry import connections_of
from tests.conformance.adapter_suite import a_letter
from tests.conformance.oauth_unit import SECRET, NamedSecrets, OAuthUnit, an_oauth_unit
from tests.conformance.polled_unit import PolledUnit, a_polled_unit
from tests.conformance.sftp_unit import PASSWORD, SftpUnit, an_sftp_unit
from tests.conformance.shipped import KeptPhotos
from tests.values import replace
from tests.ways.conftest import until

PROFILES = Path(__file__).parents[2] / "adapters/profiles"
GUARD = OutboundGuard((ip_network("127.0.0.0/8"),))


@dataclass
class Heard:
    """A reception and a bookmark: what was handed in, and how far it was read."""

    arrivals: list[Arrival] = field(default_factory=list)
    text: str = ""

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        self.arrivals += arrivals
        return [
            each.said if isinstance(each.said, Problem) else Answer(1, "330800-20261123-000042", 1, "dispatched", 1)
            for each in arrivals
        ]

    async def move(self, text: str) -> None:
        self.text = text


@asynccontextmanager
async def collecting(source: Source, connection: Connection) -> AsyncIterator[Heard]:
    heard = Heard()
    task = asyncio.create_task(source.collect(connection, heard, heard))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()


def shipped(name: str, **places: str) -> Connection:
    """The shipped profile's connection, its example addresses turned into those of the partner."""
    text = (PROFILES / name / "profile.yaml").read_text(encoding="utf-8")
    for example, real in places.items():
        assert example in text
        text = text.replace(example, real)
    (connection,) = connections_of(read_profile(text)[0], 1)
    return connection


def the_letter(contract: str) -> RenderedLetter:
    event = {
        "id": "L000000000001",
        "type": contract,
        "subject": "330800-20261123-000042",
        "time": "2026-11-23T09:13:00+08:00",
        "mode": "test",
        "data": VALID[f"{contract}/1.0"],
    }
    return replace(a_letter(), letter_id="ltr_0000000000000001", contract=f"{contract}/1.0", body=orjson.dumps(event))


def sample(name: str, file: str) -> bytes:
    return (PROFILES / name / file).read_bytes()


def said_in(arrival: Arrival) -> dict[str, Any]:
    """What arrived, as the samples' files say it."""
    assert isinstance(arrival.said, Said), arrival.said
    envelope = {"id": arrival.said.message_id, "case_number": arrival.said.case_number}
    return {"envelope": {k: v for k, v in envelope.items() if v}, "data": arrival.said.body.document()}


def expected(name: str, contract: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(sample(name, f"in.{contract}.expected.json"))
    made["envelope"].pop("sender_case_id", None)
    return made


# The telecom.


@pytest.fixture(scope="module")
def telecom() -> Iterator[OAuthUnit]:
    with an_oauth_unit() as unit:
        yield unit


def telecom_adapter(secret: str = SECRET) -> Adapter:
    return RestAdapter(NamedSecrets({("telecom", "telecom-client"): secret}), HttpCalls(GUARD, "0.1.0"), KeptPhotos({}))


async def test_the_telecom_takes_its_own_documents_at_its_own_addresses(telecom: OAuthUnit) -> None:
    connection, adapter = shipped("telecom_rest", **{"https://telecom.example": telecom.url("")}), telecom_adapter()
    for contract in ("case.dispatch", "case.reminder"):
        assert (await adapter.deliver(connection, the_letter(contract))).receipt is Receipt.PROCESSED
    await adapter.close()
    (order,) = await telecom.calls("/api/workorders")
    (urge,) = await telecom.calls("/api/workorders/330800-20261123-000042/urge")
    assert order["body"].encode() == sample("telecom_rest", "out.case.dispatch.json")
    assert (urge["method"], urge["body"].encode()) == ("PUT", sample("telecom_rest", "out.case.reminder.json"))


async def test_the_telecoms_no_is_understood(telecom: OAuthUnit) -> None:
    there = {"https://telecom.example/api/workorders\n": telecom.url("/api/says/5001\n")}
    connection = shipped("telecom_rest", **there, **{"https://telecom.example/token": telecom.url("/token")})
    adapter = telecom_adapter()
    with pytest.raises(Refused, match="工单号不存在"):
        await adapter.deliver(connection, the_letter("case.dispatch"))
    await adapter.close()


async def test_the_telecom_with_another_secret_calls_a_person(telecom: OAuthUnit) -> None:
    connection = shipped("telecom_rest", **{"https://telecom.example": telecom.url("")})
    adapter = telecom_adapter("guess")
    with pytest.raises(Unauthorised):
        await adapter.deliver(connection, the_letter("case.dispatch"))
    await adapter.close()


# The bus company.


@pytest.fixture(scope="module")
def buses() -> Iterator[PolledUnit]:
    with a_polled_unit() as unit:
        yield unit


async def test_the_bus_company_is_asked_and_understood(buses: PolledUnit) -> None:
    contracts = ("case.report", "case.feedback")
    buses.add("events", *(json.loads(sample("bus_polled", f"in.{contract}.json")) for contract in contracts))
    source = PollSource(NamedSecrets({("bus_group", "bus-key"): "bus-key-1"}), HttpCalls(GUARD, "0.1.0"))
    async with collecting(source, shipped("bus_polled", **{"https://bus.example": buses.url("")})) as heard:
        await until(lambda: heard.text)
    assert [said_in(arrival) for arrival in heard.arrivals] == [expected("bus_polled", each) for each in contracts]
    assert json.loads(heard.text)["cursor"] == "2026-11-23T11:41:30+08:00"
    assert buses.asked("events")[0]["query"] == {"since": "2026-10-31 23:50:00", "size": "100"}


async def test_the_bus_companys_no_calls_a_person(buses: PolledUnit) -> None:
    source = PollSource(NamedSecrets({("bus_group", "bus-key"): "guess"}), HttpCalls(GUARD, "0.1.0"))
    heard = Heard()
    with pytest.raises(Unauthorised, match="密钥错误"):
        connection = shipped("bus_polled", **{"https://bus.example/open/v2/events": buses.url("/open/v2/closed")})
        await source.collect(connection, heard, heard)
    await source.close()


# The post office.


@pytest.fixture
def post(tmp_path: Path) -> Iterator[SftpUnit]:
    with an_sftp_unit(tmp_path) as unit:
        yield unit


def post_office(unit: SftpUnit) -> Connection:
    text = (PROFILES / "post_file/profile.yaml").read_text(encoding="utf-8")
    host_key = next(line.partition("host_key: ")[2] for line in text.splitlines() if "host_key: " in line)
    there = {"host: sftp.post.example": f"host: 127.0.0.1\n        port: {unit.port}", "user: cityhub": "user: hub"}
    return shipped("post_file", **there, **{host_key: unit.host_key})


def post_folders() -> Folders:
    return Folders(None, GUARD, NamedSecrets({("post", "post-sftp"): PASSWORD}))


async def test_the_post_office_finds_its_dispatches_as_a_file(post: SftpUnit) -> None:
    adapter = FileAdapter(post_folders())
    await adapter.deliver(post_office(post), the_letter("case.dispatch"))
    await adapter.close()
    (file,) = (post.folder / "szcg/派遣单").glob("*.csv")
    heading, row = file.read_bytes().split(b"\r\n", 1)
    assert heading.decode("gb18030").startswith("案件号|序号|类别")
    assert row == sample("post_file", "out.case.dispatch.txt")


async def test_the_post_offices_file_is_read_answered_and_put_away(post: SftpUnit) -> None:
    inbox = post.folder / "szcg/处置反馈"
    inbox.mkdir(parents=True)
    (inbox / "反馈.txt").write_bytes(sample("post_file", "in.case.feedback.txt"))
    receipt = post.folder / "szcg/回执/反馈.receipt.csv"
    async with collecting(FileSource(post_folders()), post_office(post)) as heard:
        await until(lambda: not (inbox / "反馈.txt").exists())
    assert [said_in(arrival) for arrival in heard.arrivals] == [expected("post_file", "case.feedback")]
    told = list(csv.DictReader(io.StringIO(receipt.read_text(encoding="gb18030")), delimiter="|"))
    assert [row["outcome"] for row in told] == ["accepted"]
