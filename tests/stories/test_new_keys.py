"""A key is good at every door from the moment it is issued, whichever process issued it."""

from __future__ import annotations

import asyncio
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.api_keys import mint
from hub.store import registry
from tests.stories.test_fetching_crashes import Scene, a_scene

pytestmark = pytest.mark.story


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path / "data", "--processes=4") as scene:
        await scene.watch.execute("SET search_path TO cityhub, public")
        yield scene


async def a_new_key(scene: Scene, scope: str = "unit") -> str:
    """Issued, and nobody was told: as one process issues it before the others have heard."""
    made = mint("collection", [scope], datetime.now(UTC))
    row = made.row
    kept = (row.key_id, row.unit_id, row.digest, sorted(row.scopes), row.note, row.created_at, row.expires_at)
    await scene.watch.execute(registry.SQL["add_key"], *kept)
    return made.text.reveal()


async def test_a_new_key_is_known_to_each_process_at_once(scene: Scene) -> None:
    # Each call is a connection of its own, so that every process is met.
    key = await a_new_key(scene)
    calls = (asyncio.to_thread(scene.hub.call, "GET", "/api/v1/clock", key=key) for _ in range(12))
    assert {status for status, _, _ in await asyncio.gather(*calls)} == {200}


async def test_a_new_key_opens_the_console_at_once_and_its_session_is_known_to_each_process(scene: Scene) -> None:
    key = await a_new_key(scene, "admin")
    form = urllib.parse.urlencode({"key": key}).encode()

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    def asked(path: str, data: bytes | None = None, cookie: str = "") -> tuple[int, str]:
        request = urllib.request.Request(scene.hub.url + path, data, {"cookie": cookie, "sec-fetch-site": "none"})
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
                return answer.status, answer.headers.get("set-cookie", "")
        except urllib.error.HTTPError as other:
            return other.code, other.headers.get("set-cookie", "")

    status, cookie = await asyncio.to_thread(asked, "/login", form)
    assert status == 303
    pages = [asyncio.to_thread(asked, "/", None, cookie.partition(";")[0]) for _ in range(12)]
    assert {status for status, _ in await asyncio.gather(*pages)} == {200}
