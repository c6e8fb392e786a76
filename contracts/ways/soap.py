"""Push over SOAP: the unit's own service, by its own WSDL."""

from __future__ import annotations

from contracts.model import Model, Optionally
from contracts.ways.answers import AnswerRules
from contracts.ways.http import Authentication, SecretName, Url


class SoapSettings(Model):
    """Which service is called, and how."""

    endpoint: Optionally[Url] = None
    authentication: Optionally[Authentication] = None
    client_certificate: Optionally[SecretName] = None
    answers: Optionally[AnswerRules] = None
