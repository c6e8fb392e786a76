"""The unit calls the hub in its own format (``/units/{unit}/in``)."""

from __future__ import annotations

from contracts.model import Line, Model, Optionally
from contracts.ways.http import SecretName


class InboundSettings(Model):
    """How the unit shows who it is: an API key of the hub's, or a user and a password of its own (HTTP Basic)."""

    user: Optionally[Line] = None
    secret: Optionally[SecretName] = None
