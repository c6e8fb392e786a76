"""The policies of all queues: one for all that have the same limits. A broker weighs each policy for each queue, so a
policy of its own for each queue would cost a city of two hundred units minutes. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.rabbitmq.topology import Topology
from contracts.ways.rabbitmq import PREFIX


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits, and the queues that they hold for."""

    name: str
    pattern: str
    definition: Mapping[str, Any]


def policies_of(topologies: Iterable[Topology]) -> list[Policy]:
    """The policies that these queues need."""
    queues: dict[bytes, list[str]] = {}
    definitions: dict[bytes, Mapping[str, Any]] = {}
    for topology in topologies:
        for queue in topology.queues:
            key = orjson.dumps(dict(queue.policy), option=orjson.OPT_SORT_KEYS)
            queues.setdefault(key, []).append(queue.name)
            definitions[key] = dict(queue.policy)
    return [
        Policy(
            f"{PREFIX}{hashlib.sha256(key).hexdigest()[:12]}",
            f"^({'|'.join(re.escape(name) for name in sorted(names))})$",
            definitions[key],
        )
        for key, names in queues.items()
    ]


def strays(
    kept: Mapping[str, Mapping[str, Any]], wanted: Collection[Policy], queues: Collection[str], ours: Collection[str]
) -> list[str]:
    """Policies that the hub made and nobody needs: they hold for no queue that there is but our own."""
    names = {policy.name for policy in wanted}
    found = []
    for name, policy in kept.items():
        if not name.startswith(PREFIX) or name in names:
            continue
        try:
            holds = re.compile(policy["pattern"])
        except re.error:
            continue
        if all(queue in ours for queue in queues if holds.search(queue)):
            found.append(name)
    return found
