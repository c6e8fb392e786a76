"""units try and units explain: a mapping on a sample, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.cli import main

WATER = Path(__file__).parents[2] / "adapters/profiles/water_asmx"
PROFILE = str(WATER / "profile.yaml")
SAMPLE = str(WATER / "in.case.feedback.xml")
LINE_OF_RESULT = 1 + Path(PROFILE).read_text(encoding="utf-8").splitlines().index(
    "            - {to: result, from: RESULT, codes: result}"
)


def test_try_shows_sample_and_message_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "try", "-f", PROFILE, SAMPLE]) == 0
    said = capsys.readouterr().out
    assert "soap:Envelope" in said and '"result": "done"' in said


def test_try_out_shows_the_units_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "try", "-f", PROFILE, "--out", "--contract", "case.dispatch", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["made"]
    assert "SubmitCase>" in made and "TASKNUM" in made and "urn:cityhub:letter:" in made


def test_explain_names_line_source_and_value_of_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "explain", "-f", PROFILE, SAMPLE, "--json"]) == 0
    rows = {row["to"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["result"] == {
        "line": LINE_OF_RESULT,
        "from": "RESULT",
        "value": "已修复",
        "did": "codes result",
        "to": "result",
        "made": "done",
    }


def test_a_fault_is_told_in_both_languages_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = tmp_path / "sample.xml"
    sample.write_text(Path(SAMPLE).read_text(encoding="utf-8").replace("已修复", "\x1b]0;evil\x07"), encoding="utf-8")
    assert main(["units", "try", "-f", PROFILE, str(sample)]) == 1
    sample.write_text(Path(SAMPLE).read_text(encoding="utf-8").replace("已修复", "修了一半"), encoding="utf-8")
    assert main(["units", "try", "-f", PROFILE, str(sample)]) == 1
    said = capsys.readouterr()
    lines = Path(PROFILE).read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if "to: result, from: RESULT" in text)
    assert "码表 result 没有代码 修了一半" in said.err and f"profile line {line}" in said.err
    assert "\x1b" not in said.out + said.err


def test_what_is_missing_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "try", "-f", PROFILE]) == 2
    assert main(["units", "try", "-f", PROFILE, "no-such-file"]) == 2
    assert main(["units", "try", "-f", PROFILE, "--out", "--contract", "case.nothing"]) == 1
