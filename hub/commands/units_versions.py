"""units history, diff, rollback: the versions of a unit's profile."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, operator, profile_text, run, settings_of, show_json, table
from hub.profile_versions import Difference, ProfileVersions


def add(jobs: Any) -> None:
    """The verbs' arguments."""
    history = jobs.add_parser("history", help="档案的全部版本:谁、何时、为何 / every version: who, when, why")
    history.add_argument("unit")
    diff = jobs.add_parser(
        "diff", help="两个版本之间,或文件与现行版本之间的变化 / what changed, or a file would change"
    )
    diff.add_argument("unit", nargs="?", help="单位;用 -f 时由文件给出 / with -f the file says which")
    diff.add_argument("--from", dest="old", type=int, metavar="N", help="默认前一版本 / the one before by default")
    diff.add_argument("--to", dest="new", type=int, metavar="M", help="默认现行版本 / the one in force by default")
    diff.add_argument("-f", "--file", help="尚未应用的档案 / a profile that is not applied yet")
    back = jobs.add_parser("rollback", help="把旧版本作为新版本应用 / apply an old version as a new one")
    back.add_argument("unit")
    back.add_argument("version", type=int)
    back.add_argument("--reason", required=True, help="为何 / why")
    for job, verb in ((history, _history), (diff, _diff), (back, _rollback)):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _history(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            found = await ProfileVersions(desk).history(given.unit)
        rows = [
            {
                "version": line.version,
                "applied_at": line.applied_at,
                "applied_by": line.applied_by,
                "reason": line.reason,
                "in_force": line.in_force,
                "changed": line.changed,
            }
            for line in found
        ]
        if given.json:
            show_json(rows)
        else:
            table(
                [
                    [
                        f"{line.version}{' 现行 in force' if line.in_force else ''}",
                        f"{line.applied_at.astimezone():%Y-%m-%d %H:%M}",
                        line.applied_by,
                        line.changed,
                        line.reason,
                    ]
                    for line in found
                ],
                ("版本 version", "时间 when", "谁 who", "改动处 fields changed", "为何 why"),
            )
        return 0

    return run(work)


def _diff(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    if (given.file is None) == (given.unit is None) or (given.file and (given.old or given.new)):
        print("请给出单位(可带 --from --to),或只给 -f 文件 / a unit (with --from, --to), or -f alone", file=sys.stderr)
        return 2
    text = profile_text(given.file) if given.file else None

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            versions = ProfileVersions(desk)
            if text is not None:
                found = await versions.proposed(text, given.file)
            else:
                found = await versions.between(given.unit, given.old, given.new)
        _show(found, given.json)
        return 0

    return run(work)


def _rollback(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            applied = await ProfileVersions(desk).roll_back(given.unit, given.version, operator(), given.reason)
        if given.json:
            show_json({"unit_id": applied.unit_id, "version": applied.version, "state": applied.state})
        else:
            print(
                f"{applied.unit_id}: 版本 {given.version} 已作为版本 {applied.version} 应用 / "
                f"version {given.version} is in force as version {applied.version}"
            )
        return 0

    return run(work)


def _show(found: Difference, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "from": found.old,
                "to": found.new,
                "changes": [
                    {"path": each.path, "did": each.did.value, "before": each.before, "after": each.after}
                    | {"zh": each.zh, "en": each.en}
                    for each in found.changes
                ],
                "yaml": found.yaml,
            }
        )
        return
    print(f"{found.old} → {found.new}")
    if not found.changes:
        print("没有变化 / nothing changed")
        return
    for each in found.changes:
        print(f"  {each.sentence}")
    print()
    print(found.yaml, end="")
