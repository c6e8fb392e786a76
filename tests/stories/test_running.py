"""Running a hub: two on one database, backup and restore by the command line, starts that cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_place
from tests.stories.conftest import ROOT, RunningHub, start_hub, stop_hub, wait_for

POSTGRESQL_15 = Path("/usr/lib/postgresql/15/bin")
"""The oldest PostgreSQL that serves as an outside database, as Debian 12 installs it."""


def cityhub(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "hub.cli", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def report(hub: RunningHub, key: str) -> str:
    body = {"category_code": "E0402", "description": "自来水管破裂", "place": a_place()}
    status, said, _ = hub.call("POST", "/api/v1/cases", body, key, idempotency_key=uuid.uuid4().hex)
    assert status == 201, said
    number: str = said["case_number"]
    return number


class TestTwoHubsOnOneDatabase:
    """Several machines share a database, its master keys and its photos; either may die."""

    @pytest.fixture
    def outside(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
        """An outside database, and the master key file of the first hub that used it."""
        binaries: Path | None = getattr(request, "param", None)
        if binaries is not None and not binaries.exists():
            pytest.skip(f"there is no {binaries}: apt-get install postgresql-15")
        started = subprocess.Popen(
            [sys.executable, "-c", _A_DATABASE, str(tmp_path / "outside"), *([str(binaries)] if binaries else [])],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )
        assert started.stdout is not None and started.stdin is not None
        # Its log lines come first.
        dsn = next(line.strip() for line in started.stdout if line.startswith("postgresql://"))
        yield dsn, tmp_path / "master.key"
        started.stdin.close()
        started.wait(30)

    @pytest.mark.parametrize("outside", [None, POSTGRESQL_15], indirect=True, ids=["shipped", "oldest"])
    def test_what_one_is_told_the_other_knows_and_goes_on_alone(
        self, outside: tuple[str, Path], tmp_path: Path
    ) -> None:
        database, master = outside
        shared = [f"--database={database}", f"--master-key-file={master}", f"--attachments={tmp_path / 'photos'}"]
        one = start_hub(tmp_path / "one", *shared)
        two = start_hub(tmp_path / "two", *shared)
        try:
            two.admin_key = one.admin_key
            key = one.key_of("collection")
            number = report(one, key)
            assert wait_for(lambda: two.call("GET", f"/api/v1/cases/{number}", key=key)[0] == 200)
            os.killpg(one.process.pid, signal.SIGKILL)
            other = report(two, key)
            assert two.call("GET", f"/api/v1/cases/{other}")[1]["state"] == "dispatched"
        finally:
            for hub in (one, two):
                stop_hub(hub)

    def test_a_hub_with_other_master_keys_says_so_at_once(self, outside: tuple[str, Path], tmp_path: Path) -> None:
        database, master = outside
        one = start_hub(tmp_path / "one", f"--database={database}", f"--master-key-file={master}")
        try:
            profile = {
                "unit": "telecom",
                "connections": [{"name": "main", "transport": "rest", "rest": {"endpoint": "http://127.0.0.1:9/x"}}],
            }
            assert one.call("PUT", "/api/v1/units/telecom/profile", profile)[0] == 200
            refused = cityhub("serve", f"--data={tmp_path / 'two'}", f"--database={database}", "--port=0")
        finally:
            stop_hub(one)
        assert refused.returncode == 1
        assert (
            "主密钥" in refused.stderr and "--master-key-file" in refused.stderr and "Traceback" not in refused.stderr
        )


_A_DATABASE = """
import asyncio, sys
from pathlib import Path
from hub.store.embedded import create_database, running_server

async def main():
    async with running_server(Path(sys.argv[1]), binaries=Path(sys.argv[2]) if sys.argv[2:] else None) as server:
        print(await create_database(server, "city"), flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def test_a_restore_begins_a_new_epoch_and_issues_no_number_twice(tmp_path: Path) -> None:
    # The city clock runs a day ahead each minute: numbers are issued for days that the machine has not seen.
    hub = start_hub(tmp_path / "data", "--clock-rate=1440")
    try:
        admin, key = hub.admin_key, hub.key_of("collection")
        before = [report(hub, key) for _ in range(3)]
        cursor = hub.call("GET", "/api/v1/changes?limit=1")[1]["cursor"]
    finally:
        stop_hub(hub)
    done = cityhub("backup", f"--data={tmp_path / 'data'}", str(tmp_path / "city.tar"), "--json")
    assert done.returncode == 0, done.stderr
    hub = start_hub(tmp_path / "data")
    try:
        hub.admin_key = admin
        lost = [report(hub, key) for _ in range(3)]
    finally:
        stop_hub(hub)
    (tmp_path / "new").mkdir()
    # The master keys are backed up apart, as the documents say.
    (tmp_path / "new" / "master.key").write_bytes((tmp_path / "data" / "master.key").read_bytes())
    (tmp_path / "new" / "master.key").chmod(0o600)
    done = cityhub("restore", f"--data={tmp_path / 'new'}", str(tmp_path / "city.tar"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epoch"] == 2
    hub = start_hub(tmp_path / "new")
    try:
        hub.admin_key = admin
        assert {hub.call("GET", f"/api/v1/cases/{number}")[0] for number in before} == {200}
        status, said, _ = hub.call("GET", f"/api/v1/changes?after={cursor}")
        assert (status, said["type"].rpartition("/")[2]) == (410, "cursor_gone")
        after = [report(hub, key) for _ in range(3)]
        assert not {*before, *lost} & set(after)
    finally:
        stop_hub(hub)


def test_a_unit_past_its_rate_is_told_when_to_come_back_and_costs_nobody_else(tmp_path: Path) -> None:
    hub = start_hub(tmp_path / "data", "--processes=1", "--rate-per-second=2", "--batch-max=3")
    try:
        busy, other = hub.key_of("collection"), hub.key_of("telecom")
        report = {"category_code": "E0402", "description": "自来水管破裂", "place": a_place()}
        event = {"specversion": "1.0", "source": "/rounds", "type": "case.report", "data": report}
        media = "application/cloudevents-batch+json"
        # A batch weighs as much as its messages.
        for _ in range(12):
            batch = [{**event, "id": uuid.uuid4().hex} for _ in range(3)]
            status, said, headers = hub.call("POST", "/api/v1/messages", batch, busy, content_type=media)
            if status == 429:
                break
        assert (status, said["type"].rpartition("/")[2], said["retryable"]) == (429, "too_many_requests", True)
        assert 1 <= int(headers["retry-after"]) <= 5
        assert hub.call("GET", "/api/v1/cases", key=other)[0] == 200
        too_many = [{**event, "id": str(n)} for n in range(4)]
        assert hub.call("POST", "/api/v1/messages", too_many, other, content_type=media)[0] == 413
        wait_for(lambda: hub.call("GET", "/api/v1/cases", key=busy)[0] == 200)
    finally:
        stop_hub(hub)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--city={folder}/nowhere"], "nowhere"),
        (["--data={folder}/file/data"], "不能写入"),
        (["--database=postgresql://nobody@127.0.0.1:9/none"], "连不上数据库"),
        (["--port=notaport"], "port"),
        (["--clock-start=yesterday"], "2026-11-23T08:00:00+08:00"),
        (["--clock-start=2026-11-23T08:00:00"], "时区"),
        (["--outbound-allow-private=maybe"], "yes|no"),
        (["--database=mysql://somewhere"], "postgresql"),
        (["--city={folder}/city"], "units.csv"),
    ],
)
def test_a_start_that_cannot_be_says_why_and_what_to_do(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    (tmp_path / "city").mkdir()
    given: list[Any] = [each.format(folder=tmp_path) for each in arguments]
    if not any(each.startswith("--data") for each in given):
        given.append(f"--data={tmp_path / 'data'}")
    run = cityhub("serve", *given)
    said = run.stderr + run.stdout
    assert run.returncode != 0 and says in said and "Traceback" not in said
