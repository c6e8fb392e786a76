"""How the hub shows a unit who calls: the headers of Basic, an API key, a bearer token or OAuth 2.0.

Secrets are named by the profile and taken from the safe for the moment of use; no failure repeats one.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.http.calls import ANSWER_READ_MAX, HttpAnswer, HttpCalls, machine_now
from adapters.http.tokens import Tokens
from auth.port import Secrets
from contracts.port import Unauthorised
from contracts.ways.http import Authentication, AuthenticationKind

_LEAST_SECONDS = 0.001
_CARRIED = re.compile(r"[\x20-\x7e]+")
"""What a header can carry."""

Headers = Callable[[datetime], Mapping[str, str]] | Mapping[str, str]


def is_401(answer: HttpAnswer) -> bool:
    """What HTTP itself says of a token that is no longer good."""
    return answer.status == 401


@dataclass(frozen=True, slots=True)
class Caller:
    """As whom the hub calls: for which unit, by which authentication, under which client certificate (a secret)."""

    unit_id: str
    authentication: Authentication | None = None
    client_certificate: str | None = None


class Authenticator:
    """Makes the headers that show who calls, and makes whole calls with them."""

    def __init__(self, secrets: Secrets, calls: HttpCalls, now: Callable[[], datetime] = machine_now) -> None:
        self._secrets = secrets
        self._calls = calls
        self._tokens = Tokens(calls, now)

    async def headers(self, unit_id: str, authentication: Authentication, limit_seconds: float) -> Mapping[str, str]:
        """The headers for one call. OAuth 2.0 fetches a token where none is kept, within the limit.

        Raises ``Unauthorised`` where a secret is missing or the token is refused, ``Unavailable`` where the token
        endpoint is away.
        """
        secret = await self.secret(unit_id, authentication.secret)
        match authentication.kind:
            case AuthenticationKind.BASIC:
                pair = f"{authentication.user}:{secret}".encode()
                return {"authorization": "Basic " + base64.b64encode(pair).decode()}
            case AuthenticationKind.API_KEY:
                return {(authentication.header or "").lower(): _carried(authentication.secret, secret)}
            case AuthenticationKind.BEARER:
                return {"authorization": f"Bearer {_carried(authentication.secret, secret)}"}
            case AuthenticationKind.OAUTH2:
                token = await self._tokens.token(unit_id, authentication, secret, limit_seconds)
                return {"authorization": f"Bearer {token}"}

    async def rejected(self, unit_id: str, authentication: Authentication, headers: Mapping[str, str]) -> bool:
        """The unit answered 401 to these headers: whether to try once more, with a token fetched anew."""
        if authentication.kind is not AuthenticationKind.OAUTH2:
            return False
        secret = await self.secret(unit_id, authentication.secret)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        return self._tokens.drop(unit_id, authentication, secret, token)

    async def identity(self, unit_id: str, name: str | None) -> bytes | None:
        """The client certificate and key (PEM) that the unit's profile names. Raises ``Unauthorised``."""
        return None if name is None else (await self.secret(unit_id, name)).encode()

    async def secret(self, unit_id: str, name: str) -> str:
        """A unit's secret by its name. Raises ``Unauthorised`` where there is none."""
        try:
            return (await self._secrets.named(unit_id, name)).rstrip("\r\n")
        except KeyError:
            raise Unauthorised(
                f"单位 {unit_id} 没有名为 {name} 的密钥 / the unit {unit_id} has no secret named {name}"
            ) from None

    async def call(
        self,
        caller: Caller,
        url: str,
        headers: Headers,
        body: bytes | None,
        *,
        limit_seconds: float,
        method: str = "POST",
        wanted: Collection[str] = (),
        answer_max: int = ANSWER_READ_MAX,
        turned_away: Callable[[HttpAnswer], bool] = is_401,
    ) -> HttpAnswer:
        """``HttpCalls.call`` as ``caller``. Where a kept token is turned away, once more with a new one, in the limit.

        ``turned_away`` is for units that say so in an answer of their own.
        """
        ends = time.monotonic() + limit_seconds
        identity = await self.identity(caller.unit_id, caller.client_certificate)
        for may_try_again in (True, False):
            shown: Mapping[str, str] = {}
            if caller.authentication is not None:
                shown = await self.headers(caller.unit_id, caller.authentication, _left(ends))
            answer = await self._calls.call(
                url,
                _joined(headers, shown),
                body,
                limit_seconds=_left(ends),
                method=method,
                wanted=wanted,
                answer_max=answer_max,
                identity=identity,
            )
            if caller.authentication is None or not may_try_again or not turned_away(answer):
                break
            if not await self.rejected(caller.unit_id, caller.authentication, shown):
                break
        return answer

    async def close(self) -> None:
        """End token fetches under way."""
        await self._tokens.close()


def _left(ends: float) -> float:
    return max(ends - time.monotonic(), _LEAST_SECONDS)


def _joined(headers: Headers, shown: Mapping[str, str]) -> Headers:
    if not shown:
        return headers
    if callable(headers):
        made = headers
        return lambda sent_at: {**made(sent_at), **shown}
    return {**headers, **shown}


def _carried(name: str, secret: str) -> str:
    if _CARRIED.fullmatch(secret) is None:
        raise Unauthorised(
            f"密钥 {name} 含有请求头不能携带的字符 / the secret {name} holds a character that no header can carry"
        )
    return secret
