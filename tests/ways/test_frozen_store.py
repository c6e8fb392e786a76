"""What of the store is frozen: partitions by the case's month, seen ids kept apart from them, two clocks, photos."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.city import load_city
from contracts.problem import Problem
from hub.attachments import Attachments
from hub.case_numbers import month_of
from hub.first_start import keep_city
from hub.store import batches
from hub.store import registry as registry_store
from tests.builders import CLEAR, COLLECTOR, QUZHOU, a_report
from tests.stories.test_readme import a_png
from tests.ways.conftest import House, answered, until
from tests.ways.test_lanes import goes_live, running_lanes
from tests.ways.unit_system import a_unit_system

pytestmark = pytest.mark.way

CASE_DATA = {"cases", "entries", "raw_messages", "personal_data", "case_visibility", "letters", "attempts"}


async def city_time(house: House, moment: datetime, rate: float = 1.0) -> None:
    async with house.pool.acquire() as conn:
        await registry_store.set_clock(conn, moment, rate)
    await house.refresher.load()


class TestPartitions:
    """Case data lies by the month that a case's number tells; nothing else depends on a month."""

    async def test_all_case_data_is_cut_by_case_id_and_the_seen_ids_are_not(self, house: House) -> None:
        rows = await house.pool.fetch(
            "SELECT relname, pg_get_partkeydef(oid) AS key FROM pg_class "
            "WHERE relkind = 'p' AND relnamespace = 'cityhub'::regnamespace"
        )
        assert {row["relname"]: row["key"] for row in rows} == dict.fromkeys(CASE_DATA, "RANGE (case_id)")

    @pytest.mark.parametrize("moment", ["2027-01-31T15:59:59+00:00", "2027-01-31T16:00:00+00:00"])
    async def test_a_case_lies_in_the_partition_that_its_number_tells(self, house: House, moment: str) -> None:
        await city_time(house, datetime.fromisoformat(moment), 0.001)
        intake = await house.an_intake()
        answer = answered((await intake.receive([a_report()]))[0])
        for table in ("cases", "entries", "letters", "raw_messages", "case_visibility"):
            (lies,) = set(
                await house.ask(f"SELECT tableoid::regclass::text FROM {table} WHERE case_id = $1", answer.case_id)
            )
            assert lies.rpartition(".")[2] == f"{table}_{month_of(answer.case_id)}"

    async def test_a_month_that_is_dropped_takes_its_cases_and_binds_their_ids(self, house: House) -> None:
        old, new = datetime(2026, 9, 1, 1, tzinfo=UTC), datetime(2026, 11, 2, 1, tzinfo=UTC)
        intake = await house.an_intake()
        await city_time(house, old)
        report = a_report(key="of September")
        first = answered((await intake.receive([report]))[0])
        await city_time(house, new)
        second = answered((await intake.receive([a_report()]))[0])
        for table in sorted(CASE_DATA):
            await house.pool.execute(f"DROP TABLE {table}_202609")
        assert await house.ask("SELECT case_id FROM cases") == [second.case_id]
        assert len(await house.log(second.case_id)) == second.version
        (again,) = await intake.receive([report])
        assert isinstance(again, Problem) and again.kind == "case_unknown"
        assert first.case_number in again.zh and first.case_number in again.en
        assert await house.ask("SELECT case_id FROM cases") == [second.case_id]

    async def test_at_the_turn_of_a_month_every_report_is_taken(self, house: House) -> None:
        intakes = [await house.an_intake(f"intake {n}") for n in range(3)]
        await city_time(house, datetime(2029, 5, 31, 16, tzinfo=UTC))
        outcomes = await asyncio.gather(*(intakes[n % 3].receive([a_report()]) for n in range(12)))
        assert {month_of(answered(outcome[0]).case_id) for outcome in outcomes} == {202906}

    async def test_a_month_is_made_once_by_many_at_once(self, house: House) -> None:
        async def make() -> bool:
            async with house.pool.acquire() as conn:
                return await batches.ensure_month(conn, 203012)

        assert sorted(await asyncio.gather(*(make() for _ in range(4)))) == [False, False, False, True]
        bounds = await house.ask("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'cases_203012'")
        assert bounds == ["FOR VALUES FROM ('2030120000000000') TO ('2031010000000000')"]


async def test_each_entry_names_the_directory_that_decided_it(house: House, tmp_path: Path) -> None:
    shutil.copytree(QUZHOU, tmp_path / "renamed")
    units = tmp_path / "renamed" / "units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("市电信公司", "市电信分公司"), encoding="utf-8")
    intake = await house.an_intake()
    before = answered((await intake.receive([a_report()]))[0])
    async with house.pool.acquire() as conn:
        await keep_city(conn, load_city(tmp_path / "renamed"), "test")
    await house.refresher.load()
    after = answered((await intake.receive([a_report()]))[0])
    named = [{entry.directory_version for entry in await house.log(each.case_id)} for each in (before, after)]
    assert named == [{1}, {2}]


class TestTwoClocks:
    """City time a thousand times faster moves deadlines and nothing of the machine's."""

    async def test_leases_and_attempts_are_in_real_time_and_entries_in_the_citys(self, house: House) -> None:
        far = datetime(2031, 3, 3, 1, tzinfo=UTC)
        await city_time(house, far, 1000.0)
        intake = await house.an_intake()
        async with a_unit_system() as unit:
            await goes_live(house, COLLECTOR, unit)
            async with running_lanes(house):
                began = datetime.now(UTC)
                answer = answered((await intake.receive([a_report(CLEAR)]))[0])
                await until(lambda: house.ask("SELECT 1 FROM attempts WHERE case_id = $1", answer.case_id))
                (leased,) = await house.ask(
                    "SELECT leased_until FROM lanes WHERE connection_id = $1", "collection.main"
                )
        now = datetime.now(UTC)
        tries = await house.pool.fetch("SELECT taken_at, sent_at, ended_at FROM attempts")
        assert tries and all(began <= moment <= now for row in tries for moment in row)
        assert timedelta(0) < leased - now < timedelta(minutes=2)
        (last,) = await house.ask("SELECT max(known_at) FROM entries WHERE case_id = $1", answer.case_id)
        assert last >= far
        (due,) = await house.ask("SELECT due_at FROM cases WHERE case_id = $1", answer.case_id)
        assert due > last


class TestPhotos:
    """Named by an id of the unit that sent them; the content's digest is for storage and proof alone."""

    async def test_the_same_picture_of_two_units_is_two_photos_and_one_file(self, house: House, tmp_path: Path) -> None:
        photos = Attachments(tmp_path, house.pool, 1_000_000)
        one, two = await photos.keep("telecom", a_png()), await photos.keep("mobile", a_png())
        assert one.attachment_id != two.attachment_id
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [hashlib.sha256(a_png()).hexdigest()]
        assert await house.ask("SELECT unit_id FROM attachments ORDER BY stored_at") == ["telecom", "mobile"]

    async def test_a_photo_that_cannot_be_written_is_known_to_nobody(self, house: House, tmp_path: Path) -> None:
        (tmp_path / "full").write_bytes(b"")
        photos = Attachments(tmp_path / "full" / uuid.uuid4().hex, house.pool, 1_000_000)
        with pytest.raises(OSError, match="Not a directory"):
            await photos.keep("telecom", a_png())
        assert await house.ask("SELECT count(*) FROM attachments") == [0]
