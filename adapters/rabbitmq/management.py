"""The broker's management interface: what is there, and single changes. The only place that knows its paths."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import orjson

from adapters.http.calls import HttpCalls
from contracts.port import Unauthorised, Unavailable

LIMIT_SECONDS = 15.0
ANSWER_MAX = 64 * 1024 * 1024
HASHES = {"rabbit_password_hashing_sha256": sha256}
ABSENT = 404


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A user as the broker knows it; ``password_hash`` is salted."""

    name: str
    password_hash: str
    hashing: str
    tags: tuple[str, ...]

    def has(self, password: str) -> bool:
        """Whether this is its password."""
        hashed = HASHES.get(self.hashing)
        try:
            kept = b64decode(self.password_hash)
        except ValueError:
            return False
        return hashed is not None and kept[4:] == hashed(kept[:4] + password.encode()).digest()


class Management:
    """Calls the API at ``url``, whose user information logs in, for one virtual host."""

    def __init__(self, url: str, vhost: str, calls: HttpCalls) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        at = f"[{host}]" if ":" in host else host
        self._base = urlunsplit(
            (parts.scheme, f"{at}:{parts.port}" if parts.port else at, parts.path.rstrip("/"), "", "")
        )
        login = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}"
        self._headers = {
            "authorization": f"Basic {b64encode(login.encode()).decode()}",
            "content-type": "application/json",
        }
        self._calls = calls
        self.vhost = vhost

    async def ensure_vhost(self) -> bool:
        """The virtual host is there; whether it had to be made."""
        if await self._call("GET", f"vhosts/{_q(self.vhost)}", missing=None) is not None:
            return False
        await self._call("PUT", f"vhosts/{_q(self.vhost)}", {})
        who = (await self._call("GET", "whoami"))["name"]
        await self.put_permissions(who, ".*", ".*", ".*")
        return True

    async def delete_vhost(self) -> None:
        """The virtual host is gone, with all that it holds."""
        await self._call("DELETE", f"vhosts/{_q(self.vhost)}", missing=None)

    async def users(self) -> dict[str, BrokerUser]:
        """Every user of the broker."""
        made = {}
        for each in await self._call("GET", "users"):
            tags = each.get("tags") or ()
            names = tuple(tags.split(",")) if isinstance(tags, str) else tuple(tags)
            made[each["name"]] = BrokerUser(
                each["name"], each.get("password_hash", ""), each.get("hashing_algorithm", ""), names
            )
        return made

    async def put_user(self, name: str, password: str, tag: str) -> None:
        """A user with this password, new or changed."""
        await self._call("PUT", f"users/{_q(name)}", {"password": password, "tags": tag})

    async def delete_user(self, name: str) -> None:
        """The user is gone, and its connections end."""
        await self._call("DELETE", f"users/{_q(name)}", missing=None)

    async def permissions(self) -> dict[str, tuple[str, str, str]]:
        """User → (configure, write, read) in this virtual host."""
        found = await self._call("GET", f"vhosts/{_q(self.vhost)}/permissions")
        return {each["user"]: (each["configure"], each["write"], each["read"]) for each in found}

    async def put_permissions(self, user: str, configure: str, write: str, read: str) -> None:
        """What a user may do in this virtual host."""
        body = {"configure": configure, "write": write, "read": read}
        await self._call("PUT", f"permissions/{_q(self.vhost)}/{_q(user)}", body)

    async def policies(self) -> dict[str, Mapping[str, Any]]:
        """Name → policy."""
        return {each["name"]: each for each in await self._call("GET", f"policies/{_q(self.vhost)}")}

    async def put_policy(self, name: str, pattern: str, definition: Mapping[str, Any]) -> None:
        """A policy for queues."""
        body = {"pattern": pattern, "definition": definition, "priority": 10, "apply-to": "queues"}
        await self._call("PUT", f"policies/{_q(self.vhost)}/{_q(name)}", body)

    async def delete_policy(self, name: str) -> None:
        """The policy is gone."""
        await self._call("DELETE", f"policies/{_q(self.vhost)}/{_q(name)}", missing=None)

    async def queues(self) -> dict[str, int | None]:
        """Name → how many messages it holds; None where the broker does not say yet."""
        found = await self._call("GET", f"queues/{_q(self.vhost)}?columns=name,messages")
        return {each["name"]: each.get("messages") for each in found}

    async def delete_queue(self, name: str) -> None:
        """The queue is gone, with what it holds."""
        await self._call("DELETE", f"queues/{_q(self.vhost)}/{_q(name)}", missing=None)

    async def exchanges(self) -> frozenset[str]:
        """The names of the exchanges."""
        found = await self._call("GET", f"exchanges/{_q(self.vhost)}?columns=name")
        return frozenset(each["name"] for each in found)

    async def delete_exchange(self, name: str) -> None:
        """The exchange is gone."""
        await self._call("DELETE", f"exchanges/{_q(self.vhost)}/{_q(name)}", missing=None)

    async def bindings(self) -> frozenset[tuple[str, str]]:
        """(exchange, queue) of every binding."""
        found = await self._call("GET", f"bindings/{_q(self.vhost)}")
        return frozenset((each["source"], each["destination"]) for each in found)

    async def _call(self, method: str, path: str, body: Any = None, missing: Any = ...) -> Any:
        answer = await self._calls.call(
            f"{self._base}/api/{path}",
            self._headers,
            None if body is None else orjson.dumps(body),
            limit_seconds=LIMIT_SECONDS,
            method=method,
            answer_max=ANSWER_MAX,
        )
        if answer.status in (401, 403):
            raise Unauthorised(
                "管理接口不认可用户名或密码,或其权限不足 / the management interface does not accept the user"
            )
        if answer.status == ABSENT and missing is not ...:
            return missing
        if not 200 <= answer.status < 300:
            raise Unavailable(
                f"管理接口应答 {answer.status} / the management interface answered {answer.status}: {path}"
            )
        try:
            return orjson.loads(answer.body) if answer.body else None
        except orjson.JSONDecodeError:
            raise Unavailable("管理接口的应答无法读取 / the management interface's answer cannot be read") from None


def _q(name: str) -> str:
    return quote(name, safe="")
