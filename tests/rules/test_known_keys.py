"""A key that nobody here knows: the keys are read once for it, and guessing costs one reading a second."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from auth.api_keys import CredentialRow, KeyCheck, MintedKey, mint
from auth.principal import Fault, NotAuthenticated
from hub.known_keys import EVERY_SECONDS, KnownKeys
from hub.say import say_nothing


def a_key() -> MintedKey:
    return mint("telecom", ["unit"], datetime.now(UTC))


class Kept:
    """Keys as the store has them, and how often it was asked."""

    def __init__(self) -> None:
        self.rows: list[CredentialRow] = []
        self.read, self.now, self.lost = 0, 100.0, False
        self.check = KeyCheck()
        self.known = KnownKeys(self.check, self.read_anew, say_nothing, lambda: self.now)

    async def read_anew(self) -> None:
        self.read += 1
        await asyncio.sleep(0)
        if self.lost:
            raise ConnectionError
        self.check.refresh(self.rows)

    async def refused(self, text: str) -> Fault:
        with pytest.raises(NotAuthenticated) as caught:
            await self.known.check(text)
        return caught.value.fault


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_all_who_come_with_a_new_key_are_let_in_by_one_reading(kept: Kept) -> None:
    made = a_key()
    kept.rows = [made.row]
    callers = await asyncio.gather(*(kept.known.check(made.text.reveal()) for _ in range(50)))
    assert {caller.unit_id for caller in callers} == {"telecom"} and kept.read == 1


async def test_who_guesses_costs_one_reading_a_second(kept: Kept) -> None:
    for _ in range(100):
        assert await kept.refused(a_key().text.reveal()) is Fault.UNKNOWN
    assert kept.read == 1
    kept.now += EVERY_SECONDS
    assert await kept.refused(a_key().text.reveal()) is Fault.UNKNOWN
    assert kept.read == 2


async def test_what_is_no_whole_key_costs_nothing(kept: Kept) -> None:
    text = a_key().text.reveal()
    assert await kept.refused(text[:-1]) is Fault.MALFORMED
    assert await kept.refused("secret") is Fault.MALFORMED
    assert kept.read == 0


async def test_while_the_store_is_away_an_unknown_key_is_refused_as_it_was(kept: Kept) -> None:
    kept.lost = True
    assert await kept.refused(a_key().text.reveal()) is Fault.UNKNOWN
    kept.lost, kept.now, made = False, kept.now + EVERY_SECONDS, a_key()
    kept.rows = [made.row]
    assert (await kept.known.check(made.text.reveal())).credential_id == made.row.key_id
