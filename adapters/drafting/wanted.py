"""From what a draft is wanted, and the draft of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from adapters.drafting.draft import UNIT, Draft
from adapters.drafting.fetching import Fetching, is_address
from adapters.drafting.fields import Described, DraftFault
from adapters.drafting.openapi import read_interface
from adapters.drafting.rest_draft import draft_of_interface
from adapters.drafting.sample_draft import draft_of_sample
from adapters.drafting.samples import read_sample
from adapters.drafting.soap_draft import draft_of_wsdl
from adapters.drafting.wsdl import read_operations
from contracts.problem import Problem
from contracts.yaml_text import read_yaml


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files or addresses of the descriptions. A sample beside a WSDL is the document that an argument takes as a text;
    ``outward`` says that a sample alone is what the unit wants to receive."""

    wsdl: str | None = None
    openapi: str | None = None
    sample: str | None = None
    unit: str = UNIT
    outward: bool = False
    contract: str | None = None


async def draft_of(fetching: Fetching, wanted: Wanted) -> Draft:
    """The draft. Raises ``DraftFault``."""
    outward = wanted.outward or wanted.wsdl is not None
    sample = await _sample(fetching, wanted.sample, outward) if wanted.sample is not None else None
    if wanted.wsdl is not None:
        read = await fetching.wsdl(wanted.wsdl)
        # zeep takes its time over a large WSDL.
        operations = await asyncio.to_thread(read_operations, read.text, read.imported)
        return draft_of_wsdl(read.text, read.imported, operations, wanted.unit, sample)
    if wanted.openapi is not None:
        raw = await fetching.raw(wanted.openapi)
        base = wanted.openapi if is_address(wanted.openapi) else ""
        return draft_of_interface(read_interface(_document(raw), base), wanted.unit)
    if sample is None:
        raise DraftFault("请给出 WSDL、OpenAPI 或样本。", "Name a WSDL, an OpenAPI document or a sample.")
    return draft_of_sample(sample, wanted.unit, outward=outward, contract=wanted.contract)


async def _sample(fetching: Fetching, source: str, outward: bool) -> Described:
    return read_sample(await fetching.raw(source), Path(source).name, outward=outward)


def _document(raw: bytes) -> object:
    try:
        document, _ = read_yaml(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DraftFault("文档不是 UTF-8 文本。", "The document is no UTF-8 text.") from None
    except Problem as problem:
        raise DraftFault(f"文档无法读取:{problem.zh}", f"The document cannot be read: {problem.en}") from None
    found: object = document
    return found
