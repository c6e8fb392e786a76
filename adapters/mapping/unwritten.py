"""A letter that a profile's mapping cannot write is refused, so that a person can mend the profile and replay it."""

from __future__ import annotations

from adapters.documents.faults import DocumentFault
from adapters.mapping.faults import MappingFailed
from contracts.port import Refused

_TOLD_MAX = 5


def unwritten(fault: MappingFailed | DocumentFault) -> Refused:
    """The refusal; its reason names the profile's line and the field of each fault."""
    told = [(fault.zh, fault.en)] if isinstance(fault, DocumentFault) else [each.sentence() for each in fault.faults]
    zh, en = ("; ".join(part) for part in zip(*told[:_TOLD_MAX], strict=True))
    return Refused(f"映射失败,未发出:{zh} / not mapped, and not sent: {en}")
