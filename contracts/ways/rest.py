"""Push over REST: a signed CloudEvent, or the unit's own document by its own authentication."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.live import OUTBOUND
from contracts.model import Code, Model, Optionally, RuleBroken
from contracts.paths import PathText
from contracts.ways.answers import AnswerRules
from contracts.ways.http import Authentication, SecretName, Url

FIELD_PATTERN = r"^[A-Za-z0-9_.\[\]-]{1,64}$"
FieldName = Annotated[str, Field(pattern=FIELD_PATTERN)]
"""The name of a field of a form."""


class Signing(StrEnum):
    """How pushes are signed (Standard Webhooks): HMAC-SHA256, Ed25519, both during a change, or by no signature."""

    HMAC = "hmac-sha256"
    ED25519 = "ed25519"
    BOTH = "both"
    NONE = "none"


class PushMethod(StrEnum):
    """The methods by which a letter is handed over."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"


class RestCall(Model):
    """Where the letters of one contract go, in a unit that has an endpoint for each.

    ``{case_number}`` and ``{letter_id}`` in the address stand for the letter's own.
    """

    contract: Code
    endpoint: Optionally[Url] = None
    method: PushMethod = PushMethod.POST


class RestPhotosAs(StrEnum):
    """How the bytes of photos travel: as base64 inside the document, or beside it as files of a form."""

    BASE64 = "base64"
    MULTIPART = "multipart"


class RestPhotos(Model):
    """At which places of the unit's document the mapping leaves attachment ids, for whoever wants the picture itself.

    As ``multipart`` (multipart/form-data) the files' names stand there, the files go under ``file_field``, and the
    document under ``document_field``; a form's fields stay fields, and a file goes under the field that named it.
    """

    at: Annotated[tuple[PathText, ...], Field(min_length=1, max_length=20)]
    sent_as: RestPhotosAs = RestPhotosAs.BASE64
    file_field: Optionally[FieldName] = None
    document_field: Optionally[FieldName] = None

    @model_validator(mode="after")
    def _fits_together(self) -> RestPhotos:
        named = self.file_field is not None or self.document_field is not None
        if named and self.sent_as is not RestPhotosAs.MULTIPART:
            raise RuleBroken(
                "file_field、document_field 只用于 multipart", "file_field and document_field go with multipart"
            )
        return self


class RestSettings(Model):
    """Where and how to push over REST. Private addresses only where the hub's settings allow them."""

    endpoint: Url
    method: PushMethod = PushMethod.POST
    calls: Annotated[tuple[RestCall, ...], Field(max_length=40)] = ()
    signing: Signing = Signing.HMAC
    authentication: Optionally[Authentication] = None
    client_certificate: Optionally[SecretName] = None
    photos: Optionally[RestPhotos] = None
    answers: Optionally[AnswerRules] = None

    @model_validator(mode="after")
    def _shows_who_calls(self) -> RestSettings:
        if self.signing is Signing.NONE and self.authentication is None and self.client_certificate is None:
            raise RuleBroken(
                "signing: none 须有 authentication 或 client_certificate",
                "signing: none goes with an authentication or a client_certificate",
            )
        return self

    @model_validator(mode="after")
    def _calls_are_of_contracts(self) -> RestSettings:
        sent = {model.contract.partition("/")[0] for model in OUTBOUND}
        named = [call.contract for call in self.calls]
        if len(set(named)) != len(named) or not sent.issuperset(named):
            raise RuleBroken(
                "calls 中的每个契约须是枢纽发出的,且只出现一次", "calls name contracts that the hub sends, each once"
            )
        return self
