"""The shipped profile of the water company, spoken to an .asmx of 2009: GBK XML in a string, a code inside a 200."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.soap import SoapAdapter, SoapCalls
from contracts.nouns import Connection, Receipt
from contracts.port import Refused, Unavailable
from tests.conformance.shipped import (
    PROFILES,
    KeptPhotos,
    NamedSecrets,
    a_dispatch,
    a_letter_of,
    loopback,
    shipped_connection,
)
from tests.values import replace


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


@pytest.fixture(scope="module")
def php() -> Iterator[str]:
    """The company's service on PHP's own SoapServer; skipped where PHP or its SOAP extension is not installed."""
    if shutil.which("php") is None or b"soap" not in subprocess.run(["php", "-m"], capture_output=True).stdout:
        pytest.skip("PHP's SoapServer needs Debian's php-cli and php-soap")
    process = subprocess.Popen(
        ["php", "-S", "127.0.0.1:0", str(Path(__file__).with_name("php") / "water.php")],
        env={**os.environ, "WSDL": str(PROFILES / "water_asmx/water.wsdl")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        started = re.search(r"\(http://(.*)\) started", process.stderr.readline())
        assert started is not None
        yield f"http://{started[1]}/"
    finally:
        process.kill()
        process.communicate()


async def test_phps_soap_server_takes_a_dispatch_and_is_understood(adapter: SoapAdapter, php: str) -> None:
    delivered = await adapter.deliver(shipped_connection("water_asmx", php), a_dispatch(description="𠮷祥路井盖破损"))
    assert delivered.receipt is Receipt.PROCESSED
    assert "𠮷祥路井盖破损" in delivered.answer.decode() and "通讯井盖" in delivered.answer.decode()


async def test_a_fault_of_phps_soap_server_is_understood(adapter: SoapAdapter, php: str) -> None:
    made = shipped_connection("water_asmx", php)
    said = made.settings["profile"]["connections"][0]
    mapping = json.loads(json.dumps(said["mapping"]).replace('"SZCG"', '"NOBODY"'))
    profile = {**made.settings["profile"], "connections": [{**said, "mapping": mapping}]}
    wrong = replace(made, connection_id="water.nobody", settings={**made.settings, "profile": profile})
    with pytest.raises(Refused) as caught:
        await adapter.deliver(wrong, a_dispatch())
    assert "sender" in caught.value.answer.decode()
