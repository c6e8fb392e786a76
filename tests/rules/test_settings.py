"""Settings: every fault at once, none of them a secret; the command line over the environment over the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.settings import BadSettings, Settings, read


def test_with_nothing_given_the_defaults_hold() -> None:
    assert read({}, {}) == Settings(data=Path("data"))


def test_an_argument_goes_before_a_variable_and_a_variable_before_the_default() -> None:
    settings = read({"port": 1, "host": None}, {"CITYHUB_PORT": "2", "CITYHUB_HOST": "10.0.0.1"})
    assert (settings.port, settings.host) == (1, "10.0.0.1")


def test_each_bad_setting_is_listed_in_both_languages_and_no_password_with_it(tmp_path: Path) -> None:
    bad = {
        "port": "many",
        "processes": "0",
        "log_level": "loud",
        "outbound_allow": "10.1.0.0/16 nowhere",
        "outbound_allow_private": "perhaps",
        "clock_start": "2026-11-23T08:00:00",
        "city": str(tmp_path / "none"),
        "files_root": str(tmp_path / "none"),
        "rabbitmq": "amqp://hub:sesame@one http://hub:sesame@two",
        "rabbitmq_management": "ftp://hub:sesame@one",
    }
    with pytest.raises(BadSettings) as caught:
        read({}, {f"CITYHUB_{name.upper()}": value for name, value in bad.items()})
    named = [fault.partition("=")[0].partition(":")[0] for fault in caught.value.faults]
    assert sorted(named) == sorted(bad)
    assert not any("sesame" in fault for fault in caught.value.faults)


def test_a_management_interface_goes_with_a_broker() -> None:
    with pytest.raises(BadSettings, match="goes with rabbitmq"):
        read({"rabbitmq_management": "http://hub:sesame@one:15672"}, {})
