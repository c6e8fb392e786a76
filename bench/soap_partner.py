"""Units' SOAP services that say yes: one port for each shipped profile. Writes {profile: port}; ends with its input."""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial

import uvloop

from bench.wire import Receiver

_11, _12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
_RESULT = "&lt;?xml version='1.0' encoding='GBK'?&gt;&lt;RESULT&gt;&lt;CODE&gt;0&lt;/CODE&gt;&lt;/RESULT&gt;"
ANSWERS = {
    "water_asmx": (
        _11,
        f'<SubmitCaseResponse xmlns="http://water.example/szcg/"><SubmitCaseResult>{_RESULT}</SubmitCaseResult>'
        "</SubmitCaseResponse>",
    ),
    "gas_axis": (
        _11,
        '<g:addCaseResponse xmlns:g="http://gas.example/szcg"><addCaseReturn href="#id0"/></g:addCaseResponse>'
        '<multiRef id="id0"><code>0</code><message>OK</message></multiRef>',
    ),
    "power_wsse": (
        _12,
        '<receiveOrderResponse xmlns="urn:power:orders"><ticket>1</ticket><accepted>true</accepted>'
        "</receiveOrderResponse>",
    ),
}


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    ports: dict[str, int] = {}
    for name in ANSWERS:
        server = await loop.create_server(partial(Receiver, _nothing, answer_of(name)), "127.0.0.1", 0)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def answer_of(name: str) -> bytes:
    """How the service of a shipped profile says yes, with its HTTP head."""
    namespace, inside = ANSWERS[name]
    body = f'<s:Envelope xmlns:s="{namespace}"><s:Body>{inside}</s:Body></s:Envelope>'.encode()
    kind = "text/xml" if namespace == _11 else "application/soap+xml"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _nothing(head: bytes, body: bytes) -> None:
    """What came is not looked at: the partner must cost little."""


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
