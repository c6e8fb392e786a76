"""A partner that takes letters: checks each signature, notes when each letter came, and tells when asked.

Writes {"port": …} when it listens. Reads lines: {"secrets": {"/path": "whsec_…"}} says by which secret the letters at
each path are signed; "take" is answered with the arrivals since the last one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import sys
import time

import uvloop

from bench.wire import Receiver

_HEADER = re.compile(rb"\r\n(webhook-id|webhook-timestamp|webhook-signature): ?([^\r\n]*)")
_SUBJECT = re.compile(rb'"subject":"([^"]+)"')


async def main() -> None:
    """Serve until standard input ends."""
    secrets: dict[bytes, bytes] = {}
    arrivals: dict[str, float] = {}
    counts = {"received": 0, "bad_signature": 0}

    def receive(head: bytes, body: bytes) -> None:
        counts["received"] += 1
        found = dict(_HEADER.findall(head))
        secret = secrets.get(head.split(b" ", 2)[1], b"")
        signed = found[b"webhook-id"] + b"." + found[b"webhook-timestamp"] + b"." + body
        wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
        # Header names were lowered with their values: compare without case.
        if b"v1," + wanted.lower() not in found[b"webhook-signature"]:
            counts["bad_signature"] += 1
        subject = _SUBJECT.search(body)
        if subject:
            arrivals.setdefault(subject[1].decode(), time.time())

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(receive), "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    ended = asyncio.Event()
    while not ended.is_set():
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            ended.set()
        elif line.strip() == "take":
            print(json.dumps({"arrivals": arrivals, **counts}), flush=True)
            arrivals = {}
        else:
            told = json.loads(line)["secrets"]
            secrets = {path.encode(): base64.b64decode(text.removeprefix("whsec_")) for path, text in told.items()}
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
