"""The broadcaster's own broker: a virtual host of its own on the demo's node, with its users and queues.

The hub provisions nothing there, and knows of it only what the broadcaster's profile says.
"""

from __future__ import annotations

import secrets
from typing import Any

import aiohttp

from hub.demo.broker_node import LOOPBACK, Node
from hub.demo.opening import Site

VHOST, ITSELF, HUB = "radio", "radio", "szcg"
ORDERS, REPORTS = "szcg.orders", "szcg.reports"
QUEUE = {"durable": True, "arguments": {"x-queue-type": "quorum"}}


async def its_own_broker(session: aiohttp.ClientSession, node: Node) -> Site:
    """Set it up; where it is, for the profile and for the broadcaster."""
    password, own_password = secrets.token_hex(12), secrets.token_hex(12)
    await _put(session, node, f"vhosts/{VHOST}", {})
    await _put(session, node, f"permissions/{VHOST}/{node.user}", _rights(".*", ".*", ".*"))
    for queue in (ORDERS, REPORTS):
        await _put(session, node, f"queues/{VHOST}/{queue}", QUEUE)
    for user, secret, rights in (
        # Replies to the broadcaster go to its own channel, by the exchange that has no name.
        (HUB, password, _rights("", r"amq\.default", r"szcg\.reports")),
        (ITSELF, own_password, _rights("", r"amq\.default", r"szcg\.orders")),
    ):
        await _put(session, node, f"users/{user}", {"password": secret, "tags": ""})
        await _put(session, node, f"permissions/{VHOST}/{user}", rights)
    own = {"amqp": f"amqp://{ITSELF}:{own_password}@{LOOPBACK}:{node.port}/{VHOST}", "queue": ORDERS}
    return Site({"amqp_port": str(node.port)}, {**own, "password": password})


def _rights(configure: str, write: str, read: str) -> dict[str, str]:
    return {"configure": f"^{configure}$", "write": f"^{write}$", "read": f"^{read}$"}


async def _put(session: aiohttp.ClientSession, node: Node, what: str, document: dict[str, Any]) -> None:
    address = f"http://{LOOPBACK}:{node.management_port}/api/{what}"
    async with session.put(
        address, json=document, auth=aiohttp.BasicAuth(node.user, node.password), raise_for_status=True
    ):
        pass
