"""An XML signature by an X.509 certificate (XML-DSig, WSS X.509 Token Profile): exclusive C14N, RSA.

The caller brings each part in canonical form, cryptography the signature; a binding to libxmlsec would have to be built
on the very libxml2 that lxml carries.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from contracts.ways.soap import SignatureMethod

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
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


def certificate_token(key: SigningKey) -> str:
    """The certificate, as a signature refers to it."""
    return (
        f'<wsse:BinarySecurityToken xmlns:wsu="{WSU}" EncodingType="{BASE64}" ValueType="{_X509}" '
        f'wsu:Id="certificate">{key.certificate}</wsse:BinarySecurityToken>'
    )


def sign(signed: Mapping[str, bytes], key: SigningKey, method: SignatureMethod) -> str:
    """The signature of some elements, given by their ids in canonical form."""
    algorithm, digest_name, hashing, digest = _METHODS[method]
    references = "".join(
        f'<ds:Reference URI="#{name}"><ds:Transforms><ds:Transform Algorithm="{_C14N}"></ds:Transform></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest_name}"></ds:DigestMethod>'
        f"<ds:DigestValue>{_base64(digest(canonical).digest())}</ds:DigestValue></ds:Reference>"
        for name, canonical in signed.items()
    )
    # In canonical form itself: no empty-element tags, the namespace where it is first used.
    info = (
        f'<ds:SignedInfo xmlns:ds="{DS}"><ds:CanonicalizationMethod Algorithm="{_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{algorithm}"></ds:SignatureMethod>{references}</ds:SignedInfo>'
    )
    value = _base64(key.key.sign(info.encode(), padding.PKCS1v15(), hashing()))
    return (
        f'<ds:Signature xmlns:ds="{DS}">{info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>'
        f'<wsse:SecurityTokenReference><wsse:Reference URI="#certificate" ValueType="{_X509}"/>'
        "</wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature>"
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
