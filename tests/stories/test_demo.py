"""The demo as a story: the command as a person types it, real processes, and the end that it promises."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.demo.bends import SHOWN
from hub.demo.foreign import Tools
from tests.stories.conftest import wait_for

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS = 180
END_SECONDS = 60

LETTERS_BY = {"rest", "soap", "rabbitmq", "file", "pull", "desk"}
MESSAGES_BY = {"rest", "soap", "inbound", "rabbitmq", "poll", "file"}
SYSTEMS: dict[str, set[str]] = {
    "telecom": set(),
    "bus_group": set(),
    "post": set(),
    "power": {"node"},
    "water_resources": {"php"},
    "gas_company": {"axis"},
    "mobile": {"node", "broker"},
    "radio_tv": {"node", "broker"},
}
"""The units with ways of their own, and what their systems run on."""

WAYS_NEED: dict[str, set[str]] = {"soap": {"node"}, "rabbitmq": {"node", "broker"}}
TOOLS = Tools()
THERE = {name for name in ("node", "php", "axis", "broker") if getattr(TOOLS, name)}

pytestmark = pytest.mark.story


def a_demo(folder: Path, *options: str, path: str | None = None) -> subprocess.Popen[str]:
    """The command, its temporary folders below ``folder`` so that what it leaves behind is seen."""
    found = {"PATH": path} if path is not None else {}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "hub.cli", "demo", "--headless", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder), **found},
        start_new_session=True,
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    # Short: the database's socket may lie below it, and a socket's path has its limit.
    with tempfile.TemporaryDirectory(prefix="story-") as made:
        yield Path(made)


def still_running_below(folder: Path) -> list[str]:
    """Command lines of processes that name the folder, or were started by one that has its files there."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes()
            told = line + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in told:
            found.append(line.replace(b"\0", b" ").decode(errors="replace"))
    return found


def path_without(folder: Path, *names: str) -> str:
    """A PATH on which everything is but these."""
    hidden = folder.with_name(f"{folder.name}-path")
    hidden.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            if program.name not in names:
                with contextlib.suppress(FileExistsError):
                    (hidden / program.name).symlink_to(program)
    return str(hidden)


def last_line(output: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return told


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
class TestADay:
    """One short day, looked at from several sides."""

    @pytest.fixture(scope="class")
    @classmethod
    def day(cls) -> Iterator[tuple[int, dict[str, Any], str, list[str], list[str]]]:
        with tempfile.TemporaryDirectory(prefix="story-") as made:
            folder = Path(made)
            process = a_demo(folder, "--cases", "30", "--seed", "3", "--json")
            try:
                output, said = process.communicate(timeout=RUN_SECONDS)
            finally:
                process.kill()
            left = [path.name for path in folder.iterdir()]
            yield process.returncode, last_line(output), said, still_running_below(folder), left

    def test_every_case_goes_from_report_to_its_end(self, day: Any) -> None:
        status, told, said, _, _ = day
        assert (status, told["ok"], told["cases"]) == (0, True, 30), said
        ends = ("closed", "rejected", "duplicate", "voided")
        assert sum(told["by_state"].get(end, 0) for end in ends) == 30
        assert told["by_stage"] == {"evaluate": 30}

    def test_the_day_has_its_bends(self, day: Any) -> None:
        bends = day[1]["bends"]
        assert day[1]["bends_missing"] == []
        assert all(bends[name] for name in (*SHOWN, "coordinations", "sub_dispatches", "reminders"))

    def test_it_ends_with_the_monthly_notice(self, day: Any) -> None:
        notice = day[1]["notice"]
        assert notice["month"] == "2026-11" and notice["pdf_bytes"] > 10_000 and notice["units_ranked"] > 5

    def test_nothing_is_lost_doubled_or_out_of_order(self, day: Any) -> None:
        told = day[1]
        assert [told[name] for name in ("lost", "duplicated", "out_of_order", "unexpected")] == [0, 0, 0, 0]

    def test_letters_take_every_way_there_is(self, day: Any) -> None:
        told = day[1]
        ways = LETTERS_BY - {way for way, needs in WAYS_NEED.items() if not needs <= THERE}
        assert [way for way in (*ways, "feed", "poll") if not told["transports"].get(way)] == []
        assert sum(told["transports"].get(way, 0) for way in LETTERS_BY) == told["letters"]

    def test_units_answer_by_every_way_there_is(self, day: Any) -> None:
        told = day[1]["messages_by_way"]
        ways = MESSAGES_BY - {way for way, needs in WAYS_NEED.items() if not needs <= THERE}
        assert [way for way in ways if not told.get(way)] == []
        assert sum(told.values()) == day[1]["messages"]

    @pytest.mark.parametrize(("unit", "needs"), SYSTEMS.items(), ids=SYSTEMS)
    def test_each_unit_with_a_way_of_its_own_handled_its_case_by_it(self, day: Any, unit: str, needs: set[str]) -> None:
        if not needs <= THERE:
            pytest.skip(
                f"{', '.join(needs - THERE)} is not installed here: ./cityhub demo installs it as root on Debian"
            )
        told = day[1]["by_unit"][unit]
        assert told["letters"] >= told["dispatched"] > told["open"]

    def test_each_dispatch_is_accounted_for(self, day: Any) -> None:
        for unit in day[1]["by_unit"].values():
            assert unit["dispatched"] == unit["in_time"] + unit["late"] + unit["returned"] + unit["open"]

    def test_nothing_stays_behind(self, day: Any) -> None:
        assert day[3:] == ([], [])


def test_a_partner_that_cannot_show_what_it_got_fails_the_day(folder: Path) -> None:
    process = a_demo(folder, "--cases", "6", "--json")
    try:
        kept = wait_for(lambda: _with_rows(folder, "collectors"), 90)
        # What it writes from here on is still its own, but nobody can read what it wrote before.
        kept.unlink()
        output, said = process.communicate(timeout=RUN_SECONDS)
    finally:
        process.kill()
    told = last_line(output)
    assert (process.returncode, told["ok"]) == (1, False)
    assert told["lost"] > 0 and "never answered" in " ".join(told["faults"]), said


def _with_rows(folder: Path, partner: str) -> Path | None:
    return next((path for path in folder.glob(f"*/journals/{partner}.jsonl") if path.stat().st_size), None)


@pytest.mark.skipif("broker" not in THERE, reason="no RabbitMQ: apt-get install rabbitmq-server")
def test_without_a_broker_it_says_so_and_plays_the_rest(folder: Path) -> None:
    path = path_without(folder, "erl", "epmd", "rabbitmq-server", "rabbitmqctl")
    process = a_demo(folder, "--cases", "20", "--json", path=path)
    try:
        output, said = process.communicate(timeout=RUN_SECONDS)
    finally:
        process.kill()
        shutil.rmtree(path)
    told = last_line(output)
    assert (process.returncode, told["ok"], told["lost"]) == (0, True, 0), said
    assert "没有 RabbitMQ:mobile、radio_tv" in said
    assert "rabbitmq" not in told["transports"] and told["transports"]["file"] > 0


def test_told_to_end_in_the_middle_it_ends_every_process(folder: Path) -> None:
    process = a_demo(folder, "--cases", "30")
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "reports begin" in line:
                break
        assert still_running_below(folder)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=END_SECONDS)
    finally:
        process.kill()
    assert (process.returncode, still_running_below(folder), list(folder.iterdir())) == (130, [], [])
