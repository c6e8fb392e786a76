"""A bus company that cannot call (公交): it takes orders over a REST interface of its own, and is asked what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from hub.demo.config import Access
from hub.demo.hub_client import Answer, HubClient
from hub.demo.partners.common import Event, Mailroom, Scene, run_partner
from hub.demo.partners.own_words import OwnVoice, Saying, letter, order
from hub.demo.partners.serving import serve
from hub.demo.partners.unit_work import UnitWork

KEY_HEADER = "x-bus-key"
WORDS = {"acknowledgement": "signed", "return": "sent_back"}
TOPICS = {"revoke": "case.recall_notice"}


@dataclass(slots=True)
class Depot:
    """The depot once it was told its part. ``said`` is what the hub fetches, each entry with its number."""

    access: Access
    mailroom: Mailroom
    work: UnitWork
    said: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """A task or a notice."""
        if not self.trusts(request):
            return web.json_response({"ok": False, "why": "key"}, status=401)
        for fresh in self.mailroom.arrived([read(await request.json())]):
            self.work.begin(fresh)
        return web.json_response({"ok": True})

    async def reports(self, request: web.Request) -> web.Response:
        """What was said after a number, oldest first."""
        if not self.trusts(request):
            return web.json_response({"ok": False, "why": "key"}, status=401)
        after, limit = int(request.query.get("after", "0")), int(request.query.get("limit", "50"))
        return web.json_response({"ok": True, "reports": self.said[after : after + limit]})

    def trusts(self, request: web.Request) -> bool:
        """Whether the hub's key is on the request."""
        return request.headers.get(KEY_HEADER) == self.access.own["password"]


def read(told: Mapping[str, Any]) -> Event:
    """The company's own document as the work knows it."""
    if "topic" in told:
        contract = TOPICS.get(told["topic"], "case.reminder")
        return letter(told["uid"], contract, told["task"], told["turn"], about="notice")
    needed = order(
        number=int(told["nth"]),
        round=int(told["again"]),
        category_code=told["what"],
        category_name=told["what_name"],
        address=told["where"],
        due_at=told["until"],
    )
    return letter(told["uid"], "case.dispatch", told["task"], told["turn"], **needed)


def write(number: int, saying: Saying) -> dict[str, Any]:
    """A message in the company's own words."""
    word = WORDS.get(saying.route) or ("done" if saying.body.get("final", True) else "part")
    text = saying.body.get("description") or saying.body.get("reason") or ""
    return {"number": number, "key": saying.key, "task": saying.case_number, "word": word, "text": text}


def opened(scene: Scene) -> Depot:
    """The depot as the scene has it."""
    access = scene.config.units[0]
    said: list[dict[str, Any]] = []

    async def tell(saying: Saying) -> Answer | None:
        said.append(write(len(said) + 1, saying))
        return None

    client = HubClient(scene.session, scene.config.url, access.key)
    work = UnitWork(scene, OwnVoice(access.unit_id, client, scene.journal, tell, "poll"), access.name_zh)
    return Depot(access, Mailroom(access.unit_id, "rest", scene.journal), work, said)


def main() -> None:
    """The process."""
    depot: list[Depot] = []

    async def take(request: web.Request) -> web.Response:
        return await depot[0].take(request) if depot else web.Response(status=503)

    async def reports(request: web.Request) -> web.Response:
        return await depot[0].reports(request) if depot else web.Response(status=503)

    async def play(scene: Scene) -> None:
        depot.append(opened(scene))

    run_partner(play, lambda: serve([web.post("/tasks", take), web.get("/reports", reports)]))


if __name__ == "__main__":
    main()
