"""A unit's OAuth 2.0 server with an interface behind it, run as a process of its own.

``POST /token`` gives tokens to the client ``hub`` by any of the three ways; ``/token/slow``, ``/token/down`` and so on
behave as they are called. ``/api/…`` takes only a token that was given and not revoked, and remembers each call.
``/api/says/5001`` answers 200 with that code inside, and ``/api/quietly/…`` says so of a stale token too.
``POST /_/revoke`` forgets all tokens; ``GET /_/seen`` tells what came. Prints its port when it listens.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import JWKRegistry

CLIENT, SECRET = "hub", "s3cret/+&é"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Server:
    """What it knows and what it saw."""

    keys: dict[str, Any]
    given: set[str] = field(default_factory=set)
    fetches: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        behaviour = request.match_info.get("behaviour", "")
        way = self._way(request, form)
        self.fetches.append({"behaviour": behaviour, "way": way or "", "scope": form.get("scope", "")})
        if behaviour == "down":
            return web.json_response({}, status=503, headers={"retry-after": "7"})
        if behaviour == "error_in_200":
            return web.json_response({"errcode": 40001, "errmsg": f"invalid secret {SECRET}"})
        if behaviour == "slow":
            await self.slow.wait()
        if form.get("grant_type") != "client_credentials" or way is None:
            told = {"error": "invalid_client", "error_description": f"you sent {form}"}
            return web.json_response(told, status=401)
        made = f"token-{len(self.fetches)}"
        if behaviour != "useless":
            self.given.add(made)
        life: Any = {"short": 2, "as_text": "3600"}.get(behaviour, 3600)
        return web.json_response({"access_token": made, "token_type": "Bearer", "expires_in": life})

    def _way(self, request: web.Request, form: dict[str, str]) -> str | None:
        authorization = request.headers.get("authorization", "")
        if authorization.startswith("Basic "):
            user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
            good = (unquote_plus(user), unquote_plus(password)) == (CLIENT, SECRET)
            return "client_secret_basic" if good else None
        if "client_secret" in form:
            good = (form.get("client_id"), form["client_secret"]) == (CLIENT, SECRET)
            return "client_secret_post" if good else None
        if form.get("client_assertion_type") != ASSERTION:
            return None
        return "private_key_jwt" if self._vouched(form["client_assertion"], str(request.url)) else None

    def _vouched(self, assertion: str, endpoint: str) -> bool:
        head = json.loads(base64.urlsafe_b64decode(assertion.split(".")[0] + "=="))
        key = self.keys.get(head["alg"])
        if key is None:
            return False
        told = jwt.decode(assertion, key, algorithms=[head["alg"]])
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": CLIENT},
            sub={"essential": True, "value": CLIENT},
            aud={"essential": True, "value": endpoint},
            exp={"essential": True},
            jti={"essential": True},
        )
        rules.validate(told.claims)
        return True

    async def api(self, request: web.Request) -> web.Response:
        authorization = request.headers.get("authorization", "")
        body = await request.read()
        told = {
            "method": request.method,
            "path": request.path,
            "headers": dict(request.headers),
            "body": body.decode(errors="surrogateescape"),
        }
        self.calls.append(told)
        known, (first, _, rest) = (
            authorization.removeprefix("Bearer ") in self.given,
            request.match_info["rest"].partition("/"),
        )
        if first == "quietly":
            return web.json_response({"code": 0 if known else 4011, "msg": "ok" if known else "令牌已失效"})
        if not known:
            return web.json_response({"error": "invalid_token"}, status=401)
        code = int(rest) if first == "says" else 0
        return web.json_response({"code": code, "msg": "ok" if code == 0 else "工单号不存在"})

    async def revoke(self, request: web.Request) -> web.Response:
        self.given.clear()
        return web.json_response({})

    async def let_go(self, request: web.Request) -> web.Response:
        self.slow.set()
        return web.json_response({})

    async def seen(self, request: web.Request) -> web.Response:
        return web.json_response({"fetches": self.fetches, "calls": self.calls})


async def main() -> None:
    # The public keys of the client, by algorithm.
    server = Server({name: JWKRegistry.import_key(key) for name, key in json.loads(sys.argv[1]).items()})
    app = web.Application()
    app.router.add_post("/token", server.token)
    app.router.add_post("/token/{behaviour}", server.token)
    app.router.add_route("*", "/api/{rest:.*}", server.api)
    app.router.add_post("/_/revoke", server.revoke)
    app.router.add_post("/_/let_go", server.let_go)
    app.router.add_get("/_/seen", server.seen)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    # Whoever started this process holds the other end of its standard input: when that closes, this ends too.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
