"""city check, show, load: a city's folder and the directory in force."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from contracts.city import CityFolderUnusable, check_city, load_city
from hub.commands.common import add_json, add_store, operator, run, settings_of, show_json, store
from hub.first_start import SHIPPED_CITY, keep_city


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("city", help="城市数据:检查、载入 / a city's data: check, load")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    check = jobs.add_parser("check", help="区分错误与提示 / errors (unusable) apart from findings")
    check.add_argument("folder", nargs="?", type=Path, default=SHIPPED_CITY)
    add_json(check)
    check.set_defaults(run=_check)
    load = jobs.add_parser("load", help="作为新版本名录载入 / load as the directory's next version")
    load.add_argument("folder", type=Path)
    add_store(load)
    load.set_defaults(run=_load)


def _check(given: argparse.Namespace) -> int:
    try:
        city = load_city(given.folder)
    except CityFolderUnusable as fault:
        if given.json:
            show_json({"usable": False, "errors": [str(fault)], "findings": []})
        else:
            print(fault, file=sys.stderr)
        return 1
    findings = check_city(city)
    if given.json:
        show_json(
            {
                "usable": True,
                "errors": [],
                "findings": [
                    {"code": each.code, "subject": each.subject, "zh": each.zh, "en": each.en} for each in findings
                ],
            }
        )
        return 0
    print(f"{given.folder}: 可用 / usable; {len(findings)} 条提示 / findings")
    for each in findings:
        print(f"  [{each.code}] {each.subject}: {each.zh} / {each.en}")
    return 0


def _load(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    try:
        city = load_city(given.folder)
    except CityFolderUnusable as fault:
        print(fault, file=sys.stderr)
        return 1

    async def work() -> int:
        async with store(settings) as pool, pool.acquire() as conn:
            version = await keep_city(conn, city, operator())
        print(f"名录版本 / directory version: {version}")
        return 0

    return run(work)
