"""A first profile of an OpenAPI or Swagger document: push over REST, an address for each contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.drafting.choosing import chosen
from adapters.drafting.draft import ENDPOINT, Draft, made, taken_for, unused
from adapters.drafting.fields import Question
from adapters.drafting.openapi import Called, Interface
from adapters.drafting.tables import required, table_of


def draft_of_interface(interface: Interface, unit: str) -> Draft:
    """Push over REST, an address for each contract."""
    by_name = {each.request.name: each for each in interface.calls}
    questions: list[Question] = []
    tables: list[dict[str, Any]] = []
    codes: list[dict[str, Any]] = []
    calls: list[tuple[str, Called]] = []
    for contract, request, matched in chosen([each.request for each in interface.calls]):
        if not matched.matches:
            continue
        called = by_name[request.name]
        table, more, asked = table_of(matched, request, "")
        table["fields"] += required(request, matched, asked, {})
        if request.written.format is not interface.calls[0].request.written.format:
            table["written_as"] = request.written.document()
        tables.append(table)
        codes += [each for each in more if each["name"] not in {known["name"] for known in codes}]
        calls.append((contract.contract, called))
        questions += [*taken_for(contract, f"{called.method} {called.path}"), *asked]
    taken = {called.request.name for _, called in calls}
    for each in interface.calls:
        if each.request.name not in taken:
            questions.append(unused(f"{each.method} {each.path}", each.request.about))
    questions += [
        Question(f"{each}:单位不能主动调用时,可在 poll 中轮询", f"{each}: could be polled where the unit cannot call")
        for each in interface.reads[:20]
    ]
    connection: dict[str, Any] = {
        "name": "rest",
        "transport": "rest",
        "receives": [contract for contract, _ in calls],
        "rest": _rest(calls, interface, questions),
    }
    if tables:
        written = interface.calls[0].request.written.document()
        connection["mapping"] = {"written_as": written, "codes": codes, "out": tables}
    return made(unit, connection, questions)


def _rest(calls: Sequence[tuple[str, Called]], interface: Interface, questions: list[Question]) -> dict[str, Any]:
    endpoint = calls[0][1].endpoint if calls else ENDPOINT
    if not endpoint.startswith(("http://", "https://")):
        host = ENDPOINT.rpartition("/")[0]
        questions.append(Question(f"主机名未知,暂写 {host}", f"the host is unknown, {host} for now"))
        calls = [(contract, replace(called, endpoint=host + called.endpoint)) for contract, called in calls]
        endpoint = host + endpoint
    made: dict[str, Any] = {"endpoint": endpoint}
    if calls and calls[0][1].method != "POST":
        made["method"] = calls[0][1].method
    if len(calls) > 1:
        made["calls"] = [
            {"contract": contract, "endpoint": called.endpoint, "method": called.method} for contract, called in calls
        ]
    if interface.authentication is not None:
        made |= {"signing": "none", "authentication": dict(interface.authentication)}
        name = interface.authentication["secret"]
        questions.append(
            Question(f"凭据须存入:./cityhub secrets put {name}", f"credentials to keep: ./cityhub secrets put … {name}")
        )
    questions.append(
        Question(
            "应答是什么意思?200 里可能有错误码,请写 rest.answers",
            "what do its answers mean? a 200 may hold an error: write rest.answers",
        )
    )
    return made
