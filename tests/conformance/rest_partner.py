"""A unit's REST system for the conformance suite, run as a process of its own.

Each path behaves as its first part says. Bare asyncio, because most of these behaviours are what a web framework
exists to prevent. Prints its ports as one JSON line when it listens. ``GET /_seen/3/hangs/1`` answers what was posted
to ``/hangs/1`` once three letters were.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
import ssl
import struct
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
SEEN: dict[str, list[dict[str, object]]] = defaultdict(list)
CHANGED = asyncio.Condition()


def answer(status: str, body: bytes = b'{"ok":true}', *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(raw: bytes) -> Callable[[Writer], Awaitable[bool]]:
    async def say(writer: Writer) -> bool:
        writer.write(raw)
        await writer.drain()
        return True

    return say


async def hang(writer: Writer) -> bool:
    await asyncio.sleep(120)
    return False


async def drip_body(writer: Writer) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_head(writer: Writer) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-drip: a\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def reset_before_answer(writer: Writer) -> bool:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    return False


async def break_mid_answer(writer: Writer) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
    await writer.drain()
    return False


async def endless_body(writer: Writer) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        writer.write(chunk)
        await writer.drain()


async def endless_head(writer: Writer) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x-flood: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def gibberish(writer: Writer) -> bool:
    writer.write(b"\x00\xff\xfe GARBAGE \r\n\r\n")
    await writer.drain()
    return False


BEHAVIOURS: dict[str, Callable[[Writer], Awaitable[bool]]] = {
    "processes": says(answer("200 OK")),
    "says_nothing": says(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "receives": says(answer("202 Accepted")),
    "busy": says(answer("503 Service Unavailable", b"{}", "Retry-After: 7")),
    "hangs": hang,
    "drips": drip_body,
    "drips_head": drip_head,
    "resets": reset_before_answer,
    "breaks_off": break_mid_answer,
    "floods": endless_body,
    "floods_head": endless_head,
    "talks_gibberish": gibberish,
    "odd_header": says(b"HTTP/1.1 503 Busy\r\nretry-after: \xff\xfe\r\ncontent-length: 0\r\n\r\n"),
    "redirects": says(answer("307 Temporary Redirect", b"", "Location: /processes/elsewhere")),
    "refuses": says(answer("422 Unprocessable Content", '{"原因":"无此案件"}'.encode())),
    "does_not_trust": says(answer("401 Unauthorized", b"{}")),
    "is_gone": says(answer("410 Gone", b"{}")),
    "asks_to_stop": says(answer("500 Internal Server Error", b"{}", "webhook-delivery: disable")),
    "asks_to_drop": says(answer("503 Service Unavailable", b"{}", "webhook-delivery: abort-message")),
}


async def serve(reader: Reader, writer: Writer) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while await serve_one(reader, writer):
            pass
    writer.close()


async def serve_one(reader: Reader, writer: Writer) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = dict(_pair(line) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    if method == "GET":
        _, _, least, asked = path.split("/", 3)
        async with CHANGED:
            await CHANGED.wait_for(lambda: len(SEEN["/" + asked]) >= int(least))
        return await says(answer("200 OK", json.dumps(SEEN["/" + asked]).encode()))(writer)
    peer = writer.get_extra_info("peername")
    SEEN[path].append(
        {
            "headers": headers,
            "body": base64.b64encode(body).decode(),
            "peer": f"{peer[0]}:{peer[1]}",
            "certificate": _certified(writer),
        }
    )
    async with CHANGED:
        CHANGED.notify_all()
    return await BEHAVIOURS[path.split("/")[1]](writer)


def _certified(writer: Writer) -> str | None:
    """The common name on the caller's certificate."""
    shown = writer.get_extra_info("peercert")
    return (
        next((value for part in shown["subject"] for name, value in part if name == "commonName"), None)
        if shown
        else None
    )


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.lower(), value.strip()


async def main() -> None:
    plain = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.load_cert_chain(sys.argv[1])
    secure = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificates)
    demands = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    demands.load_cert_chain(sys.argv[1])
    demands.load_verify_locations(sys.argv[2])
    demands.verify_mode = ssl.CERT_REQUIRED
    demanding = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=demands)
    servers = {"plain": plain, "secure": secure, "demanding": demanding}
    ports = {name: server.sockets[0].getsockname()[1] for name, server in servers.items()}
    print(json.dumps(ports), flush=True)
    # Whoever started this process holds the other end of its standard input: when that closes, this ends too.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
