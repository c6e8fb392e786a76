"""The conformance suite: what every adapter promises, whatever its transport.

A transport joins by subclassing ``AdapterSuite`` as ``Test…`` beside two fixtures: ``adapter``, which goes by the
``clock`` of this folder, and ``partner``, a unit's system in another process. A behaviour that a transport cannot have
is left out of ``Partner.behaviours``; the claims about it are skipped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Protocol

import pytest

from contracts.nouns import Connection, Receipt, RenderedLetter
from contracts.port import Adapter, DeliveryFailed, Refused, Unauthorised, Unavailable

LIMIT_SECONDS = 0.6
# What a shared machine may take longer than the limit says; the partner itself would hang for two minutes.
GRACE_SECONDS = 2.0


class Behaviour(StrEnum):
    """How a unit's system can meet a letter."""

    PROCESSES = "processes"
    RECEIVES = "receives"
    BUSY = "busy"
    HANGS = "hangs"
    DRIPS = "drips"
    RESETS = "resets"
    BREAKS_OFF = "breaks_off"
    FLOODS = "floods"
    TALKS_GIBBERISH = "talks_gibberish"
    REFUSES = "refuses"
    DOES_NOT_TRUST = "does_not_trust"
    IS_GONE = "is_gone"
    NOT_THERE = "not_there"
    FALSE_CERTIFICATE = "false_certificate"


@dataclass(frozen=True, slots=True)
class SeenLetter:
    """A letter as the unit's system saw it: its id, its bytes, and the moment that the attempt claims."""

    letter_id: str
    body: bytes
    attempted_at: str


class Partner(Protocol):
    """A unit's system that behaves as told. Its ``busy`` answer asks for seven seconds' rest."""

    behaviours: frozenset[Behaviour]

    def connection(self, behaviour: Behaviour, timeout_seconds: float = 10.0) -> Connection:
        """A new connection to a unit that behaves so."""
        ...

    async def seen(self, connection: Connection, at_least: int = 0) -> Sequence[SeenLetter]:
        """The letters that reached the unit over this connection, in order; waits until there are so many."""
        ...


class MovingClock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self._moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        """The moment it stands at."""
        return self._moment

    def move(self, step: timedelta) -> None:
        """Go on."""
        self._moment += step


def a_letter(serial: int = 42, size: int = 0) -> RenderedLetter:
    """A dispatch on its way, with Chinese text in it."""
    body = f'{{"specversion":"1.0","id":"{serial}","data":{{"地点":"衢江路{serial}号{"井" * size}"}}}}'.encode()
    return RenderedLetter(
        letter_id=f"ltr_1-{serial}",
        case_number=f"330800-20261123-{serial:06}",
        contract="case.dispatch/1.0",
        content_type="application/cloudevents+json; charset=utf-8",
        body=body,
        digest=sha256(body).digest(),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


class AdapterSuite:
    """The claims."""

    async def test_a_letter_that_the_unit_dealt_with_is_processed(self, adapter: Adapter, partner: Partner) -> None:
        connection = _met(partner, Behaviour.PROCESSES)
        delivered = await adapter.deliver(connection, a_letter())
        assert delivered.receipt is Receipt.PROCESSED
        assert [letter.body for letter in await partner.seen(connection)] == [a_letter().body]

    async def test_a_letter_that_the_unit_only_took_is_received(self, adapter: Adapter, partner: Partner) -> None:
        delivered = await adapter.deliver(_met(partner, Behaviour.RECEIVES), a_letter())
        assert delivered.receipt is Receipt.RECEIVED

    async def test_a_busy_unit_names_the_time_to_come_back(self, adapter: Adapter, partner: Partner) -> None:
        with pytest.raises(Unavailable) as caught:
            await adapter.deliver(_met(partner, Behaviour.BUSY), a_letter())
        assert caught.value.retry_after_seconds == 7.0

    @pytest.mark.parametrize("behaviour", [Behaviour.HANGS, Behaviour.DRIPS])
    async def test_a_unit_that_never_finishes_its_answer_leaves_the_letter_in_doubt_when_the_time_is_up(
        self, adapter: Adapter, partner: Partner, behaviour: Behaviour
    ) -> None:
        connection = _met(partner, behaviour, LIMIT_SECONDS)
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            async with asyncio.timeout(LIMIT_SECONDS + GRACE_SECONDS):
                await adapter.deliver(connection, a_letter())
        assert caught.value.in_doubt
        assert time.monotonic() - started > LIMIT_SECONDS * 0.9

    @pytest.mark.parametrize("behaviour", [Behaviour.RESETS, Behaviour.BREAKS_OFF, Behaviour.TALKS_GIBBERISH])
    async def test_a_call_that_breaks_after_the_letter_went_out_leaves_it_in_doubt(
        self, adapter: Adapter, partner: Partner, behaviour: Behaviour
    ) -> None:
        connection = _met(partner, behaviour)
        with pytest.raises(Unavailable) as caught:
            await adapter.deliver(connection, a_letter())
        assert caught.value.in_doubt
        assert len(await partner.seen(connection)) == 1, "an adapter never sends a letter twice by itself"

    async def test_a_unit_that_is_not_there_is_unavailable_and_surely_has_nothing(
        self, adapter: Adapter, partner: Partner
    ) -> None:
        with pytest.raises(Unavailable) as caught:
            await adapter.deliver(_met(partner, Behaviour.NOT_THERE), a_letter())
        assert not caught.value.in_doubt

    async def test_a_refusal_keeps_what_the_unit_said(self, adapter: Adapter, partner: Partner) -> None:
        with pytest.raises(Refused) as caught:
            await adapter.deliver(_met(partner, Behaviour.REFUSES), a_letter())
        assert "无此案件" in caught.value.answer.decode()

    @pytest.mark.parametrize("behaviour", [Behaviour.DOES_NOT_TRUST, Behaviour.IS_GONE, Behaviour.FALSE_CERTIFICATE])
    async def test_what_every_letter_would_meet_alike_calls_a_person(
        self, adapter: Adapter, partner: Partner, behaviour: Behaviour
    ) -> None:
        with pytest.raises(Unauthorised):
            await adapter.deliver(_met(partner, behaviour), a_letter())

    async def test_of_an_endless_answer_a_little_is_kept_and_no_more_is_read(
        self, adapter: Adapter, partner: Partner
    ) -> None:
        delivered = await adapter.deliver(_met(partner, Behaviour.FLOODS), a_letter())
        assert 0 < len(delivered.answer) <= 2048

    async def test_a_letter_sent_again_has_the_same_id_and_bytes_at_a_new_time(
        self, adapter: Adapter, partner: Partner, clock: MovingClock
    ) -> None:
        connection = _takes(partner)
        await adapter.deliver(connection, a_letter())
        clock.move(timedelta(seconds=90))
        await adapter.deliver(connection, a_letter())
        first, second = await partner.seen(connection)
        assert (first.letter_id, first.body) == (second.letter_id, second.body)
        assert first.attempted_at != second.attempted_at

    async def test_two_hundred_letters_stuck_at_one_unit_hold_up_none_of_another(
        self, adapter: Adapter, partner: Partner
    ) -> None:
        slow, quick = _met(partner, Behaviour.HANGS, 30.0), _takes(partner)
        stuck = [asyncio.ensure_future(adapter.deliver(slow, a_letter(serial))) for serial in range(200)]
        try:
            await partner.seen(slow, at_least=len(stuck))
            delivered = await asyncio.gather(*[adapter.deliver(quick, a_letter(serial)) for serial in range(50)])
            assert len(delivered) == 50
            assert not any(task.done() for task in stuck)
        finally:
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    @pytest.mark.parametrize("behaviour", list(Behaviour))
    async def test_only_the_three_failures_of_the_port_come_out_and_none_of_them_tells_a_secret(
        self, adapter: Adapter, partner: Partner, behaviour: Behaviour
    ) -> None:
        try:
            await adapter.deliver(_met(partner, behaviour, LIMIT_SECONDS), a_letter())
        except DeliveryFailed as failure:
            assert isinstance(failure, Unavailable | Refused | Unauthorised)
            assert failure.reason
            assert "衢江路" not in failure.reason
            assert len(failure.answer) <= 2048
            # The reason may be shown: it has no chain back to a client's error that quotes the whole address.
            assert failure.__cause__ is None
            assert failure.__suppress_context__ or failure.__context__ is None


def _met(partner: Partner, behaviour: Behaviour, timeout_seconds: float = 10.0) -> Connection:
    if behaviour not in partner.behaviours:
        pytest.skip(f"a unit of this transport never {behaviour}")
    return partner.connection(behaviour, timeout_seconds)


def _takes(partner: Partner) -> Connection:
    """A unit that has nothing against a letter, whatever of that its transport can say."""
    return _met(partner, Behaviour.PROCESSES if Behaviour.PROCESSES in partner.behaviours else Behaviour.RECEIVES)
