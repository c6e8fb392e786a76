"""units try, explain: a profile's mapping on a sample, before anything is applied. Needs no database."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.problem import Problem
from hub.commands.common import add_json, profile_text, show_json, table, tell

if TYPE_CHECKING:
    from hub.app import Trial


def add(jobs: Any) -> None:
    """The verbs' arguments."""
    for name, help_text, verb in (
        ("try", "用样本试映射 / a sample through the mapping, side by side", _try),
        ("explain", "每个字段从何而来 / where each field came from", _explain),
    ):
        job = jobs.add_parser(name, help=help_text)
        job.add_argument("-f", "--file", required=True, help="接入档案 / the profile, YAML or JSON")
        job.add_argument(
            "sample", nargs="?", help="单位的文档;--out 时为信件 JSON,默认用契约示例 / the unit's document, or a letter"
        )
        job.add_argument("--contract", help="契约,例如 case.feedback;默认按 when 判断 / by the tables' when")
        job.add_argument("--connection", help="连接名,默认第一个有映射的 / the first with a mapping")
        job.add_argument("--out", action="store_true", help="发给单位的方向 / towards the unit")
        add_json(job)
        job.set_defaults(run=verb)


def _try(given: argparse.Namespace) -> int:
    found = _trial(given)
    if isinstance(found, int):
        return found
    if given.json:
        faults = [{"zh": zh, "en": en} for zh, en in found.faults]
        show_json({"contract": found.contract, "made": found.made, "parked": found.parked, "faults": faults})
    else:
        _beside(found)
    return 1 if found.faults else 0


def _explain(given: argparse.Namespace) -> int:
    found = _trial(given)
    if isinstance(found, int):
        return found
    rows = [
        {"line": o.line, "from": o.source, "value": o.given, "did": o.did, "to": o.target, "made": o.made}
        for o in found.origins
    ]
    if given.json:
        show_json(rows)
    else:
        heads = ("行 line", "来源 from", "值 value", "处理 done", "去向 to", "结果 made")
        table([[_short(cell) for cell in row.values()] for row in rows], heads)
        for each in found.lost:
            print(f"{each.field}: 收件方还原不出 / not told back: {each.zh} / {each.en}")
        _tell_faults(found)
    return 1 if found.faults else 0


def _trial(given: argparse.Namespace) -> Trial | int:
    from hub.app import trial

    if given.sample is None and not given.out:
        print("请给出样本文件 / name a sample file", file=sys.stderr)
        return 2
    text = profile_text(given.file)
    try:
        sample = Path(given.sample).read_bytes() if given.sample else None
    except OSError as fault:
        print(f"读不到文件 / cannot read the file: {fault}", file=sys.stderr)
        return 2
    try:
        return trial(text, given.connection, given.contract, sample, outward=given.out)
    except Problem as problem:
        tell(problem)
        return 1


def _beside(found: Trial) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    made.add_column("样本 sample", overflow="fold", ratio=1)
    made.add_column(f"结果 result: {found.contract or '—'}", overflow="fold", ratio=1)
    # The texts of partners are no markup.
    made.add_row(Text(_safe(found.sample)), Text(_safe(found.made) or "—"))
    Console(width=None if sys.stdout.isatty() else 160).print(made)
    _tell_faults(found)


def _tell_faults(found: Trial) -> None:
    for zh, en in found.faults:
        print(_safe(f"{'待处理 parked' if found.parked else '错误 fault'}  {zh} / {en}"), file=sys.stderr)


def _short(cell: object) -> str | None:
    if cell is None:
        return None
    text = _safe(str(cell)).strip()
    return text if len(text) <= 60 else text[:60] + "…"


def _safe(text: str) -> str:
    # What a partner sends must not steer the terminal.
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "·" for letter in text)
