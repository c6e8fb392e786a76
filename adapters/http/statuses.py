"""What a unit's HTTP answer means for a letter: one table from status and headers to an outcome. Pure.

2xx is a success, as Standard Webhooks says; 202 alone means *received*, the others *processed*. A redirect is a
failure, and one that every letter would meet: nothing is followed (it would step round the outbound guard), so the
lane pauses until a person writes the right endpoint into the profile. To bury letters for it would lose them one by
one; to retry would never help. A sign-in page in front of the endpoint looks just the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from adapters.http.retry_after import retry_after_seconds
from contracts.nouns import Receipt
from contracts.port import DeliveryFailed, Refused, Unauthorised, Unavailable

ANSWER_KEPT_MAX = 2048
"""Bytes of an answer that are kept with the attempt."""
CONTROL_HEADERS = ("retry-after", "webhook-delivery")
"""The answer's headers that matter; names in lower case."""


class Verdict(StrEnum):
    """The outcomes an answer can have."""

    RECEIVED = "received"
    PROCESSED = "processed"
    UNAVAILABLE = "unavailable"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"
    UNAUTHORISED = "unauthorised"


# By status; what is not here goes by its class below.
STATUSES: Mapping[int, tuple[Verdict, str, str]] = {
    202: (Verdict.RECEIVED, "", ""),
    401: (Verdict.UNAUTHORISED, "对方不认可凭据或签名", "the unit does not accept the credentials or the signature"),
    403: (Verdict.UNAUTHORISED, "对方禁止访问", "the unit forbids the call"),
    # A release half rolled out behind a gateway answers so for minutes; to bury letters for it would lose them.
    404: (Verdict.UNAVAILABLE, "对方没有此接口地址", "the endpoint is not there"),
    405: (Verdict.UNAVAILABLE, "对方此地址不接受 POST", "the endpoint takes no POST"),
    407: (Verdict.UNAUTHORISED, "代理要求身份验证", "a proxy asks for authentication"),
    408: (Verdict.UNAVAILABLE, "对方等待请求超时", "the unit gave up waiting for the request"),
    410: (Verdict.UNAUTHORISED, "对方接口已停用", "the endpoint is gone"),
    425: (Verdict.UNAVAILABLE, "对方要求稍后重试", "the unit asks to send again later"),
    429: (Verdict.UNAVAILABLE, "对方要求降低频率", "the unit asks for fewer calls"),
    # Behind these the letter may have reached the unit and taken effect; the same webhook-id makes a repeat harmless.
    500: (Verdict.IN_DOUBT, "对方系统出错", "the unit's system failed"),
    502: (Verdict.IN_DOUBT, "对方网关未得到有效应答", "the unit's gateway got no valid answer"),
    503: (Verdict.UNAVAILABLE, "对方系统暂不可用", "the unit's system is unavailable"),
    504: (Verdict.IN_DOUBT, "对方网关等待超时", "the unit's gateway timed out"),
}
CLASSES: Mapping[int, tuple[Verdict, str, str]] = {
    2: (Verdict.PROCESSED, "", ""),
    3: (Verdict.UNAUTHORISED, "对方要求重定向,接口地址应改正", "the unit redirects: correct the endpoint"),
    4: (Verdict.REFUSED, "对方拒收", "the unit refused the letter"),
    5: (Verdict.UNAVAILABLE, "对方系统出错", "the unit's system failed"),
}
_ODD = (Verdict.IN_DOUBT, "对方应答不符合 HTTP", "the unit's answer is no HTTP answer")


def outcome(status: int, headers: Mapping[str, str], answer: bytes, now: datetime) -> Receipt | DeliveryFailed:
    """What an answer says: the receipt of a success, or the failure to raise. ``headers``: ``CONTROL_HEADERS``."""
    verdict, zh, en = STATUSES.get(status) or CLASSES.get(status // 100) or _ODD
    control = headers.get("webhook-delivery", "").strip().lower()
    kept = answer[:ANSWER_KEPT_MAX]
    if control == "disable":
        # Also with a 2xx: the unit wants no more letters, and the repeat of this one later on does no harm.
        return Unauthorised(_reason("对方要求停止投递", "the unit asks to stop deliveries", status), status, kept)
    match verdict:
        case Verdict.RECEIVED:
            return Receipt.RECEIVED
        case Verdict.PROCESSED:
            return Receipt.PROCESSED
        case Verdict.UNAUTHORISED:
            return Unauthorised(_reason(zh, en, status), status, kept)
        case Verdict.REFUSED:
            return Refused(_reason(zh, en, status), status, kept)
        case Verdict.UNAVAILABLE | Verdict.IN_DOUBT:
            if control == "abort-message":
                return Refused(_reason("对方要求放弃此信件", "the unit asks to drop this letter", status), status, kept)
            return Unavailable(
                _reason(zh, en, status),
                status,
                kept,
                retry_after_seconds=retry_after_seconds(headers.get("retry-after", ""), now),
                in_doubt=verdict is Verdict.IN_DOUBT,
            )


def _reason(zh: str, en: str, status: int) -> str:
    return f"{zh} / {en} (HTTP {status})"
