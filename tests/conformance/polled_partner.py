"""A unit's system that cannot call: it only answers when it is asked. Run as a process of its own.

Each log has a name. ``POST /_/add/{log}`` puts rows into it, ``GET /_/asked/{log}`` tells how it was asked for, and
``POST /_/down/{log}`` makes it answer 503 once. The rows are given by an id (``/by-id/{log}?after=&limit=``), by a time
(``/by-time/{log}?since=&limit=``), by a token (``/by-token/{log}?token=&size=``), as a whole (``/all/{log}``), by a
SOAP service of 2009 that answers in GBK XML (``POST /soap/{log}``), and as the bus company of the shipped profile does
(``/open/v2/{log}``). Prints its port when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from typing import Any

from aiohttp import web
from lxml import etree

LOGS: dict[str, list[dict[str, Any]]] = defaultdict(list)
ASKED: dict[str, list[dict[str, Any]]] = defaultdict(list)
DOWN: set[str] = set()
CHANGED = asyncio.Condition()


async def noted(request: web.Request) -> str:
    log = request.match_info["log"]
    told = {
        "query": dict(request.query),
        "headers": dict(request.headers),
        "body": (await request.read()).decode("gbk"),
    }
    ASKED[log].append(told)
    async with CHANGED:
        CHANGED.notify_all()
    if log in DOWN:
        DOWN.discard(log)
        raise web.HTTPServiceUnavailable(headers={"retry-after": "1"})
    return log


async def by_id(request: web.Request) -> web.Response:
    log, after = await noted(request), int(request.query.get("after", "0"))
    rows = [row for row in LOGS[log] if int(row["id"]) > after][: int(request.query["limit"])]
    return web.json_response({"code": 0, "data": {"rows": rows}})


async def by_time(request: web.Request) -> web.Response:
    log, since = await noted(request), request.query.get("since", "")
    rows = sorted((row for row in LOGS[log] if row["at"] >= since), key=lambda row: str(row["at"]))
    return web.json_response(rows[: int(request.query["limit"])])


async def by_token(request: web.Request) -> web.Response:
    log = await noted(request)
    start, size = int(request.query.get("token", "t0")[1:]), int(request.query["size"])
    rows = LOGS[log][start : start + size]
    return web.json_response({"items": rows, "next": f"t{start + len(rows)}"})


async def everything(request: web.Request) -> web.Response:
    return web.json_response({"items": LOGS[await noted(request)]})


async def bus_company(request: web.Request) -> web.Response:
    log, since = await noted(request), request.query.get("since", "")
    if request.headers.get("X-Bus-Key") != "bus-key-1":
        return web.json_response({"resultCode": "401", "resultMsg": "密钥错误"})
    size = int(request.query["size"])
    rows = sorted((row for row in LOGS[log] if row["updateTime"] >= since), key=lambda row: str(row["updateTime"]))
    data = {"list": rows[:size], "hasMore": len(rows) > size}
    return web.json_response({"resultCode": "0", "resultMsg": "", "data": data})


async def soap(request: web.Request) -> web.Response:
    log = await noted(request)
    call = etree.fromstring(await request.read())
    after, password = call.findtext(".//{urn:bus}lastId"), call.findtext(".//{urn:bus}password")
    if password != "p&ss":
        fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>wrong password</faultstring></s:Fault>"
        return _envelope(fault, 500)
    rows = [row for row in LOGS[log] if int(row["id"]) > int(after or "0")][:50]
    made = "".join(f"<Row>{''.join(f'<{name}>{text}</{name}>' for name, text in row.items())}</Row>" for row in rows)
    return _envelope(f'<GetNewsResponse xmlns="urn:bus"><GetNewsResult>{made}</GetNewsResult></GetNewsResponse>', 200)


def _envelope(body: str, status: int) -> web.Response:
    text = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>'
    raw = f'<?xml version="1.0" encoding="GBK"?>{text}'.encode("gbk")
    return web.Response(body=raw, status=status, headers={"content-type": "text/xml; charset=gbk"})


async def add(request: web.Request) -> web.Response:
    LOGS[request.match_info["log"]].extend(await request.json())
    return web.json_response({})


async def down(request: web.Request) -> web.Response:
    DOWN.add(request.match_info["log"])
    return web.json_response({})


async def asked(request: web.Request) -> web.Response:
    log, least = request.match_info["log"], int(request.query.get("least", "0"))
    async with CHANGED:
        await CHANGED.wait_for(lambda: len(ASKED[log]) >= least)
    return web.json_response(ASKED[log])


async def main() -> None:
    app = web.Application()
    app.router.add_get("/by-id/{log}", by_id)
    app.router.add_get("/by-time/{log}", by_time)
    app.router.add_get("/by-token/{log}", by_token)
    app.router.add_get("/all/{log}", everything)
    app.router.add_post("/soap/{log}", soap)
    app.router.add_get("/open/v2/{log}", bus_company)
    app.router.add_post("/_/add/{log}", add)
    app.router.add_post("/_/down/{log}", down)
    app.router.add_get("/_/asked/{log}", asked)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    # Whoever started this process holds the other end of its standard input: when that closes, this ends too.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
