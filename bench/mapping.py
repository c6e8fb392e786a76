"""What a mapping costs: microseconds of CPU for one document of 20 fields, beside the same written by hand."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters import profiles
from adapters.documents.writing import wrap_documents
from adapters.mapping import Mapper
from adapters.mapping.tables import compile_table
from contracts.mapping import UnitMapping
from contracts.profile_text import read_profile
from contracts.samples import VALID

CALLS = 2_000
SAMPLES = Path(str(profiles.__file__)).parent

_NAMES = tuple(f"field_{number:02d}" for number in range(19))
_CODES = {"C0101": "0101", "C0107": "0199"}


def measure(rounds: int) -> dict[str, Any]:
    """Medians over interleaved rounds."""
    ways = _ways()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(max(3, rounds)):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(CALLS):
                way()
            taken[name].append((time.process_time() - began) / CALLS * 1e6)
    medians = {name: statistics.median(each) for name, each in taken.items()}
    return {
        "us": {name: round(value, 2) for name, value in medians.items()},
        "ratio_by_hand": round(medians["table_20_fields"] / medians["by_hand_20_fields"], 2),
    }


def _ways() -> dict[str, Callable[[], Any]]:
    source = {**dict.fromkeys(_NAMES, "井盖破损"), "category": "C0107"}
    plain = _table([{"to": f"Case.{name.upper()}", "from": name} for name in _NAMES])
    body = VALID["case.dispatch/1.0"]
    letter = {"id": "L000000000001", "type": "case.dispatch", "subject": body["case_number"], "data": body}
    letter |= {"time": "2026-11-23T09:13:00+08:00", "mode": "live"}
    water, telecom = _shipped("water_asmx"), _shipped("telecom_rest")
    soap = (SAMPLES / "water_asmx/in.case.feedback.xml").read_bytes()
    rest = (SAMPLES / "telecom_rest/in.case.acknowledgement.json").read_bytes()
    return {
        "by_hand_20_fields": lambda: _by_hand(source),
        "table_20_fields": lambda: plain(source),
        "water_fields_out": lambda: water.values("case.dispatch", letter),
        "water_soap_gbk_out": lambda: _gbk_string(water, letter),
        "water_soap_gbk_in": lambda: water.read(soap),
        "telecom_json_out": lambda: telecom.write("case.dispatch", letter),
        "telecom_json_in": lambda: telecom.read(rest),
    }


def _gbk_string(mapper: Mapper, letter: dict[str, Any]) -> dict[str, Any]:
    values = mapper.values("case.dispatch", letter)
    wrap_documents(values, mapper.written_out("case.dispatch"))
    return values


def _by_hand(source: dict[str, Any]) -> dict[str, Any]:
    case: dict[str, Any] = {}
    for name in _NAMES:
        value = source.get(name)
        if value is not None:
            case[name.upper()] = value
    case["CATEGORY"] = _CODES[source["category"]]
    return {"Case": case}


def _table(rules: list[dict[str, Any]]) -> Callable[[Any], Any]:
    pairs = [{"ours": ours, "theirs": theirs} for ours, theirs in _CODES.items()]
    mapping = {
        "codes": [{"name": "category", "unknown": "refuse", "pairs": pairs}],
        "out": [
            {
                "contract": "case.dispatch",
                "fields": [*rules, {"to": "Case.CATEGORY", "from": "category", "codes": "category"}],
            }
        ],
    }
    read = UnitMapping.model_validate_json(json.dumps(mapping))
    return compile_table(read.out[0], read, outward=True).run


def _shipped(name: str) -> Mapper:
    profile, _ = read_profile((SAMPLES / name / "profile.yaml").read_text(encoding="utf-8"))
    found = profile.connections[0].mapping
    if found is None:
        raise SystemExit(f"the profile {name} has no mapping")
    return Mapper(found)
