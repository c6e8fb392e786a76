"""Secrets at rest: sealed, bound to their name, and open through a rotation of the master key."""

from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.master_keys import MasterKey, MasterKeyFault, MasterKeys, from_texts, load, load_or_create, retire, rotate
from auth.sealing import SealBroken, Sealer, SealFault, key_of
from auth.signing_secrets import (
    NotASigningSecret,
    gather,
    generate_asymmetric,
    generate_symmetric,
    parse_asymmetric,
    parse_public,
    parse_symmetric,
    public_text,
)

OLD, NEW = MasterKey.of(b"o" * 32), MasterKey.of(b"n" * 32)
SEALER = Sealer(MasterKeys((OLD,)))


def fault_of(sealer: Sealer, name: str, text: str) -> SealFault:
    with pytest.raises(SealBroken) as caught:
        sealer.open(name, text)
    return caught.value.fault


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_is_sealed_opens_under_its_own_name(secret: bytes, name: str) -> None:
    assert SEALER.open(name, SEALER.seal(name, secret)) == secret


def test_a_sealed_text_moved_to_another_row_does_not_open() -> None:
    assert fault_of(SEALER, "signing/power/1", SEALER.seal("signing/water/1", b"secret")) is SealFault.DOES_NOT_OPEN


def test_the_same_secret_sealed_twice_reads_differently() -> None:
    assert SEALER.seal("a", b"secret") != SEALER.seal("a", b"secret")


@given(st.data())
def test_a_sealed_text_with_one_character_wrong_does_not_open(data: st.DataObject) -> None:
    text = SEALER.seal("a", b"twelve bytes")
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from("Aa0:=é")) + text[place + 1 :]
    if changed != text:
        assert fault_of(SEALER, "a", changed) in set(SealFault)


@given(st.text(max_size=80))
def test_whatever_is_not_sealed_is_refused_and_breaks_nothing(text: str) -> None:
    assert fault_of(SEALER, "a", text) is SealFault.NOT_SEALED
    assert fault_of(SEALER, "a", f"sealed:v1:{OLD.key_id}:{text}") in set(SealFault)


def test_after_a_rotation_old_texts_open_and_new_ones_go_under_the_new_key() -> None:
    text = SEALER.seal("a", b"secret")
    both = Sealer(MasterKeys((NEW, OLD)))
    assert both.open("a", text) == b"secret"
    resealed = both.reseal("a", text)
    assert resealed is not None
    assert key_of(resealed) == NEW.key_id
    assert both.reseal("a", resealed) is None
    assert Sealer(MasterKeys((NEW,))).open("a", resealed) == b"secret"


def test_a_missing_master_key_is_named() -> None:
    with pytest.raises(SealBroken, match=OLD.key_id):
        Sealer(MasterKeys((NEW,))).open("a", SEALER.seal("a", b"secret"))


def test_nothing_printed_of_a_sealer_or_a_key_holds_the_key() -> None:
    shown = f"{SEALER!r} {OLD!r}"
    assert "ooooooo" not in shown and base64.b64encode(OLD.raw).decode() not in shown


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert len({OLD.derive("sealing"), OLD.derive("sessions"), OLD.raw}) == 3


def test_the_master_key_file_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.keys"
    os_mask = os.umask(0)
    try:
        first = load_or_create(path)
    finally:
        os.umask(os_mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path) == first
    assert [each.name for each in path.parent.iterdir()] == ["master.keys"]


def test_processes_that_start_together_agree_on_one_master_key(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: load_or_create(path), range(32)))
    assert len({keys.newest.key_id for keys in made}) == 1


def test_rotations_at_the_same_time_lose_no_key(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    first = load_or_create(path)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: rotate(path), range(8)))
    found = {key.key_id for key in load(path).keys}
    assert len(found) == 9
    assert first.newest.key_id in found and all(keys.newest.key_id in found for keys in made)


def test_a_retired_master_key_goes_only_when_nothing_is_sealed_under_it(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    old = load_or_create(path).newest
    new = rotate(path).newest
    assert {key.key_id for key in retire(path, still_used=[old.key_id]).keys} == {old.key_id, new.key_id}
    assert [key.key_id for key in retire(path, still_used=[]).keys] == [new.key_id]


def test_a_master_key_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(MasterKeyFault, match="chmod 600"):
        load(path)


@pytest.mark.parametrize("texts", [[], ["short"], ["!!!"], [base64.b64encode(b"x" * 31).decode()]])
def test_a_bad_master_key_stops_the_start(texts: list[str]) -> None:
    with pytest.raises(MasterKeyFault):
        from_texts(texts)


def test_signing_secrets_are_told_by_their_prefix_and_keep_their_order() -> None:
    first, second, private = (
        generate_symmetric().reveal(),
        generate_symmetric().reveal(),
        generate_asymmetric().reveal(),
    )
    gathered = gather([first, private, second])
    assert gathered.symmetric == (parse_symmetric(first), parse_symmetric(second))
    assert gathered.asymmetric == (parse_asymmetric(private),)
    assert private[5:20] not in repr(gathered) and first[6:20] not in repr(gathered)


def test_a_private_key_with_its_public_half_is_the_same_key_and_halves_that_disagree_are_refused() -> None:
    private = generate_asymmetric().reveal()
    seed, public = parse_asymmetric(private), parse_public(public_text(private))
    assert parse_asymmetric("whsk_" + base64.b64encode(seed + public).decode()) == seed
    with pytest.raises(NotASigningSecret):
        parse_asymmetric("whsk_" + base64.b64encode(seed + bytes(32)).decode())


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_****", "whsk_AAAA", "whsec_" + base64.b64encode(b"x" * 23).decode()]
)
def test_a_text_that_is_no_signing_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(NotASigningSecret) as caught:
        gather([text])
    assert len(text) < 7 or text not in str(caught.value)
