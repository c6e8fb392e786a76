"""A key that another process has just issued is known here too, and guessing at keys costs the database nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from auth.api_keys import CredentialRow, KeyCheck, MintedKey, mint
from auth.principal import Fault, NotAuthenticated, Scope
from hub.fresh_keys import AGAIN_SECONDS, FreshKeys
from hub.store import registry as store
from tests.ways.conftest import House

pytestmark = pytest.mark.way


class Reading:
    """Reads the keys of a house, and counts how often."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.times = 0

    async def __call__(self) -> list[CredentialRow]:
        self.times += 1
        async with self.house.pool.acquire() as conn:
            return await store.keys(conn)


def a_key() -> MintedKey:
    return mint("water", [Scope.UNIT], datetime.now(UTC))


async def issued_elsewhere(house: House) -> MintedKey:
    key = a_key()
    async with house.pool.acquire() as conn:
        await store.add_key(conn, key.row)
    return key


async def refused(keys: FreshKeys, text: str) -> Fault:
    with pytest.raises(NotAuthenticated) as caught:
        await keys.check(f"Bearer {text}")
    return caught.value.fault


async def test_a_key_that_another_process_issued_just_now_is_known_at_its_first_call(house: House) -> None:
    reading, key = Reading(house), await issued_elsewhere(house)
    keys = FreshKeys(KeyCheck(), reading, house.say)
    assert (await keys.check(f"Bearer {key.text.reveal()}")).credential_id == key.row.key_id
    assert (await keys.check(f"Bearer {key.text.reveal()}")).unit_id == "water"
    assert reading.times == 1


async def test_a_session_of_a_key_that_another_process_issued_is_known_too(house: House) -> None:
    key = await issued_elsewhere(house)
    keys = FreshKeys(KeyCheck(), Reading(house), house.say)
    assert (await keys.principal_of(key.row.key_id)).unit_id == "water"


async def test_many_calls_with_a_new_key_at_once_wait_for_one_reading(house: House) -> None:
    reading, key = Reading(house), await issued_elsewhere(house)
    keys = FreshKeys(KeyCheck(), reading, house.say)
    found = await asyncio.gather(*(keys.check(f"Bearer {key.text.reveal()}") for _ in range(50)))
    assert {each.credential_id for each in found} == {key.row.key_id} and reading.times == 1


async def test_guesses_read_the_keys_once_a_second_however_many_they_are(house: House) -> None:
    reading, now = Reading(house), [100.0]
    keys = FreshKeys(KeyCheck(), reading, house.say, lambda: now[0])
    for second in range(3):
        now[0] = 100.0 + second * AGAIN_SECONDS
        assert {await refused(keys, a_key().text.reveal()) for _ in range(40)} == {Fault.UNKNOWN}
    assert reading.times == 3


async def test_what_is_no_key_at_all_is_never_looked_for(house: House) -> None:
    reading, text = Reading(house), a_key().text.reveal()
    keys = FreshKeys(KeyCheck(), reading, house.say)
    torn = [text[:-1], text[:-1] + ("0" if text[-1] != "0" else "1"), "chk_nobody", "", "密钥"]
    assert {await refused(keys, each) for each in torn} == {Fault.MALFORMED}
    assert reading.times == 0


async def test_a_store_that_is_away_refuses_a_key_and_breaks_nothing(house: House) -> None:
    key = await issued_elsewhere(house)
    away = [True]

    async def read() -> list[CredentialRow]:
        if away.pop():
            raise ConnectionRefusedError
        return [key.row]

    now = [0.0]
    keys = FreshKeys(KeyCheck(), read, house.say, lambda: now[0])
    assert await refused(keys, key.text.reveal()) is Fault.UNKNOWN
    assert house.heard("store.troubled")
    away.append(False)
    now[0] += AGAIN_SECONDS
    assert (await keys.check(key.text.reveal())).unit_id == "water"
