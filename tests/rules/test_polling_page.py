"""The page on polling and files: its examples are profiles that can work, and every key is on it."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.checks import ConnectionChecks
from adapters.guard import OutboundGuard
from adapters.kept import section
from contracts.profile_text import read_profile
from contracts.ways.files import FileSettings
from contracts.ways.poll import PollSettings
from contracts.ways.rest import RestSettings
from contracts.yaml_text import read_yaml

PAGE = (Path(__file__).parents[2] / "docs/polling-and-files.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


async def a_public_name(host: str, port: int) -> list[str]:
    return ["8.8.8.8"]


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.startswith("profile:")])
async def test_each_profile_of_the_page_can_work(block: str, tmp_path: Path) -> None:
    checks = ConnectionChecks(OutboundGuard((ip_network("127.0.0.0/8"),), resolve=a_public_name), tmp_path)
    for entry in read_profile(block)[0].connections:
        assert await checks.faults(entry) == []


def test_the_section_of_rest_is_one() -> None:
    (block,) = [block for block in BLOCKS if block.startswith("rest:")]
    document, _ = read_yaml(block)
    assert section(RestSettings, document["rest"]).calls[0].contract == "case.reminder"


@pytest.mark.parametrize("model", [PollSettings, FileSettings])
def test_every_key_is_on_the_page(model: type[PollSettings] | type[FileSettings]) -> None:
    assert [name for name in model.model_fields if name not in PAGE] == []
