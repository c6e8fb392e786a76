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
from dataclasses import dataclass, field

import uvloop

from bench.wire import Receiver

_HEADER = re.compile(rb"\r\n(webhook-id|webhook-timestamp|webhook-signature): ?([^\r\n]*)")
_SUBJECT = re.compile(rb'"subject":"([^"]+)"')


@dataclass(slots=True)
class Signatures:
    """The secrets by path, and how many letters were not signed with theirs."""

    secrets: dict[bytes, bytes] = field(default_factory=dict)
    bad: int = 0

    def learn(self, told: dict[str, str]) -> None:
        """The secret of each path."""
        self.secrets = {path.encode(): base64.b64decode(text.removeprefix("whsec_")) for path, text in told.items()}

    def check(self, head: bytes, body: bytes) -> None:
        """Check one letter; ``head`` is in small letters."""
        found = dict(_HEADER.findall(head))
        secret = self.secrets.get(head.split(b" ", 2)[1], b"")
        signed = found[b"webhook-id"] + b"." + found[b"webhook-timestamp"] + b"." + body
        wanted = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
        # Header names were lowered with their values: compare without case.
        if b"v1," + wanted.lower() not in found[b"webhook-signature"]:
            self.bad += 1


async def main() -> None:
    """Serve until standard input ends."""
    signatures = Signatures()
    arrivals: dict[str, float] = {}
    received = 0

    def receive(head: bytes, body: bytes) -> None:
        nonlocal received
        received += 1
        signatures.check(head, body)
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
            told = {"arrivals": arrivals, "received": received, "bad_signature": signatures.bad}
            print(json.dumps(told), flush=True)
            arrivals = {}
        else:
            signatures.learn(json.loads(line)["secrets"])
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
