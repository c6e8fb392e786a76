"""refused list, show, settle: messages that broke their contract, kept raw."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from contracts.problem import Problem
from hub.api.views import refused_document
from hub.commands.common import add_json, add_store, done, operator, run, settings_of, show_json, store, table
from hub.store import reading


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("refused", help="拒收消息:列表、查看、处理 / refused messages: list, show, settle")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    listing = jobs.add_parser("list", help="拒收消息,新的在前 / newest first")
    listing.add_argument("--unit")
    listing.add_argument("--settled", action="store_true", help="包括已处理的 / settled ones too")
    listing.add_argument("--limit", type=int, default=50)
    show = jobs.add_parser("show", help="原文与原因 / the raw message and why")
    show.add_argument("refused_id", type=int)
    show.add_argument("--raw", action="store_true", help="只输出原始字节 / only the raw bytes")
    settle = jobs.add_parser("settle", help="处理完毕 / take it off the open list")
    settle.add_argument("refused_id", type=int)
    for job, verb in ((listing, _list), (show, _show), (settle, _settle)):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool:
            rows = await reading.refused(
                pool, unit_id=given.unit, before=None, settled=given.settled, limit=given.limit
            )
        if given.json:
            show_json([refused_document(row) for row in rows])
        else:
            table(
                [[row.refused_id, row.received_at, row.unit_id, row.door, row.kind, row.problem[:120]] for row in rows],
                ("号 id", "时间 at", "单位 unit", "入口 door", "种类 kind", "原因 problem"),
            )
        return 0

    return run(work)


def _show(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool:
            row = await reading.refused_one(pool, given.refused_id)
        if row is None:
            raise Problem("not_found")
        if given.raw:
            sys.stdout.buffer.write(row.body or b"")
        else:
            show_json(refused_document(row))
        return 0

    return run(work)


def _settle(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool, pool.acquire() as conn:
            settled = await reading.settle_refused(conn, given.refused_id, operator())
        sentence = "已处理 / settled" if settled else "没有待处理的该消息 / there is no such open message"
        done(given, sentence, refused_id=given.refused_id, settled=settled)
        return 0 if settled else 1

    return run(work)
