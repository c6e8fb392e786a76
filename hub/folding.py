"""Deciding a batch: its messages in turn, gathered for one write; a repeat gets its first answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from asyncpg.pgproto.pgproto import UUID
from msgspec.structs import replace

from contracts.arrival import Answer
from contracts.envelope import Message
from contracts.problem import Problem, Violation
from hub.awaiting import next_reminder
from hub.cases import Case
from hub.decide import Context, decide
from hub.decision import Decision, Loaded, Outbox, Remembered

Outcome = Answer | Problem


@dataclass(slots=True)
class Fold:
    """Decides a batch's messages in turn; several of one case fold into each other."""

    loaded: Loaded
    context: Context
    outbox: Outbox = field(default_factory=Outbox)
    _decided: dict[bytes, Remembered] = field(default_factory=dict)

    def decide(self, message: Message) -> Outcome:
        """What the message comes to; the first answer again where it was decided before."""
        before = self._remembered(message)
        if before is not None:
            return _again(message, before)
        case = self._case(message)
        try:
            decision = decide(case, message, self.context)
        except Problem as problem:
            if case is not None and problem.kind not in ("case_unknown", "nothing_due"):
                self._remember_refusal(message, case, problem)
            return problem
        self._keep(message, decision, case)
        return self._remember(message, decision)

    def set_alarms(self) -> None:
        """When time alone next does something to each case that was touched."""
        for case in self.outbox.cases.values():
            reminder = next_reminder(case, self.context.moments)
            self.outbox.alarms[case.case_id] = reminder[0] if reminder else None

    def _remembered(self, message: Message) -> Remembered | None:
        for key in message.keys:
            known = self._decided.get(key) or self.loaded.remembered.get(key)
            if known is not None:
                return known
        return None

    def _case(self, message: Message) -> Case | None:
        if message.case_id is None:
            return None
        return self.outbox.cases.get(message.case_id) or self.loaded.cases.get(message.case_id)

    def _keep(self, message: Message, decision: Decision, before: Case | None) -> None:
        out, case = self.outbox, decision.case
        out.cases[case.case_id] = case
        out.entries.extend(decision.entries)
        out.befores.append(before.state if before else None)
        out.befores.extend(entry.state for entry in decision.entries[:-1])
        out.letters.extend(decision.letters)
        out.sights.extend(decision.sights)
        if decision.personal is not None:
            out.personal.append((case.case_id, decision.personal))
        if not message.raw:
            return
        out.raw.append((case.case_id, UUID(message.keys[0]), message.received_at, message.content_type, message.raw))

    def _remember(self, message: Message, decision: Decision) -> Answer:
        last = decision.entries[-1]
        answer = Answer(last.case_id, decision.case.case_number, last.sequence, last.state, position=0)
        for key in message.keys:
            self.outbox.keys.append((UUID(key), message.fingerprint, last.case_id, last.sequence, None))
            self._decided[key] = Remembered(message.fingerprint, answer)
        return answer

    def _remember_refusal(self, message: Message, case: Case, problem: Problem) -> None:
        text = refusal_text(problem)
        for key in message.keys:
            self.outbox.keys.append((UUID(key), message.fingerprint, case.case_id, None, text))
            self._decided[key] = Remembered(message.fingerprint, None, text)
        self.outbox.raw.append(
            (case.case_id, UUID(message.keys[0]), message.received_at, message.content_type, message.raw)
        )


def _again(message: Message, before: Remembered) -> Outcome:
    if before.fingerprint != message.fingerprint:
        return Problem(
            "key_reused",
            zh="同一标识(Idempotency-Key、CloudEvents id 或上报方案件号)已用于不同内容。",
            en="The same id (Idempotency-Key, CloudEvents id or sender's case id) was used for other content.",
        )
    if before.answer is not None:
        return replace(before.answer, repeated=True)
    if before.gone is not None:
        return Problem(
            "case_unknown",
            f"该消息当时已按案件 {before.gone} 处理,案件已过保存期;重发不再生效。",
            f"The message was decided as case {before.gone}, which is past its retention; it takes no effect again.",
            fields={"case_number": before.gone},
        )
    return refusal_from(before.refusal or "{}")


def placed(outcome: Outcome, places: Mapping[tuple[int, int], int]) -> Outcome:
    """The outcome with its commit position, which its entry (case, version) got when it was written."""
    if isinstance(outcome, Problem) or outcome.position:
        return outcome
    return replace(outcome, position=places[outcome.case_id, outcome.version])


def refusal_text(problem: Problem) -> str:
    """A decided refusal as it is remembered, so that a repeat gets the same one."""
    return orjson.dumps(
        {
            "kind": problem.kind,
            "zh": problem.zh,
            "en": problem.en,
            "violations": [[v.pointer, v.zh, v.en, v.rule] for v in problem.violations],
            "fields": dict(problem.fields),
        }
    ).decode()


def refusal_from(text: str) -> Problem:
    """The refusal that ``refusal_text`` remembered."""
    kept = orjson.loads(text)
    return Problem(
        kept.get("kind", "step_not_allowed"),
        kept.get("zh", ""),
        kept.get("en", ""),
        tuple(Violation(*row) for row in kept.get("violations", ())),
        kept.get("fields", {}),
    )
