"""The shipped profile of the water company, spoken to an .asmx of 2009: GBK XML in a string, a code inside a 200."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.soap import SoapAdapter, SoapCalls
from contracts.nouns import Connection, Receipt
from contracts.port import Refused, Unavailable
from tests.conformance.shipped import KeptPhotos, NamedSecrets, a_dispatch, a_letter_of, loopback, shipped_connection


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The water company's system, in another process."""
    program = str(Path(__file__).with_name("water_partner.py"))
    process = subprocess.Popen([sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
async def adapter() -> AsyncIterator[SoapAdapter]:
    """An adapter that may call this machine."""
    http = HttpCalls(OutboundGuard(allow=loopback()), "0.1.0")
    adapter = SoapAdapter(SoapCalls(Authenticator(NamedSecrets({}), http)), KeptPhotos({}))
    yield adapter
    await adapter.close()
    await http.close()


def answering(port: int, code: str) -> Connection:
    """The company's connection, to a system that answers this code to everything."""
    made = shipped_connection("water_asmx", f"http://127.0.0.1:{port}/szcg/{code}")
    return replace(made, connection_id=f"water.{code}")


def taken(port: int) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


async def test_the_company_reads_a_dispatch_out_of_its_gbk_string(adapter: SoapAdapter, port: int) -> None:
    delivered = await adapter.deliver(answering(port, "0"), a_dispatch())
    assert delivered.receipt is Receipt.PROCESSED
    case = taken(port)[-1]
    assert case["root"] == "CASE"
    assert case["fields"]["TYPENAME"] == "通讯井盖" and case["fields"]["DEADLINE"] == "2026-11-23 13:13:00"


async def test_a_letter_that_gbk_lacks_is_still_read_from_gbk_bytes(adapter: SoapAdapter, port: int) -> None:
    await adapter.deliver(answering(port, "0"), a_dispatch(description="𠮷祥路井盖破损"))
    assert taken(port)[-1]["fields"]["CONTENT"] == "𠮷祥路井盖破损"


async def test_a_recall_goes_the_same_way(adapter: SoapAdapter, port: int) -> None:
    await adapter.deliver(answering(port, "0"), a_letter_of("case.recall_notice"))
    assert taken(port)[-1]["root"] == "CANCEL"


async def test_a_code_inside_a_200_is_a_refusal_with_the_companys_words(adapter: SoapAdapter, port: int) -> None:
    with pytest.raises(Refused, match="返回 5"):
        await adapter.deliver(answering(port, "5"), a_dispatch())


async def test_the_code_for_busy_is_a_retry_after_the_profiles_time(adapter: SoapAdapter, port: int) -> None:
    with pytest.raises(Unavailable) as caught:
        await adapter.deliver(answering(port, "99"), a_dispatch())
    assert caught.value.retry_after_seconds == 60


async def test_a_category_that_the_table_lacks_buries_the_letter_and_names_the_line(
    adapter: SoapAdapter, port: int
) -> None:
    with pytest.raises(Refused, match="profile line"):
        await adapter.deliver(answering(port, "0"), a_dispatch(category_code="C9999"))
