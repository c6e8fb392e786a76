"""What a unit's own document says to the hub: every part of the envelope, and an id by its connection's rule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import pytest

from adapters.mapping import Mapper, MappingFailed, mapper_of, said_of
from contracts.arrival import Arrival, Said, content_id
from contracts.envelope import Message, Mode, Sender
from contracts.messages import Feedback
from contracts.nouns import Connection
from contracts.problem import Problem
from contracts.profile_text import read_profile
from hub.reception import message_of
from hub.registry import connections_of

NUMBER = "330800-20261123-000042"
PROFILE = """
unit: telecom
connections:
  - name: main
    transport: pull
    {ids}
    mapping:
      in:
        - contract: case.feedback
          when: [{{path: kind, equals: feedback}}]
          fields:
            - {{to: envelope.id, from: no}}
            - {{to: envelope.case_number, from: case}}
            - {{to: envelope.time, from: at, date: "%Y-%m-%d %H:%M:%S"}}
            - {{to: envelope.sequence, from: seq}}
            - {{to: envelope.mode, from: mode}}
            - {{to: envelope.version, from: seen}}
            - {{to: envelope.sender_case_id, from: own}}
            - {{to: envelope.actor, from: who}}
            - {{to: envelope.on_behalf_of, from: dept}}
            - {{to: description, from: text}}
        - contract: case.acknowledgement
          when: [{{path: kind, equals: ack}}]
          fields:
            - {{to: envelope.id, from: no}}
            - {{to: envelope.case_number, from: case}}
        - contract: case.report
          fields:
            - {{to: envelope.case_number, from: case}}
            - {{to: category_code, constant: C0107}}
            - {{to: description, from: text}}
            - {{to: place, coordinates: {{system: WGS84, longitude: x, latitude: y}}}}
"""
WHOLE = {
    **{"kind": "feedback", "no": "7", "case": NUMBER, "at": "2026-11-23 10:00:00", "seq": 3, "mode": "drill"},
    **{"seen": 5, "own": "GD-1", "who": "王工", "dept": "telecom_quzhou", "text": "已修复"},
}


def the_connection(ids: str = "") -> Connection:
    profile, _ = read_profile(PROFILE.format(ids=f"ids: {{{ids}}}" if ids else ""))
    return connections_of(profile, 1)[0]


def saying(document: dict[str, Any], ids: str = "") -> Said:
    connection = the_connection(ids)
    raw = orjson.dumps(document)
    return said_of(mapper_of(connection.settings).read(raw), raw, connection)


def test_every_part_of_the_envelope_reaches_the_message() -> None:
    said = saying(WHOLE)
    arrival = Arrival(
        Sender("telecom", "telecom.main", "key"), said, b"{}", "application/json", "poll", datetime.now().astimezone()
    )
    message = message_of(arrival, "330800")
    assert isinstance(message, Message)
    assert isinstance(message.body, Feedback)
    assert message.message_id == "7"
    assert message.case_id is not None
    assert message.effective_at == datetime.fromisoformat("2026-11-23T10:00:00+08:00")
    assert (message.sequence, message.mode, message.based_on_version) == (3, Mode.DRILL, 5)
    assert (message.sender_case_id, message.actor, message.on_behalf_of) == ("GD-1", "王工", "telecom_quzhou")


def test_the_source_is_the_connection() -> None:
    assert saying(WHOLE).source == "/connections/telecom.main"


def test_without_an_id_the_same_bytes_are_the_same_message() -> None:
    without = {name: value for name, value in WHOLE.items() if name != "no"}
    assert saying(without).message_id == saying(without).message_id == content_id(orjson.dumps(without))
    assert saying({**without, "text": "还没有"}).message_id != saying(without).message_id


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_id_is_none(empty: str | None) -> None:
    document = {**WHOLE, "no": empty}
    assert saying(document).message_id == content_id(orjson.dumps(document))


def test_a_unit_that_repeats_its_ids_is_told_apart_by_content() -> None:
    other = {**WHOLE, "text": "又坏了"}
    assert saying(WHOLE, "rule: mapped").message_id == saying(other, "rule: mapped").message_id
    assert saying(WHOLE, "rule: content").message_id == content_id(orjson.dumps(WHOLE))
    both = saying(WHOLE, "rule: both").message_id
    assert both.startswith("7.")
    assert both != saying(other, "rule: both").message_id


def test_chosen_fields_make_the_id_and_others_do_not() -> None:
    ids = "rule: fields, of: [envelope.case_number, description]"
    assert saying(WHOLE, ids).message_id == saying({**WHOLE, "who": "李工", "no": "8"}, ids).message_id
    assert saying(WHOLE, ids).message_id != saying({**WHOLE, "text": "又坏了"}, ids).message_id


def test_fields_that_are_all_absent_make_no_id() -> None:
    with pytest.raises(Problem, match="mapping_failed"):
        saying(WHOLE, "rule: fields, of: [handler, result2]")


def test_a_prefix_and_the_contract_keep_ids_apart() -> None:
    acknowledged = {"kind": "ack", "no": "7", "case": NUMBER}
    assert saying(WHOLE).message_id == saying(acknowledged).message_id
    ids = "prefix: 2026-, per_contract: true"
    assert saying(WHOLE, ids).message_id == "2026-case.feedback:7"
    assert saying(acknowledged, ids).message_id == "2026-case.acknowledgement:7"


def test_a_message_about_no_case_is_refused_unless_it_reports_one() -> None:
    with pytest.raises(Problem) as refused:
        saying({**WHOLE, "case": None})
    assert "envelope.case_number" in refused.value.violations[0].en
    report = {"kind": "report", "case": "their-77", "text": "井盖缺失", "x": 118.87, "y": 28.97}
    assert saying(report).case_number is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "real"), ("seq", "third"), ("seen", -1), ("own", "x" * 129), ("who", "a\nb"), ("no", "x" * 1025)],
)
def test_a_wrong_part_of_the_envelope_names_its_line_and_field(field: str, value: Any) -> None:
    connection = the_connection()
    with pytest.raises(MappingFailed) as failed:
        mapper_of(connection.settings).read(orjson.dumps({**WHOLE, field: value}))
    (fault,) = failed.value.faults
    assert fault.field.startswith("envelope.")
    assert fault.line
    assert fault.zh


def test_an_in_table_cannot_say_which_contract_it_is() -> None:
    text = PROFILE.format(ids="").replace("envelope.actor", "envelope.contract")
    profile, _ = read_profile(text)
    mapping = profile.connections[0].mapping
    assert mapping is not None
    with pytest.raises(Exception, match=r"no field envelope\.contract"):
        Mapper(mapping)


def test_fields_go_with_their_rule_only() -> None:
    for ids in ("rule: fields", "rule: content, of: [description]"):
        with pytest.raises(Problem, match="profile_invalid"):
            the_connection(ids)
