"""The demo's administrator and observer: registers every unit and reads what the hub says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(slots=True)
class Administrator:
    """Calls the hub with the administrator's key."""

    url: str
    key: str
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call. Raises ``RuntimeError`` with what the hub said where it refuses."""
        headers = {"authorization": f"Bearer {self.key}"}
        async with self.session.request(method, self.url + path, json=body, headers=headers) as answer:
            said = await answer.json(content_type=None)
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {said}")
            return said

    async def everything(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        following: str | None = path
        while following:
            said = await self.call("GET", following)
            found.extend(said["items"])
            following = said.get("next")
        return found

    async def changes(self) -> list[dict[str, Any]]:
        """The whole log, in commit order."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            said = await self.call("GET", f"/api/v1/changes?limit=500{cursor}")
            found.extend(said["items"])
            cursor = f"&after={said['cursor']}"
            if not said["more"]:
                return found

    async def register(self, unit: str, *, port: int | None, statuses: bool, timeout_seconds: float) -> str | None:
        """Connect a unit: by push to a port of this machine, or by pull. The signing secret where it is pushed to."""
        receives = ["case.dispatch", "case.verification_request", *(["case.status"] if statuses else [])]
        connection: dict[str, Any] = {"name": "main", "transport": "pull", "receives": receives}
        if port is not None:
            endpoint = f"http://127.0.0.1:{port}/units/{unit}/letters"
            connection |= {"transport": "rest", "rest": {"endpoint": endpoint}, "timeout_seconds": timeout_seconds}
        profile = {"unit": unit, "contact": "演示 demo", "connections": [connection]}
        applied = await self.call("PUT", f"/api/v1/units/{unit}/profile", profile)
        await self.call("POST", f"/api/v1/units/{unit}/state", {"state": "live", "reason": "演示批准 demo"})
        return applied["secrets"][0]["secret"] if applied["secrets"] else None

    async def new_key(self, unit: str) -> str:
        """An API key for a unit."""
        key: str = (await self.call("POST", f"/api/v1/units/{unit}/keys", {"note": "demo"}))["key"]
        return key
