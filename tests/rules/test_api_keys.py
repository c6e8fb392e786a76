"""API keys and console sessions: who is let in, and who is told what."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.api_keys import KEY_PATTERN, CredentialRow, KeyCheck, MintedKey, digest_of, mint, well_formed
from auth.principal import Checks, Fault, NotAuthenticated, Scope
from auth.redaction import Secret
from auth.sessions import COOKIE_NAME, Sessions, clear_cookie, set_cookie

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SESSIONS = Sessions(keys=(b"k" * 32,))


def a_key(unit_id: str = "water", expires_at: datetime | None = None) -> MintedKey:
    return mint(unit_id, {Scope.UNIT}, NOW, note="production", expires_at=expires_at)


def a_check(*rows: CredentialRow, at: datetime = NOW) -> KeyCheck:
    return KeyCheck(rows, clock=at.timestamp)


def fault_of(check: Checks, header_value: str) -> Fault:
    with pytest.raises(NotAuthenticated) as caught:
        check.check(header_value)
    return caught.value.fault


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer {}", "BEARER   {} "])
def test_a_minted_key_names_its_unit_in_either_header(form: str) -> None:
    key = a_key()
    principal = a_check(key.row).check(form.format(key.text.reveal()))
    assert (principal.unit_id, principal.credential_id) == ("water", key.row.key_id)
    assert principal.may(Scope.UNIT) and not principal.may(Scope.ADMIN)


def test_two_keys_of_a_unit_live_at_once_so_that_one_can_replace_the_other() -> None:
    old, new = a_key(), a_key()
    check = a_check(old.row, new.row)
    assert check.check(old.text.reveal()).unit_id == check.check(new.text.reveal()).unit_id == "water"
    check.refresh([replace(old.row, revoked_at=NOW), new.row])
    assert fault_of(check, old.text.reveal()) is Fault.REVOKED
    assert check.check(new.text.reveal()).credential_id == new.row.key_id


def test_the_kept_row_does_not_hold_the_secret() -> None:
    key = a_key()
    secret = key.text.reveal().rpartition("_")[2]
    assert secret not in repr(key) and secret not in repr(key.row)
    assert secret.encode() not in key.row.digest
    assert key.row.digest == digest_of(key.text.reveal())


def test_a_key_is_over_at_the_moment_it_expires_and_not_before() -> None:
    key = a_key(expires_at=NOW + timedelta(hours=1))
    text = key.text.reveal()
    assert a_check(key.row, at=NOW + timedelta(minutes=59)).check(text)
    assert fault_of(a_check(key.row, at=NOW + timedelta(hours=1)), text) is Fault.EXPIRED


def test_a_key_whose_secret_is_wrong_is_not_told_that_it_was_revoked() -> None:
    key, other = a_key(), a_key()
    forged = replace(other.row, key_id=key.row.key_id, revoked_at=NOW)
    assert fault_of(a_check(forged), key.text.reveal()) is Fault.UNKNOWN


def test_a_truncated_paste_is_told_from_a_key_that_is_not_known() -> None:
    key = a_key()
    text = key.text.reveal()
    assert all(fault_of(a_check(key.row), text[:length]) is Fault.MALFORMED for length in range(len(text)))
    assert fault_of(a_check(), text) is Fault.UNKNOWN


@given(st.integers(0, 64), st.sampled_from("0aZ"))
def test_a_key_with_one_letter_wrong_is_never_let_in(place: int, letter: str) -> None:
    key = a_key()
    text = key.text.reveal()
    changed = text[: place % len(text)] + letter + text[place % len(text) + 1 :]
    if changed != text:
        assert not well_formed(changed)
        assert fault_of(a_check(key.row), changed) in {Fault.MALFORMED, Fault.UNKNOWN}


@given(st.text(max_size=200))
def test_whatever_a_header_holds_it_is_refused_and_breaks_nothing(text: str) -> None:
    assert fault_of(a_check(a_key().row), text) in {Fault.MALFORMED, Fault.UNKNOWN}
    assert fault_of(a_check(a_key().row), "Bearer chk_" + text) in {Fault.MALFORMED, Fault.UNKNOWN}


def test_no_two_keys_are_alike_and_a_scanner_finds_each() -> None:
    texts = {a_key().text.reveal() for _ in range(200)}
    assert len(texts) == 200
    assert all(re.search(KEY_PATTERN, f'export KEY="{text}"') for text in texts)


def test_a_secret_shows_itself_nowhere_but_when_asked() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret!s} {[secret]}"
    assert secret.reveal() == "hunter2"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_session_names_the_credential_until_it_is_over() -> None:
    text = SESSIONS.issue("abc123", NOW)
    assert SESSIONS.read(text, NOW + timedelta(hours=9)).credential_id == "abc123"
    with pytest.raises(NotAuthenticated) as caught:
        SESSIONS.read(text, NOW + SESSIONS.lasts)
    assert caught.value.fault is Fault.EXPIRED


def test_a_revoked_key_ends_its_sessions() -> None:
    key = a_key()
    check = a_check(key.row)
    session = SESSIONS.read(SESSIONS.issue(key.row.key_id, NOW), NOW)
    assert check.principal_of(session.credential_id).unit_id == "water"
    check.refresh([replace(key.row, revoked_at=NOW)])
    with pytest.raises(NotAuthenticated):
        check.principal_of(session.credential_id)


@given(st.data())
def test_a_session_with_one_character_wrong_is_refused(data: st.DataObject) -> None:
    text = SESSIONS.issue("abc123", NOW)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("Aa0.-_=é"))
    changed = text[:place] + letter + text[place + 1 :]
    # The last character of an unpadded base64 text has bits that say nothing; such a text says the same.
    if changed[:-1] != text[:-1]:
        with pytest.raises(NotAuthenticated):
            SESSIONS.read(changed, NOW)


@given(st.text(max_size=100))
def test_whatever_a_cookie_holds_it_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        SESSIONS.read(text, NOW)


def test_a_session_survives_the_rotation_of_its_signing_key_until_the_old_key_goes() -> None:
    text = SESSIONS.issue("abc123", NOW)
    rotated = Sessions(keys=(b"n" * 32, b"k" * 32))
    assert rotated.read(text, NOW).credential_id == "abc123"
    with pytest.raises(NotAuthenticated):
        Sessions(keys=(b"n" * 32,)).read(text, NOW)


def test_a_cookie_is_kept_from_scripts_and_from_other_sites() -> None:
    cookie = set_cookie("v1.a.b", secure=True)
    assert cookie.startswith(f"{COOKIE_NAME}=v1.a.b; ")
    assert {"HttpOnly", "Secure", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in set_cookie("v1.a.b", secure=False)
    assert "Max-Age=0" in clear_cookie(secure=True)
