"""An HTTP server of a partner's own, on any free port."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web


async def serve(routes: Iterable[web.AbstractRouteDef], *, body_bytes_max: int = 4 * 1024 * 1024) -> int:
    """Listen until the process ends; the port."""
    app = web.Application(client_max_size=body_bytes_max)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port
