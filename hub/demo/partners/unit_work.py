"""A unit's work on its dispatches (处置): acknowledge, perhaps ask, handle, feed back with a photo; or return them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hub.demo.habits import Fate, dice, fate_of, said_of
from hub.demo.partners.common import Event, Scene, Voice

RETURNS = 0
ASKS = {1: "extension", 3: "suspension", 5: "dispute"}
"""Which of a process's first dispatches are asked about, and what; one more is returned, whatever chance says."""

PATIENCE_MINUTES = 240.0
"""How long a unit waits for the command centre's word before it goes on."""


@dataclass(frozen=True, slots=True)
class Department:
    """Whom a second-level platform passes a dispatch on to."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class UnitWork:
    """What one unit does with the letters that are new to it. ``asks``: it brings its questions to the hall."""

    scene: Scene
    voice: Voice
    name: str
    asks: bool = False
    _decided: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)
    _recalled: set[str] = field(default_factory=set)

    def begin(self, event: Event, department: Department | None = None) -> None:
        """Work on a dispatch in the background; heed a recall and a decision; other notices need nothing done."""
        match event["type"]:
            case "case.dispatch":
                self.scene.tasks.create_task(self.work(event, department))
            case "case.recall_notice":
                self._recalled.add(event["data"]["case_number"])
            case "case.decision_notice":
                told = event["data"]
                self._word(told["case_number"], told["about"]).set()

    async def work(self, event: Event, department: Department | None) -> None:
        """One dispatch from its arrival to its answer; a refusal or a recall ends it."""
        order, clock, seed = event["data"], self.scene.clock, self.scene.config.seed
        number, handler = order["case_number"], department.name if department else f"{self.name}维护班"
        self._recalled.discard(number)
        fate = fate_of(seed, self.voice.unit_id, order, clock.now())
        leads = order.get("duty", "lead") == "lead"
        turn = None
        if self.asks and leads and order["round"] == 1:
            turn = next(self.scene.turns)
        if turn == RETURNS:
            fate = Fate(None, 30.0, None, 0.0)
        elif turn in ASKS:
            # Who asks keeps it, whatever chance says.
            fate = replace(fate, return_minutes=None, answer_minutes=max(fate.answer_minutes, 40.0))
        question = ASKS.get(turn) if turn is not None else None
        key = f"{number}-{order['dispatch_number']}-{order['round']}"
        spent = 0.0
        if fate.acknowledge_minutes is not None:
            await clock.pass_minutes(fate.acknowledge_minutes)
            spent = fate.acknowledge_minutes
            if not await self._says("acknowledgement", number, {"handler": handler}, f"ack-{key}"):
                return
        if fate.return_minutes is not None:
            await clock.pass_minutes(fate.return_minutes - spent)
            await self._says("return", number, self._return(order), f"ret-{key}")
            return
        await self._tell_of(department, "assigned", order, key)
        if question is not None:
            await self._ask(question, order, key)
        if fate.part_minutes is not None:
            await clock.pass_minutes(fate.part_minutes - spent)
            spent = fate.part_minutes
            body = {"description": "已到现场,正在处置", "final": False, "handler": handler}
            if leads and not await self._says("feedback", number, body, f"part-{key}"):
                return
        await clock.pass_minutes(fate.answer_minutes - spent)
        photo = await self.voice.photo(f"after/{key}")
        body = {"description": f"{order['category_name']}已处置完毕", "handler": handler, "photos": [photo]}
        await self._tell_of(department, "done", order, key)
        await self._says("feedback", number, body, f"done-{key}")

    async def _tell_of(self, department: Department | None, status: str, order: Mapping[str, Any], key: str) -> None:
        """A platform tells what its department does (二级派遣)."""
        if department is not None and order.get("duty", "lead") == "lead":
            body = {"department": department.code, "department_name": department.name, "status": status}
            await self._says("sub-dispatch", order["case_number"], body, f"sub-{status}-{key}")

    async def _says(self, route: str, number: str, body: Mapping[str, Any], key: str) -> bool:
        """Say it, unless the case was taken away meanwhile; whether it was accepted."""
        if number in self._recalled:
            return False
        return (await self.voice.say(route, number, body, key)).good

    async def _ask(self, question: str, order: Mapping[str, Any], key: str) -> None:
        """Bring a question to the command centre and wait for its word; a suspended case waits for its review too."""
        number, clock = order["case_number"], self.scene.clock
        due = datetime.fromisoformat(order["deadline"]["due_at"])
        bodies: dict[str, dict[str, Any]] = {
            "extension": {"reason": "须与街道协调施工时间", "due_at": (due + timedelta(hours=4)).isoformat()},
            "suspension": {
                "reason": "材料未到,暂缓处置",
                "review_at": (clock.now() + timedelta(minutes=90)).isoformat(),
            },
            "dispute": {"reason": "派遣点位与现场不一致"},
        }
        if not await self._says(question, number, bodies[question], f"{question}-{key}"):
            return
        for about in (question, "resumption")[: 2 if question == "suspension" else 1]:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(clock.seconds_of(PATIENCE_MINUTES)):
                    await self._word(number, about).wait()

    def _word(self, number: str, about: str) -> asyncio.Event:
        return self._decided.setdefault((number, about), asyncio.Event())

    def _return(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Some say who is responsible, some only that they are not."""
        unit = self.voice.unit_id
        others = [each for each in self.scene.config.leads.get(order["category_code"], ()) if each != unit]
        body = {"reason_code": "not_responsible", "reason": f"经现场核实,不属{self.name}权属"}
        chance = dice(self.scene.config.seed, "return", unit, said_of(order))
        if others and chance.random() < 0.6:
            body["responsible_unit_id"] = chance.choice(others)
        return body
