"""units draft: a first profile of a unit's own WSDL, OpenAPI document or sample. Needs no database."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.commands.common import add_json, add_schema, run, schema_url, settings_of, show_json

if TYPE_CHECKING:
    from hub.app import Draft


def add(jobs: Any) -> None:
    """The verb's arguments."""
    job = jobs.add_parser(
        "draft", help="由 WSDL、OpenAPI 或样本起草档案 / a first profile of a WSDL, an OpenAPI document or a sample"
    )
    job.add_argument("--wsdl", metavar="FILE|URL", help="WSDL,连同其导入 / with all that it imports")
    job.add_argument("--openapi", metavar="FILE|URL", help="OpenAPI 3 或 Swagger 2")
    job.add_argument(
        "--sample",
        metavar="FILE",
        help="单位发来的文档;与 --wsdl 同用时为参数里的文档 / what the unit sends; with --wsdl, what an argument holds",
    )
    job.add_argument("--out", action="store_true", help="样本是发给单位的 / the sample is what the unit receives")
    job.add_argument("--contract", help="样本属于哪个契约,默认自行判断 / the sample's contract, guessed by default")
    job.add_argument("--unit", help="城市名录中的单位 / a unit of the city's directory")
    job.add_argument("-o", "--output", metavar="FILE", help="写入文件,默认标准输出 / to a file, not standard output")
    job.add_argument(
        "--outbound-allow",
        metavar="NETWORKS",
        help="取文档时可达的内网网段 / private networks that may be fetched from",
    )
    add_schema(job)
    add_json(job)
    job.set_defaults(run=_draft)


def _draft(given: argparse.Namespace) -> int:
    if bool(given.wsdl) + bool(given.openapi) > 1 or not (given.wsdl or given.openapi or given.sample):
        print("请给出 --wsdl、--openapi、--sample 之一 / name one of --wsdl, --openapi, --sample", file=sys.stderr)
        return 2
    settings = settings_of(given)

    async def work() -> int:
        from hub.app import Wanted, drafted

        wanted = Wanted(given.wsdl, given.openapi, given.sample, outward=given.out, contract=given.contract)
        if given.unit:
            wanted = Wanted(given.wsdl, given.openapi, given.sample, given.unit, given.out, given.contract)
        made = await drafted(settings, wanted)
        text = made.text(given.schema or schema_url(settings))
        if given.json:
            questions = [{"zh": each.zh, "en": each.en} for each in made.questions]
            show_json({"profile": made.profile.said(), "yaml": text, "questions": questions})
            return 0
        return _show(made, text, given.output)

    return run(work)


def _show(made: Draft, text: str, output: str | None) -> int:
    if output:
        try:
            # Never over a profile that somebody has worked on.
            with Path(output).open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as fault:
            print(f"写不了文件 / cannot write the file: {os.strerror(fault.errno or 0)}", file=sys.stderr)
            return 1
        print(f"{output}: {len(made.questions)} 个待确认 / open questions")
    else:
        print(text, end="")
    return 0
