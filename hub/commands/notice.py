"""notice: a month's notice as text, as PDF or as a page of its own."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from contracts.city import City
from hub.commands.common import add_store, run, settings_of, store, table
from hub.evaluation.notice import Notice
from hub.notices import month_named, noticed
from hub.store import registry as registry_store
from hub.store.fault import StoreFault

FORMS = (".pdf", ".html")


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser(
        "notice",
        help="月度通报 / a month's notice",
        description="月度通报:PDF、网页或文字。数字同 ./cityhub evaluate / the notice as PDF, page or text",
    )
    made.add_argument("--month", required=True, metavar="YYYY-MM", help="月 / the month")
    made.add_argument("--known-at", type=datetime.fromisoformat, metavar="MOMENT", help="按当时所知(带时区) / as known")
    made.add_argument("--out", type=Path, metavar="FILE", help="写入 .pdf 或 .html / write a .pdf or .html")
    add_store(made)
    made.set_defaults(run=_notice)


def _notice(given: argparse.Namespace) -> int:
    try:
        month = month_named(given.month)
    except ValueError as fault:
        print(f"月份有误 / wrong month: {fault}", file=sys.stderr)
        return 2
    if given.out is not None and given.out.suffix not in FORMS:
        print("--out 须为 .pdf 或 .html 文件 / --out is a .pdf or an .html file", file=sys.stderr)
        return 2
    if given.known_at is not None and given.known_at.tzinfo is None:
        print("--known-at 须带时区 / --known-at needs a time zone: 2026-12-01T09:00:00+08:00", file=sys.stderr)
        return 2
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool:
            async with pool.acquire() as conn:
                latest = await registry_store.latest_directory(conn)
                clock = await registry_store.clock(conn)
            if latest is None:
                raise StoreFault("还没有载入城市数据。", "No city is loaded yet.")
            city = City.from_document(orjson.loads(latest.document))
            _show(await noticed(pool, city, latest.version, clock.now(), month, given.known_at), given.out)
        return 0

    return run(work)


def _show(notice: Notice, out: Path | None) -> None:
    if out is None:
        _text(notice)
    elif out.suffix == ".pdf":
        from hub.notice_pdf import pdf

        out.write_bytes(pdf(notice))
    else:
        from hub.console.notice_page import alone

        out.write_text(alone(notice), encoding="utf-8")


def _text(notice: Notice) -> None:
    from hub.notice_pdf import NUMERALS

    print(notice.title, notice.subtitle, "", *notice.opening, sep="\n")
    for number, section in zip(NUMERALS, notice.sections, strict=False):
        print("", f"{number}、{section.heading}", *section.paragraphs, sep="\n")
        if section.table is not None:
            table(section.table.rows, [column.heading for column in section.table.columns])
        print(*section.after, sep="\n")
    print("", *notice.notes, sep="\n")
