"""HEAD is answered as GET without the body (RFC 9110): what watches a service asks so."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from hub.api.asgi import Receive, Scope, Send

UNSAFE = frozenset({"/api/v1/inbox"})
"""Where GET takes something: a lease on letters that the caller would never see."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Hands HEAD to ``inner`` as GET, and keeps what it says but not the body."""

    inner: Any

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] in UNSAFE:
            await self.inner(scope, receive, send)
            return

        async def without_body(message: MutableMapping[str, Any]) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.inner({**scope, "method": "GET"}, receive, without_body)
