"""keys issue, list, revoke: API keys, shown once."""

from __future__ import annotations

import argparse
from typing import Any

from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, done, operator, run, settings_of, show_json, table
from hub.store import registry as registry_store


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("keys", help="接口密钥:签发、列表、撤销 / API keys: issue, list, revoke")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    issue = jobs.add_parser("issue", help="签发,只显示一次 / issue a key, shown once")
    issue.add_argument("unit")
    issue.add_argument("--admin", action="store_true", help="管理员密钥 / an administrator's key")
    issue.add_argument("--note", default="")
    issue.add_argument("--days", type=int, help="有效天数 / days it is good for")
    listing = jobs.add_parser("list", help="全部密钥 / every key")
    revoke = jobs.add_parser("revoke", help="撤销 / revoke")
    revoke.add_argument("key_id")
    for job, verb in ((issue, _issue), (listing, _list), (revoke, _revoke)):
        add_store(job)
        add_json(job)
        job.set_defaults(run=verb)


def _issue(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            text, row = await desk.issue_key(
                given.unit, operator(), admin=given.admin, note=given.note, days=given.days
            )
        if given.json:
            show_json({"key_id": row.key_id, "unit_id": row.unit_id, "key": text.reveal()})
        else:
            print(f"{row.unit_id} {row.key_id}\n{text.reveal()}")
        return 0

    return run(work)


def _list(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (_, pool), pool.acquire() as conn:
            rows = await registry_store.keys(conn)
        if given.json:
            show_json(
                [
                    {
                        "key_id": row.key_id,
                        "unit_id": row.unit_id,
                        "scopes": sorted(row.scopes),
                        "note": row.note,
                        "created_at": row.created_at,
                        "expires_at": row.expires_at,
                        "revoked_at": row.revoked_at,
                    }
                    for row in rows
                ]
            )
        else:
            table(
                [
                    [
                        row.key_id,
                        row.unit_id,
                        " ".join(sorted(row.scopes)),
                        row.note,
                        f"{row.created_at:%Y-%m-%d %H:%M}",
                        "已撤销 revoked" if row.revoked_at else row.expires_at or "在用 live",
                    ]
                    for row in rows
                ],
                ("密钥 key", "单位 unit", "范围 scopes", "备注 note", "签发 issued", "状态 state"),
            )
        return 0

    return run(work)


def _revoke(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    async def work() -> int:
        async with onboarding(settings) as (desk, _):
            revoked = await desk.revoke_key(given.key_id, operator())
        sentence = "已撤销 / revoked" if revoked else "没有在用的该密钥 / there is no such key in force"
        done(given, sentence, key_id=given.key_id, revoked=revoked)
        return 0 if revoked else 1

    return run(work)
