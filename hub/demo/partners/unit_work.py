"""A unit's work on its dispatches (处置): acknowledge, handle, feed back with a photo; or return what is another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.demo.habits import dice, fate_of, said_of
from hub.demo.partners.common import Event, Scene, Voice


@dataclass(frozen=True, slots=True)
class UnitWork:
    """What one unit does with the letters that are new to it."""

    scene: Scene
    voice: Voice
    name: str

    def begin(self, event: Event) -> None:
        """Work on a dispatch in the background; a status notice needs nothing done."""
        if event["type"] == "case.dispatch":
            self.scene.tasks.create_task(self.work(event, handler=f"{self.name}维护班"))

    async def work(self, event: Event, handler: str) -> None:
        """One dispatch from its arrival to its answer; a refusal ends it, the journal has the reason."""
        order, clock, seed = event["data"], self.scene.clock, self.scene.config.seed
        number = order["case_number"]
        fate = fate_of(seed, self.voice.unit_id, order, clock.now())
        key = f"{number}-{order['dispatch_number']}-{order['round']}"
        spent = 0.0
        if fate.acknowledge_minutes is not None:
            await clock.pass_minutes(fate.acknowledge_minutes)
            spent = fate.acknowledge_minutes
            answer = await self.voice.say("acknowledgement", number, {"handler": handler}, f"ack-{key}")
            if not answer.good:
                return
        if fate.return_minutes is not None:
            await clock.pass_minutes(fate.return_minutes - spent)
            await self.voice.say("return", number, self._return(order), f"ret-{key}")
            return
        if fate.part_minutes is not None:
            await clock.pass_minutes(fate.part_minutes - spent)
            spent = fate.part_minutes
            body = {"description": "已到现场,正在处置", "final": False, "handler": handler}
            answer = await self.voice.say("feedback", number, body, f"part-{key}")
            if not answer.good:
                return
        await clock.pass_minutes(fate.answer_minutes - spent)
        photo = await self.voice.photo(f"after/{key}")
        body = {"description": f"{order['category_name']}已处置完毕", "handler": handler, "photos": [photo]}
        await self.voice.say("feedback", number, body, f"done-{key}")

    def _return(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Some say who is responsible, some only that they are not."""
        unit = self.voice.unit_id
        others = [each for each in self.scene.config.leads.get(order["category_code"], ()) if each != unit]
        body = {"reason_code": "not_responsible", "reason": f"经现场核实,不属{self.name}权属"}
        chance = dice(self.scene.config.seed, "return", unit, said_of(order))
        if others and chance.random() < 0.6:
            body["responsible_unit_id"] = chance.choice(others)
        return body
