"""serve, backup, restore; and worker, which only serve starts."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from contracts.city import CityFolderUnusable
from hub.commands.common import add_json, add_store, run, settings_of, show_json
from hub.serve import DSN_VARIABLE, Ready, arguments_of, ready_line, serve
from hub.settings import Settings
from hub.store.embedded import running_server


def add(verbs: Any) -> None:
    """The verbs' arguments."""
    made = verbs.add_parser("serve", help="启动枢纽 / start the hub", description=serve.__doc__)
    _add_settings(made)
    made.add_argument("--processes", type=int, help="工作进程数,默认 2 / worker processes, 2 by default")
    made.add_argument("--city", help="城市数据文件夹 / a city folder; loaded as a new version of the directory")
    made.add_argument("--clock-rate", type=float, help="城市时钟倍率(演练用) / how fast city time runs")
    made.add_argument("--clock-start", metavar="ISO", help="城市时钟的起点 / where city time begins")
    made.add_argument(
        "--print-ready", action="store_true", help="就绪时在标准输出打印一行 JSON / print a JSON line when ready"
    )
    made.set_defaults(run=_serve)

    worker = verbs.add_parser("worker")
    _add_settings(worker)
    worker.add_argument("--slot", required=True)
    worker.add_argument("--roles", required=True)
    worker.add_argument("--listening-fd", type=int)
    worker.add_argument("--lifeline-fd", type=int)
    worker.set_defaults(run=_worker)

    made = verbs.add_parser("backup", help="备份到一个文件 / back up into one file")
    add_store(made)
    add_json(made)
    made.add_argument("file", type=Path)
    made.set_defaults(run=_backup)

    made = verbs.add_parser("restore", help="从备份恢复(开始新纪元) / restore a backup; begins a new epoch")
    add_store(made)
    add_json(made)
    made.add_argument("file", type=Path)
    made.add_argument("--force", action="store_true", help="覆盖已有案件的数据库 / replace a database that holds cases")
    made.set_defaults(run=_restore)


def _add_settings(made: argparse.ArgumentParser) -> None:
    add_store(made)
    made.add_argument("--host", help="监听地址,默认 127.0.0.1 / address to listen on")
    made.add_argument("--port", type=int, help="端口,默认 8080,0 为任选 / port, 8080 by default, 0 for any")
    made.add_argument("--log-level", help="debug|info|warning|error")
    made.add_argument(
        "--outbound-allow", metavar="NETS", help="允许推送的内网网段,逗号分隔 / private networks that pushes may reach"
    )
    made.add_argument(
        "--outbound-allow-private", help="yes: 允许推送到全部内网地址 / pushes may reach all private addresses"
    )
    made.add_argument(
        "--rabbitmq",
        metavar="URLS",
        help="枢纽的消息服务器 amqp://用户:密码@主机/虚拟主机,集群用逗号分隔 / the hub's broker",
    )
    made.add_argument(
        "--rabbitmq-management", metavar="URL", help="其管理接口 http://用户:密码@主机:15672 / its management interface"
    )
    made.add_argument("--rate-per-second", type=float, help="每单位每秒请求数 / requests a second per unit")
    made.add_argument("--body-max-bytes", type=int, help="请求体上限,默认 1 MiB / the largest body")
    made.add_argument("--batch-max", type=int, help="一批消息的上限,默认 500 / messages in a batch")
    made.add_argument("--attachment-max-bytes", type=int, help="照片上限,默认 10 MiB / the largest photo")


def _serve(given: argparse.Namespace) -> int:
    settings = settings_of(given)

    def when_ready(ready: Ready) -> None:
        if given.print_ready:
            print(ready_line(ready), flush=True)
        else:
            _welcome(ready)

    async def work() -> int:
        try:
            await serve(settings, arguments_of(settings), when_ready)
        except CityFolderUnusable as fault:
            print(fault, file=sys.stderr)
            return 1
        return 0

    return run(work)


def _welcome(ready: Ready) -> None:
    print(f"枢纽已就绪 / the hub is ready: {ready.url}", file=sys.stderr)
    if ready.prepared.admin_key is not None:
        print(
            f"管理员密钥(只显示这一次) / administrator's key, shown only now: {ready.prepared.admin_key.reveal()}",
            file=sys.stderr,
        )


def _worker(given: argparse.Namespace) -> int:
    import uvloop

    from hub.app import Worker, run_worker

    settings = settings_of(given)
    worker = Worker(
        settings,
        os.environ[DSN_VARIABLE],
        frozenset(given.roles.split(",")),
        given.slot,
        given.listening_fd,
        given.lifeline_fd,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_worker(worker))
    return 0


def _backup(given: argparse.Namespace) -> int:
    from hub.store.backup import backup

    settings = settings_of(given)

    async def work() -> int:
        if settings.database:
            manifest = await backup(settings.database, given.file, settings.attachments_path)
        else:
            async with running_server(settings.data / "postgresql") as server:
                manifest = await backup(server.dsn, given.file, settings.attachments_path)
        if given.json:
            show_json(manifest.model_dump(mode="json"))
        else:
            print(f"已备份 / backed up: {given.file}")
        return 0

    return run(work)


def _restore(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    settings.data.mkdir(parents=True, exist_ok=True)

    async def work() -> int:
        if settings.database:
            return await _restored(settings.database, settings, given)
        async with running_server(settings.data / "postgresql") as server:
            return await _restored(server.dsn, settings, given)

    return run(work)


async def _restored(dsn: str, settings: Settings, given: argparse.Namespace) -> int:
    from hub.store.backup import restore

    done = await restore(
        dsn,
        given.file,
        settings.attachments_path,
        force=given.force,
    )
    if given.json:
        show_json({"epoch": done.epoch, "kept_as": done.kept_as})
    else:
        print(f"已恢复,新纪元 {done.epoch} / restored, epoch {done.epoch}")
        if done.kept_as:
            print(f"原数据库保留为 / the former database is kept as: {done.kept_as}")
    return 0
