"""secrets put, list, remove: the values behind the secret names of profiles. A value never stands in an argument."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from auth.redaction import Secret
from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, done, operator, run, settings_of, show_json, table


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("secrets", help="单位密钥:存入、列表、移除 / a unit's secrets: put, list, remove")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    put = jobs.add_parser(
        "put", help="存入;值从标准输入读取或当场输入 / keep a value, read from standard input or typed"
    )
    put.add_argument("unit")
    put.add_argument("name", help="档案中的名称 / the name that the profile uses")
    listing = jobs.add_parser("list", help="名称、版本、时间,从不显示值 / names, versions, when; never a value")
    listing.add_argument("unit")
    remove = jobs.add_parser("remove", help="移除全部版本 / remove every version")
    remove.add_argument("unit")
    remove.add_argument("name")
    for job, verb in ((put, _put), (listing, _list), (remove, _remove)):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _put(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    try:
        value = _read()
    except (UnicodeDecodeError, EOFError):
        print("值应为 UTF-8 文本 / a value is UTF-8 text", file=sys.stderr)
        return 2

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            version = await desk.secrets.put(given.unit, given.name, value, operator())
        if given.json:
            show_json({"unit_id": given.unit, "name": given.name, "version": version})
        else:
            print(f"{given.unit}/{given.name}: 已存入版本 / kept as version {version}")
        return 0

    return run(work)


def _read() -> Secret:
    if sys.stdin.isatty():
        return Secret(getpass.getpass("值(不显示) / value (not shown): "))
    # What `echo` adds is no part of the value; the lines of a private key are.
    return Secret(sys.stdin.buffer.read().decode("utf-8").removesuffix("\n").removesuffix("\r"))


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            kept = await desk.secrets.listed(given.unit)
        if given.json:
            show_json(
                [
                    {
                        "name": each.name,
                        "version": each.version,
                        "created_at": each.created_at,
                        "retires_at": each.retires_at,
                    }
                    for each in kept
                ]
            )
        else:
            table(
                [
                    [
                        each.name,
                        each.version,
                        f"{each.created_at.astimezone():%Y-%m-%d %H:%M}",
                        f"{each.retires_at.astimezone():%m-%d %H:%M}" if each.retires_at else "在用 in force",
                    ]
                    for each in kept
                ],
                ("名称 name", "版本 version", "存入 kept", "失效 retires"),
            )
        return 0

    return run(work)


def _remove(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            await desk.secrets.remove(given.unit, given.name, operator())
        done(given, f"{given.unit}/{given.name}: 已移除 / removed", unit_id=given.unit, removed=given.name)
        return 0

    return run(work)
