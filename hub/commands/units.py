"""units apply, export, try, explain, list, state, resume, rotate: connecting units."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from contracts.nouns import UnitState
from hub.commands import units_broker, units_draft, units_trial, units_versions
from hub.commands.admin import onboarding
from hub.commands.common import (
    add_json,
    add_schema,
    add_store,
    done,
    operator,
    profile_text,
    run,
    schema_url,
    settings_of,
    show_json,
    table,
)
from hub.store import rests


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("units", help="单位:接入、状态 / units: connect, states")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    apply = jobs.add_parser("apply", help="应用接入档案 / apply a profile")
    apply.add_argument("-f", "--file", required=True, help="YAML 文件,- 为标准输入 / YAML file, - for standard input")
    export = jobs.add_parser("export", help="以 YAML 输出档案 / the profile in force, as YAML")
    export.add_argument("unit")
    add_schema(export)
    units_draft.add(jobs)
    units_trial.add(jobs)
    units_versions.add(jobs)
    units_broker.add(jobs)
    listing = jobs.add_parser("list", help="全部单位与接入状态 / every unit and its state")
    state = jobs.add_parser("state", help="设置接入状态,live 即批准 / set the state; live is the approval")
    state.add_argument("unit")
    state.add_argument("state", choices=[each.value for each in UnitState])
    state.add_argument("--reason", default="")
    resume = jobs.add_parser("resume", help="恢复暂停的通道 / resume a paused lane")
    resume.add_argument("connection")
    rotate = jobs.add_parser("rotate", help="轮换签名密钥或队列密码 / a connection's new signing secret or password")
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
        if job is not export:
            add_json(job)
        job.set_defaults(run=verb)


def _apply(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    text = profile_text(given.file)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            applied = await desk.apply(text, operator())
        secrets = [{"connection_id": name, "secret": secret.reveal()} for name, secret in applied.shown_once]
        if given.json:
            findings = [{"zh": each.zh, "en": each.en} for each in applied.findings]
            show_json(
                {
                    **{"unit_id": applied.unit_id, "version": applied.version, "state": applied.state},
                    **{"secrets": secrets, "findings": findings},
                }
            )
            return 0
        print(f"{applied.unit_id}: 档案版本 / profile version {applied.version}, 状态 / state {applied.state}")
        for each in secrets:
            print(f"  密钥(只显示这一次) / secret, shown only now: {each['connection_id']} {each['secret']}")
        for finding in applied.findings:
            print(f"  注意 / note: {finding.zh} / {finding.en}", file=sys.stderr)
        return 0

    return run(work)


def _export(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            print(await desk.export(given.unit, given.schema or schema_url(settings)), end="")
        return 0

    return run(work)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, pool):
            registry, resting = desk.registry(), await rests.resting(pool)
        rows = [
            {
                "unit_id": unit.unit_id,
                "name_zh": unit.name_zh,
                "roles": sorted(role.value for role in unit.roles),
                "state": registry.states[unit.unit_id].value if unit.unit_id in registry.states else "desk",
                "connections": [c.connection_id for c in registry.connections.values() if c.unit_id == unit.unit_id],
                "contacts": list(registry.contacts.get(unit.unit_id, ())),
                "resting": {
                    name: {"until": rest.until, "reason": rest.reason}
                    for name, rest in resting.items()
                    if name.startswith(f"{unit.unit_id}.")
                },
            }
            for unit in registry.city.units
        ]
        if given.json:
            show_json(rows)
        else:
            table(
                [
                    [
                        *(r["unit_id"], r["name_zh"], "+".join(r["roles"]), r["state"]),
                        " ".join(
                            f"{name} ({_until(r, name)})" if name in r["resting"] else name for name in r["connections"]
                        ),
                        "; ".join(r["contacts"]),
                    ]
                    for r in rows
                ],
                ("单位 unit", "名称", "角色 roles", "状态 state", "连接 connections", "联系人 contacts"),
            )
        return 0

    return run(work)


def _until(row: dict[str, Any], name: str) -> str:
    return f"暂不收件至 / resting until {row['resting'][name]['until'].astimezone():%m-%d %H:%M}"


def _state(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            await desk.set_state(given.unit, UnitState(given.state), operator(), given.reason)
        done(given, f"{given.unit}: {given.state}", unit_id=given.unit, state=given.state)
        return 0

    return run(work)


def _resume(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            resumed = await desk.resume_lane(given.connection, operator())
        sentence = "已恢复 / resumed" if resumed else "该通道没有暂停 / the lane is not paused"
        done(given, sentence, connection_id=given.connection, resumed=resumed)
        return 0 if resumed else 1

    return run(work)


def _rotate(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            shown = await desk.rotate_signing(given.connection, operator())
        secrets = [{"connection_id": name, "secret": secret.reveal()} for name, secret in shown]
        lines = [f"{each['connection_id']} {each['secret']}" for each in secrets]
        done(given, "\n".join(lines), secrets=secrets)
        return 0

    return run(work)
