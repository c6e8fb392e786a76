"""contracts list, diff, write: what is agreed with partners."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from contracts.catalogue import SCHEMAS, published, write_schemas
from contracts.compatibility import compare, describe
from contracts.soap.wsdl import write_wsdl
from hub.commands.common import add_json, show_json


def add(verbs: Any) -> None:
    """The verb's arguments."""
    made = verbs.add_parser("contracts", help="契约:列表、比较 / contracts: list, diff")
    jobs = made.add_subparsers(dest="job", required=True, metavar="JOB")
    listing = jobs.add_parser("list", help="全部契约 / every contract")
    listing.set_defaults(run=_list)
    diff = jobs.add_parser("diff", help="新旧是否兼容,为什么 / is B compatible with A, and why")
    diff.add_argument("a", help="契约名(case.report/1.0)或文件 / a contract's name or a file")
    diff.add_argument("b")
    diff.add_argument(
        "--outbound", action="store_true", help="枢纽发出的契约(默认:单位发来的) / a contract that the hub sends"
    )
    diff.add_argument("--lang", choices=("zh-CN", "en"), default="zh-CN")
    add_json(diff)
    diff.set_defaults(run=_diff)
    write = jobs.add_parser("write", help="重新生成契约文件和 WSDL / write the committed schemas and the WSDL anew")
    write.set_defaults(run=_write)


def _list(given: argparse.Namespace) -> int:
    for name, folder in sorted(published().items()):
        print(f"{name}\t{folder / 'schema.json'}")
    return 0


def _diff(given: argparse.Namespace) -> int:
    try:
        old, new = _schema(given.a), _schema(given.b)
    except (OSError, ValueError) as fault:
        print(f"读不到契约 / cannot read the contract: {fault}", file=sys.stderr)
        return 2
    comparison = compare(old, new, outbound=given.outbound)
    if given.json:
        show_json(comparison.document())
    else:
        print(describe(comparison, given.lang))
    return 0 if comparison.compatible else 1


def _schema(name: str) -> dict[str, Any]:
    folder = published().get(name)
    path = folder / "schema.json" if folder else Path(name)
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


def _write(given: argparse.Namespace) -> int:
    write_schemas(SCHEMAS)
    write_wsdl()
    return 0
