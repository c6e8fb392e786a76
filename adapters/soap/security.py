"""The WS-Security header (OASIS WSS 1.1): a Timestamp, a UsernameToken, and a signature by a certificate.

It alone differs between two attempts at one letter: a nonce is good once, and a timestamp for minutes. It is written
as text, each part in its canonical form, so that what is signed is what stands there.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from adapters.soap.messages import MessageFault, header_of
from adapters.soap.signature import BASE64, WSSE, WSU, SigningKey, certificate_token, sign
from contracts.ways.soap import PasswordKind, WsSecurity

_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a unit trusts, opened for this attempt."""

    password: str = field(default="", repr=False)
    key: SigningKey | None = field(default=None, repr=False)


def secure(envelope: Any, security: WsSecurity, credentials: Credentials, now: datetime) -> None:
    """Put the security header first in the envelope's header; nothing signed may change afterwards.

    Raises ``MessageFault`` for a password that XML cannot carry.
    """
    namespace = etree.QName(envelope).namespace
    stamp = _timestamp(security.timestamp_seconds, now) if security.timestamp_seconds else ""
    token = ""
    if security.user is not None:
        token = _username_token(security.user, credentials.password, security.password, now)
    certificate = signature = ""
    if credentials.key is not None:
        body = envelope.find(f"{{{namespace}}}Body")
        body.set(f"{{{WSU}}}Id", "body")
        signed = {"body": etree.tostring(body, method="c14n", exclusive=True, with_tail=False)}
        if stamp:
            signed["timestamp"] = stamp.encode()
        # Receivers that read in one go must know the certificate before the signature.
        certificate = certificate_token(credentials.key)
        signature = sign(signed, credentials.key, security.signature)
    must = ' s:mustUnderstand="1"' if security.must_understand else ""
    inside = f"{certificate}{stamp}{token}{signature}"
    text = f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:s="{namespace}"{must}>{inside}</wsse:Security>'
    try:
        header_of(envelope).insert(0, etree.fromstring(text))
    except etree.XMLSyntaxError:
        raise MessageFault(
            "密码含有 XML 不能携带的字符", "the password holds a character that XML cannot carry"
        ) from None


def _timestamp(good_seconds: int, now: datetime) -> str:
    created, expires = _moment(now), _moment(now + timedelta(seconds=good_seconds))
    return (
        f'<wsu:Timestamp xmlns:wsu="{WSU}" wsu:Id="timestamp"><wsu:Created>{created}</wsu:Created>'
        f"<wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
    )


def _username_token(user: str, password: str, kind: PasswordKind, now: datetime) -> str:
    nonce, created = os.urandom(_NONCE_BYTES), _moment(now)
    said, name = password, "PasswordText"
    if kind is PasswordKind.DIGEST:
        # The profile of 2004 knows no other digest.
        digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
        said, name = base64.b64encode(digest).decode(), "PasswordDigest"
    return (
        f'<wsse:UsernameToken xmlns:wsu="{WSU}" wsu:Id="user"><wsse:Username>{_text(user)}</wsse:Username>'
        f'<wsse:Password Type="{_PROFILE}#{name}">{_text(said)}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken>"
    )


def _text(text: str) -> str:
    # A carriage return would be read as a line feed.
    return escape(text, {"\r": "&#13;"})


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
