"""The end of the day: the month's notice (月度通报) as the hub gives it to anybody who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.demo.config import OPENING
from hub.demo.hub_client import HubClient, HubSaidNo

MONTH = OPENING.strftime("%Y-%m")
COLUMNS = ("due", "handled", "handling_rate", "on_time_rate", "overdue", "handled_late")
"""The indicators that fit into a terminal; the notice itself has more."""


@dataclass(frozen=True, slots=True)
class MonthlyNotice:
    """The notice as PDF, and the evaluation that its figures come from."""

    pdf: bytes
    figures: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """What the demo's result says of it."""
        ranked = sum(1 for row in self.figures["items"] if row.get("rank") is not None)
        return {"month": MONTH, "pdf_bytes": len(self.pdf), "units_ranked": ranked}


async def ask_for_notice(admin: HubClient) -> MonthlyNotice:
    """The notice of the demo's month. Raises ``HubSaidNo``."""
    path = f"/api/v1/notices/{MONTH}.pdf"
    answer = await admin.call("GET", path)
    if not answer.good or not answer.raw.startswith(b"%PDF"):
        raise HubSaidNo("GET", path, answer)
    return MonthlyNotice(answer.raw, await admin.get(f"/api/v1/evaluation?period={MONTH}&by=unit"))


def show_notice(console: Console, notice: MonthlyNotice) -> None:
    """Its chief figures, unit by unit, the best of each group first."""
    figures = notice.figures
    rows = [row for row in figures["items"] if row.get("rank")]
    heads = {each["indicator"]: each["name"] for row in figures["items"][:1] for each in row["figures"]}
    table = Table(title=f"衢州市数字城管月度通报 {MONTH} monthly notice", header_style="bold")
    table.add_column("单位", no_wrap=True)
    for name in COLUMNS:
        table.add_column(heads.get(name, name), justify="right", no_wrap=True)
    table.add_column("得分", justify="right", no_wrap=True)
    table.add_column("名次", justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda each: (str(each.get("group")), each["rank"])):
        shown = {each["indicator"]: each["shown"] for each in row["figures"]}
        cells = [str(shown.get(name, "·")) for name in COLUMNS]
        table.add_row(row["name"], *cells, f"{row.get('score', 0):.1f}", str(row["rank"]))
    console.print(table)
