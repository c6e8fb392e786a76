"""A unit with words of its own (自有格式): what it gets becomes what its work needs, what it says its own document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.demo.hub_client import Answer
from hub.demo.partners.common import Event, Voice


@dataclass(frozen=True, slots=True)
class Saying:
    """One message before it is written in the unit's words: the route that it would take, about which case, its body,
    and the unit's own number for it."""

    route: str
    case_number: str
    body: Mapping[str, Any]
    key: str


Telling = Callable[[Saying], Awaitable[Answer | None]]
"""Hands a message over: the hub's answer, or None where the unit never learns it (it is fetched, or lies in a file)."""


@dataclass(slots=True)
class OwnVoice(Voice):
    """Speaks in the unit's own words. What was handed over without an answer is in the journal as that.

    Who ``photographs`` sends photos by the hub's interface and names them in its documents; others keep theirs.
    """

    tell: Telling | None = None
    by: str = ""
    photographs: bool = False

    async def say(
        self,
        route: str,
        case_number: str,
        body: Mapping[str, Any],
        key: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A message about a case."""
        assert self.tell is not None
        answer = await self.tell(Saying(route, case_number, body, key))
        told = {"message_id": key, "kind": f"case.{route}", "by": self.by}
        if answer is None:
            self.journal.write({"what": "message.handed", "unit": self.unit_id, "case_number": case_number, **told})
            return Answer(202, None, {})
        self.journal.write(self.row(answer, f"case.{route}", key, by=self.by))
        return answer

    async def photo(self, name: str) -> str:
        """Upload a photo, if this unit does; its id goes into a message."""
        return await Voice.photo(self, name) if self.photographs else ""


def letter(letter_id: str, contract: str, case_number: str, sequence: object, **data: Any) -> Event:
    """What came, as the mailroom and the work know letters; ``data`` has the fields of an order that the work needs."""
    return {
        "id": letter_id,
        "type": contract,
        "subject": case_number,
        "sequence": str(sequence),
        "data": {"case_number": case_number, **data},
    }


def order(
    *,
    number: int,
    round: int,
    category_code: str,
    category_name: str,
    address: str,
    due_at: str,
) -> dict[str, Any]:
    """The fields of an order that the work needs."""
    return {
        "dispatch_number": number,
        "round": round,
        "category_code": category_code,
        "category_name": category_name,
        "place": {"address": address},
        "deadline": {"due_at": due_at},
    }
