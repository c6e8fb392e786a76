"""The load of SOAP in: so many callers that post envelopes, each waiting for its answer. One JSON line in, one out."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop

from bench.wire import Caller

HEADERS = 'content-type: text/xml; charset=utf-8\r\nsoapaction: "https://cityhub.example/soap/v1/report"\r\n'


async def main() -> None:
    """One run."""
    plan = json.loads(sys.stdin.readline())
    waiting = iter([text.encode() for text in plan["calls"]])
    failed: dict[str, int] = {}
    began = time.perf_counter()
    until, done = began + plan["seconds"], 0

    async def call() -> None:
        nonlocal done
        caller = await Caller.open("127.0.0.1", plan["port"])
        for body in waiting:
            if time.perf_counter() > until:
                return
            status, answer = await caller.post("/soap/v1", HEADERS, body)
            if status == 200 and b"<receipt>" in answer:
                done += 1
            else:
                failed[str(status)] = failed.get(str(status), 0) + 1

    await asyncio.gather(*(call() for _ in range(plan["callers"])))
    print(json.dumps({"done": done, "failed": failed, "seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
