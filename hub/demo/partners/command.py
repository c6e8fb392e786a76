"""The command centre (指挥中心): feeds in what the hotline hears, follows the feed, decides what waits for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hub.demo.casting import ASKING, CUT_OFF, WITH_OWN_WAYS
from hub.demo.habits import dice
from hub.demo.partners.common import Scene, Voice, report_body, run_partner
from hub.demo.partners.decisions import FALLBACK, WAITING, Decide, decide
from hub.demo.partners.desk import PAUSE_SECONDS
from hub.demo.partners.feed import follow
from hub.demo.partners.puller import fetch

DECIDING = 6
"""So many dispatchers sit in the hall (派遣员)."""

URGENT_MINUTES = 120.0
"""The first coordination of this district is to be handled so soon; over it the district's network fails."""

KEEP_THEIRS = ASKING | {CUT_OFF, *WITH_OWN_WAYS}
"""Units that have something else to show: the second dispatch is of another's case."""


async def send(scene: Scene, voice: Voice, told: Mapping[str, Any]) -> None:
    """A citizen's call, as a CloudEvent: the other door for the same message."""
    await scene.clock.pass_minutes(told["minute"])
    key = f"hotline-{told['sender_case']}"
    event = {
        "specversion": "1.0",
        "id": key,
        "source": "/hotline/12345",
        "type": "case.report",
        "datacontenttype": "application/json",
        "sendercase": told["sender_case"],
        "data": report_body(told, []),
    }
    answer = await voice.client.insist(
        "POST", "/api/v1/messages", event, headers={"content-type": "application/cloudevents+json"}
    )
    scene.journal.write(voice.row(answer, "case.report", key, sender_case=told["sender_case"]))


@dataclass(slots=True)
class Hall:
    """The dispatchers and what they still mean to show: one second dispatch, a substitute handling, a settled dispute.

    ``settled`` counts the coordinations that the hall has ended.
    """

    scene: Scene
    voice: Voice
    at_work: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DECIDING))
    settled: Iterator[int] = field(default_factory=itertools.count)
    second_dispatch_due: bool = True
    substitute_due: bool = True
    urgent_due: bool = True

    async def watch(self) -> None:
        """Every case that comes to wait is decided once for each version in which it waits; questions are answered."""
        cursor_file = Path(self.scene.config.journal).with_name(f"{self.voice.unit_id}.cursor")
        async for page in follow(self.voice.client, cursor_file):
            for entry in page:
                self.heed(entry)
            last = {entry["case_number"]: entry for entry in page}
            for number, entry in last.items():
                if entry["state"] in WAITING:
                    self.scene.tasks.create_task(self.settle(number))

    def heed(self, entry: Mapping[str, Any]) -> None:
        """A question is answered; the first unit that acknowledges and has no system loses its case to another."""
        number, step, start = entry["case_number"], entry["step"], self.scene.tasks.create_task
        match step:
            case "request_extension":
                start(self.answer("extension-decision", entry, {"granted": True, "reason": "情况属实,准予延期"}))
            case "request_suspension":
                start(self.suspend(entry))
            case "dispute":
                start(self.answer("dispute-decision", entry, {"upheld": False, "reason": "经复核,点位一致"}))
            case "acknowledge" if self.second_dispatch_due and entry["unit_id"] not in KEEP_THEIRS:
                self.second_dispatch_due = False
                start(self.dispatch_again(number, entry["unit_id"]))

    async def answer(self, route: str, entry: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        """A decision on what a unit asked, some minutes later."""
        number = entry["case_number"]
        await self.scene.clock.pass_minutes(dice(self.scene.config.seed, route, number).uniform(5, 15))
        await self.voice.say(route, number, body, f"{route}-{number}-{entry['sequence']}")

    async def suspend(self, entry: Mapping[str, Any]) -> None:
        """A suspension is granted, and ended when it was to be reviewed."""
        await self.answer("suspension-decision", entry, {"granted": True, "reason": "同意挂账"})
        review = datetime.fromisoformat(entry["fact"]["until"])
        await self.scene.clock.pass_minutes((review - self.scene.clock.now()).total_seconds() / 60)
        await self.answer("resumption", entry, {"reason": "材料已到,恢复处置"})

    async def dispatch_again(self, number: str, unit_id: str) -> None:
        """二次派遣: another unit gets the case, the first one is told to stop."""
        case = await self.voice.client.get(f"/api/v1/cases/{number}")
        governor = self.scene.config.governors.get(case.get("area_id", ""))
        other = next((unit for unit in (governor, FALLBACK) if unit and unit != unit_id), None)
        if other is None:
            return
        body = {"unit_id": other, "reason": "现场核实,由其处置更为妥当"}
        await self.voice.say("dispatch", number, body, f"second-{number}")

    async def settle(self, number: str) -> None:
        """Read the case, think, decide on the version that was read: ``If-Match`` keeps two dispatchers apart."""
        scene, voice = self.scene, self.voice
        async with self.at_work:
            case = await voice.client.get(f"/api/v1/cases/{number}")
            if case["state"] not in WAITING:
                return
            entries = (await voice.client.get(f"/api/v1/cases/{number}/entries"))["items"]
            await scene.clock.pass_minutes(dice(scene.config.seed, "hall", number).uniform(3, 10))
            config = scene.config
            made = decide(config.seed, case, entries, config.leads.get(case["category_code"], ()), config.governors)
            route, body = self.worded(case, made)
            key = f"{route}-{number}-v{case['version']}"
            await voice.say(route, number, body, key, headers={"if-match": f'"v{case["version"]}"'})

    def worded(self, case: Mapping[str, Any], made: Decide) -> tuple[str, dict[str, Any]]:
        """The message of a decision. Of the coordinations one ends in substitute handling, every other by a result."""
        body: dict[str, Any] = {"reason": made.reason}
        if made.unit_id is not None:
            body["unit_id"] = made.unit_id
        if made.limit_hours is not None:
            body["due_at"] = (self.scene.clock.now() + timedelta(hours=made.limit_hours)).isoformat()
        if case["state"] != "in_coordination":
            return made.route, body
        governor = self.scene.config.governors.get(case.get("area_id", ""))
        if governor == CUT_OFF and self.urgent_due:
            self.urgent_due = False
            due = self.scene.clock.now() + timedelta(minutes=URGENT_MINUTES)
            told = {"outcome": "assigned", "unit_id": governor, "reason": "属地限时处置", "due_at": due.isoformat()}
            return "coordination-result", told
        turn = next(self.settled)
        if turn > 0 and self.substitute_due and governor:
            self.substitute_due = False
            return "coordination-result", {
                "outcome": "substitute",
                "unit_id": governor,
                "reason": "权属一时难定,由属地代整改",
            }
        return ("coordination-result", {**body, "outcome": "assigned"}) if turn % 2 == 0 else (made.route, body)


async def play(scene: Scene) -> None:
    """The hall."""
    for access in scene.config.units:
        voice = scene.voice(access)
        scene.tasks.create_task(Hall(scene, voice).watch())
        scene.tasks.create_task(fetch(scene, access, connection="desk", via="desk", pause_seconds=PAUSE_SECONDS))
        for told in scene.config.reports:
            scene.tasks.create_task(send(scene, voice, told))


if __name__ == "__main__":
    run_partner(play)
