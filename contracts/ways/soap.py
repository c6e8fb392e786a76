"""Push over SOAP: the unit's own service, by its own WSDL, which is kept in the profile and never fetched at work."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.model import Code, Line, Model, Optionally, RuleBroken
from contracts.paths import PathText
from contracts.ways.answers import AnswerRules
from contracts.ways.http import Authentication, SecretName, Url

NAME_PATTERN = r"^[^\s:<>&\"'/\[\]{}]{1,200}$"
FILE_PATTERN = r"^[^\\\s:*?\"<>|/][^\\:*?\"<>|]{0,199}$"

DocumentText = Annotated[str, Field(min_length=1, max_length=600_000)]
XmlName = Annotated[str, Field(pattern=NAME_PATTERN)]
FileName = Annotated[str, Field(pattern=FILE_PATTERN)]
"""A file beside the profile; ``./cityhub units apply -f`` puts its text in the place of its name."""


class SoapDocument(Model):
    """A document that the WSDL imports, under the location that the import names."""

    location: Annotated[str, Field(min_length=1, max_length=1000)]
    text: Optionally[DocumentText] = None
    text_file: Optionally[FileName] = None

    @model_validator(mode="after")
    def _is_given_once(self) -> SoapDocument:
        if (self.text is None) == (self.text_file is None):
            raise RuleBroken("导入的文档须有 text、text_file 之一", "a document has one of text, text_file")
        return self


class SoapCall(Model):
    """Which operation takes the letters of a contract. ``event`` names the argument that takes the letter itself.

    With a mapping the out table's fields are the operation's arguments; ``event`` is for units without one.
    """

    contract: Code
    operation: XmlName
    event: Optionally[PathText] = None


class PasswordKind(StrEnum):
    """How a UsernameToken carries the password."""

    TEXT = "text"
    DIGEST = "digest"


class SignatureMethod(StrEnum):
    """How an X.509 signature is made; SHA-1 is for services too old to know better."""

    RSA_SHA256 = "rsa-sha256"
    RSA_SHA1 = "rsa-sha1"


class WsSecurity(Model):
    """The WS-Security header: a UsernameToken (``user``, ``secret``), a Timestamp, an X.509 signature of the body."""

    user: Optionally[Line] = None
    secret: Optionally[SecretName] = None
    password: PasswordKind = PasswordKind.DIGEST
    timestamp_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    certificate: Optionally[SecretName] = None
    signature: SignatureMethod = SignatureMethod.RSA_SHA256
    must_understand: bool = True

    @model_validator(mode="after")
    def _shows_who_calls(self) -> WsSecurity:
        if (self.user is None) != (self.secret is None):
            raise RuleBroken("user 与 secret 须同时给出", "user and secret go together")
        if self.user is None and self.certificate is None:
            raise RuleBroken(
                "security 须有 user 与 secret、certificate,或两者",
                "security has a user with its secret, a certificate, or both",
            )
        return self


class PhotosAs(StrEnum):
    """How the bytes of photos travel."""

    BASE64 = "base64"
    MTOM = "mtom"


class SoapPhotos(Model):
    """At which arguments the mapping leaves attachment ids that the photos' bytes take the place of."""

    at: Annotated[tuple[PathText, ...], Field(min_length=1, max_length=20)]
    sent_as: PhotosAs = PhotosAs.BASE64


class SoapSecret(Model):
    """A secret that the operation itself wants: as an argument, or under ``soap:Header``."""

    to: PathText
    secret: SecretName


class SoapSettings(Model):
    """Which service is called, and how. The endpoint is the WSDL's where none is given."""

    wsdl: Optionally[DocumentText] = None
    wsdl_file: Optionally[FileName] = None
    documents: Annotated[tuple[SoapDocument, ...], Field(max_length=50)] = ()
    service: Optionally[XmlName] = None
    port: Optionally[XmlName] = None
    endpoint: Optionally[Url] = None
    calls: Annotated[tuple[SoapCall, ...], Field(max_length=40)] = ()
    addressing: bool = True
    secrets: Annotated[tuple[SoapSecret, ...], Field(max_length=10)] = ()
    photos: Optionally[SoapPhotos] = None
    security: Optionally[WsSecurity] = None
    authentication: Optionally[Authentication] = None
    client_certificate: Optionally[SecretName] = None
    answers: Optionally[AnswerRules] = None

    @model_validator(mode="after")
    def _fits_together(self) -> SoapSettings:
        if (self.wsdl is None) == (self.wsdl_file is None):
            raise RuleBroken("soap 须有 wsdl、wsdl_file 之一", "soap has one of wsdl, wsdl_file")
        if len({call.contract for call in self.calls}) != len(self.calls):
            raise RuleBroken("一种契约只能交给一个操作", "a contract goes to one operation")
        return self
