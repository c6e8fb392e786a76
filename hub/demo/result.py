"""What the day came to, as one document for machines. Pure."""

from __future__ import annotations

from typing import Any

from hub.demo.bends import bends, missing
from hub.demo.checks import Verdict, redelivered
from hub.demo.evidence import Evidence
from hub.demo.tally import transports, ways_in


def result_of(evidence: Evidence, verdict: Verdict) -> dict[str, Any]:
    """The day in figures; the command adds the rest."""
    states = [case["state"] for case in evidence.cases]
    stages = [case["stage"] for case in evidence.cases]
    sent = [row for row in evidence.rows if row["what"] == "message.sent"]
    return {
        "ok": verdict.ok,
        "cases": len(evidence.cases),
        "closed": states.count("closed"),
        "rejected": states.count("rejected"),
        "by_stage": {stage: stages.count(stage) for stage in sorted(set(stages))},
        "bends": bends(evidence.entries),
        "bends_missing": missing(bends(evidence.entries)),
        "by_state": {state: states.count(state) for state in sorted(set(states))},
        "letters": len(evidence.letters),
        "transports": transports(evidence),
        "redelivered": redelivered(evidence),
        "messages": sum(ways_in(evidence).values()),
        "messages_by_way": ways_in(evidence),
        "messages_repeated": sum(1 for row in sent if row["replayed"]),
        "messages_refused": sum(1 for row in evidence.rows if row["what"] == "message.refused"),
        "lost": len(verdict.lost),
        "duplicated": len(verdict.duplicated),
        "out_of_order": len(verdict.out_of_order),
        "unexpected": len(verdict.unexpected),
        "hanging": list(verdict.hanging),
        "faults": [*verdict.lost, *verdict.duplicated, *verdict.out_of_order, *verdict.unexpected][:50],
    }
