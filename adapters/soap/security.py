"""The WS-Security header (OASIS WSS 1.1): Timestamp, UsernameToken, and the X.509 signature's token.

It alone differs between two attempts at one letter: a nonce is good once, and a timestamp for minutes.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from adapters.soap.messages import header_of
from adapters.soap.signature import WSSE, WSU, SigningKey, identify, sign
from contracts.ways.soap import PasswordKind, WsSecurity

_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a unit trusts, opened for this attempt."""

    password: str = field(default="", repr=False)
    key: SigningKey | None = field(default=None, repr=False)


def secure(envelope: Any, security: WsSecurity, credentials: Credentials, now: datetime) -> None:
    """Put the security header first in the envelope's header, and sign last of all."""
    namespace = etree.QName(envelope).namespace
    header = header_of(envelope)
    node = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
    header.insert(0, node)
    if security.must_understand:
        node.set(f"{{{namespace}}}mustUnderstand", "1")
    signed = [envelope.find(f"{{{namespace}}}Body")]
    if security.timestamp_seconds:
        signed.append(_timestamp(node, security.timestamp_seconds, now))
    if security.user is not None:
        _username_token(node, security.user, credentials.password, security.password, now)
    if credentials.key is not None:
        sign(node, signed, credentials.key, security.signature)


def _timestamp(node: Any, good_seconds: int, now: datetime) -> Any:
    stamp = etree.SubElement(node, f"{{{WSU}}}Timestamp")
    identify(stamp, "timestamp")
    etree.SubElement(stamp, f"{{{WSU}}}Created").text = _moment(now)
    etree.SubElement(stamp, f"{{{WSU}}}Expires").text = _moment(now + timedelta(seconds=good_seconds))
    return stamp


def _username_token(node: Any, user: str, password: str, kind: PasswordKind, now: datetime) -> None:
    nonce, created = os.urandom(_NONCE_BYTES), _moment(now)
    token = etree.SubElement(node, f"{{{WSSE}}}UsernameToken")
    identify(token, "user")
    etree.SubElement(token, f"{{{WSSE}}}Username").text = user
    said = etree.SubElement(token, f"{{{WSSE}}}Password")
    if kind is PasswordKind.DIGEST:
        # The profile of 2004 knows no other digest.
        digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
        said.text = base64.b64encode(digest).decode()
        said.set("Type", f"{_PROFILE}#PasswordDigest")
    else:
        said.text = password
        said.set("Type", f"{_PROFILE}#PasswordText")
    etree.SubElement(token, f"{{{WSSE}}}Nonce", EncodingType=_BASE64).text = base64.b64encode(nonce).decode()
    etree.SubElement(token, f"{{{WSU}}}Created").text = created


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
