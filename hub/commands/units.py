"""units apply, export, try, explain, list, state, resume, rotate: connecting units."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from contracts.nouns import UnitState
from contracts.problem import Problem
from hub.commands import units_trial
from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, operator, profile_text, run, settings_of, show_json, table, tell


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("units", help="单位:接入、状态 / units: connect, states")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    apply = jobs.add_parser("apply", help="应用接入档案 / apply a profile")
    apply.add_argument("-f", "--file", required=True, help="YAML 文件,- 为标准输入 / YAML file, - for standard input")
    export = jobs.add_parser("export", help="以 YAML 输出档案 / the profile in force, as YAML")
    export.add_argument("unit")
    units_trial.add(jobs)
    listing = jobs.add_parser("list", help="全部单位与接入状态 / every unit and its state")
    state = jobs.add_parser("state", help="设置接入状态,live 即批准 / set the state; live is the approval")
    state.add_argument("unit")
    state.add_argument("state", choices=[each.value for each in UnitState])
    state.add_argument("--reason", default="")
    resume = jobs.add_parser("resume", help="恢复暂停的通道 / resume a paused lane")
    resume.add_argument("connection")
    rotate = jobs.add_parser("rotate", help="轮换签名密钥 / rotate a connection's signing secret")
    rotate.add_argument("connection")
    for job, verb in (
        (apply, _apply),
        (export, _export),
        (listing, _list),
        (state, _state),
        (resume, _resume),
        (rotate, _rotate),
    ):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _apply(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    try:
        text = profile_text(given.file)
    except (OSError, UnicodeDecodeError) as fault:
        print(f"读不到文件 / cannot read the file: {fault}", file=sys.stderr)
        return 2
    except Problem as problem:
        tell(problem)
        return 1

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            applied = await desk.apply(text, operator())
        secrets = [{"connection_id": name, "secret": secret.reveal()} for name, secret in applied.shown_once]
        if given.json:
            show_json(
                {"unit_id": applied.unit_id, "version": applied.version, "state": applied.state, "secrets": secrets}
            )
            return 0
        print(f"{applied.unit_id}: 档案版本 / profile version {applied.version}, 状态 / state {applied.state}")
        for each in secrets:
            print(
                f"  签名密钥(只显示这一次) / signing secret, shown only now: {each['connection_id']} {each['secret']}"
            )
        return 0

    return run(work)


def _export(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            print(await desk.export(given.unit), end="")
        return 0

    return run(work)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            registry = desk.registry()
        rows = [
            {
                "unit_id": unit.unit_id,
                "name_zh": unit.name_zh,
                "roles": sorted(role.value for role in unit.roles),
                "state": registry.states[unit.unit_id].value if unit.unit_id in registry.states else "desk",
                "connections": [c.connection_id for c in registry.connections.values() if c.unit_id == unit.unit_id],
            }
            for unit in registry.city.units
        ]
        if given.json:
            show_json(rows)
        else:
            table(
                [
                    [r["unit_id"], r["name_zh"], "+".join(r["roles"]), r["state"], " ".join(r["connections"])]
                    for r in rows
                ],
                ("单位 unit", "名称", "角色 roles", "状态 state", "连接 connections"),
            )
        return 0

    return run(work)


def _state(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            await desk.set_state(given.unit, UnitState(given.state), operator(), given.reason)
        print(f"{given.unit}: {given.state}")
        return 0

    return run(work)


def _resume(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            done = await desk.resume_lane(given.connection, operator())
        print("已恢复 / resumed" if done else "该通道没有暂停 / the lane is not paused")
        return 0 if done else 1

    return run(work)


def _rotate(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            shown = await desk.rotate_signing(given.connection, operator())
        for name, secret in shown:
            print(f"{name} {secret.reveal()}")
        return 0

    return run(work)
