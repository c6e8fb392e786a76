"""Who calls: the credential in the headers becomes a principal, and its rate is kept."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from time import monotonic

from auth.principal import NotAuthenticated, Principal, Scope
from contracts.nouns import Role
from contracts.problem import Problem
from hub.api.services import Services

SENTENCES_MISSING = (
    "请在 Authorization: Bearer 或 X-API-Key 中给出接口密钥。",
    "Give your API key in Authorization: Bearer or X-API-Key.",
)
SENTENCES_USER = (
    "用户名应为单位代码或密钥号。",
    "The user is the unit's id or the key's id.",
)


async def speaker(services: Services, headers: Mapping[str, str], cost: float = 1.0) -> Principal:
    """The caller. Raises ``Problem``: unauthenticated, or too many requests."""
    given = headers.get("authorization") or headers.get("x-api-key")
    if not given:
        raise Problem("unauthenticated", *SENTENCES_MISSING)
    principal = await _checked(services, given)
    charge(services, principal, cost)
    return principal


async def named_speaker(services: Services, user: str, key: str, cost: float = 1.0) -> Principal:
    """The caller that shows a key as a password, with its unit's or the key's id as the user. Raises ``Problem``."""
    principal = await _checked(services, key)
    if user not in (principal.unit_id, principal.credential_id):
        services.say("key.refused", fault="user")
        raise Problem("unauthenticated", *SENTENCES_USER)
    charge(services, principal, cost)
    return principal


def basic_credentials(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password of HTTP Basic (RFC 7617), where the caller shows some. Raises ``Problem``."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        colon = ""
    if not colon:
        raise Problem("unauthenticated", "Basic 凭据格式有误。", "The Basic credentials are malformed.")
    return user, password


async def _checked(services: Services, given: str) -> Principal:
    try:
        return await services.keys.check(given)
    except NotAuthenticated as refusal:
        services.say("key.refused", fault=refusal.fault.value)
        raise Problem("unauthenticated", refusal.zh + "。", refusal.en + ".") from None


def charge(services: Services, principal: Principal, cost: float) -> None:
    """Count ``cost`` requests of the caller's unit. Raises ``Problem`` past its rate."""
    wait = services.rates.wait_seconds(principal.unit_id, monotonic(), cost)
    if wait > 0:
        services.say("rate.exceeded", unit_id=principal.unit_id)
        raise Problem("too_many_requests", retry_after_seconds=max(1, math.ceil(wait)))


def sees_all(services: Services, principal: Principal) -> bool:
    """The command centre, and an administrator's key, read every case."""
    if principal.may(Scope.ADMIN):
        return True
    return Role.COMMAND_CENTER in services.registry().roles(principal.unit_id, services.clock().now())


def admin(principal: Principal) -> None:
    """Raises ``Problem`` where the key is not an administrator's."""
    if not principal.may(Scope.ADMIN):
        raise Problem("forbidden", "需要管理员密钥。", "An administrator's key is needed.")
