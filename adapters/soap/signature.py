"""An XML signature by an X.509 certificate (XML-DSig, WSS X.509 Token Profile): exclusive C14N, RSA.

lxml brings the canonical form and cryptography the signature; a binding to libxmlsec would have to be built on the
very libxml2 that lxml carries.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from contracts.ways.soap import SignatureMethod

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_METHODS = {
    SignatureMethod.RSA_SHA256: (
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmlenc#sha256",
        hashes.SHA256,
        hashlib.sha256,
    ),
    SignatureMethod.RSA_SHA1: (f"{DS}rsa-sha1", f"{DS}sha1", hashes.SHA1, hashlib.sha1),
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A certificate (base64 of its DER form) and its private key."""

    certificate: str
    key: rsa.RSAPrivateKey = field(repr=False)


def read_signing_key(pem: bytes) -> SigningKey:
    """The first certificate and the RSA key of a PEM text. Raises ``ValueError``."""
    try:
        certificate = x509.load_pem_x509_certificates(pem)[0]
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, IndexError) as fault:
        raise ValueError(f"no certificate with its key in PEM: {type(fault).__name__}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the key is not an RSA key")
    return SigningKey(base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode(), key)


def identify(node: Any, name: str) -> None:
    """Give an element the id by which a signature refers to it."""
    node.set(f"{{{WSU}}}Id", name)


def sign(security: Any, parts: Sequence[Any], key: SigningKey, method: SignatureMethod) -> None:
    """Add the certificate to the security header, and its signature of the parts."""
    algorithm, digest_name, hashing, digest = _METHODS[method]
    token = etree.Element(f"{{{WSSE}}}BinarySecurityToken", EncodingType=_BASE64, ValueType=_X509)
    token.text = key.certificate
    identify(token, "certificate")
    # Receivers that read in one go must know the certificate before the signature.
    security.insert(0, token)
    signature = etree.SubElement(security, f"{{{DS}}}Signature", nsmap={"ds": DS})
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=_C14N)
    etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=algorithm)
    for number, part in enumerate(parts):
        if f"{{{WSU}}}Id" not in part.attrib:
            identify(part, f"part-{number}")
        reference = etree.SubElement(info, f"{{{DS}}}Reference", URI="#" + part.get(f"{{{WSU}}}Id"))
        transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
        etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=_C14N)
        etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=digest_name)
        value = base64.b64encode(digest(_canonical(part)).digest()).decode()
        etree.SubElement(reference, f"{{{DS}}}DigestValue").text = value
    made = key.key.sign(_canonical(info), padding.PKCS1v15(), hashing())
    etree.SubElement(signature, f"{{{DS}}}SignatureValue").text = base64.b64encode(made).decode()
    said = etree.SubElement(etree.SubElement(signature, f"{{{DS}}}KeyInfo"), f"{{{WSSE}}}SecurityTokenReference")
    etree.SubElement(said, f"{{{WSSE}}}Reference", URI="#certificate", ValueType=_X509)


def _canonical(node: Any) -> bytes:
    raw: bytes = etree.tostring(node, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    return raw
