"""What a contract has at a path: a rule naming a field that the contract lacks is found when the profile is made."""

from __future__ import annotations

from functools import cache
from typing import Any

from contracts.live import CONTRACTS
from contracts.mapping import ENVELOPE
from contracts.messages import Body
from contracts.model import ContractSchema
from contracts.paths import Path


@cache
def live(name: str) -> type[Body]:
    """The live version of a contract by its name. Raises ``KeyError``."""
    return {model.contract.partition("/")[0]: model for model in CONTRACTS.values()}[name]


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a contract's live version."""
    made: dict[str, Any] = live(name).model_json_schema(schema_generator=ContractSchema)
    return made


def kind_at(contract: str, path: Path) -> str | None:
    """The type that a contract has at a path (``string``, ``integer``, ``array`` …), or None if there is no such."""
    if path[:1] == ("envelope",):
        return "string" if len(path) == 2 and path[1] in ENVELOPE else None
    root = schema(contract)
    node: dict[str, Any] | None = root
    for part in path:
        node = _resolved(node, root)
        node = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        if node is None:
            return None
    kind = _resolved(node, root).get("type") if node is not None else None
    return str(kind) if kind else None


def _resolved(node: dict[str, Any] | None, root: dict[str, Any]) -> dict[str, Any]:
    node = node or {}
    if "$ref" in node:
        found: dict[str, Any] = root["$defs"][node["$ref"].rpartition("/")[2]]
        return found
    return node
