"""SOAP in: reports by SOAP 1.1 with a UsernameToken, every check on and committed, at a hub of one process.

Beside it, in the same rounds: what reading such a call and writing its answer costs, by the hub and by bare zeep.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import zeep
from lxml import etree

from adapters.soap_in import Wire
from adapters.soap_in.encoding import element
from adapters.soap_in.shapes import shape_of
from bench.stage import Child, Stage, reports, stage
from contracts.soap.operations import OPERATIONS
from contracts.soap.wsdl import FILE

SECONDS_MAX = 6.0
PROBES = 400
UNIT = "collection"
_REPORT = OPERATIONS["report"]
_SECURITY = (
    '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">'
    "<w:UsernameToken><w:Username>{user}</w:Username><w:Password>{key}</w:Password></w:UsernameToken></w:Security>"
)
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
    f"{_SECURITY}</s:Header><s:Body>{{body}}</s:Body></s:Envelope>"
)


def calls(window: int, key: str, run: str) -> list[str]:
    """Envelopes of reports that open a case each; nobody is told of them, as their responsibility is unclear."""
    made = []
    for number, body in enumerate(reports(window)):
        values = {"envelope": {"message_id": f"{run}-{number}"}, "data": {**body, "category_code": "C0107"}}
        inner = element(_REPORT.name, values, shape_of(_REPORT.takes))
        made.append(_ENVELOPE.format(user=UNIT, key=escape(key), body=inner))
    return made


async def measure(rounds: int, seconds: float, callers: int) -> dict[str, Any]:
    """Medians over interleaved rounds."""
    with tempfile.TemporaryDirectory(prefix="cityhub-soap-") as folder:
        async with stage(Path(folder), 1) as on:
            await _round(on, calls(0, on.collector_key, "warm"), 1.0, callers)
            took = []
            for number in range(rounds):
                made = calls(1 + number, on.collector_key, f"r{number}")
                found = await _round(on, made, min(seconds, SECONDS_MAX), callers)
                took.append((*found, *_probe(made[0].encode())))
    hub, cpu, store, ours, bare = (list(each) for each in zip(*took, strict=True))
    return {
        "per_second": round(statistics.median(hub)),
        # What the process could do with a core to itself; the load and the database want the other.
        "per_cpu_second": round(1e6 / statistics.median(cpu)),
        "cpu_us_per_call": round(statistics.median(cpu)),
        "store_cpu_us_per_call": round(statistics.median(store)),
        "wire_us": round(statistics.median(ours)),
        "zeep_us": round(statistics.median(bare)),
        "ratio_zeep": round(statistics.median(b / a for a, b in zip(ours, bare, strict=True)), 2),
    }


async def _round(on: Stage, made: list[str], seconds: float, callers: int) -> tuple[float, float, float]:
    """Calls a second, and CPU of the hub's process and of the database for each."""
    load = await Child.start("bench.soap_in_load")
    try:
        before = on.cpu_seconds()
        await load.tell(json.dumps({"port": on.port, "calls": made, "seconds": seconds, "callers": callers}))
        said = await load.hear(seconds + 60)
    finally:
        await load.end()
    if said["failed"]:
        raise SystemExit(f"calls were not answered: {said['failed']}")
    used = {who: (now - before[who]) / said["done"] * 1e6 for who, now in on.cpu_seconds().items()}
    return said["done"] / said["seconds"], used["api"] + used["lanes"], used["postgres"]


def _probe(raw: bytes) -> tuple[float, float]:
    """µs of one call's XML, in and out: by the hub with its contract checked, and by zeep on the server's side."""
    wire, now = Wire(), datetime.now(UTC)
    receipt = {
        **{"case_number": "330800-20261123-000042", "version": 1, "state": "reported", "stage": "report"},
        **{"position": "1-1", "message_id": "r-1", "repeated": False},
    }

    def ours() -> None:
        opened = wire.open(raw, "text/xml; charset=utf-8", now)
        operation, _ = wire.read(opened)
        wire.answer(opened.version, operation, {"receipt": receipt})

    client: Any = zeep.Client(str(FILE))  # type: ignore[no-untyped-call]
    operation = client.service._binding._operations[_REPORT.name]

    def bare() -> None:
        operation.input.deserialize(etree.fromstring(raw))
        etree.tostring(operation.output.serialize(receipt=receipt).content)

    return _microseconds(ours), _microseconds(bare)


def _microseconds(work: Callable[[], None]) -> float:
    for _ in range(PROBES // 10):
        work()
    began = time.process_time()
    for _ in range(PROBES):
        work()
    return (time.process_time() - began) / PROBES * 1e6
