"""A telecom with a REST interface of its own (自有接口): OAuth 2.0 before it, its own field names, codes and answers.

It is called with work orders and notices, and calls the hub with events, all in its own JSON.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from hub.demo.config import Access
from hub.demo.habits import dice
from hub.demo.hub_client import Answer, HubClient
from hub.demo.partners.common import Event, Mailroom, Scene, run_partner
from hub.demo.partners.own_words import OwnVoice, Saying, letter, order
from hub.demo.partners.serving import serve
from hub.demo.partners.unit_work import UnitWork

TOKEN_SECONDS = 20
BUSY_SHARE = 0.12
GOOD, LATER = "0000", "5003"
AGAIN_SECONDS = 0.5
EVENTS = {"acknowledgement": "ACCEPTED", "return": "REJECTED"}
NOTICES = {"RECALL": "case.recall_notice"}


@dataclass(slots=True)
class Company:
    """The company once it was told its part."""

    seed: int
    access: Access
    mailroom: Mailroom
    work: UnitWork
    tokens: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    async def token(self, request: web.Request) -> web.Response:
        """RFC 6749, client credentials by HTTP Basic."""
        user, _, password = b64decode(request.headers.get("authorization", "")[6:]).decode().partition(":")
        told = (unquote_plus(user), unquote_plus(password))
        if told != (self.access.own["user"], self.access.own["password"]):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = secrets.token_urlsafe(16)
        self.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    async def take(self, request: web.Request) -> web.Response:
        """A work order or a notice; some are too many at once, and that is said with 200."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return web.json_response({"code": "4010", "msg": "令牌无效"}, status=401)
        told = await request.json()
        number = told["header"]["msgId"]
        first = number not in self.seen
        self.seen.add(number)
        if first and dice(self.seed, "pool", number).random() < BUSY_SHARE:
            return web.json_response({"code": "5001", "msg": "工单池满"})
        for fresh in self.mailroom.arrived([read(told)]):
            self.work.begin(fresh)
        return web.json_response({"code": GOOD, "msg": "成功"})


def read(told: Mapping[str, Any]) -> Event:
    """The company's own document as the work knows it."""
    head, about = told["header"], told.get("order") or told["notice"]
    if "order" not in told:
        return letter(
            head["msgId"], NOTICES.get(about["topic"], "case.reminder"), about["no"], head["serial"], about="notice"
        )
    needed = order(
        number=int(about["seq"]),
        round=int(about["times"]),
        category_code=about["kind"],
        category_name=about["title"],
        address=about["gps"]["addr"],
        due_at=about["sla"]["finishBefore"],
    )
    return letter(head["msgId"], "case.dispatch", about["no"], head["serial"], **needed)


def write(saying: Saying, now: datetime, handler: str) -> dict[str, Any]:
    """A message in the company's own words."""
    body = saying.body
    event = EVENTS.get(saying.route) or ("FINISHED" if body.get("final", True) else "PROGRESS")
    made: dict[str, Any] = {
        "eventId": saying.key,
        "event": event,
        "order": {"no": saying.case_number},
        "staff": {"dept": handler, "name": "值班"},
    }
    if saying.route == "feedback":
        images = [{"id": photo} for photo in body.get("photos", ())]
        made["report"] = {"text": body["description"], "code": "1", "at": int(now.timestamp()), "images": images}
    if saying.route == "return":
        made["reject"] = {"code": "N1", "text": body["reason"], "owner": body.get("responsible_unit_id")}
    return made


def heard(told: Mapping[str, Any]) -> Answer:
    """The hub's answer, which it gives in the company's own words too: 200, and a code inside."""
    if told["code"] == GOOD:
        return Answer(200, {"case_number": told["no"], "version": int(told["version"])}, {})
    return Answer(409, {"type": told.get("kind", told["code"]), "detail": told.get("msg")}, {})


def opened(scene: Scene) -> Company:
    """The company as the scene has it."""
    access = scene.config.units[0]
    client = HubClient(scene.session, scene.config.url, access.key)

    async def tell(saying: Saying) -> Answer | None:
        document = write(saying, scene.clock.now(), access.name_zh)
        while True:
            answer = await client.insist("POST", f"/units/{access.unit_id}/in", document)
            told = answer.document or {"code": LATER}
            if told["code"] != LATER:
                return heard(told)
            await asyncio.sleep(AGAIN_SECONDS)

    voice = OwnVoice(access.unit_id, client, scene.journal, tell, "inbound", photographs=True)
    work = UnitWork(scene, voice, access.name_zh)
    return Company(scene.config.seed, access, Mailroom(access.unit_id, "rest", scene.journal), work)


def main() -> None:
    """The process."""
    company: list[Company] = []

    async def token(request: web.Request) -> web.Response:
        return await company[0].token(request) if company else web.Response(status=503)

    async def take(request: web.Request) -> web.Response:
        return await company[0].take(request) if company else web.Response(status=503)

    async def play(scene: Scene) -> None:
        company.append(opened(scene))

    routes = [
        web.post("/oauth/token", token),
        web.post("/api/workorders", take),
        web.post("/api/notices", take),
    ]
    run_partner(play, lambda: serve(routes))


if __name__ == "__main__":
    main()
