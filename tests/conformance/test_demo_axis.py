"""What the demo's partner in Java runs on: found or not, compiled once, and where nothing can be kept beside Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hub.demo.axis import Java, find_java
from hub.demo.foreign import FOLDER

SOURCES = FOLDER / "gas"


@pytest.fixture
def java(tmp_path: Path) -> Java:
    found = find_java()
    if found is None:
        pytest.skip("Debian's default-jdk-headless, libaxis-java and libgoogle-gson-java are not installed")
    return replace(found, kept=tmp_path / "kept")


def test_a_machine_without_java_has_no_axis(tmp_path: Path) -> None:
    assert find_java(str(tmp_path)) is None


def test_a_program_is_compiled_once(java: Java, tmp_path: Path) -> None:
    made = java.compiled(SOURCES, tmp_path / "spare")
    assert made is not None and made.parent == java.kept
    program = made / "GasCompany.class"
    first = program.stat().st_mtime_ns
    assert java.compiled(SOURCES, tmp_path / "spare") == made
    assert program.stat().st_mtime_ns == first
    assert [each.name for each in java.kept.iterdir()] == [made.name]


def test_where_nothing_can_be_kept_it_is_compiled_for_the_day(java: Java, tmp_path: Path) -> None:
    java.kept.write_text("no folder")
    made = java.compiled(SOURCES, tmp_path / "spare")
    assert made is not None and (made / "GasCompany.class").exists() and made.parent == tmp_path / "spare"


def test_a_program_that_does_not_compile_is_none(java: Java, tmp_path: Path) -> None:
    (tmp_path / "gas").mkdir()
    (tmp_path / "gas" / "GasCompany.java").write_text("class GasCompany { int }")
    assert java.compiled(tmp_path / "gas", tmp_path / "spare") is None
