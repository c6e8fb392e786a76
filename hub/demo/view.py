"""What a person sees: the day in progress, and the table at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from hub.life_cycle import STAGE_WORDS, Stage

OVER = ("closed", "rejected", "duplicate", "voided")


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit's day."""

    unit_id: str
    name_zh: str
    dispatched: int = 0
    in_time: int = 0
    late: int = 0
    returned: int = 0
    rework: int = 0

    def document(self) -> dict[str, int]:
        """For machines."""
        return {
            "dispatched": self.dispatched,
            "in_time": self.in_time,
            "late": self.late,
            "returned": self.returned,
            "rework": self.rework,
        }


def unit_rows(cases: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[UnitRow]:
    """Each unit's dispatches and what became of them, from the cases as the hub shows them."""
    counts: dict[str, Counter[str]] = {}
    for case in cases:
        for dispatch in case.get("dispatches", ()):
            count = counts.setdefault(dispatch["unit_id"], Counter())
            if dispatch["round"] > 1:
                count["rework"] += 1
            else:
                count["dispatched"] += 1
            if "returned_at" in dispatch:
                count["returned"] += 1
            elif "answered_at" in dispatch:
                in_time = datetime.fromisoformat(dispatch["answered_at"]) <= datetime.fromisoformat(dispatch["due_at"])
                count["in_time" if in_time else "late"] += 1
    rows = [UnitRow(unit, names.get(unit, unit), **count) for unit, count in counts.items()]
    return sorted(rows, key=lambda row: (-row.dispatched, row.unit_id))


class DayView:
    """The live picture; ``headless`` shows nothing."""

    def __init__(self, total: int, headless: bool) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("结案 closed"), BarColumn(bar_width=48), MofNCompleteColumn(), console=self._console
        )
        self._task = self._progress.add_task("day", total=total)
        self._live = None if headless else Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> DayView:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(
        self, now: str, cases: list[dict[str, Any]], lanes: list[dict[str, Any]], names: Mapping[str, str]
    ) -> None:
        """Draw the moment."""
        if not self._live:
            return
        done = sum(1 for case in cases if case.get("state") in OVER)
        self._progress.update(self._task, completed=done)
        late = sum(1 for case in cases if case.get("late"))
        stages = Counter(case.get("stage") for case in cases)
        line = Text("  ")
        for stage in Stage:
            line.append(
                f"{STAGE_WORDS[stage].zh} {stages.get(stage.value, 0)}   ", "bold" if stages.get(stage.value) else "dim"
            )
        line.append(f"超时 late {late}", "red" if late else "dim")
        busy = sorted(lanes, key=lambda lane: -(lane["waiting"] + lane["held"]))[:8]
        table = Table(box=None, header_style="dim")
        for head in ("单位 unit", "待投 waiting", "暂存 held", "死信 dead", "通道 lane"):
            table.add_column(head)
        for lane in busy:
            state = "暂停 paused" if "paused_at" in lane else {"open": "断开 open"}.get(lane["breaker"], "正常 ok")
            name = names.get(lane["unit_id"], lane["unit_id"])
            table.add_row(name, str(lane["waiting"]), str(lane["held"]), str(lane["dead"]), state)
        self._live.update(Group(Text(f"城市时间 city time {now}", "cyan"), self._progress, line, table))

    def table(self, rows: Iterable[UnitRow]) -> None:
        """The day's end, per unit."""
        table = Table(title="各单位 / per unit", header_style="bold")
        for head in ("单位", "派遣 dispatched", "按期 in time", "超时 late", "退回 returned", "返工 rework"):
            table.add_column(head, justify="left" if head == "单位" else "right")
        for row in rows:
            late = f"[red]{row.late}[/red]" if row.late else "0"
            table.add_row(row.name_zh, str(row.dispatched), str(row.in_time), late, str(row.returned), str(row.rework))
        self._console.print(table)

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, highlight=False)
