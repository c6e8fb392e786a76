"""refused list, show, settle, replay: messages that broke their contract, kept raw."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from contracts.problem import Problem
from hub.api.views import refused_document
from hub.commands.common import add_json, add_store, done, in_short, operator, run, settings_of, show_json, store, table
from hub.replays import Replays
from hub.store import shelf


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("refused", help="拒收消息:列表、查看、处理、重放 / refused: list, show, settle, replay")
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
    replay = jobs.add_parser("replay", help="按改好的档案重放,只生效一次 / read it again by the mended profile, once")
    replay.add_argument("refused_id", type=int, nargs="?", help="号,见 refused list / the id that refused list shows")
    replay.add_argument("--all", action="store_true", help="全部未处理的,先到先放 / all that wait, oldest first")
    replay.add_argument("--kind", default="mapping_parked", help="与 --all 同用 / with --all: which kind")
    replay.add_argument("--unit", help="与 --all 同用 / with --all: of which unit")
    for job, verb in ((listing, _list), (show, _show), (settle, _settle), (replay, _replay)):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with store(settings) as pool:
            rows = await shelf.listed(pool, unit_id=given.unit, before=None, settled=given.settled, limit=given.limit)
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
            row = await shelf.one(pool, given.refused_id)
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
            settled = await shelf.settle(conn, given.refused_id, operator())
        sentence = "已处理 / settled" if settled else "没有待处理的该消息 / there is no such open message"
        done(given, sentence, refused_id=given.refused_id, settled=settled)
        return 0 if settled else 1

    return run(work)


def _replay(given: argparse.Namespace) -> int:
    if (given.refused_id is None) != given.all:
        print("请给出号,或用 --all / give an id, or --all", file=sys.stderr)
        return 2
    settings = settings_of(given)

    async def work() -> int:
        from hub.app import replays_of

        told: list[dict[str, Any]] = []
        async with store(settings) as pool, replays_of(settings, pool) as replays:
            if given.refused_id is not None:
                told.append(await _replayed(replays, given.refused_id))
            reached = 0
            while given.all and (ids := await replays.waiting(given.kind, given.unit, reached)):
                # One after another: messages of one case keep their order.
                told += [await _replayed(replays, refused_id) for refused_id in ids]
                reached = ids[-1]
        _tell_replayed(told, given.json)
        return 1 if any("problem" in each for each in told) else 0

    return run(work)


async def _replayed(replays: Replays, refused_id: int) -> dict[str, Any]:
    try:
        answer = await replays.replay(refused_id, operator())
    except Problem as problem:
        return {"refused_id": refused_id, "problem": problem.document("zh-CN")}
    return {"refused_id": refused_id, "case_number": answer.case_number, "repeated": answer.repeated}


def _tell_replayed(told: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    for each in told:
        problem = each.get("problem")
        if problem is None:
            again = "(此前已生效 / had taken effect before)" if each["repeated"] else ""
            print(f"{each['refused_id']}  {each['case_number']}  已生效 / took effect {again}".rstrip())
        else:
            print(f"{each['refused_id']}  {in_short(problem)}")
            for fault in problem.get("errors", ()):
                print(f"    {fault['detail_zh']} / {fault['detail_en']}")
    if not told:
        print("没有待重放的 / nothing waits")
