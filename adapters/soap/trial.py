"""A letter as the envelope that would go to the unit, for people who try a profile out. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from adapters.documents.faults import DocumentFault
from adapters.mapping import Mapper
from adapters.mapping.trial import Write
from adapters.soap.adapter import arguments_before_photos, finish_arguments
from adapters.soap.calls import build_call, put_at
from adapters.soap.messages import MessageFault
from adapters.soap.prepared import made_ready
from adapters.soap.wsdl import WsdlFault
from contracts.ways.soap import SoapSettings

HIDDEN = "***"
"""Stands for a secret; the security header, which is of its moment, is not shown."""


def envelope_writer(said: SoapSettings) -> Write:
    """Writes a letter as its envelope; raises ``DocumentFault`` where the WSDL or the operation does not take it."""

    def write(mapper: Mapper, contract: str, event: Mapping[str, Any]) -> str:
        try:
            ready = made_ready(said, mapper)
            call = ready.calls.get(contract)
            operation = ready.service.operations.get(call.operation) if call is not None else None
            if call is None or operation is None:
                zh, en = f"soap.calls 没有 {contract} 的操作", f"soap.calls names no operation for {contract}"
                raise DocumentFault(zh, en)
            arguments = arguments_before_photos(ready, call, event)
            finish_arguments(ready, call, arguments)
            for wanted in said.secrets:
                put_at(arguments, wanted.to, HIDDEN)
            envelope = build_call(ready, operation, arguments, str(event.get("id", "")))
        except (WsdlFault, MessageFault) as fault:
            raise DocumentFault(fault.zh, fault.en) from None
        text: str = etree.tostring(envelope, encoding="unicode", pretty_print=True)
        return text

    return write
