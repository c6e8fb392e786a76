"""How a worker ends when it is told to: in a process of its own, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.serve import DSN_VARIABLE
from tests.builders import COLLECTOR, a_report
from tests.stories.conftest import ROOT
from tests.ways.conftest import House, answered, until

pytestmark = pytest.mark.way

END_SECONDS = 4.0
"""Less than a lane waits for what it has on the wire: a file that is written at once is written within it."""

ORDINARY = "E0104"
OF_TOGETHER = "FROM lanes WHERE connection_id LIKE '%.together'"

OUT = {
    "contract": "case.status",
    "fields": [{"to": "信件", "from": "envelope.id"}, {"to": "案件号", "from": "case_number"}],
}


@asynccontextmanager
async def a_worker(house: House, folder: Path, roles: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker of the hub, started as its supervisor starts it."""
    (folder / "files").mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "hub.cli", "worker", "--slot=w0", f"--roles={roles}"),
        *(f"--data={folder / 'data'}", f"--files-root={folder / 'files'}"),
        env={**os.environ, DSN_VARIABLE: house.dsn, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def by_file(name: str, **file: Any) -> dict[str, Any]:
    """A connection by file in a folder of its own name."""
    return {
        **{"name": name, "transport": "file", "receives": ["case.status"], "timeout_seconds": 60},
        "file": {"folder": name, "ready": "renamed", "every_seconds": 60, **file},
        "mapping": {"written_as": {"format": "delimited"}, "out": [OUT]},
    }


async def test_a_worker_that_ends_in_order_leaves_no_letter_waiting_for_its_file(house: House, tmp_path: Path) -> None:
    together, alone = by_file("together", letters_per_file=50, close_seconds=30), by_file("alone")
    await house.goes_live({"unit": COLLECTOR, "connections": [together, alone]})
    intake = await house.an_intake()
    async with a_worker(house, tmp_path, "lanes,sources") as worker:
        case = answered((await intake.receive([a_report(ORDINARY)]))[0])
        await until(lambda: house.ask(f"SELECT 1 {OF_TOGETHER} AND taken_ordinary > done_ordinary"), 30)
        # By the time that a later letter has come by the other lane, the first one waits for others to share a file.
        later = answered((await intake.receive([a_report(ORDINARY)]))[0])
        await until(lambda: any(later.case_number in name.read_text() for name in written(tmp_path, "alone")))
        assert written(tmp_path, "together") == []
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(END_SECONDS):
            assert await worker.wait() == 0
    assert any(case.case_number in name.read_text() for name in written(tmp_path, "together"))
    assert set(await house.ask("SELECT outcome FROM attempts")) == {"received"}
    # What lies in a file is settled, to the letter: nobody writes it again. Later letters of a case were never begun.
    told = [letter for name in written(tmp_path, "together") for letter in re.findall(r"ltr_\d+", name.read_text())]
    tried = "SELECT position FROM attempts WHERE connection_id LIKE '%.together' ORDER BY position"
    assert sorted(int(letter.removeprefix("ltr_")) for letter in told) == await house.ask(tried)


def written(folder: Path, name: str) -> list[Path]:
    """The whole files in an outbox."""
    return [each for each in (folder / "files" / name / "outbox").glob("*") if not each.name.startswith(".")]
