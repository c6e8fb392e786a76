"""What a person is told of a fault: once, and without what only the program knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.documents.faults import DocumentFault
from adapters.documents.xml import parse_xml
from contracts.problem import Problem
from contracts.profile_files import with_files
from hub.commands.common import in_short, tell

PROFILE = """unit: power
connections:
  - name: main
    transport: soap
    soap:
      wsdl_file: nowhere.wsdl
"""


def test_a_title_without_more_to_it_stands_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Problem("profile_invalid"))
    assert capsys.readouterr().err.count("接入档案有误") == 1
    assert in_short(Problem("not_found", "没有版本 9。", "There is no version 9.").document()) == "未找到: 没有版本 9。"


def test_a_file_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(Problem) as refused:
        with_files(PROFILE, lambda name: (tmp_path / name).read_text("utf-8"))
    (fault,) = refused.value.violations
    assert fault.en == "line 6: cannot read the file nowhere.wsdl: No such file or directory"


@pytest.mark.parametrize("text", ["<a>", "x", "<a><b></a>"])
def test_what_is_no_xml_is_told_by_its_line_and_not_by_a_name_of_ours(text: str) -> None:
    with pytest.raises(DocumentFault) as refused:
        parse_xml(text)
    assert "line 1" in str(refused.value) and "<string>" not in str(refused.value)
