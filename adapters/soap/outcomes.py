"""What a SOAP service's answer means for a letter: by the profile's rules, else by its fault, else by its status. Pure.

A fault of the sender's (``Client``, ``Sender``) is a refusal: the same letter would meet it again. A fault of the
receiver's may pass, and the letter may have taken effect before it. What says that the hub is not trusted, or that the
two do not speak the same SOAP, every letter would meet alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from adapters.answers import Answers
from adapters.http.retry_after import retry_after_seconds
from adapters.http.statuses import ANSWER_KEPT_MAX, outcome
from adapters.soap.replies import Fault, Reply
from contracts.nouns import Receipt
from contracts.port import DeliveryFailed, Refused, Unauthorised, Unavailable

NOT_TRUSTED = frozenset(
    (
        # WS-Security 1.1, section 12
        *("FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken", "MessageExpired"),
        *("SecurityTokenUnavailable", "UnsupportedAlgorithm", "UnsupportedSecurityToken"),
        # SOAP 1.1's own example, Axis 1.x, and what services make of it
        *("Authentication", "Unauthenticated", "Unauthorized", "AccessDenied"),
    )
)
NOT_SPOKEN = frozenset(("MustUnderstand", "VersionMismatch", "DataEncodingUnknown"))
SENDER, RECEIVER = frozenset(("Client", "Sender")), frozenset(("Server", "Receiver"))


def soap_outcome(
    status: int, headers: Mapping[str, str], raw: bytes, reply: Reply | None, rules: Answers | None, now: datetime
) -> Receipt | DeliveryFailed:
    """The receipt of a success, or the failure to raise."""
    kept = raw[:ANSWER_KEPT_MAX]
    if rules is not None:
        said = rules.of_document(status, reply.document if reply is not None else {}, kept)
        if said is not None:
            return said
    if status in (401, 403):
        return outcome(status, headers, raw, now)
    if reply is not None and reply.fault is not None:
        return _of_fault(reply.fault, status, headers, kept, now)
    if 200 <= status < 300 and status != 202 and reply is None and raw.strip():
        zh, en = "对方应答不是 SOAP", "the unit's answer is no SOAP message"
        return Unavailable(f"{zh} / {en} (HTTP {status})", status, kept, in_doubt=True)
    return outcome(status, headers, raw, now)


def _of_fault(fault: Fault, status: int, headers: Mapping[str, str], kept: bytes, now: datetime) -> DeliveryFailed:
    parts = [part for code in fault.codes for part in code.split(".")]
    first = parts[0] if parts else ""
    shown = ".".join(parts)[:100] or "—"
    if NOT_TRUSTED.intersection(parts):
        return Unauthorised(_reason("对方不认可凭据", "the unit does not accept the credentials", shown), status, kept)
    if first in NOT_SPOKEN:
        zh, en = "对方不认所用的 SOAP 版本或消息头", "the unit does not take this version of SOAP, or a header"
        return Unauthorised(_reason(zh, en, shown), status, kept)
    if first in SENDER or (first not in RECEIVER and 400 <= status < 500):
        return Refused(_reason("对方拒收", "the unit refused the letter", shown), status, kept)
    return Unavailable(
        _reason("对方系统出错", "the unit's system failed", shown),
        status,
        kept,
        retry_after_seconds=retry_after_seconds(headers.get("retry-after", ""), now),
        in_doubt=True,
    )


def _reason(zh: str, en: str, code: str) -> str:
    # The fault's own words may repeat the letter; they are kept with the attempt.
    return f"{zh} / {en} (SOAP {code})"
