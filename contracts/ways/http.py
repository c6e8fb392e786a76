"""What every call over HTTP needs of a profile: where, and how the hub shows who it is. Secrets are only named."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.model import Line, Model, Optionally, RuleBroken

Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)]
NAMES_A_SECRET = "names a secret"
"""Marks the fields that name secrets, so that a profile can be asked which it names."""
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$"), NAMES_A_SECRET]
"""The name of a secret of the unit; its value lies sealed in the hub's safe (``./cityhub secrets put``)."""
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]


class AuthenticationKind(StrEnum):
    """The ways of showing who calls."""

    BASIC = "basic"
    API_KEY = "api_key"
    BEARER = "bearer"
    OAUTH2 = "oauth2"


class ClientAuthentication(StrEnum):
    """How the hub shows itself to the unit's token endpoint (RFC 6749, RFC 7523)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


class Authentication(Model):
    """How the hub shows who it is. ``secret`` names the password, the key, the token or the client's secret."""

    kind: AuthenticationKind
    secret: SecretName
    user: Optionally[Line] = None
    header: Optionally[HeaderName] = None
    token_endpoint: Optionally[Url] = None
    client_id: Optionally[Line] = None
    scope: Optionally[Line] = None
    client_authentication: ClientAuthentication = ClientAuthentication.CLIENT_SECRET_BASIC

    @model_validator(mode="after")
    def _is_whole(self) -> Authentication:
        needs = {
            AuthenticationKind.BASIC: ("user",),
            AuthenticationKind.API_KEY: ("header",),
            AuthenticationKind.BEARER: (),
            AuthenticationKind.OAUTH2: ("token_endpoint", "client_id"),
        }[self.kind]
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise RuleBroken(f"{self.kind} 须有 {'、'.join(missing)}", f"{self.kind} needs {', '.join(missing)}")
        if self.kind is AuthenticationKind.BASIC and ":" in (self.user or ""):
            # RFC 7617: the first colon ends the user's name.
            raise RuleBroken("basic 的 user 不得含冒号", "the user of basic has no colon")
        return self
