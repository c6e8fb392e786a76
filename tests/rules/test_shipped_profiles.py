"""The shipped profiles: every sample becomes what lies beside it, and every letter what the unit's system reads."""

from __future__ import annotations

import cProfile
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from adapters.checks import ConnectionChecks
from adapters.guard import OutboundGuard
from adapters.mapping import Mapper, MappingFailed, mapper_of
from adapters.soap.trial import envelope_writer
from contracts.arrival import said_by_event
from contracts.catalogue import SCHEMAS
from contracts.cloudevents import parse_event
from contracts.profile import Profile
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from contracts.samples import VALID
from contracts.yaml_text import read_yaml
from hub.registry import connections_of

PROFILES = Path(__file__).parents[2] / "adapters/profiles"
FOLDERS = sorted(path.parent for path in PROFILES.glob("*/profile.yaml"))
SENT = sorted(path for path in PROFILES.glob("*/in.*") if not path.name.endswith(".expected.json"))
TAKEN = sorted(PROFILES.glob("*/out.*"))


def the_text(folder: Path) -> str:
    text = (folder / "profile.yaml").read_text(encoding="utf-8")
    return with_files(text, lambda name: (folder / name).read_text(encoding="utf-8"))


def the_profile(folder: Path) -> Profile:
    return read_profile(the_text(folder))[0]


def the_mapper(folder: Path) -> Mapper:
    (connection,) = connections_of(the_profile(folder), 1)
    return mapper_of(connection.settings)


def a_letter(contract: str) -> dict[str, Any]:
    return {
        "id": "L000000000001",
        "type": contract,
        "subject": "330800-20261123-000042",
        "time": "2026-11-23T09:13:00+08:00",
        "mode": "test",
        "data": VALID[f"{contract}/1.0"],
    }


def contract_of(path: Path) -> str:
    return ".".join(path.name.split(".")[1:3])


@pytest.mark.parametrize("sample", SENT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_a_unit_sends_becomes_the_message_beside_it(sample: Path) -> None:
    (connection,) = connections_of(the_profile(sample.parent), 1)
    expected = json.loads(sample.with_suffix(".expected.json").read_text(encoding="utf-8"))
    if "mapping_of" not in connection.settings:
        # The unit speaks as the hub does.
        said = said_by_event(parse_event(sample.read_bytes()))
        envelope, body = {"id": said.message_id, "case_number": said.case_number}, said.body
    else:
        made = the_mapper(sample.parent).read(sample.read_bytes())
        envelope, body = dict(made.envelope), made.body
    assert body.contract == f"{contract_of(sample)}/1.0"
    assert {"envelope": envelope, "data": body.document()} == expected


@pytest.mark.parametrize("expected", TAKEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_letter_becomes_the_document_that_the_unit_reads(expected: Path) -> None:
    contract, mapper = contract_of(expected), the_mapper(expected.parent)
    (entry,) = the_profile(expected.parent).connections
    if entry.soap is not None:
        envelope = envelope_writer(entry.soap)(mapper, contract, a_letter(contract))
        assert envelope.encode() == expected.read_bytes()
    else:
        assert mapper.write(contract, a_letter(contract)).body == expected.read_bytes()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
async def test_nothing_of_a_profile_is_found_that_cannot_work(folder: Path) -> None:
    guard = OutboundGuard(resolve=a_public_name)
    for entry in the_profile(folder).connections:
        assert await ConnectionChecks(guard).faults(entry) == []


async def a_public_name(host: str, port: int) -> list[str]:
    return ["8.8.8.8"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_profile_comes_out_as_it_went_in(folder: Path) -> None:
    profile = the_profile(folder)
    again, _ = read_profile(profile.yaml())
    assert again == profile


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_editor_finds_nothing_wrong_with_a_profile(folder: Path) -> None:
    document, _ = read_yaml((folder / "profile.yaml").read_text(encoding="utf-8"))
    schema = json.loads((SCHEMAS / "profile/1.0/schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(document)) == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_an_editor_finds_the_schema_of_a_shipped_profile_beside_it(folder: Path) -> None:
    first = (folder / "profile.yaml").read_text(encoding="utf-8").splitlines()[0]
    said = first.removeprefix("# yaml-language-server: $schema=")
    assert (folder / said).resolve() == SCHEMAS / "profile/1.0/schema.json"


def test_an_exported_profile_begins_with_the_line_for_editors() -> None:
    text = the_profile(PROFILES / "water_asmx").yaml("http://hub.example/schema.json")
    assert text.startswith("# yaml-language-server: $schema=http://hub.example/schema.json\nprofile:")


def test_a_fault_at_work_names_the_line_of_the_exported_profile() -> None:
    profile = the_profile(PROFILES / "water_asmx")
    letter = a_letter("case.dispatch")
    letter["data"] = {**letter["data"], "category_code": "C9999"}
    with pytest.raises(MappingFailed) as failed:
        the_mapper(PROFILES / "water_asmx").write("case.dispatch", letter)
    (fault,) = failed.value.faults
    assert failed.value.parked
    lines = profile.yaml().splitlines()
    assert fault.line is not None
    assert "TYPECODE" in "\n".join(lines[fault.line - 1 : fault.line + 1])
    assert "C9999" in fault.zh and f"profile line {fault.line}" in fault.sentence()[1]


def test_a_profile_that_is_read_again_reads_the_disk_for_no_time_zones() -> None:
    document = the_profile(PROFILES / "water_asmx").model_dump_json(exclude_none=True)
    watch = cProfile.Profile()
    watch.runcall(Profile.model_validate_json, document)
    assert not [each for each in watch.getstats() if getattr(each.code, "co_name", "") == "available_timezones"]
