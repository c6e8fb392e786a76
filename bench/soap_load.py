"""Calls of SOAP services, by the hub's adapter with every check on and by bare zeep, in turns.

Reads one JSON line {"ports", "seconds", "rounds", "callers"}; writes one: for each profile and way, calls a second and
microseconds of CPU a call, by round; with them what the mapping alone takes of it ("mapping": microseconds).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from hashlib import sha256
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import orjson
import uvloop
import zeep
from zeep.wsse.signature import BinarySignature
from zeep.wsse.username import UsernameToken

from adapters import profiles
from adapters.documents.writing import wrap_documents
from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.mapping import mapper_of
from adapters.soap import SoapAdapter, SoapCalls
from auth.port import SigningSecrets
from bench.signing import a_signing_certificate
from contracts.nouns import Connection, RenderedLetter
from contracts.port import Photo
from contracts.profile import Profile
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from contracts.samples import VALID
from hub.process_life import settle_garbage
from hub.registry import connections_of

_CLIENT: Any = zeep.Client
_USERNAME_TOKEN: Any = UsernameToken
_BINARY_SIGNATURE: Any = BinarySignature
FOLDER = Path(str(profiles.__file__)).parent
THREADS = 8
"""Of bare zeep: more do not make it faster."""
MAPPINGS = 2_000
_NUMBER = "330800-20261123-000042"
_TEXT = "人行道通讯井盖破损,井口外露约十厘米"
_CASE = (
    f'<?xml version="1.0" encoding="GBK"?><CASE ver="1.2"><TASKNUM>{_NUMBER}</TASKNUM><CONTENT>{_TEXT}</CONTENT></CASE>'
)
BARE: Mapping[str, tuple[str, dict[str, Any]]] = {
    "water_asmx": ("SubmitCase", {"xml": _CASE, "sender": "SZCG"}),
    "gas_axis": (
        "addCase",
        {
            **{"caseNo": _NUMBER, "seq": 1, "type": "C0107", "typeName": "通讯井盖", "memo": _TEXT, "lon": "118.8712"},
            **{"lat": "28.9503", "limitTime": 1795410780000, "pics": "att_01", "token": "szcg"},
        },
    ),
    "power_wsse": (
        "receiveOrder",
        {
            "order": {
                **{"orderNo": _NUMBER, "round": 1, "kind": "C0107", "title": "通讯井盖", "text": _TEXT},
                "place": {"lng": "118.8712", "lat": "28.9503", "address": "上街", "datum": "CGCS2000"},
                "urgent": True,
            }
        },
    ),
}


@cache
def _certificate() -> str:
    return a_signing_certificate()


class Secrets:
    """The secrets of the three units."""

    def __init__(self) -> None:
        self._held = {"axis-token": "szcg", "wsse-password": "secret", "signing-certificate": _certificate()}

    async def signing(self, connection_id: str) -> SigningSecrets:
        """None."""
        return SigningSecrets()

    async def named(self, unit_id: str, name: str) -> str:
        """The secret."""
        return self._held[name]


class NoPhotos:
    """No photos: the letters name none."""

    async def photo(self, attachment_id: str) -> Photo:
        """None."""
        raise KeyError(attachment_id)


async def main() -> None:
    """All rounds."""
    told = json.loads(sys.stdin.readline())
    http = HttpCalls(OutboundGuard(allow=(IPv4Network("127.0.0.0/8"),)), "bench")
    adapter = SoapAdapter(SoapCalls(Authenticator(Secrets(), http)), NoPhotos())
    made: dict[str, dict[str, list[Any]]] = {}
    # As the hub's workers do; it serves both ways.
    settle_garbage()
    for _ in range(told["rounds"]):
        for name, port in told["ports"].items():
            hub = await _by_hub(adapter, _connection(name, port), told["callers"], told["seconds"])
            bare = await asyncio.to_thread(_by_zeep, name, port, told["seconds"])
            of = made.setdefault(name, {"hub": [], "zeep": [], "mapping": []})
            of["hub"].append(hub)
            of["zeep"].append(bare)
            of["mapping"].append(_mapping_us(_connection(name, port)))
    await adapter.close()
    await http.close()
    print(json.dumps(made), flush=True)


async def _by_hub(adapter: SoapAdapter, connection: Connection, callers: int, seconds: float) -> tuple[float, float]:
    """Calls a second and CPU a call, after the first of them has made everything ready."""
    await adapter.deliver(connection, _letter(0))
    until, count = time.perf_counter() + seconds, 0

    async def call() -> None:
        nonlocal count
        while time.perf_counter() < until:
            count += 1
            await adapter.deliver(connection, _letter(count))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call() for _ in range(callers)))
    return _rates(count, began, cpu)


def _mapping_us(connection: Connection) -> float:
    """Of one letter: the field table, and the document inside a string where there is one."""
    mapper, event = mapper_of(connection.settings), orjson.loads(_letter(1).body)
    began = time.process_time()
    for _ in range(MAPPINGS):
        wrap_documents(mapper.values("case.dispatch", event), mapper.written_out("case.dispatch"))
    return (time.process_time() - began) / MAPPINGS * 1e6


def _by_zeep(name: str, port: int, seconds: float) -> tuple[float, float]:
    calls = [_zeep_call(name, port) for _ in range(THREADS)]
    for call in calls:
        call()
    until = time.perf_counter() + seconds

    def work(call: Callable[[], None]) -> int:
        count = 0
        while time.perf_counter() < until:
            call()
            count += 1
        return count

    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(THREADS) as threads:
        count = sum(threads.map(work, calls))
    return _rates(count, began, cpu)


def _zeep_call(name: str, port: int) -> Callable[[], None]:
    operation, arguments = BARE[name]
    (wsdl,) = (FOLDER / name).glob("*.wsdl")
    client = _CLIENT(
        str(wsdl), wsse=_zeep_security() if name == "power_wsse" else None, transport=_Local(FOLDER / name)
    )
    binding = next(iter(client.wsdl.bindings))
    service = client.create_service(binding, f"http://127.0.0.1:{port}/")

    def call() -> None:
        service[operation](**arguments)

    return call


class _AllOf:
    """Several of zeep's; the partner's answers are not signed, so nothing is verified."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def apply(self, envelope: Any, headers: Any) -> tuple[Any, Any]:
        """One after the other."""
        for part in self.parts:
            envelope, headers = part.apply(envelope, headers)
        return envelope, headers

    def verify(self, envelope: Any) -> Any:
        """As it is."""
        return envelope


def _zeep_security() -> _AllOf:
    """A digest, and a signature where xmlsec is installed, which zeep signs with and the hub does not need."""
    made = [_USERNAME_TOKEN("szcg", "secret", use_digest=True)]
    if importlib.util.find_spec("xmlsec") is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(_certificate())
            file.flush()
            made.append(_BINARY_SIGNATURE(file.name, file.name))
    return _AllOf(made)


class _Local(zeep.Transport):
    """zeep's own transport; the schema of SOAP's encoding alone is not fetched from the network."""

    def __init__(self, folder: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder

    def load(self, url: str) -> bytes:
        """A document of the profile's folder."""
        if url.startswith("http://schemas.xmlsoap.org/soap/encoding"):
            return (FOLDER.parent / "soap" / "soap_encoding.xsd").read_bytes()
        return (self.folder / Path(url).name).read_bytes()


def _rates(count: int, began: float, cpu: float) -> tuple[float, float]:
    return count / (time.perf_counter() - began), (time.process_time() - cpu) / count * 1e6


def shipped(name: str) -> Profile:
    """A shipped profile, with its WSDL."""
    text = (FOLDER / name / "profile.yaml").read_text(encoding="utf-8")
    return read_profile(with_files(text, lambda file: (FOLDER / name / file).read_text(encoding="utf-8")))[0]


def _connection(name: str, port: int) -> Connection:
    profile = shipped(name)
    (connection,) = connections_of(profile, 1)
    return replace(connection, settings={**connection.settings, "endpoint": f"http://127.0.0.1:{port}/"})


def _letter(number: int) -> RenderedLetter:
    data = {name: value for name, value in VALID["case.dispatch/1.0"].items() if name != "photos"}
    letter_id = f"L{number:012d}"
    event = {"specversion": "1.0", "id": letter_id, "source": "/cityhub", "type": "case.dispatch", "subject": _NUMBER}
    body = orjson.dumps({**event, "time": "2026-11-23T09:13:00+08:00", "mode": "live", "data": data})
    digest = sha256(body).digest()
    return RenderedLetter(letter_id, _NUMBER, "case.dispatch/1.0", "application/cloudevents+json", body, digest)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
