"""Exchange by file, in a folder and over SFTP to a server in another process, with a real PostgreSQL."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import os
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import orjson
import pytest
from lxml import etree

from adapters.checks import ConnectionChecks
from adapters.files import FileAdapter, FileSource, Folders
from adapters.files.local import LocalFolder
from adapters.guard import EndpointRefused, OutboundGuard
from contracts.nouns import Connection, Receipt, RenderedLetter
from contracts.port import Refused, Unauthorised, Unavailable
from contracts.profile import Profile
from contracts.samples import VALID
from hub.reception import Reception
from hub.registry import connections_of
from hub.sources import Sources
from tests.conformance.adapter_suite import a_letter
from tests.conformance.oauth_unit import NamedSecrets
from tests.conformance.polled_unit import a_row
from tests.conformance.sftp_unit import PASSWORD, SftpUnit, an_sftp_unit
from tests.values import replace
from tests.ways.conftest import House, until

pytestmark = pytest.mark.way

COLUMNS = ("编号", "类别", "说明", "经度", "纬度")
WRITTEN = {"format": "delimited", "encoding": "gbk", "columns": list(COLUMNS)}
MAPPING = {
    "written_as": WRITTEN,
    "codes": [{"name": "kind", "unknown": "refuse", "pairs": [{"ours": "E0402", "theirs": "水管"}]}],
    "in": [
        {
            "contract": "case.report",
            "fields": [
                {"to": "category_code", "from": "类别", "codes": "kind"},
                {"to": "description", "from": "说明", "required": True},
                {"to": "place", "coordinates": {"system": "CGCS2000", "longitude": "经度", "latitude": "纬度"}},
            ],
        }
    ],
    "out": [
        {
            "contract": "case.dispatch",
            "written_as": {"format": "delimited", "encoding": "gbk", "columns": ["信件", "案件号", "说明"]},
            "fields": [
                {"to": "信件", "from": "envelope.id"},
                {"to": "案件号", "from": "case_number"},
                {"to": "说明", "from": "description"},
            ],
        }
    ],
}
GUARD = OutboundGuard((ip_network("127.0.0.0/8"),))


@dataclass(frozen=True, slots=True)
class Place:
    """Where the unit's folder lies: on this machine, or behind an SFTP server."""

    root: Path
    sftp: SftpUnit | None

    @property
    def post(self) -> Path:
        """The unit's own folder, as it sees it itself."""
        return (self.sftp.folder if self.sftp is not None else self.root) / "post"

    def profile(self, mapping: Any = MAPPING, sftp: Any = None, **file: Any) -> dict[str, Any]:
        said = {"folder": "post", "ready": "renamed", "every_seconds": 0.1, **file}
        if self.sftp is not None:
            said["sftp"] = sftp or self.sftp.settings()
        connection = {"name": "file", "transport": "file", "receives": ["case.dispatch"], "file": said}
        return {"unit": "post", "connections": [{**connection, "mapping": mapping}]}

    def connection(self, **more: Any) -> Connection:
        profile = Profile.model_validate(self.profile(**more), strict=False)
        return connections_of(profile, 1)[0]

    def folders(self, guard: OutboundGuard = GUARD) -> Folders:
        secrets = {("post", "sftp"): PASSWORD, ("post", "wrong"): "guess"}
        if self.sftp is not None:
            secrets["post", "key"] = self.sftp.private_key
        return Folders(self.root, guard, NamedSecrets(secrets))

    def put(self, name: str, content: bytes, folder: str = "inbox") -> None:
        """The unit writes a file beside, and then names it."""
        (self.post / folder).mkdir(parents=True, exist_ok=True)
        beginning = self.post / folder / f".{name}.part"
        beginning.write_bytes(content)
        beginning.rename(self.post / folder / name)

    def named(self, folder: str) -> list[str]:
        """The names of what lies in a folder."""
        return sorted(path.name for path in (self.post / folder).glob("*")) if (self.post / folder).is_dir() else []

    async def got(self, name: str, folder: str = "receipts") -> bytes:
        """A file that the hub writes, once it is there."""
        path = self.post / folder / name
        await until(path.is_file)
        return path.read_bytes()


@pytest.fixture(params=["folder", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "root").mkdir()
    (tmp_path / "theirs").mkdir()
    if request.param == "folder":
        yield Place(tmp_path / "root", None)
        return
    with an_sftp_unit(tmp_path / "theirs") as unit:
        yield Place(tmp_path / "root", unit)


@pytest.fixture
def local(tmp_path: Path) -> Place:
    (tmp_path / "root").mkdir()
    return Place(tmp_path / "root", None)


@asynccontextmanager
async def reading(house: House, place: Place, **more: Any) -> AsyncIterator[None]:
    await house.goes_live(place.profile(**more))
    intake = await house.an_intake()
    reception = Reception(house.pool, intake, house.refresher.registry, house.say)
    kinds = {"file": FileSource(place.folders())}
    sources = Sources(house.pool, house.refresher.registry, kinds, reception, "one", house.say)
    task = asyncio.create_task(sources.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def records(*numbers: int, **more: Any) -> list[list[str]]:
    """Rows of a unit's table."""
    made = []
    for number in numbers:
        row = a_row(number) | more
        made.append([row["id"], row.get("类别", "水管"), row["text"], str(row["lng"]), str(row["lat"])])
    return made


def a_csv(rows: Sequence[Sequence[str]], encoding: str = "gbk", heading: Sequence[str] | None = COLUMNS) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([*([heading] if heading else []), *rows])
    return text.getvalue().encode(encoding)


def told(raw: bytes, encoding: str = "gbk") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw.decode(encoding))))


def outcomes(raw: bytes) -> list[tuple[str, str]]:
    return [(row["row 行号"], row["outcome"]) for row in told(raw)]


def today() -> str:
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y%m%d")


async def test_a_file_is_read_row_by_row_answered_by_a_receipt_and_put_away(house: House, place: Place) -> None:
    rows = [*records(1), *records(2, 类别="未知"), *records(3)]
    place.put("上报1.csv", a_csv(rows))
    async with reading(house, place):
        receipt = await place.got("上报1.receipt.csv")
        await until(lambda: not place.named("inbox"))
    assert outcomes(receipt) == [("2", "accepted"), ("3", "refused"), ("4", "accepted")]
    assert told(receipt)[0]["case_number 案件号"].startswith("330800-")
    assert "未知" in told(receipt)[1]["原因"] and "profile line" in told(receipt)[1]["reason"]
    assert await house.ask("SELECT count(*) FROM cases") == [2]
    assert place.named(f"done/{today()}") == ["上报1.csv"]
    assert await house.ask("SELECT door FROM refused_messages") == ["file"]


async def test_the_rows_that_were_refused_come_back_to_be_mended_and_handed_in_again(
    house: House, place: Place
) -> None:
    place.put("a.csv", a_csv([*records(1), *records(2, 类别="未知")]))
    async with reading(house, place):
        wrong = await place.got("a.errors.csv")
        (row,) = told(wrong)
        assert row["说明"] == "站台水管破裂 2" and row["row 行号"] == "3"
        place.put("b.csv", wrong.decode("gbk").replace("未知", "水管").encode("gbk"))
        assert outcomes(await place.got("b.receipt.csv")) == [("2", "accepted")]


async def test_the_same_file_and_the_same_row_of_another_take_effect_once(house: House, place: Place) -> None:
    rows = records(1, 2)
    place.put("a.csv", a_csv(rows))
    async with reading(house, place):
        await place.got("a.receipt.csv")
        place.put("again.csv", a_csv(rows))
        assert {word for _, word in outcomes(await place.got("again.receipt.csv"))} == {"repeated"}
        place.put("more.csv", a_csv([rows[1], *records(3)]))
        assert [word for _, word in outcomes(await place.got("more.receipt.csv"))] == ["repeated", "accepted"]
        # A name that comes again takes no other's place among what was put away.
        await until(lambda: "a.csv" in place.named(f"done/{today()}"))
        place.put("a.csv", a_csv(records(4)))
        await until(lambda: len([name for name in place.named(f"done/{today()}") if name.startswith("a")]) == 3)
    assert await house.ask("SELECT count(*) FROM cases") == [4]


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-8-sig", "gbk"), ("gb18030", None), ("utf-8", None), ("utf-8-sig", None)]
)
async def test_a_csv_is_read_in_the_encoding_that_it_has(
    house: House, local: Place, encoding: str, declared: str | None
) -> None:
    written = {**WRITTEN, "encoding": declared} if declared else {"format": "delimited", "columns": list(COLUMNS)}
    local.put("a.txt", a_csv(records(1), encoding))
    async with reading(house, local, mapping={**MAPPING, "written_as": written}):
        await until(lambda: local.named("receipts"))
    assert await house.ask("SELECT count(*) FROM cases") == [1]


async def test_without_a_heading_the_columns_go_by_the_profile_and_a_short_row_is_refused_alone(
    house: House, local: Place
) -> None:
    local.put("a.csv", a_csv([*records(1), ["2", "水管"], *records(3)], heading=None))
    async with reading(house, local):
        receipt = await local.got("a.receipt.csv")
    assert outcomes(receipt) == [("1", "accepted"), ("2", "refused"), ("3", "accepted")]


async def test_an_excel_file_is_read_and_answered_as_one(house: House, local: Place) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(COLUMNS)
    for number, kind, text, lng, lat in [*records(1), *records(2, 类别="未知")]:
        sheet.append([int(number), kind, text, float(lng), float(lat)])
    target = io.BytesIO()
    book.save(target)
    local.put("a.xlsx", target.getvalue())
    async with reading(house, local):
        wrong = openpyxl.load_workbook(io.BytesIO(await local.got("a.errors.xlsx"))).worksheets[0]
        receipt = openpyxl.load_workbook(io.BytesIO(await local.got("a.receipt.xlsx"))).worksheets[0]
    assert [row[1] for row in receipt.iter_rows(min_row=2, values_only=True)] == ["accepted", "refused"]
    assert next(wrong.iter_rows(min_row=2, values_only=True))[:3] == ("2", "未知", "站台水管破裂 2")


async def test_an_xml_file_is_read_and_answered_as_one(house: House, local: Place) -> None:
    made = "".join(
        "<Row>" + "".join(f"<{name}>{text}</{name}>" for name, text in zip(COLUMNS, row, strict=True)) + "</Row>"
        for row in [*records(1), *records(2, 类别="未知")]
    )
    local.put("a.xml", f'<?xml version="1.0" encoding="GBK"?><Rows>{made}</Rows>'.encode("gbk"))
    mapping = {**MAPPING, "written_as": {"format": "xml"}, "out": []}
    async with reading(house, local, mapping=mapping, records="Rows.Row", format="xml"):
        receipt = etree.fromstring(await local.got("a.receipt.xml"))
        wrong = etree.fromstring(await local.got("a.errors.xml"))
    assert [row.get("outcome") for row in receipt.iter("row")] == ["accepted", "refused"]
    assert (receipt.get("accepted"), receipt.get("refused")) == ("1", "1")
    assert "未知" in (wrong.findtext("row/zh") or "") and wrong.findtext("row/record/编号") == "2"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b'"never closed', "CSV"),
        ("a.xlsx", b"PK\x03\x04 not really", "Excel"),
        ("a.xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "DOCTYPE"),
        ("a.doc", b"\xd0\xcf\x11\xe0", "is not read"),
        ("a.csv", b"\xff\xfe\x00", "gbk"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole_kept_raw_and_put_away(
    house: House, local: Place, name: str, content: bytes, reason: str
) -> None:
    local.put(name, content)
    async with reading(house, local):
        await until(lambda: local.named(f"done/{today()}") == [name])
    assert len(local.named("receipts")) == 2
    assert await house.ask("SELECT body FROM refused_messages") == [content]
    (problem,) = await house.ask("SELECT problem FROM refused_messages")
    assert reason in problem


async def test_a_file_that_still_grows_is_not_read(house: House, local: Place) -> None:
    whole = a_csv(records(1, 2))
    (local.post / "inbox").mkdir(parents=True)
    growing = local.post / "inbox" / "a.csv"
    growing.write_bytes(whole[:40])
    async with reading(house, local, ready="stable", settle_seconds=0.5):
        for part in range(40, len(whole), 40):
            await asyncio.sleep(0.1)
            with growing.open("ab") as more:
                more.write(whole[part : part + 40])
        assert outcomes(await local.got("a.receipt.csv")) == [("2", "accepted"), ("3", "accepted")]


async def test_a_file_with_a_marker_is_read_when_the_marker_is_there(house: House, local: Place) -> None:
    local.put("a.csv", a_csv(records(1)))
    local.put("b.csv", a_csv(records(2)))
    local.put("b.csv.ok", b"")
    async with reading(house, local, ready="marker", marker=".ok"):
        await local.got("b.receipt.csv")
        await until(lambda: local.named("inbox") == ["a.csv"])
    assert local.named(f"done/{today()}") == ["b.csv", "b.csv.ok"]


async def test_what_programs_write_beside_a_file_and_what_is_no_file_is_left_alone(house: House, local: Place) -> None:
    local.put("a.csv.tmp", a_csv(records(1)))
    local.put("~$a.xlsx", b"lock")
    (local.post / "inbox" / "folder.csv").mkdir()
    os.mkfifo(local.post / "inbox" / "pipe.csv")
    (local.root / "secret.csv").write_bytes(a_csv(records(2)))
    (local.post / "inbox" / "link.csv").symlink_to(local.root / "secret.csv")
    local.put("z.csv", a_csv(records(3)))
    async with reading(house, local):
        await local.got("z.receipt.csv")
        await until(lambda: "z.csv" not in local.named("inbox"))
    assert local.named("receipts") == ["z.receipt.csv"] and len(local.named("inbox")) == 5


async def test_a_folder_that_became_a_link_leads_nowhere(house: House, local: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "inbox").mkdir(parents=True)
    (outside / "inbox" / "a.csv").write_bytes(a_csv(records(1)))
    local.post.symlink_to(outside)
    async with reading(house, local):
        await until(lambda: house.heard("source.troubled"))
    with pytest.raises(Unauthorised):
        await FileAdapter(local.folders()).deliver(local.connection(), the_letter())
    assert [path.name for path in outside.rglob("*")] == ["inbox", "a.csv"]


@pytest.mark.parametrize("folder", ["../up", "a/../../b", "/etc", "a//b", ".hidden", "a\0b", "a\\b", ""])
def test_a_profile_cannot_name_a_folder_elsewhere(local: Place, folder: str) -> None:
    with pytest.raises(ValueError):
        local.connection(folder=folder)


# Letters out.


def the_letter(serial: int = 1, **data: Any) -> RenderedLetter:
    letter_id = f"ltr_{serial:016}"
    body = {
        "id": letter_id,
        "type": "case.dispatch",
        "subject": "330800-20261123-000042",
        "time": "2026-11-23T09:13:00+08:00",
        "data": {**VALID["case.dispatch/1.0"], **data},
    }
    return replace(a_letter(), letter_id=letter_id, contract="case.dispatch/1.0", body=orjson.dumps(body))


@asynccontextmanager
async def an_adapter(place: Place, guard: OutboundGuard = GUARD) -> AsyncIterator[FileAdapter]:
    adapter = FileAdapter(place.folders(guard))
    try:
        yield adapter
    finally:
        await adapter.close()


async def test_a_letter_is_delivered_when_its_file_is_whole_and_again_under_the_same_name(place: Place) -> None:
    async with an_adapter(place) as adapter:
        for _ in range(2):
            delivered = await adapter.deliver(place.connection(), the_letter())
            assert delivered.receipt is Receipt.RECEIVED
            assert place.named("outbox") == ["case.dispatch-ltr_0000000000000001.csv"]
    (row,) = told((place.post / "outbox" / place.named("outbox")[0]).read_bytes())
    assert (row["信件"], row["案件号"]) == ("ltr_0000000000000001", "330800-20261123-000042")


async def test_letters_that_come_together_share_a_file_in_their_order(place: Place) -> None:
    connection = place.connection(letters_per_file=3, close_seconds=0.2)
    async with an_adapter(place) as adapter:
        await asyncio.gather(*(adapter.deliver(connection, the_letter(serial)) for serial in (3, 1, 2, 4)))
    first, second = place.named("outbox")
    assert first == "case.dispatch-ltr_0000000000000001-ltr_0000000000000003.csv"
    assert [row["信件"][-1] for row in told((place.post / "outbox" / first).read_bytes())] == ["1", "2", "3"]
    assert second == "case.dispatch-ltr_0000000000000004.csv"


async def test_a_letter_that_the_encoding_cannot_hold_fails_alone(local: Place) -> None:
    connection = local.connection(letters_per_file=2, close_seconds=0.2)
    async with an_adapter(local) as adapter:
        good = asyncio.ensure_future(adapter.deliver(connection, the_letter(1)))
        with pytest.raises(Refused, match="gbk"):
            await adapter.deliver(connection, the_letter(2, description="井盖😀破损"))
        await good
    assert local.named("outbox") == ["case.dispatch-ltr_0000000000000001.csv"]


async def test_an_excel_letter_holds_texts_and_no_formulas(local: Place) -> None:
    async with an_adapter(local) as adapter:
        await adapter.deliver(local.connection(format="xlsx"), the_letter(1, description="=1+1"))
    sheet = openpyxl.load_workbook(local.post / "outbox" / local.named("outbox")[0]).worksheets[0]
    assert [cell.value for cell in sheet[2]][2] == "=1+1" and sheet["C2"].data_type == "s"


async def test_letters_as_xml_lie_where_the_profile_says(local: Place) -> None:
    fields = [{"to": "@id", "from": "envelope.id"}, {"to": "No", "from": "case_number"}]
    mapping = {"written_as": {"format": "xml"}, "out": [{"contract": "case.dispatch", "fields": fields}]}
    connection = local.connection(
        mapping=mapping, format="xml", records="Cases.Case", letters_per_file=2, close_seconds=5
    )
    async with an_adapter(local) as adapter:
        await asyncio.gather(*(adapter.deliver(connection, the_letter(serial)) for serial in (1, 2)))
    root = etree.parse(local.post / "outbox" / local.named("outbox")[0]).getroot()
    assert [case.get("id") for case in root.iter("Case")] == ["ltr_0000000000000001", "ltr_0000000000000002"]


async def test_a_folder_that_is_full_or_closed_is_told_for_what_it_is(local: Place) -> None:
    async with an_adapter(local) as adapter:
        local.post.mkdir()
        (local.post / "outbox").write_bytes(b"a file where the folder should be")
        with pytest.raises(Unauthorised):
            await adapter.deliver(local.connection(), the_letter())


async def test_a_hub_without_a_files_root_has_no_place_for_files(local: Place) -> None:
    folders = Folders(None, GUARD, NamedSecrets({}))
    with pytest.raises(Unauthorised, match="files-root"):
        await FileAdapter(folders).deliver(local.connection(), the_letter())
    (entry,) = Profile.model_validate(local.profile(), strict=False).connections
    (fault,) = await ConnectionChecks(GUARD).faults(entry)
    assert fault.place == ("file", "folder")
    assert await ConnectionChecks(GUARD, local.root).faults(entry) == []


async def test_what_cannot_be_a_table_is_told_before_it_is_applied(local: Place) -> None:
    out = [{"contract": "case.dispatch", "fields": [{"to": "order.no", "from": "case_number"}]}]
    said = local.profile(mapping={**MAPPING, "out": out}, letters_per_file=5, close_seconds=20)
    (entry,) = Profile.model_validate(said, strict=False).connections
    places = {fault.place for fault in await ConnectionChecks(GUARD, local.root).faults(entry)}
    assert places == {("file", "close_seconds"), ("mapping", "out", 0, "fields", 0)}


# SFTP.


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "theirs").mkdir()
    with an_sftp_unit(tmp_path / "theirs") as unit:
        yield Place(tmp_path, unit)


def the_unit(place: Place) -> SftpUnit:
    assert place.sftp is not None
    return place.sftp


async def test_a_private_key_opens_the_account_too(sftp: Place) -> None:
    async with an_adapter(sftp) as adapter:
        await adapter.deliver(sftp.connection(sftp=the_unit(sftp).settings("key")), the_letter())
    assert len(sftp.named("outbox")) == 1


async def test_a_server_with_another_host_key_gets_neither_password_nor_letter(sftp: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with an_sftp_unit(tmp_path / "other") as other:
        settings = the_unit(sftp).settings(host_key=other.host_key)
        async with an_adapter(sftp) as adapter:
            with pytest.raises(Unauthorised, match="HostKey"):
                await adapter.deliver(sftp.connection(sftp=settings), the_letter())
    assert sftp.named("outbox") == []


@pytest.mark.parametrize("secret", ["wrong", "missing"])
async def test_a_wrong_or_missing_secret_calls_a_person(sftp: Place, secret: str) -> None:
    async with an_adapter(sftp) as adapter:
        with pytest.raises(Unauthorised) as caught:
            await adapter.deliver(sftp.connection(sftp=the_unit(sftp).settings(secret)), the_letter())
    assert "guess" not in str(caught.value)


async def test_a_server_inside_the_hubs_own_network_is_not_called(sftp: Place) -> None:
    async with an_adapter(sftp, OutboundGuard()) as adapter:
        with pytest.raises(EndpointRefused):
            await adapter.deliver(sftp.connection(), the_letter())
    (entry,) = Profile.model_validate(sftp.profile(), strict=False).connections
    (fault,) = await ConnectionChecks(OutboundGuard(), None).faults(entry)
    assert fault.place == ("file", "sftp", "host")


async def test_a_host_key_that_is_none_is_told_before_it_is_applied(sftp: Place) -> None:
    said = sftp.profile(sftp=the_unit(sftp).settings(host_key="ssh-ed25519 " + "A" * 68))
    (entry,) = Profile.model_validate(said, strict=False).connections
    (fault,) = await ConnectionChecks(GUARD).faults(entry)
    assert fault.place == ("file", "sftp", "host_key")


async def test_a_server_that_hangs_up_is_found_again(sftp: Place) -> None:
    connection = sftp.connection()
    async with an_adapter(sftp) as adapter:
        await adapter.deliver(connection, the_letter(1))
        the_unit(sftp).hang_up()

        async def delivered() -> bool:
            try:
                await adapter.deliver(connection, the_letter(2))
            except Unavailable:
                return False
            return True

        await until(delivered)
    assert len(sftp.named("outbox")) == 2


async def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with an_sftp_unit(tmp_path) as unit:
        place = Place(tmp_path, unit)
    async with an_adapter(place) as adapter:
        with pytest.raises(Unavailable):
            await adapter.deliver(place.connection(), the_letter())


async def test_a_file_that_takes_the_place_of_one_being_read_is_read_too(
    house: House, local: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes, put = LocalFolder.write, list[int]()

    async def write(self: LocalFolder, where: str, name: str, content: bytes) -> None:
        if not put:
            put.append(1)
            local.put("daily.csv", a_csv(records(2, 3)))
        await writes(self, where, name, content)

    monkeypatch.setattr(LocalFolder, "write", write)
    local.put("daily.csv", a_csv(records(1)))
    async with reading(house, local):
        await until(lambda: house.ask("SELECT 1 FROM cases HAVING count(*) = 3"))
        await until(lambda: not local.named("inbox"))
    assert len(list((local.post / "done").rglob("daily*.csv"))) >= 1
    assert put, "the second came while the first was in hand"


async def test_a_try_that_was_given_up_shows_the_unit_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that stalls: the try before still hangs in its thread when the next one writes."""
    folder = LocalFolder(tmp_path, "post", ThreadPoolExecutor(4), 0.3)
    stalls, syncs, fsync = [threading.Event(), threading.Event()], itertools.count(), os.fsync

    def stalled(file: int) -> None:
        number = next(syncs)
        if number < len(stalls):
            stalls[number].wait(10)
        fsync(file)

    monkeypatch.setattr("adapters.files.local.os.fsync", stalled)
    with pytest.raises(Unavailable):
        await folder.write("outbox", "a.csv", b"first try")
    with pytest.raises(Unavailable):
        await folder.write("outbox", "a.csv", b"second try")
    stalls[0].set()
    await asyncio.sleep(0.3)
    assert not list((tmp_path / "post/outbox").glob("a.csv"))
    stalls[1].set()
    await until((tmp_path / "post/outbox/a.csv").exists)
    assert (tmp_path / "post/outbox/a.csv").read_bytes() == b"second try"
    assert [each.name for each in (tmp_path / "post/outbox").iterdir()] == ["a.csv"]
