"""The shipped profile of the gas company, spoken to a real Axis 1.4: RPC/encoded, multiRefs, faults."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.guard import OutboundGuard
from adapters.http.authentication import Authenticator
from adapters.http.calls import HttpCalls
from adapters.soap import SoapAdapter, SoapCalls
from contracts.nouns import Connection, Receipt
from contracts.port import Refused, Unauthorised, Unavailable
from tests.conformance.axis_unit import AxisUnit, an_axis_unit
from tests.conformance.shipped import KeptPhotos, NamedSecrets, a_dispatch, loopback, shipped_connection
from tests.values import replace


@pytest.fixture(scope="module")
def axis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AxisUnit]:
    """One Axis for the claims of this file."""
    with an_axis_unit(Path(tmp_path_factory.mktemp("axis"))) as unit:
        yield unit


@pytest.fixture
def gas(axis: AxisUnit) -> Connection:
    """The gas company's connection, to this Axis."""
    return shipped_connection("gas_axis", axis.endpoint)


@pytest.fixture
async def http() -> AsyncIterator[HttpCalls]:
    """Calls to this machine."""
    made = HttpCalls(OutboundGuard(allow=loopback()), "0.1.0")
    yield made
    await made.close()


@pytest.fixture
async def calls(http: HttpCalls) -> AsyncIterator[SoapCalls]:
    """Calls with the company's token in the safe."""
    made = SoapCalls(Authenticator(NamedSecrets({"axis-token": "szcg"}), http))
    yield made
    await made.close()


@pytest.fixture
def adapter(calls: SoapCalls) -> SoapAdapter:
    """The adapter."""
    return SoapAdapter(calls, KeptPhotos({}))


async def test_axis_takes_a_dispatch_with_every_argument_as_java_declared_it(
    adapter: SoapAdapter, gas: Connection, axis: AxisUnit
) -> None:
    delivered = await adapter.deliver(gas, a_dispatch())
    assert delivered.receipt is Receipt.PROCESSED
    told, asked = axis.journal()[-2:]
    assert told == (
        "330800-20261123-000042|1|C0107|通讯井盖|人行道通讯井盖破损,井口外露约十厘米;上街与新桥街路口东北角"
        "|118.8712|28.9503|1795410780000|att_01"
    )
    assert "urn:cityhub:letter:L000000000001" in asked and 'type="xsd:long"' in asked


async def test_an_argument_without_a_value_reaches_axis_as_null(
    adapter: SoapAdapter, gas: Connection, axis: AxisUnit
) -> None:
    await adapter.deliver(gas, a_dispatch(photos=()))
    assert axis.journal()[-2].endswith("|null")


async def test_a_code_inside_axis_answer_is_a_refusal(adapter: SoapAdapter, gas: Connection) -> None:
    with pytest.raises(Refused, match="无此类别"):
        await adapter.deliver(gas, a_dispatch(category_code="C9999"))


async def test_an_exception_in_the_java_code_may_pass(calls: SoapCalls, gas: Connection) -> None:
    answer = await calls.call(gas, "addCase", {"token": "szcg", "seq": 1, "limitTime": 1}, message_id="L2")
    assert isinstance(answer.outcome, Unavailable) and answer.outcome.in_doubt


async def test_a_wrong_token_calls_a_person(http: HttpCalls, gas: Connection) -> None:
    adapter = SoapAdapter(SoapCalls(Authenticator(NamedSecrets({"axis-token": "old"}), http)), KeptPhotos({}))
    with pytest.raises(Unauthorised):
        await adapter.deliver(gas, a_dispatch())


async def test_axis_reads_arrays_of_beans_and_of_texts(calls: SoapCalls, gas: Connection) -> None:
    plain = replace(gas, connection_id="gas.arrays", settings={**gas.settings, "secrets": []})
    arguments: dict[str, Any] = {"replies": [{"code": 3, "message": "a"}, {"code": 4}], "pics": ["x", "y", "z"]}
    answer = await calls.call(plain, "addAll", arguments, message_id="L3")
    assert answer.document == {"addAllResponse": {"addAllReturn": "703"}}
