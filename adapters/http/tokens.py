"""Tokens from a unit's OAuth 2.0 server (client credentials): asked for once, kept until shortly before their end."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from authlib.oauth2.rfc7523 import private_key_jwt_sign
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from adapters.http.calls import HttpAnswer, HttpCalls, machine_now
from adapters.http.retry_after import retry_after_seconds
from contracts.port import DeliveryFailed, Unauthorised, Unavailable
from contracts.ways.http import Authentication, ClientAuthentication

_UNTOLD_SECONDS = 300.0
"""How long a token is kept whose server does not say."""
_LONGEST_SECONDS = 24 * 3600.0
_EARLY_SECONDS = 60.0
"""A token is given up so long before its end, or a quarter of its life if that is less: calls take time."""
_ASSERTION_SECONDS = 60
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ANSWER_MAX = 64 * 1024
_TOKENS_MAX = 4096
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ERROR = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_ALGORITHMS: Mapping[str, str] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "secp256k1": "ES256K"}

Key = tuple[str, ...]


@dataclass(slots=True)
class _Kept:
    """A token, until when it is good, and whether it served a call that did not fetch it."""

    token: str
    until: datetime
    reused: bool = False


@dataclass(slots=True)
class Tokens:
    """Fetches and keeps tokens. Those who want the same one at the same time wait for one fetch."""

    calls: HttpCalls
    now: Callable[[], datetime] = machine_now
    _kept: dict[Key, _Kept] = field(default_factory=dict, repr=False)
    _fetching: dict[Key, asyncio.Task[str]] = field(default_factory=dict, repr=False)

    async def token(self, unit_id: str, asked: Authentication, secret: str, limit_seconds: float) -> str:
        """The token in force, or a new one. Raises ``Unavailable`` or ``Unauthorised``."""
        key = _key(unit_id, asked, secret)
        kept = self._kept.get(key)
        if kept is not None and self.now() < kept.until:
            kept.reused = True
            return kept.token
        fetching = self._fetching.get(key)
        if fetching is None or fetching.done():
            fetching = asyncio.create_task(self._fetch(key, asked, secret, limit_seconds), name="token")
            self._fetching[key] = fetching
            fetching.add_done_callback(lambda done: self._fetched(key, done))
        try:
            async with asyncio.timeout(limit_seconds):
                return await asyncio.shield(fetching)
        except TimeoutError:
            raise Unavailable("令牌端点在时限内没有应答 / the token endpoint did not answer in time") from None

    def drop(self, unit_id: str, asked: Authentication, secret: str, token: str) -> bool:
        """The unit does not take this token. Whether another is worth a try: not where it was new, and never served."""
        key = _key(unit_id, asked, secret)
        kept = self._kept.get(key)
        if kept is None or kept.token != token:
            # A call beside this one dropped it before.
            return True
        del self._kept[key]
        return kept.reused

    async def close(self) -> None:
        """End fetches under way."""
        fetching = list(self._fetching.values())
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)

    def _fetched(self, key: Key, done: asyncio.Task[str]) -> None:
        if self._fetching.get(key) is done:
            del self._fetching[key]
        if not done.cancelled():
            # Taken here too, for the case that all who waited have gone.
            done.exception()

    async def _fetch(self, key: Key, asked: Authentication, secret: str, limit_seconds: float) -> str:
        headers, form = _request(asked, secret, self.now())
        try:
            answer = await self.calls.call(
                asked.token_endpoint or "",
                {"content-type": "application/x-www-form-urlencoded", "accept": "application/json", **headers},
                urlencode(form).encode(),
                limit_seconds=limit_seconds,
                wanted=("retry-after",),
                answer_max=_ANSWER_MAX,
            )
        except Unavailable as failure:
            # Whatever became of this call, the letter itself never went out.
            raise Unavailable(
                f"令牌端点不可用 / the token endpoint is not available: {failure.reason}", failure.status
            ) from None
        token, seconds = _granted(answer)
        if seconds > 0:
            self._keep(key, _Kept(token, self.now() + timedelta(seconds=seconds)))
        return token

    def _keep(self, key: Key, kept: _Kept) -> None:
        self._kept.pop(key, None)
        self._kept[key] = kept
        if len(self._kept) > _TOKENS_MAX:
            del self._kept[next(iter(self._kept))]


def _key(unit_id: str, asked: Authentication, secret: str) -> Key:
    # With the secret in it, a token is not used on after its secret was changed.
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return unit_id, asked.token_endpoint or "", asked.client_id or "", asked.scope or "", digest


def _request(asked: Authentication, secret: str, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and the form that ask for a token (RFC 6749 §4.4.2, RFC 7523 §2.2)."""
    client_id = asked.client_id or ""
    form = {"grant_type": "client_credentials"} | ({"scope": asked.scope} if asked.scope else {})
    match asked.client_authentication:
        case ClientAuthentication.CLIENT_SECRET_BASIC:
            # §2.3.1: each part is form-encoded before the two are joined.
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}, form
        case ClientAuthentication.CLIENT_SECRET_POST:
            return {}, form | {"client_id": client_id, "client_secret": secret}
        case ClientAuthentication.PRIVATE_KEY_JWT:
            assertion = _assertion(asked, secret, now)
            return {}, form | {
                "client_id": client_id,
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": assertion,
            }


def _assertion(asked: Authentication, secret: str, now: datetime) -> str:
    try:
        key = _private_key(secret)
        algorithm, header = _algorithm(key), {"kid": str(key.kid)} if key.kid else {}
        assertion: str = private_key_jwt_sign(
            key,
            asked.client_id,
            asked.token_endpoint,
            alg=algorithm,
            header=header,
            issued_at=int(now.timestamp()),
            expires_in=_ASSERTION_SECONDS,
        )
    except (ValueError, TypeError, KeyError, JoseError):
        raise Unauthorised(
            f"密钥 {asked.secret} 不是可用于签名的私钥(PEM 或 JWK,RSA、EC 或 Ed25519) / "
            f"the secret {asked.secret} is no private key to sign with (PEM or JWK; RSA, EC or Ed25519)"
        ) from None
    return assertion


def _private_key(text: str) -> RSAKey | ECKey | OKPKey:
    if text.lstrip().startswith("{"):
        key: Any = JWKRegistry.import_key(json.loads(text))
    else:
        key = _from_pem(text)
    if not isinstance(key, RSAKey | ECKey | OKPKey) or not key.is_private:
        raise ValueError("no private key")
    return key


def _from_pem(text: str) -> RSAKey | ECKey | OKPKey:
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            return kind.import_key(text)
        except (ValueError, TypeError, JoseError):
            continue
    raise ValueError("no private key")


def _algorithm(key: RSAKey | ECKey | OKPKey) -> str:
    if isinstance(key, RSAKey):
        return "RS256"
    return "EdDSA" if isinstance(key, OKPKey) else _ALGORITHMS[str(key.curve_name)]


def _granted(answer: HttpAnswer) -> tuple[str, float]:
    """The token of an answer, and for how many seconds it is kept. Raises what else the answer says."""
    if answer.status != 200:
        raise _refusal(answer)
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    token = said.get("access_token") if isinstance(said, dict) else None
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise Unauthorised(
            f"令牌端点的应答中没有令牌 / the token endpoint's answer holds no token{_error(answer.body)}", 200
        )
    return token, _kept_seconds(said.get("expires_in"))


def _kept_seconds(told: Any) -> float:
    # Some servers write the number as text.
    try:
        life = _UNTOLD_SECONDS if told is None else min(float(told), _LONGEST_SECONDS)
    except (TypeError, ValueError):
        life = _UNTOLD_SECONDS
    return life - min(_EARLY_SECONDS, life / 4)


def _refusal(answer: HttpAnswer) -> DeliveryFailed:
    status = answer.status
    # The answer itself is not kept: a token server may repeat what it was sent.
    if status in (404, 408, 425, 429) or status >= 500:
        rest = retry_after_seconds(answer.headers.get("retry-after", ""), answer.answered_at)
        return Unavailable(
            f"令牌端点不可用 / the token endpoint is not available (HTTP {status})", status, retry_after_seconds=rest
        )
    return Unauthorised(
        f"令牌端点拒绝发给令牌 / the token endpoint refuses a token (HTTP {status}{_error(answer.body)})", status
    )


def _error(body: bytes) -> str:
    """The standard's error word, where the answer has one; never a free text, which might repeat a secret."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    word = said.get("error") if isinstance(said, dict) else None
    return f", {word}" if isinstance(word, str) and _ERROR.fullmatch(word) else ""
