"""What a connection's profile says of SOAP, made ready once: its WSDL read, its mapping and answer rules compiled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from adapters.answers import Answers
from adapters.mapping import BadTable, Mapper, mapper_of
from adapters.soap.wsdl import Service, WsdlFault, read_wsdl
from contracts.mapping import Format, Written
from contracts.nouns import Connection
from contracts.port import Unauthorised
from contracts.ways.soap import SoapCall, SoapSettings

_THREADS = 2
_KEPT_MAX = 2048
_ANSWERS = Written(format=Format.XML)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One version of a connection, ready to call."""

    settings: SoapSettings
    service: Service
    endpoint: str
    calls: Mapping[str, SoapCall]
    mapper: Mapper | None
    answers: Answers | None
    answers_written: Written


class Preparation:
    """Prepares each version of a connection once, in few threads of its own: reading a WSDL takes milliseconds."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="wsdl")
        self._kept: dict[tuple[str, int], asyncio.Future[Prepared]] = {}

    def at_hand(self, connection: Connection) -> Prepared | None:
        """The connection, if it is ready."""
        kept = self._kept.get((connection.connection_id, connection.profile_version))
        if kept is None or not kept.done() or kept.cancelled() or kept.exception() is not None:
            return None
        return kept.result()

    async def of(self, connection: Connection) -> Prepared:
        """The connection, ready. Raises ``Unauthorised`` where its profile cannot work."""
        key = (connection.connection_id, connection.profile_version)
        kept = self._kept.get(key)
        if kept is None or kept.cancelled():
            loop = asyncio.get_running_loop()
            kept = self._kept[key] = asyncio.ensure_future(
                loop.run_in_executor(self._threads, prepare, connection.settings)
            )
            while len(self._kept) > _KEPT_MAX:
                del self._kept[next(iter(self._kept))]
        try:
            return await asyncio.shield(kept)
        except WsdlFault as fault:
            raise Unauthorised(f"接入档案不可用:{fault.zh} / the profile cannot work: {fault.en}") from None
        except BadTable as fault:
            raise Unauthorised(f"接入档案的映射不可用 / the profile's mapping cannot work: {fault}"[:500]) from None

    async def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def prepare(settings: Mapping[str, Any]) -> Prepared:
    """A connection's settings, ready to call. Raises ``WsdlFault`` or ``BadTable``."""
    own = {name: value for name, value in settings.items() if name in SoapSettings.model_fields}
    said = SoapSettings.model_validate_json(orjson.dumps(own))
    return made_ready(said, mapper_of(settings) if "profile" in settings else None)


def made_ready(said: SoapSettings, mapper: Mapper | None) -> Prepared:
    """What a profile says of SOAP, ready to call. Raises ``WsdlFault``."""
    service = read_service(said)
    return Prepared(
        settings=said,
        service=service,
        endpoint=said.endpoint or service.endpoint,
        calls={call.contract: call for call in said.calls},
        mapper=mapper,
        answers=Answers(said.answers) if said.answers is not None else None,
        answers_written=said.answers.written_as if said.answers is not None else _ANSWERS,
    )


def read_service(said: SoapSettings) -> Service:
    """The service that the settings mean. Raises ``WsdlFault``."""
    if said.wsdl is None:
        zh = f"文件 {said.wsdl_file} 只能由 units apply -f 读入;请在 soap.wsdl 中给出全文"
        en = f"the file {said.wsdl_file} is read by units apply -f alone: give its text as soap.wsdl"
        raise WsdlFault(zh, en, ("wsdl_file",))
    imported: dict[str, str] = {}
    for index, document in enumerate(said.documents):
        if document.text is None:
            zh = f"文件 {document.text_file} 只能由 units apply -f 读入;请在 text 中给出全文"
            en = f"the file {document.text_file} is read by units apply -f alone: give its text as text"
            raise WsdlFault(zh, en, ("documents", index, "text_file"))
        imported[document.location] = document.text
    return read_wsdl(said.wsdl, imported, said.service, said.port)
