"""The HTTP server of a unit that is pushed to: checks the signature by the stock library, writes down, answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from hub.demo.config import Access
from hub.demo.partners.common import Mailroom, Scene
from hub.demo.partners.serving import serve
from hub.demo.partners.unit_work import UnitWork

Answering = Callable[[web.Request, str, Callable[[], None]], Awaitable[web.StreamResponse]]
"""How a unit answers a verified push: (request, letter id, what writes the letter down) → the answer."""


@dataclass(frozen=True, slots=True)
class Counter:
    """One unit's counter: its secret, its mailroom, its work."""

    webhook: Webhook
    mailroom: Mailroom
    work: UnitWork


@dataclass(slots=True)
class Receiving:
    """The server. Until its units are known it answers 503, and the hub comes again."""

    answering: Answering
    _counters: dict[str, Counter] = field(default_factory=dict)

    async def listen(self) -> int:
        """Start on any free port; the port."""
        return await serve([web.post("/hub/{unit}", self._pushed)])

    def open_counters(self, scene: Scene, work_of: Callable[[Scene, Access], UnitWork] | None = None) -> None:
        """From now on the scene's units receive, and work as ``work_of`` says."""
        for access in scene.config.units:
            self._counters[access.unit_id] = Counter(
                Webhook(access.secret or ""),
                Mailroom(access.unit_id, "rest", scene.journal),
                (work_of or _ordinary)(scene, access),
            )

    async def _pushed(self, request: web.Request) -> web.StreamResponse:
        counter = self._counters.get(request.match_info["unit"])
        if counter is None:
            return web.Response(status=503, headers={"retry-after": "1"})
        raw = await request.read()
        try:
            counter.webhook.verify(raw, dict(request.headers), json_parse=False)
        except WebhookVerificationError as fault:
            counter.mailroom.journal.write(
                {"what": "signature.refused", "unit": counter.mailroom.unit_id, "reason": str(fault)}
            )
            return web.Response(status=401)
        event = json.loads(raw)

        def write_down() -> None:
            for fresh in counter.mailroom.arrived([event]):
                counter.work.begin(fresh)

        return await self.answering(request, event["id"], write_down)


def _ordinary(scene: Scene, access: Access) -> UnitWork:
    return UnitWork(scene, scene.voice(access), access.name_zh)


async def answer_at_once(request: web.Request, letter_id: str, write_down: Callable[[], None]) -> web.StreamResponse:
    """The good unit: what it wrote down it confirms."""
    write_down()
    return web.Response(status=204)
