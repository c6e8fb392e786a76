"""The command centre (指挥中心): feeds in what the hotline hears, follows the feed, decides what waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from hub.demo.habits import dice
from hub.demo.partners.common import Scene, Voice, report_body, run_partner
from hub.demo.partners.decisions import WAITING, decide
from hub.demo.partners.desk import PAUSE_SECONDS
from hub.demo.partners.feed import follow
from hub.demo.partners.puller import fetch

DECIDING = 6
"""So many dispatchers sit in the hall (派遣员)."""


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


async def watch(scene: Scene, voice: Voice) -> None:
    """Every case that comes to wait is decided once for each version in which it waits."""
    at_work = asyncio.Semaphore(DECIDING)
    cursor_file = Path(scene.config.journal).with_name(f"{voice.unit_id}.cursor")
    async for page in follow(voice.client, cursor_file):
        last = {entry["case_number"]: entry for entry in page}
        for number, entry in last.items():
            if entry["state"] in WAITING:
                scene.tasks.create_task(settle(scene, voice, number, at_work))


async def settle(scene: Scene, voice: Voice, number: str, at_work: asyncio.Semaphore) -> None:
    """Read the case, think, decide on the version that was read: ``If-Match`` keeps two dispatchers apart."""
    async with at_work:
        case = await voice.client.get(f"/api/v1/cases/{number}")
        if case["state"] not in WAITING:
            return
        entries = (await voice.client.get(f"/api/v1/cases/{number}/entries"))["items"]
        await scene.clock.pass_minutes(dice(scene.config.seed, "hall", number).uniform(3, 10))
        config = scene.config
        made = decide(config.seed, case, entries, config.leads.get(case["category_code"], ()), config.governors)
        body: dict[str, Any] = {"reason": made.reason}
        if made.unit_id is not None:
            body["unit_id"] = made.unit_id
        if made.limit_hours is not None:
            body["due_at"] = (scene.clock.now() + timedelta(hours=made.limit_hours)).isoformat()
        key = f"{made.route}-{number}-v{case['version']}"
        await voice.say(made.route, number, body, key, headers={"if-match": f'"v{case["version"]}"'})


async def play(scene: Scene) -> None:
    """The hall."""
    for access in scene.config.units:
        voice = scene.voice(access)
        scene.tasks.create_task(watch(scene, voice))
        scene.tasks.create_task(fetch(scene, access, connection="desk", via="desk", pause_seconds=PAUSE_SECONDS))
        for told in scene.config.reports:
            scene.tasks.create_task(send(scene, voice, told))


if __name__ == "__main__":
    run_partner(play)
