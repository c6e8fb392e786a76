"""The published contracts: JSON Schemas (2020-12) with a valid and an invalid example each, generated and committed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contracts.messages import CONTRACTS
from contracts.model import ContractSchema
from contracts.profile import Profile
from contracts.samples import INVALID, VALID

SCHEMAS = Path(__file__).parent / "schemas"
SCHEMA_BASE = "https://cityhub.example/contracts/"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

MODELS: Mapping[str, type[BaseModel]] = {**CONTRACTS, "profile/1.0": Profile}
"""Every published shape by its id."""


def schema_of(model: type[BaseModel], name: str | None = None) -> dict[str, Any]:
    """The JSON Schema of a contract model."""
    name = name or str(getattr(model, "contract", model.__name__))
    made = model.model_json_schema(schema_generator=ContractSchema)
    return {"$schema": DIALECT, "$id": SCHEMA_BASE + name, **made}


def files() -> dict[str, str]:
    """Every generated file by its path below ``contracts/schemas``."""
    made: dict[str, str] = {}
    for name, model in MODELS.items():
        made[f"{name}/schema.json"] = _text(schema_of(model, name))
        made[f"{name}/valid.json"] = _text(VALID[name])
        made[f"{name}/invalid.json"] = _text(INVALID[name])
    return made


def write_schemas(folder: Path = SCHEMAS) -> None:
    """Write the committed files anew."""
    for path, text in files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def stale_schemas(folder: Path = SCHEMAS) -> list[str]:
    """Which committed files differ from what the models say."""
    return [
        path
        for path, text in files().items()
        if not (folder / path).is_file() or (folder / path).read_text(encoding="utf-8") != text
    ]


@cache
def published() -> Mapping[str, Path]:
    """Contract id → the folder with its schema and examples."""
    return {name: SCHEMAS / name for name in MODELS}


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
