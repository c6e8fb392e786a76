"""Drafts: what is understood of a unit's own description, how sure it is, and that a draft can be applied and tried."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.checks import ConnectionChecks
from adapters.drafting import Draft, DraftFault, Fetching, Wanted, draft_of
from adapters.drafting.openapi import read_interface
from adapters.drafting.rest_draft import draft_of_interface
from adapters.drafting.sample_draft import draft_of_sample
from adapters.drafting.samples import read_sample
from adapters.drafting.values import date_pattern_of, date_pattern_said
from adapters.drafting.vocabulary import vocabulary, words_of
from adapters.guard import OutboundGuard
from adapters.http.calls import HttpCalls
from adapters.mapping import mapper_of, said_of
from adapters.mapping.agreed import kind_at
from adapters.mapping.trial import try_in
from contracts.live import CONTRACTS
from contracts.mapping import Rule, Table, UnitMapping
from contracts.paths import parse_path, path_text
from contracts.profile_files import with_files
from contracts.profile_text import read_profile
from hub.app import trial
from hub.registry import connections_of

HERE = Path(__file__).parent / "drafts"
PROFILES = Path(__file__).parents[2] / "adapters/profiles"
GUARD = OutboundGuard((ip_network("127.0.0.0/8"),))


def drafted(**wanted: object) -> Draft:
    given = {name: str(value) if isinstance(value, Path) else value for name, value in wanted.items()}

    async def work() -> Draft:
        calls = HttpCalls(GUARD, "0.1.0")
        try:
            return await draft_of(Fetching(calls), Wanted(**{"unit": "telecom", **given}))  # type: ignore[arg-type]
        finally:
            await calls.close()

    return asyncio.run(work())


@pytest.fixture
def web() -> Iterator[str]:
    """The descriptions, served on this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(HERE))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def mapping_of(draft: Draft) -> UnitMapping:
    (connection,) = draft.profile.connections
    assert connection.mapping is not None
    return connection.mapping


def pairs(table: Table, *, outward: bool) -> dict[str, str]:
    """Where each of the unit's fields comes from or goes to, absolute; coordinates as two."""
    made: dict[str, str] = {}
    for rule in table.fields:
        for theirs, ours in _ends(rule, outward):
            path = (
                parse_path(theirs) if theirs.startswith("/") else (*parse_path(table.base or "."), *parse_path(theirs))
            )
            made[path_text(path)] = ours
    return made


def _ends(rule: Rule, outward: bool) -> list[tuple[str, str]]:
    if rule.coordinates is not None:
        place = rule.source or rule.to
        ends = (rule.coordinates.longitude, "longitude"), (rule.coordinates.latitude, "latitude")
        return [(theirs, f"{place}.{name}") for theirs, name in ends]
    if rule.source is None or rule.to is None:
        return []
    return [(rule.to, rule.source) if outward else (rule.source, rule.to)]


def check(draft: Draft) -> None:
    """A draft is a profile like any other: it reads back, and nothing of it cannot work."""
    text = draft.text()
    assert text.startswith("# yaml-language-server: $schema=")
    profile, _ = read_profile(text)
    assert profile == draft.profile
    faults = asyncio.run(ConnectionChecks(GUARD).faults(profile.connections[0]))
    assert [fault.en for fault in faults] == []
    for question in draft.questions:
        assert question.zh and question.en


# -- SOAP --------------------------------------------------------------------------------------------------------------


def test_an_asmx_with_pinyin_initials_and_chinese_labels_is_understood() -> None:
    draft = drafted(wsdl=HERE / "city.asmx.wsdl")
    check(draft)
    dispatch, recall = mapping_of(draft).out
    assert pairs(dispatch, outward=True) == {
        **{"AJBH": "case_number", "PQXH": "dispatch_number", "XLDM": "category_code", "XLMC": "category_name"},
        **{"WTMS": "description", "FSDZ": "place.address", "JD": "place.longitude", "WD": "place.latitude"},
        **{"CZSX": "deadline.due_at", "ZPLB.string": "photos"},
    }
    assert pairs(recall, outward=True) == {"AJBH": "case_number", "CHYY": "reason"}
    soap = draft.profile.connections[0].soap
    assert soap is not None
    assert [(call.contract, call.operation) for call in soap.calls] == [
        ("case.dispatch", "AddTask"),
        ("case.recall_notice", "CancelTask"),
    ]


def test_a_draft_says_how_sure_it_is_and_why_and_asks_where_it_is_not() -> None:
    draft = drafted(wsdl=HERE / "city.asmx.wsdl")
    notes = {rule.to: rule.note for rule in mapping_of(draft).out[0].fields}
    assert notes["AJBH"] == "97% 案件编号"
    asked = "\n".join(question.en for question in draft.questions)
    assert "JD: perhaps place.longitude (70%)" in asked
    assert "LYXT: the unit requires it" in asked
    assert "the operation GetVersion is not used" in asked
    assert "#  - JD:可能是" in draft.text()


def test_a_date_in_a_text_has_the_form_that_its_documentation_names() -> None:
    (rule,) = [rule for rule in mapping_of(drafted(wsdl=HERE / "city.asmx.wsdl")).out[0].fields if rule.to == "CZSX"]
    assert rule.date == "%Y-%m-%d %H:%M:%S"


def test_an_argument_that_is_a_credential_becomes_a_secret_by_name() -> None:
    soap = drafted(wsdl=HERE / "city.asmx.wsdl").profile.connections[0].soap
    assert soap is not None
    assert [(each.to, each.secret) for each in soap.secrets] == [("token", "token")]


def test_a_credential_that_only_one_operation_takes_is_a_placeholder(tmp_path: Path) -> None:
    text = (HERE / "city.asmx.wsdl").read_text(encoding="utf-8")
    element = '            <s:element minOccurs="1" maxOccurs="1" name="token" type="s:string"/>\n'
    head, _, tail = text.rpartition(element)
    (tmp_path / "x.wsdl").write_text(head + tail, encoding="utf-8")
    draft = drafted(wsdl=tmp_path / "x.wsdl")
    check(draft)
    soap = draft.profile.connections[0].soap
    assert soap is not None and soap.secrets == ()
    assert ("token", "?") in [(rule.to, rule.constant) for rule in mapping_of(draft).out[0].fields]


def test_an_axis_service_with_rpc_encoding_is_understood() -> None:
    draft = drafted(wsdl=PROFILES / "gas_axis/gas.wsdl")
    check(draft)
    found = pairs(mapping_of(draft).out[0], outward=True)
    assert (
        found["caseNo"] == "case_number"
        and found["lon"] == "place.longitude"
        and found["limitTime"] == "deadline.due_at"
    )


def test_imported_schemas_are_kept_in_the_profile_and_their_codes_matched_by_label() -> None:
    draft = drafted(wsdl=HERE / "split/service.wsdl")
    check(draft)
    soap = draft.profile.connections[0].soap
    assert soap is not None
    assert [each.location for each in soap.documents] == ["types/messages.xsd", "types/parts/order.xsd"]
    mapping = mapping_of(draft)
    assert pairs(mapping.out[0], outward=True)["order.workOrderNo"] == "case_number"
    (codes,) = mapping.codes
    assert {pair.ours: pair.theirs for pair in codes.pairs} == {"lead": "M", "assist": "S"}


def test_a_document_inside_an_argument_is_drafted_from_its_sample() -> None:
    plain = drafted(wsdl=PROFILES / "water_asmx/water.wsdl")
    check(plain)
    assert plain.profile.connections[0].mapping is None
    draft = drafted(wsdl=PROFILES / "water_asmx/water.wsdl", sample=PROFILES / "water_asmx/out.case.dispatch.xml")
    check(draft)
    mapping = mapping_of(draft)
    assert [(wrap.inside, wrap.encoding) for wrap in mapping.written_as.wrap] == [("xml", "gbk")]
    assert pairs(mapping.out[0], outward=True)["xml.CASE.TASKNUM"] == "case_number"


def test_imports_of_an_address_are_fetched_from_beside_it(web: str) -> None:
    draft = drafted(wsdl=f"{web}/split/service.wsdl")
    soap = draft.profile.connections[0].soap
    assert soap is not None
    assert [each.location for each in soap.documents] == ["types/messages.xsd", "types/parts/order.xsd"]


def test_an_address_that_the_guard_refuses_is_not_fetched() -> None:
    async def work() -> None:
        calls = HttpCalls(OutboundGuard(), "0.1.0")
        try:
            await Fetching(calls).wsdl("http://127.0.0.1:9/service.wsdl")
        finally:
            await calls.close()

    with pytest.raises(DraftFault, match="cannot fetch"):
        asyncio.run(work())


@pytest.mark.parametrize(
    "location", ["../test_drafting.py", "/etc/hostname", "file:///etc/hostname", "%2e%2e/test_drafting.py"]
)
def test_a_wsdl_reaches_no_file_outside_its_folder(tmp_path: Path, location: str) -> None:
    text = (HERE / "outside.wsdl").read_text(encoding="utf-8").replace("../test_drafting.py", location)
    (tmp_path / "test_drafting.py").write_text("secret", encoding="utf-8")
    folder = tmp_path / "wsdl"
    folder.mkdir()
    (folder / "outside.wsdl").write_text(text, encoding="utf-8")
    with pytest.raises(DraftFault, match="does not stand in the folder"):
        drafted(wsdl=folder / "outside.wsdl")


# -- REST --------------------------------------------------------------------------------------------------------------


def test_an_openapi_document_is_understood_with_its_references_addresses_and_authentication() -> None:
    draft = drafted(openapi=HERE / "orders.openapi.yaml")
    check(draft)
    (connection,) = draft.profile.connections
    assert connection.rest is not None and connection.rest.authentication is not None
    assert connection.rest.authentication.token_endpoint == "https://api.telecom.example/oauth/token"
    assert [(call.contract, call.endpoint) for call in connection.rest.calls] == [
        ("case.dispatch", "https://api.telecom.example/open/v2/orders"),
        ("case.recall_notice", "https://api.telecom.example/open/v2/orders/cancel"),
    ]
    dispatch, recall = mapping_of(draft).out
    assert pairs(dispatch, outward=True) == {
        **{"orderNo": "case_number", "requestId": "envelope.id", "sendTime": "envelope.time"},
        **{"dispatchSeq": "dispatch_number", "eventType": "category_code", "eventTypeName": "category_name"},
        **{"content": "description", "location.addr": "place.address", "location.lng": "place.longitude"},
        **{"location.lat": "place.latitude", "limitTime": "deadline.due_at", "signLimit": "deadline.acknowledge_by"},
        **{"urgency": "deadline.tier", "images": "photos"},
    }
    assert pairs(recall, outward=True) == {"orderNo": "case_number", "cancelReason": "reason"}
    dates = {rule.to: rule.date for rule in dispatch.fields if rule.date}
    assert dates == {"sendTime": "%Y%m%d%H%M%S", "limitTime": "%Y-%m-%d %H:%M:%S", "signLimit": "iso"}
    assert any("1 一般、2 紧急" in question.zh for question in draft.questions)


def test_a_swagger_document_is_understood() -> None:
    draft = drafted(openapi=HERE / "tasks.swagger.json")
    check(draft)
    (connection,) = draft.profile.connections
    assert connection.rest is not None and connection.rest.endpoint == "http://gas.example/api/task/add"
    assert connection.rest.authentication is not None and connection.rest.authentication.header == "X-App-Key"
    dispatch, reminder = mapping_of(draft).out
    assert (
        pairs(dispatch, outward=True)["taskDesc"] == "description"
        and pairs(dispatch, outward=True)["finishLimit"] == "deadline.due_at"
    )
    assert pairs(reminder, outward=True) == {"taskId": "case_number", "deadline": "due_at"}
    assert reminder.written_as is not None and reminder.written_as.format == "form"


@pytest.mark.parametrize(
    "text", ["[]", "openapi: 4.0", "swagger: '2.0'", "{openapi: 3.0.0, paths: []}", "\x00", "a: ["]
)
def test_what_is_no_openapi_document_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DraftFault) as refused:
        drafted(openapi=tmp_path / "x.yaml")
    assert refused.value.zh


# -- samples -----------------------------------------------------------------------------------------------------------


def tried(draft: Draft, sample: Path) -> dict[str, object]:
    """What the draft makes of the sample that it was drafted from."""
    connection = draft.profile.connections[0]
    assert connection.mapping is not None
    _, lines = read_profile(draft.text())
    found = try_in(connection.mapping, lines, ("connections", 0, "mapping"), sample.read_bytes())
    assert found.faults == ()
    made: dict[str, object] = json.loads(found.made)
    return made


def test_a_json_sample_becomes_the_message_that_it_is() -> None:
    draft = drafted(sample=HERE / "feedback.json")
    check(draft)
    assert tried(draft, HERE / "feedback.json") == {
        "contract": "case.feedback/1.0",
        "envelope": {"id": "0001-77", "case_number": "330800-20261123-000042"},
        "data": {
            **{"description": "井盖已更换", "final": True, "result": "done", "handler": "王工", "photos": ["photo-1"]},
            "done_at": "2026-11-23T15:20:00+08:00",
        },
    }
    (table,) = mapping_of(draft).into
    assert [(each.path, each.equals) for each in table.when] == [("action", "REPLY")]


@pytest.mark.parametrize("name", ["feedback.gbk.xml", "feedback.csv"])
def test_a_chinese_sample_in_its_own_encoding_becomes_the_message_that_it_is(name: str) -> None:
    draft = drafted(sample=HERE / name)
    check(draft)
    made = tried(draft, HERE / name)
    assert made["contract"] == "case.feedback/1.0"
    assert made["envelope"] == {"case_number": "330800-20261123-000042"}
    data = made["data"]
    assert isinstance(data, dict)
    assert (data["result"], data["handler"], data["photos"][0]) == ("done", "王工", "photo-1")
    assert data["done_at"].startswith("2026-11-23T15:20")


def test_a_drafted_connection_says_what_it_read_to_the_hub() -> None:
    profile = drafted(sample=HERE / "feedback.json").profile
    (connection,) = connections_of(profile, 1)
    raw = (HERE / "feedback.json").read_bytes()
    said = said_of(mapper_of(connection.settings).read(raw), raw, connection)
    assert (said.message_id, said.case_number) == ("0001-77", "330800-20261123-000042")


def test_a_drafted_letter_can_be_tried() -> None:
    for source in ({"openapi": HERE / "orders.openapi.yaml"}, {"wsdl": HERE / "city.asmx.wsdl"}):
        draft = drafted(**source)
        for table in mapping_of(draft).out:
            found = trial(draft.text(), None, table.contract, None, outward=True)
            assert found.faults == () and "330800-20261123-000042" in found.made


@pytest.mark.parametrize("text", ["", "[1, 2]", "word", "{", "<a>", "[]", "{}", "a;b"])
def test_a_sample_of_nothing_is_refused_or_asks(tmp_path: Path, text: str) -> None:
    (tmp_path / "sample").write_text(text, encoding="utf-8")
    try:
        check(drafted(sample=tmp_path / "sample"))
    except DraftFault as refused:
        assert refused.zh and refused.en


# -- the table of synonyms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("strTaskNum", ("str", "task", "num")),
        ("TASK_NUM", ("task", "num")),
        ("TASKNUM", ("task", "num")),
        ("caseID", ("case", "id")),
        ("GPSLng", ("gps", "lng")),
        ("zzyzx", ("zzyzx",)),
    ],
)
def test_names_come_apart_however_they_are_written(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name, vocabulary().known) == words


def test_every_target_of_the_table_is_a_field_of_its_contract() -> None:
    for contract in vocabulary().contracts:
        for target in contract.fields:
            assert target.meaning in vocabulary().synonyms
            assert kind_at(contract.contract, parse_path(target.path)), (contract.contract, target.path)


def test_every_code_of_the_table_is_one_that_a_contract_knows() -> None:
    known = {
        value
        for model in CONTRACTS.values()
        for shape in model.model_json_schema().get("$defs", {}).values()
        for value in shape.get("enum", ())
    }
    assert {code.ours for code in vocabulary().codes} <= known


@pytest.mark.parametrize(
    ("samples", "pattern"),
    [
        (["2026-11-23 09:12:30"], "%Y-%m-%d %H:%M:%S"),
        (["2026/11/23 09:12"], "%Y/%m/%d %H:%M"),
        (["20261123091230"], "%Y%m%d%H%M%S"),
        (["2026年11月23日"], "%Y年%m月%d日"),
        (["1795396350"], "epoch_seconds"),
        (["1795396350123"], "epoch_milliseconds"),
        (["2026-11-23T09:12:30+08:00", "2026-11-23T09:12:30Z"], "iso"),
        (["330800"], None),
        (["2026-13-23"], None),
        (["2026-11-23", "hello"], None),
        ([], None),
    ],
)
def test_dates_are_told_by_their_look(samples: list[str], pattern: str | None) -> None:
    assert date_pattern_of(samples) == pattern


def test_a_form_that_a_description_names_is_read() -> None:
    assert date_pattern_said("完成时间(yyyyMMddHHmmss)") == "%Y%m%d%H%M%S"
    assert date_pattern_said("no date") is None


# -- how good it is ----------------------------------------------------------------------------------------------------

RIGHT_MIN = 0.9
WRONG_MAX = 0.05
SHIPPED = sorted(
    path
    for path in (*PROFILES.glob("*/in.case.*"), *PROFILES.glob("*/out.case.*"))
    if not path.name.endswith(".expected.json") and path.parent.name not in ("post_file", "telecom_rabbitmq")
)
"""Samples of the shipped profiles, but the post office's, which have no names of columns that one could go by, and a
telecom's that are CloudEvents, which need no mapping."""


def test_most_fields_of_the_shipped_samples_are_matched_as_their_profiles_have_them() -> None:
    right = wrong = whole = 0
    for sample in SHIPPED:
        outward = sample.name.startswith("out.")
        contract = ".".join(sample.name.split(".")[1:3])
        made = mapping_of(drafted(sample=sample, outward=outward))
        table = (made.out if outward else made.into)[0]
        assert table.contract == contract, sample
        theirs = _wanted(sample.parent / "profile.yaml", outward, contract)
        mine = {_local(path): ours for path, ours in pairs(table, outward=outward).items()}
        hits = {path for path, ours in theirs.items() if any(_same(path, at) and ours == mine[at] for at in mine)}
        right, whole = right + len(hits), whole + len(theirs)
        wrong += sum(1 for at, ours in mine.items() if any(_same(path, at) and ours != theirs[path] for path in theirs))
    assert whole >= 80
    assert right / whole >= RIGHT_MIN, (right, whole)
    assert wrong / whole <= WRONG_MAX, (wrong, whole)


def _wanted(path: Path, outward: bool, contract: str) -> Mapping[str, str]:
    text = with_files(path.read_text(encoding="utf-8"), lambda name: (path.parent / name).read_text(encoding="utf-8"))
    (connection,) = read_profile(text)[0].connections
    assert connection.mapping is not None
    tables = connection.mapping.out if outward else connection.mapping.into
    return {
        _local(at): ours
        for table in tables
        if table.contract == contract
        for at, ours in pairs(table, outward=outward).items()
    }


def _local(path: str) -> str:
    """A path without the prefixes of its namespaces."""
    return ".".join(str(part).rpartition(":")[2] for part in parse_path(path))


def _same(short: str, whole: str) -> bool:
    # A SOAP profile's paths begin at the arguments, a sample's at the envelope.
    return whole == short or whole.endswith(f".{short}")


# -- whatever comes ----------------------------------------------------------------------------------------------------

OF_SCHEMAS = ("type", "properties", "items", "enum", "allOf", "oneOf", "required", "description", "example", "$ref")
OF_UNITS = ("caseNo", "AJBH", "经度", "x", "y", "photos", "time", "a.b", "", 'q"', "#text", "@id")
NAMES = st.sampled_from((*OF_SCHEMAS, *OF_UNITS))
LEAVES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=12) | st.floats(allow_nan=False)
ANY = st.recursive(
    LEAVES
    | st.sampled_from(["string", "array", "object", "#/components/schemas/A", "2026-11-23 10:00:00", "<a>1</a>"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


def test_a_schema_made_of_itself_comes_to_an_end() -> None:
    itself = {"$ref": "#/components/schemas/A"}
    many = {f"field{number}": itself for number in range(40)}
    for schema in ({"allOf": [itself, itself]}, {"oneOf": [itself]}, {"properties": many}):
        post = {"operationId": "addTask", "requestBody": {"content": {"application/json": {"schema": itself}}}}
        document = {"openapi": "3.1.0", "paths": {"/t": {"post": post}}, "components": {"schemas": {"A": schema}}}
        (called,) = read_interface(document, "").calls
        assert len(called.request.fields) <= 500


@given(ANY, ANY)
@settings(max_examples=60, deadline=None)
def test_any_schema_is_drafted_or_refused_with_a_reason(schema: object, shared: object) -> None:
    post = {"operationId": "addTask", "requestBody": {"content": {"application/json": {"schema": schema}}}}
    document = {"openapi": "3.1.0", "paths": {"/task": {"post": post}}, "components": {"schemas": {"A": shared}}}
    try:
        draft = draft_of_interface(read_interface(document, "https://unit.example/openapi.json"), "telecom")
    except DraftFault as refused:
        assert refused.zh and refused.en
    else:
        assert read_profile(draft.text())[0] == draft.profile


@given(st.dictionaries(NAMES, ANY, max_size=6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_sample_is_drafted_or_refused_with_a_reason(document: dict[str, object], outward: bool) -> None:
    try:
        sample = read_sample(json.dumps(document).encode(), "sample.json", outward=outward)
        draft = draft_of_sample(sample, "telecom", outward=outward)
    except DraftFault as refused:
        assert refused.zh and refused.en
    else:
        assert read_profile(draft.text())[0] == draft.profile


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/gas?wsdl", "http://127.0.0.1:1/gas?wsdl", "http://169.254.169.254/"]
)
def test_an_address_that_cannot_be_fetched_is_told_in_each_language_by_itself(address: str) -> None:
    with pytest.raises(DraftFault) as caught:
        drafted(wsdl=address)
    zh, en = caught.value.zh, caught.value.en
    assert zh.startswith(f"取不到 {address}:") and " / " not in zh and re.search("[一-鿿]", zh.partition(":")[2])
    assert en.startswith(f"cannot fetch {address}: ") and not re.search("[一-鿿]", en)
