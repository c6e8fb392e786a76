"""A first profile of a WSDL: push over SOAP, an operation for each contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from adapters.drafting.choosing import chosen
from adapters.drafting.draft import Draft, made, taken_for, unused
from adapters.drafting.fields import Described, Question, Shape
from adapters.drafting.samples import shared_base
from adapters.drafting.tables import required, table_of
from adapters.drafting.vocabulary import words_of
from adapters.drafting.wsdl import Operations
from contracts.mapping import Wrap, Written
from contracts.paths import Path, parse_path, path_text

DOCUMENTS = frozenset({"xml", "json", "data", "param", "params", "content", "body", "request", "message", "str", "doc"})
"""Names of arguments that take a document as a text."""


def draft_of_wsdl(
    wsdl: str, imported: Mapping[str, str], operations: Operations, unit: str, inner: Described | None = None
) -> Draft:
    """Push over SOAP. ``inner`` describes the document that an argument takes as a text."""
    requests = [with_inner(each, inner) for each in operations.requests]
    picked = chosen(requests)
    questions: list[Question] = []
    tables: list[dict[str, Any]] = []
    codes: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    secrets: dict[str, dict[str, str]] = {}
    wraps: list[Wrap] = []
    # The transport writes a secret into every call.
    everywhere = (
        set.intersection(*({each.path for each in request.fields} for _, request, _ in picked)) if picked else set()
    )
    for contract, request, matched in picked:
        calls.append({"contract": contract.contract, "operation": request.name})
        if not matched.matches:
            continue
        table, more, asked = table_of(matched, request, request.base)
        table["fields"] += required(request, matched, asked, secrets, everywhere)
        tables.append(table)
        codes += [each for each in more if each["name"] not in {known["name"] for known in codes}]
        wraps += [wrap for wrap in request.written.wrap if wrap not in wraps]
        questions += [*taken_for(contract, request.name), *asked]
    mapped = {table["contract"] for table in tables}
    document: dict[str, Any] = {"wsdl": wsdl}
    if imported:
        document["documents"] = [{"location": location, "text": text} for location, text in imported.items()]
    # A connection with a mapping writes every call by it; where no argument was understood, one takes the letter whole.
    document["calls"] = [call for call in calls if not mapped or call["contract"] in mapped]
    if not mapped:
        questions += _whole(document["calls"], requests)
    if secrets:
        document["secrets"] = list(secrets.values())
    taken = {call["operation"] for call in document["calls"]}
    questions += [unused(each.name, each.about) for each in requests if each.name not in taken]
    questions.append(
        Question(
            "应答是什么意思?请写 soap.answers(例如返回 0 为已处理)",
            "what do its answers mean? write soap.answers (0 is processed, perhaps)",
        )
    )
    connection: dict[str, Any] = {
        "name": "soap",
        "transport": "soap",
        "receives": [call["contract"] for call in document["calls"]],
        "soap": document,
    }
    if tables:
        written: dict[str, Any] = {"format": "xml", "wrap": [wrap.document() for wrap in wraps]}
        connection["mapping"] = {"written_as": written, "codes": codes, "out": tables}
    return made(unit, connection, questions)


def with_inner(request: Described, inner: Described | None) -> Described:
    """The request whose document-like argument holds the inner document."""
    if inner is None:
        return request
    texts = [each for each in request.fields if each.shape is Shape.TEXT and each.element is None]
    named = [each for each in texts if set(words_of(each.name)) & DOCUMENTS or each.name.lower() in DOCUMENTS]
    if not texts:
        return request
    holder = (named or texts)[0]
    prefix, (skip, wrap) = parse_path(holder.path), _document_of(inner)
    written = Written.model_validate_json(orjson.dumps({"format": "xml", "wrap": [{"inside": holder.path, **wrap}]}))
    fields = tuple(
        replace(each, path=path_text((*prefix, *path[len(skip) :])), required=False)
        for each in inner.fields
        if (path := parse_path(each.path))[: len(skip)] == skip
    )
    rest = tuple(each for each in request.fields if each is not holder)
    about = f"{request.about} {inner.about}"
    return replace(request, about=about, fields=(*fields, *rest), written=written, base=shared_base(fields))


def _document_of(inner: Described) -> tuple[Path, dict[str, Any]]:
    """Where in the sample the document is, and how it is written: a whole envelope may have been given."""
    if inner.written.wrap:
        wrap = inner.written.wrap[-1]
        return parse_path(wrap.inside), {name: value for name, value in wrap.document().items() if name != "inside"}
    made: dict[str, Any] = {"format": inner.written.format.value}
    return (), made | ({"encoding": inner.written.encoding.value} if inner.written.encoding is not None else {})


def _whole(calls: list[dict[str, Any]], requests: Sequence[Described]) -> list[Question]:
    asked = []
    for call in list(calls):
        fields = next(each for each in requests if each.name == call["operation"]).fields
        texts = [each for each in fields if each.shape is Shape.TEXT and each.element is None]
        if not texts:
            calls.remove(call)
            continue
        call["event"] = texts[0].path
        asked.append(
            Question(
                f"{call['operation']}.{texts[0].path}:没有认出字段,暂整封放入;若是文档,请加 --sample 再起草",
                f"{call['operation']}.{texts[0].path}: no field was recognised, it takes the letter whole for now; "
                "if it takes a document, draft again with --sample",
            )
        )
    return asked
