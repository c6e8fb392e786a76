"""units broker: what a unit's engineer must know of the hub's broker: where it is, its user there, its queues."""

from __future__ import annotations

import argparse
from typing import Any

from contracts.ways.rabbitmq import names_of
from hub.broker_access import broker_address, grants_of
from hub.commands.admin import onboarding
from hub.commands.common import add_json, add_store, run, settings_of, show_json
from hub.onboarding import without_profile
from hub.store import registry as store
from hub.units_in_force import in_force

HIDDEN = "—"


def add(jobs: Any) -> None:
    """The verb's arguments."""
    made = jobs.add_parser("broker", help="单位在枢纽消息服务器上的地址、用户和队列 / its place on the hub's broker")
    made.add_argument("unit")
    made.add_argument("--rabbitmq", metavar="URLS", help="枢纽的消息服务器,默认取 CITYHUB_RABBITMQ / the hub's broker")
    add_store(made)
    add_json(made)
    made.set_defaults(run=_broker)


def _broker(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    address = broker_address(settings.rabbitmq)

    async def work() -> int:
        async with onboarding(settings) as (desk, pool):
            async with pool.acquire() as conn:
                kept = await store.unit_profile(conn, given.unit)
            if kept is None:
                raise without_profile(given.unit, desk.registry())
            grants = await grants_of(desk.safe, [in_force(kept)])
        made = [
            {
                "connection_id": grant.connection_id,
                "host": address.host if address else None,
                "port": address.port if address else None,
                "vhost": address.vhost if address else None,
                "tls": address.tls if address else None,
                # The newest first; while a password changes, the one before is good too.
                "users": [user for user, _ in grant.users],
                "reads_queue": names_of(grant.connection_id).queue_out,
                "writes_exchange": names_of(grant.connection_id).exchange_in,
            }
            for grant in grants
        ]
        if given.json:
            show_json(made)
            return 0
        if not made:
            print("该单位没有枢纽消息服务器上的连接 / the unit has no connection on the hub's broker")
        for each in made:
            _show(each)
        return 0

    return run(work)


def _show(each: dict[str, Any]) -> None:
    scheme = "amqps" if each["tls"] else "amqp"
    where = f"{scheme}://{each['host']}:{each['port']}" if each["host"] else f"{HIDDEN} (--rabbitmq)"
    print(f"{each['connection_id']}")
    print(f"  地址 address        {where}  虚拟主机 vhost {each['vhost'] or HIDDEN}")
    print(f"  用户 user           {'  '.join(each['users']) or HIDDEN}")
    print(f"  读队列 reads        {each['reads_queue']}")
    print(f"  写交换机 writes to  {each['writes_exchange']}")
