"""letters list, show, replay, cancel: the traffic to units and the dead-letter shelf."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from contracts.problem import Problem
from hub.api.views import attempt_document, letter_document
from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, done, operator, run, settings_of, show_json, table
from hub.delivery import repair
from hub.delivery.render import render
from hub.letters import letter_id, position_of
from hub.store import reading, rests


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("letters", help="信件:列表、查看、重投、取消 / letters: list, show, replay, cancel")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    listing = jobs.add_parser("list", help="信件列表,新的在前 / newest first")
    listing.add_argument("--unit")
    listing.add_argument("--dead", action="store_true", help="只列死信 / the dead-letter shelf")
    listing.add_argument("--limit", type=int, default=50)
    show = jobs.add_parser("show", help="一封信、它的每次投递 / one letter with every attempt")
    show.add_argument("letter")
    replay = jobs.add_parser("replay", help="重新投递 / try again now")
    replay.add_argument("letter", nargs="?")
    replay.add_argument("--all-dead", action="store_true", help="全部死信 / every dead letter")
    replay.add_argument("--unit")
    replay.add_argument("--reason", default="")
    cancel = jobs.add_parser("cancel", help="取消 / cancel")
    cancel.add_argument("letter")
    cancel.add_argument("--reason", default="")
    for job, verb in ((listing, _list), (show, _show), (replay, _replay), (cancel, _cancel)):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, pool):
            division = desk.registry().division_code
            if given.dead:
                rows = await reading.dead_letters(pool, division, unit_id=given.unit, limit=given.limit)
            else:
                rows = await reading.letters(
                    pool, division, unit_id=given.unit, case_id=None, before=None, limit=given.limit
                )
            contacts, resting = desk.registry().contacts, await rests.resting(pool)
        if given.json:
            show_json([letter_document(row) | _whom(contacts, row.letter.unit_id) for row in rows])
        else:
            table(
                [
                    [
                        letter_id(row.letter.position),
                        row.letter.unit_id,
                        row.letter.case_number,
                        row.letter.contract,
                        row.state,
                        row.attempts,
                        row.held_because or row.said or "",
                    ]
                    for row in rows
                ],
                ("信件 letter", "单位 unit", "案件 case", "契约 contract", "状态 state", "次数 tries", "原因 reason"),
            )
            units = {row.letter.unit_id for row in rows if row.state != "delivered"}
            _print_contacts(contacts, units)
            for name, rest in resting.items():
                if name.partition(".")[0] in units:
                    print(f"{name}: 暂不收件至 / resting until {rest.until.astimezone():%m-%d %H:%M} {rest.reason}")
        return 0

    return run(work)


def _show(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, pool):
            found = await reading.letter(pool, desk.registry().division_code, _position(given.letter))
            if found is None:
                raise Problem("not_found", "没有该信件。", "There is no such letter.")
            attempts = await reading.attempts(pool, found.letter.case_id, found.letter.position)
            contacts = desk.registry().contacts
        rendered = render(found.letter, found.told)
        if given.json:
            show_json(
                {
                    "letter_id": rendered.letter_id,
                    "unit_id": found.letter.unit_id,
                    "body": rendered.body.decode(),
                    "attempts": [attempt_document(row) for row in attempts],
                    **_whom(contacts, found.letter.unit_id),
                }
            )
            return 0
        print(rendered.body.decode())
        table(
            [
                [row.attempt, row.outcome, row.status, f"{row.sent_at:%m-%d %H:%M:%S}", row.reason, row.answer[:80]]
                for row in attempts
            ],
            ("次 try", "结果 outcome", "状态 status", "时间 at", "原因 reason", "应答 answer"),
        )
        _print_contacts(contacts, {found.letter.unit_id})
        return 0

    return run(work)


def _replay(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    if bool(given.letter) == bool(given.all_dead):
        print("请给出信件号,或 --all-dead / name a letter, or --all-dead", file=sys.stderr)
        return 2

    async def work() -> int:
        async with onboarding(settings) as (_, pool):
            if given.all_dead:
                replayed = await repair.replay_all(pool, given.unit, operator(), given.reason)
            else:
                replayed = [await repair.replay(pool, _position(given.letter), operator(), given.reason)]
        sentence = f"{len(replayed)} 封信将重新投递 / letters will be tried again"
        done(given, sentence, replayed=[letter_id(position) for position in replayed])
        return 0

    return run(work)


def _cancel(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (_, pool):
            cancelled = await repair.cancel(pool, _position(given.letter), operator(), given.reason)
        done(given, "已取消 / cancelled", cancelled=letter_id(cancelled))
        return 0

    return run(work)


def _whom(contacts: Mapping[str, Sequence[str]], unit_id: str) -> dict[str, list[str]]:
    return {"contacts": list(contacts.get(unit_id, ()))}


def _print_contacts(contacts: Mapping[str, Sequence[str]], units: Collection[str]) -> None:
    for unit_id in sorted(units):
        for line in contacts.get(unit_id, ()):
            print(f"{unit_id} 联系人 / contact: {line}")


def _position(text: str) -> int:
    position = position_of(text)
    if position is None:
        raise Problem("not_found", f"{text} 不是信件号。", f"{text} is no letter id.")
    return position
