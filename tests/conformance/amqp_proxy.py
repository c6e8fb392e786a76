"""A unit's broker that misbehaves, in a process of its own: it stands before a real one and passes everything on, until
a letter has gone by. Then it does as its port says. Prints the ports as a line of JSON; ends with its input.

Arguments: the real broker's port, a certificate chain with its key.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import sys

A_LETTER = b"application/cloudevents+json"
DRIP_SECONDS = 0.2


async def _pass(behaviour: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    upstream, up = await asyncio.open_connection("127.0.0.1", port)
    gone_by = asyncio.Event()

    async def out() -> None:
        while data := await reader.read(65536):
            up.write(data)
            await up.drain()
            if A_LETTER in data:
                gone_by.set()

    async def back() -> None:
        while data := await upstream.read(65536):
            if not gone_by.is_set():
                writer.write(data)
            elif behaviour == "hangs":
                continue
            elif behaviour == "drips":
                for byte in data:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(DRIP_SECONDS)
            elif behaviour == "talks_gibberish":
                writer.write("这不是 AMQP".encode() * 100)
            elif behaviour == "breaks_off":
                writer.close()
                return
            elif behaviour == "resets":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return

    tasks = [asyncio.create_task(each) for each in (out(), back())]
    with contextlib.suppress(OSError):
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # The real broker keeps what it took.
    up.close()
    writer.close()


async def _nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _main(port: int, chain: str) -> None:
    ports = {}
    for behaviour in ("hangs", "drips", "talks_gibberish", "breaks_off", "resets"):
        server = await asyncio.start_server(
            lambda reader, writer, behaviour=behaviour: _pass(behaviour, port, reader, writer), "127.0.0.1", 0
        )
        ports[behaviour] = server.sockets[0].getsockname()[1]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    server = await asyncio.start_server(_nothing, "127.0.0.1", 0, ssl=context)
    ports["false_certificate"] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
