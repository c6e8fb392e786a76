"""What a person sees (Chinese first): the day as it goes, and at its end a table of the units and the verdict."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from hub.demo.checks import Verdict
from hub.demo.hub_client import CityTime
from hub.demo.tally import UnitTally
from hub.demo.watch import Picture

CITY_ZONE = timezone(timedelta(hours=8))
STAGES = {
    "report": "采集 report",
    "accept": "受理 accept",
    "dispatch": "派遣 dispatch",
    "handle": "处置 handle",
    "feedback": "反馈 feedback",
    "verify": "核查 verify",
    "evaluate": "评价 evaluate",
}
HEADS = {
    "派遣": "dispatched",
    "按期": "in time",
    "超期": "late",
    "退回": "returned",
    "未办": "open",
    "其中返工": "rework",
    "信件": "letters",
    "重投": "redelivered",
}
WAYS = {
    "rest": "REST 推送",
    "soap": "SOAP",
    "rabbitmq": "RabbitMQ",
    "file": "文件 files",
    "pull": "拉取 pull",
    "desk": "工作台 desk",
}
UNITS_SHOWN = 20
FRAME_SECONDS = 0.4


@dataclass(slots=True)
class View:
    """The live view. ``letters`` are the newest letters by id; ``transports`` says which way a connection goes."""

    cases: int
    names: Mapping[str, str]
    transports: Mapping[str, str]
    clock: CityTime
    picture: Picture
    letters: Mapping[str, Mapping[str, Any]]
    _progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self._progress = Progress(
            TextColumn("[bold]结案 over"),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            expand=True,
        )
        self._progress.add_task("cases", total=self.cases)

    async def show(self, console: Console) -> None:
        """Draw until cancelled."""
        with Live(self.frame(), console=console, auto_refresh=False, transient=True) as live:
            while True:
                await asyncio.sleep(FRAME_SECONDS)
                live.update(self.frame(), refresh=True)

    def frame(self) -> RenderableType:
        """The picture of this moment."""
        now = self.clock.now()
        self._progress.update(self._progress.task_ids[0], completed=self.picture.over)
        told = Text(
            f"城市时间 city time {now.astimezone(CITY_ZONE):%Y-%m-%d %H:%M}   ×{self.clock.rate:g}", style="cyan"
        )
        columns = Table.grid(expand=True, padding=(0, 2))
        columns.add_column(ratio=2)
        columns.add_column(ratio=3)
        columns.add_row(Group(self._stages(), Text(), self._ways(), Text(), self._recent()), self._units(now))
        return Panel(Group(told, self._progress, columns), title="CityHub 城市管理枢纽 · 演示 demo")

    def _stages(self) -> Table:
        counted = self.picture.by_stage
        table = Table(box=None, header_style="dim")
        table.add_column("阶段 stage")
        table.add_column("案件 cases", justify="right")
        for stage, words in STAGES.items():
            number = counted[stage]
            table.add_row(words, str(number) if number else "·", style="" if number else "dim")
        return table

    def _ways(self) -> Table:
        """Letters by the way that they take, and how many of them are still on it."""
        written: Counter[str] = Counter()
        waiting: Counter[str] = Counter()
        for letter in self.letters.values():
            way = self.transports.get(letter["connection_id"], "desk")
            written[way] += 1
            waiting[way] += letter["state"] != "delivered"
        table = Table(box=None, header_style="dim")
        table.add_column("方式 way")
        table.add_column("信件 letters", justify="right")
        table.add_column("途中 on the way", justify="right")
        for way, number in written.most_common():
            table.add_row(WAYS.get(way, way), str(number), str(waiting[way] or "·"))
        return table

    def _units(self, now: datetime) -> Table:
        held, late = self.picture.with_units(), self.picture.late(now)
        written = Counter(letter["unit_id"] for letter in self.letters.values())
        waiting = Counter(each["unit_id"] for each in self.letters.values() if each["state"] != "delivered")
        table = Table(box=None, header_style="dim", expand=True)
        table.add_column("单位\nunit", ratio=1, no_wrap=True)
        for head in ("信件\nletters", "途中\non the way", "在办\nin hand", "超期\nlate"):
            table.add_column(head, justify="right")
        busiest = sorted(written, key=lambda unit: (-held[unit], -written[unit], unit))
        for unit in busiest[:UNITS_SHOWN]:
            table.add_row(
                self.names.get(unit, unit),
                str(written[unit]),
                str(waiting[unit] or "·"),
                str(held[unit] or "·"),
                Text(str(late[unit] or "·"), style="bold red" if late[unit] else "dim"),
            )
        if len(busiest) > UNITS_SHOWN:
            table.add_row(f"… 另 {len(busiest) - UNITS_SHOWN} 个单位 more", "", "", "", "", style="dim")
        return table

    def _recent(self) -> Table:
        table = Table(box=None, show_header=False)
        for entry in reversed(self.picture.recent):
            unit = self.names.get(entry["unit_id"], "枢纽" if entry["unit_id"] == "hub" else entry["unit_id"])
            table.add_row(Text(entry["case_number"][-6:], style="dim"), entry["step_name"], Text(unit, style="dim"))
        return table


def show_units(console: Console, units: Mapping[str, UnitTally]) -> None:
    """The table at the end."""
    table = Table(title="各单位处置情况 what each unit did", header_style="bold")
    table.add_column("单位\nunit", no_wrap=True)
    for zh, en in HEADS.items():
        table.add_column(f"{zh}\n{en}", justify="right", no_wrap=True)
    total = UnitTally("合计 total")
    for unit in units.values():
        table.add_row(*_cells(unit))
        for name in ("dispatched", "in_time", "late", "returned", "open", "rework", "letters", "redelivered"):
            setattr(total, name, getattr(total, name) + getattr(unit, name))
    table.add_section()
    table.add_row(*_cells(total), style="bold")
    console.print(table)


def _cells(unit: UnitTally) -> list[str]:
    numbers = (unit.dispatched, unit.in_time, unit.late, unit.returned, unit.open, unit.rework, unit.letters)
    return [unit.name_zh, *(str(number or "·") for number in (*numbers, unit.redelivered))]


def show_verdict(console: Console, verdict: Verdict) -> None:
    """Each claim with what stands against it."""
    claims = (
        ("不丢失 nothing lost", verdict.lost),
        ("不重复生效 nothing took effect twice", verdict.duplicated),
        ("每案有序 each case in order", verdict.out_of_order),
        ("签名与重发应答无误 signatures and repeated answers sound", verdict.unexpected),
        ("全部办结 every case over", verdict.hanging),
    )
    for claim, against in claims:
        console.print(Text("✓ " if not against else "✗ ", style="green" if not against else "red") + claim)
        for sentence in against[:10]:
            console.print(f"    {sentence}", style="red", markup=False, highlight=False)
        if len(against) > 10:
            console.print(f"    … 另 {len(against) - 10} 条 more", style="red")
