"""The load: so many callers that report over HTTP, each waiting for its answer before the next, for so many seconds.

Reads one JSON line with the plan; ``per_second`` in it makes a steady rate, instead of as fast as answers come. Prints
one JSON line: when each case was sent and how long its answer took.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

import uvloop

from bench.wire import Caller


async def main() -> None:
    """One run."""
    plan = json.loads(sys.stdin.readline())
    bodies = [json.dumps(body, ensure_ascii=False).encode() for body in plan["bodies"]]
    # Each problem is reported once; neighbours in the list lie near each other, reports of a day do not.
    random.Random(plan["seed"]).shuffle(bodies)
    sent: dict[str, float] = {}
    took: list[float] = []
    failed: dict[str, int] = {}
    started, rate = time.monotonic(), plan.get("per_second")
    until = started + plan["seconds"]
    made = 0

    async def call(number: int) -> None:
        nonlocal made
        caller = await Caller.open("127.0.0.1", plan["port"])
        while time.monotonic() < until and made < min(plan["messages_max"], len(bodies)):
            body, made = bodies[made], made + 1
            if rate:
                await asyncio.sleep(max(0.0, started + made / rate - time.monotonic()))
            headers = (
                f"authorization: Bearer {plan['key']}\r\ncontent-type: application/json\r\n"
                f'idempotency-key: "{plan["run"]}-{number}-{made}"\r\n'
            )
            began, at = time.perf_counter(), time.time()
            status, answer = await caller.post("/api/v1/cases", headers, body)
            if status == 201:
                took.append(time.perf_counter() - began)
                sent[json.loads(answer)["case_number"]] = at
            else:
                failed[str(status)] = failed.get(str(status), 0) + 1

    began = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(plan["callers"])))
    seconds = time.perf_counter() - began
    print(json.dumps({"sent": sent, "took": took, "failed": failed, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
