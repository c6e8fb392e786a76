"""A power bureau's SOAP 1.2 service that trusts nobody: verifies the password digest, the time, the signature by
xmlsec, and takes MTOM parts apart by the standard library. Run as a process of its own.

Reads one JSON line {"user", "password", "certificate"}; prints its port. Answers the ticket ``<letter>:<sha256 of the
photos>``, or a WS-Security fault that says what is wrong.
"""

from __future__ import annotations

import base64
import email
import hashlib
import json
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import xmlsec
from lxml import etree

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
NAMES = {
    "s": SOAP,
    "e": WSSE,
    "u": WSU,
    "d": "http://www.w3.org/2000/09/xmldsig#",
    "x": "http://www.w3.org/2004/08/xop/include",
    "o": "urn:power:orders",
    "t": "urn:power:orders:types",
    "a": "http://www.w3.org/2005/08/addressing",
}
TOLD = json.loads(sys.stdin.readline())
NONCES: set[str] = set()


class NotTrusted(Exception):
    """The code of the fault, and why."""


def must(holds: bool, code: str, why: str) -> None:
    if not holds:
        raise NotTrusted(code, why)


def check(envelope: Any) -> None:
    (security,) = envelope.xpath("/s:Envelope/s:Header/e:Security", namespaces=NAMES)
    must(security.get(f"{{{SOAP}}}mustUnderstand") == "1", "InvalidSecurity", "mustUnderstand")
    check_time(security)
    check_password(security)
    check_signature(envelope, security)


def check_time(security: Any) -> None:
    created, expires = (security.findtext(f"u:Timestamp/u:{name}", namespaces=NAMES) for name in ("Created", "Expires"))
    moments = [datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC) for text in (created, expires)]
    must(moments[0] <= datetime.now(UTC) < moments[1], "MessageExpired", f"{created} {expires}")


def check_password(security: Any) -> None:
    token = security.find("e:UsernameToken", NAMES)
    must(token.findtext("e:Username", namespaces=NAMES) == TOLD["user"], "FailedAuthentication", "user")
    nonce, created = token.findtext("e:Nonce", namespaces=NAMES), token.findtext("u:Created", namespaces=NAMES)
    must(nonce not in NONCES, "InvalidSecurity", "the nonce was used before")
    NONCES.add(nonce)
    wanted = hashlib.sha1(base64.b64decode(nonce) + created.encode() + TOLD["password"].encode()).digest()
    said = token.find("e:Password", NAMES)
    must(said.get("Type").endswith("#PasswordDigest"), "FailedAuthentication", "type")
    must(said.text == base64.b64encode(wanted).decode(), "FailedAuthentication", "digest")


def check_signature(envelope: Any, security: Any) -> None:
    token = security.find("e:BinarySecurityToken", NAMES)
    pem = f"-----BEGIN CERTIFICATE-----\n{token.text}\n-----END CERTIFICATE-----\n"
    der = base64.b64decode(TOLD["certificate"])
    must(base64.b64decode(token.text) == der, "FailedAuthentication", "another certificate")
    signature = security.find("d:Signature", NAMES)
    said = signature.find("d:KeyInfo/e:SecurityTokenReference/e:Reference", NAMES).get("URI")
    must(said == "#" + token.get(f"{{{WSU}}}Id"), "InvalidSecurityToken", "the reference")
    signed = {each.get("URI") for each in signature.iterfind("d:SignedInfo/d:Reference", NAMES)}
    context = xmlsec.SignatureContext()
    for node in (envelope.find("s:Body", NAMES), security.find("u:Timestamp", NAMES)):
        must("#" + node.get(f"{{{WSU}}}Id") in signed, "FailedCheck", f"{node.tag} is not signed")
        context.register_id(node, "Id", WSU)
    context.key = xmlsec.Key.from_memory(pem.encode(), xmlsec.KeyFormat.CERT_PEM, None)
    try:
        context.verify(signature)
    except xmlsec.Error as fault:
        raise NotTrusted("FailedCheck", str(fault)) from None


def unpacked(content_type: str, raw: bytes) -> tuple[Any, dict[str, bytes]]:
    if not content_type.startswith("multipart/related"):
        return etree.fromstring(raw), {}
    package = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    parts = {part["Content-ID"]: part.get_payload(decode=True) for part in package.get_payload()}
    return etree.fromstring(parts.pop(package.get_param("start"))), parts


def expand(envelope: Any, parts: dict[str, bytes]) -> list[str]:
    """Put the parts back where they stood, as XOP says, and tell the digest of each."""
    digests = []
    for included in list(envelope.iterfind(".//x:Include", NAMES)):
        content = parts["<" + included.get("href").removeprefix("cid:") + ">"]
        digests.append(hashlib.sha256(content).hexdigest())
        place = included.getparent()
        place.remove(included)
        place.text = base64.b64encode(content).decode()
    return digests


class Door(BaseHTTPRequestHandler):
    """One call."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        envelope, parts = unpacked(self.headers["content-type"], raw)
        digests = expand(envelope, parts)
        if self.path == "/tampered":
            envelope.find(".//t:text", NAMES).text += "!"
        try:
            check(envelope)
            status, inside = 200, self.taken(envelope, digests)
        except NotTrusted as fault:
            code, why = fault.args
            status = 500
            inside = (
                f'<s:Fault xmlns:e="{WSSE}"><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>e:{code}</s:Value>'
                f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">{why}</s:Text></s:Reason></s:Fault>'
            )
        body = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()
        self.send_response(status)
        self.send_header("content-type", "application/soap+xml; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def taken(self, envelope: Any, digests: list[str]) -> str:
        action = envelope.findtext(".//a:Action", namespaces=NAMES)
        must(f'action="{action}"' in self.headers["content-type"] or bool(digests), "InvalidSecurity", "action")
        order = envelope.find("s:Body/o:receiveOrder/o:order", NAMES)
        if order is None:
            return '<cancelOrderResponse xmlns="urn:power:orders"><accepted>true</accepted></cancelOrderResponse>'
        letter = envelope.findtext(".//a:MessageID", namespaces=NAMES).rpartition(":")[2]
        ticket = ":".join((letter, *digests))
        return (
            f'<receiveOrderResponse xmlns="urn:power:orders"><ticket>{ticket}</ticket><accepted>true</accepted>'
            "</receiveOrderResponse>"
        )

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    # Whoever started this process holds the other end of its standard input: when that closes, this ends too.
    sys.stdin.read()
