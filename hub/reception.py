"""The reception (收发): whatever an adapter brings in becomes messages for the intake; what is refused is kept, raw.

Every door ends here: HTTP, SOAP, queues, polls, files. A refusal is answered to whoever spoke, and goes on the shelf
where an operator can mend something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

import orjson

from contracts.arrival import Answer, Arrival, Said
from contracts.envelope import Message, Mode
from contracts.messages import Body, Report
from contracts.photos import PhotoShelf
from contracts.problem import Problem, Violation
from hub.case_numbers import parse
from hub.intake import Intake
from hub.registry import Registry
from hub.say import Say
from hub.store import shelf
from hub.store.pool import LOST, Pool
from hub.store.shelf import ShelfRow
from hub.trace import TRACEPARENT, new_traceparent

SHELF_BYTES_MAX = 1024 * 1024
"""What the doors take where nothing else is set; of a longer one the beginning is kept, and it cannot be replayed."""

SHELVED = frozenset({"category_unknown", "unit_unknown", "attachment_unknown", "place_impossible", "moment_impossible"})
"""Refusals of content that an operator may mend (a missing category, a wrong unit): they are kept raw too."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Receives arrivals; implements ``contracts.port.Reception``."""

    pool: Pool
    intake: Intake
    registry: Callable[[], Registry]
    say: Say
    photos: PhotoShelf | None = None

    async def receive(self, arrivals: Sequence[Arrival], *, shelve: bool = True) -> list[Answer | Problem]:
        """Answer each arrival, in order: once what it says is committed, or with why it is refused. Never raises.

        ``shelve`` is false for what lies on the shelf already.
        """
        division = self.registry().division_code
        messages = [message_of(arrival, division) for arrival in arrivals]
        for index, arrival in enumerate(arrivals):
            # Kept whatever becomes of the message: one that is mended on the shelf names them still.
            trouble = await self._keep_photos(arrival) if arrival.photos else None
            if trouble is not None and isinstance(messages[index], Message):
                messages[index] = trouble
        decided = iter(await self._decided([each for each in messages if isinstance(each, Message)]))
        outcomes = [next(decided) if isinstance(each, Message) else each for each in messages]
        refused = [
            (arrival, outcome)
            for arrival, message, outcome in zip(arrivals, messages, outcomes, strict=True)
            if isinstance(outcome, Problem) and (isinstance(message, Problem) or outcome.kind in SHELVED)
        ]
        if refused and shelve:
            await self._shelve(refused)
        return outcomes

    async def _keep_photos(self, arrival: Arrival) -> Problem | None:
        """Photos are on the disk before anything names them; what is wrong with one is told with its place."""
        for photo in arrival.photos:
            try:
                if self.photos is None:
                    raise Problem("attachment_unknown")
                await self.photos.shelve(arrival.sender.unit_id, photo)
            except Problem as problem:
                zh, en = problem.sentences()
                return Problem(problem.kind, f"照片 {photo.at}:{zh}", f"The photo at {photo.at}: {en}")
            except LOST as lost:
                self.say("store.troubled", reason=type(lost).__name__)
                return Problem("store_unavailable", retry_after_seconds=5)
        return None

    async def _decided(self, messages: Sequence[Message]) -> list[Answer | Problem]:
        began = perf_counter()
        outcomes = await self.intake.receive(messages)
        seconds = perf_counter() - began
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, Problem):
                self.say(
                    "message.refused",
                    contract=message.contract,
                    unit_id=message.sender.unit_id,
                    message_id=message.message_id,
                    kind=outcome.kind,
                    traceparent=message.traceparent,
                )
            else:
                self.say(
                    "message.repeated" if outcome.repeated else "message.accepted",
                    contract=message.contract,
                    unit_id=message.sender.unit_id,
                    message_id=message.message_id,
                    case_number=outcome.case_number,
                    seconds=seconds,
                    traceparent=message.traceparent,
                )
        return outcomes

    async def _shelve(self, refused: Sequence[tuple[Arrival, Problem]]) -> None:
        """Keep what was refused, raw, so that an operator can see it. The refusal is answered even if this fails."""
        by_bytes: dict[int, list[tuple[Arrival, Problem]]] = {}
        for arrival, problem in refused:
            # What came in one piece (a batch that is no list of events) is kept once.
            by_bytes.setdefault(id(arrival.raw), []).append((arrival, problem))
        rows = [_shelf_row(together) for together in by_bytes.values()]
        try:
            fresh = await shelf.keep(self.pool, rows)
        except LOST as fault:
            self.say("store.troubled", reason=type(fault).__name__)
            return
        for row in fresh:
            self.say("message.shelved", unit_id=row.unit_id, kind=row.kind)


def _shelf_row(together: Sequence[tuple[Arrival, Problem]]) -> ShelfRow:
    arrival, worst = together[0]
    text = "; ".join(sorted({str(problem) for _, problem in together}))[:2000]
    if worst.violations:
        text += ": " + "; ".join(f"{violation.pointer} {violation.en}" for violation in worst.violations)[:2000]
    return ShelfRow(
        arrival.sender.unit_id,
        arrival.sender.credential_id,
        arrival.door.replace("\0", "")[:200],
        arrival.content_type.replace("\0", "")[:200],
        worst.kind,
        text.replace("\0", ""),
        arrival.raw[: SHELF_BYTES_MAX + 1],
        arrival.sender.connection_id,
        UUID(bytes=_content_key([each for each, _ in together])),
    )


def _content_key(together: Sequence[Arrival]) -> bytes:
    """What tells a refused message from others: who sent it by which way, its own id where it has one, its bytes."""
    sender = together[0].sender
    ids = [f"{each.said.source} {each.said.message_id}" for each in together if isinstance(each.said, Said)]
    digest = hashlib.sha256(together[0].raw).hexdigest()
    return _key("\0".join(("shelf", sender.unit_id, sender.connection_id, together[0].door, *ids, digest)))


def message_of(arrival: Arrival, division: str) -> Message | Problem:
    """The message that an arrival is, or why it is none."""
    if isinstance(arrival.said, Problem):
        return arrival.said
    try:
        return _of(arrival, arrival.said, division)
    except Problem as problem:
        return problem


def _of(arrival: Arrival, said: Said, division: str) -> Message:
    sender, body, extensions = arrival.sender, said.body, said.extensions
    case_id = _case_id(said.case_number, division) if said.case_number is not None else None
    sender_case_id = _short(extensions, "sendercase")
    keys = [_key(f"id\0{sender.unit_id}\0{said.source}\0{said.message_id}")]
    if sender_case_id and isinstance(body, Report):
        # The sender's own case id is an id too: the same case, reported twice under two keys, is one case.
        keys.append(_key(f"case\0{sender.unit_id}\0{sender_case_id}"))
    mode = _mode(extensions.get("mode"))
    content = orjson.dumps([body.contract, case_id, mode, body.model_dump_json(exclude_none=True)])
    return Message(
        message_id=said.message_id,
        source=said.source,
        contract=body.contract,
        sender=sender,
        body=body,
        keys=tuple(keys),
        fingerprint=hashlib.sha256(content).digest(),
        received_at=arrival.received_at,
        effective_at=said.time,
        case_id=case_id,
        sender_case_id=sender_case_id,
        mode=mode,
        based_on_version=_whole(extensions, "basedonversion"),
        actor=_short(extensions, "actor"),
        on_behalf_of=_short(extensions, "onbehalfof"),
        sequence=_whole(extensions, "sequence"),
        traceparent=_trace(extensions.get("traceparent"), body),
        raw=arrival.raw,
        content_type=arrival.content_type,
    )


def _trace(given: str | None, body: Body) -> str | None:
    """The sender's trace; a report without one begins one, everything later without one goes on in its case's."""
    if given and TRACEPARENT.fullmatch(given):
        return given
    return new_traceparent() if isinstance(body, Report) else None


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _case_id(case_number: str, division: str) -> int:
    made = parse(case_number, division)
    if made is None:
        raise Problem("case_unknown", f"没有案件 {case_number[:40]}。", f"There is no case {case_number[:40]}.")
    return made


def _mode(text: str | None) -> Mode:
    if text is None:
        return Mode.LIVE
    try:
        return Mode(text)
    except ValueError:
        raise Problem(
            "not_a_message",
            violations=(Violation("#/mode", "mode 应为 live、drill 或 test", "mode is live, drill or test", "enum"),),
        ) from None


def _whole(extensions: Mapping[str, str], name: str) -> int | None:
    text = extensions.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Problem(
            "not_a_message",
            violations=(Violation(f"#/{name}", f"{name} 应为非负整数", f"{name} is a whole number", "type"),),
        )
    return int(text)


def _short(extensions: Mapping[str, str], name: str) -> str | None:
    text = extensions.get(name)
    if text is None or text == "":
        return None
    if len(text) > 128 or any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise Problem(
            "not_a_message",
            violations=(
                Violation(
                    f"#/{name}",
                    f"{name} 应为不超过 128 个字符的文本",
                    f"{name} is text of at most 128 characters",
                    "length",
                ),
            ),
        )
    return text
