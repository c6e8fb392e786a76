"""SOAP envelopes, 1.1 and 1.2: opened with their WS-Security header, and written around a body."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from adapters.documents.encodings import named
from adapters.documents.faults import DocumentFault
from adapters.documents.packages import media_type
from adapters.documents.xml import parse_xml
from adapters.documents.xop import read_package
from contracts.problem import Problem
from contracts.soap.wire import FaultCode, Opened, SoapRefused, SoapVersion, UserToken

MARKUP_MAX = 40_000
"""So many ``<`` at most: no contract has room for more, and each would become an object."""
CLOCK_SKEW = timedelta(minutes=5)

NAMESPACES = {
    SoapVersion.SOAP_11: "http://schemas.xmlsoap.org/soap/envelope/",
    SoapVersion.SOAP_12: "http://www.w3.org/2003/05/soap-envelope",
}
CONTENT_TYPES = {
    SoapVersion.SOAP_11: b"text/xml; charset=utf-8",
    SoapVersion.SOAP_12: b"application/soap+xml; charset=utf-8",
}
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_SECURITY = f"{{{_WSS}wssecurity-secext-1.0.xsd}}"
_UTILITY = f"{{{_WSS}wssecurity-utility-1.0.xsd}}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_CHARSET = re.compile(r'charset\s*=\s*"?([A-Za-z0-9._-]{1,40})"?', re.IGNORECASE)
# Who a header is for: whoever receives it, in both versions.
_FOR_US = frozenset(
    {
        *("", "http://schemas.xmlsoap.org/soap/actor/next"),
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
    }
)


def opened(raw: bytes, content_type: str, now: datetime) -> Opened:
    """The envelope of a message, alone or in an MTOM package. Raises ``SoapRefused``."""
    presumed = SoapVersion.SOAP_12 if "soap+xml" in content_type.lower() else SoapVersion.SOAP_11
    media = media_type(content_type)
    try:
        root = read_package(raw, media, MARKUP_MAX) if media.is_package else _root(raw, content_type)
    except DocumentFault as fault:
        raise SoapRefused(presumed, fault.problem()) from None
    version = _version(root)
    header = root.find(f"{{{NAMESPACES[version]}}}Header")
    token = None
    if header is not None:
        token = _header(header, version, now)
        security = header.find(f"{_SECURITY}Security")
        if security is not None:
            header.remove(security)
            raw = etree.tostring(root, encoding="utf-8")
    if media.is_package:
        # It is kept as if it had come in one piece.
        raw, content_type = etree.tostring(root, encoding="utf-8"), CONTENT_TYPES[version].decode()
    return Opened(version, token, _body(root, version), raw, content_type)


def written(version: SoapVersion, body: str) -> bytes:
    """The envelope around a body's XML."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{NAMESPACES[version]}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    ).encode()


def _root(raw: bytes, content_type: str) -> Any:
    if raw.count(b"<") > MARKUP_MAX:
        raise DocumentFault("XML 的元素过多。", "The XML has too many elements.", "too_large")
    found = _CHARSET.search(content_type)
    charset = found[1].lower() if found else ""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or charset.startswith("utf-16"):
        try:
            return parse_xml(raw.decode(charset if charset.startswith("utf-16") else "utf-16"))
        except (UnicodeDecodeError, LookupError):
            raise DocumentFault("不是有效的 UTF-16 文本。", "It is not valid UTF-16 text.") from None
    return parse_xml(raw, named(charset) if charset else None)


def _version(root: Any) -> SoapVersion:
    for version, namespace in NAMESPACES.items():
        if root.tag == f"{{{namespace}}}Envelope":
            return version
    raise SoapRefused(
        SoapVersion.SOAP_11,
        Problem(
            "document_invalid",
            "根元素应为 SOAP 1.1 或 1.2 的 Envelope。",
            "The root element is the Envelope of SOAP 1.1 or 1.2.",
        ),
        FaultCode.VERSION_MISMATCH,
    )


def _body(root: Any, version: SoapVersion) -> Any:
    body = root.find(f"{{{NAMESPACES[version]}}}Body")
    held = [] if body is None else [child for child in body if isinstance(child.tag, str)]
    if len(held) != 1 or (body is not None and len(body) != 1):
        raise SoapRefused(
            version, Problem("not_a_message", "soap:Body 应有且只有一个元素。", "soap:Body holds one element.")
        )
    return held[0]


def _header(header: Any, version: SoapVersion, now: datetime) -> UserToken | None:
    namespace, token = NAMESPACES[version], None
    for block in header:
        role = block.get(f"{{{namespace}}}actor") or block.get(f"{{{namespace}}}role") or ""
        if block.tag == f"{_SECURITY}Security":
            token = _token(block, version, now)
        elif block.get(f"{{{namespace}}}mustUnderstand") in ("1", "true") and role in _FOR_US:
            name = str(block.tag)[:200]
            raise SoapRefused(
                version,
                Problem("header_invalid", f"不认识必须理解的头 {name}。", f"The header {name} is not understood."),
                FaultCode.MUST_UNDERSTAND,
            )
    return token


def _token(security: Any, version: SoapVersion, now: datetime) -> UserToken | None:
    if security.find(_SIGNATURE) is not None:
        raise _refused(version, "此处不验证 XML 签名,请去掉。", "XML signatures are not checked here: leave them out.")
    expires = security.findtext(f"{_UTILITY}Timestamp/{_UTILITY}Expires")
    if expires is not None and not _in_time(expires, now):
        raise _refused(
            version, "wsu:Timestamp 已过期,请校准时钟。", "The wsu:Timestamp has expired: set the clock right."
        )
    found = security.find(f"{_SECURITY}UsernameToken")
    if found is None:
        return None
    password = found.find(f"{_SECURITY}Password")
    if password is None or (password.get("Type") or "#PasswordText").rpartition("#")[2] != "PasswordText":
        raise _refused(
            version,
            "UsernameToken 须用 PasswordText:枢纽只保存密钥的摘要,无法核对 PasswordDigest。请走 HTTPS。",
            "UsernameToken needs PasswordText: the hub keeps only digests of keys and cannot check a PasswordDigest. "
            "Use HTTPS.",
        )
    return UserToken((found.findtext(f"{_SECURITY}Username") or "").strip(), (password.text or "").strip())


def _in_time(text: str, now: datetime) -> bool:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + CLOCK_SKEW > now


def _refused(version: SoapVersion, zh: str, en: str) -> SoapRefused:
    return SoapRefused(version, Problem("unauthenticated", zh, en))
