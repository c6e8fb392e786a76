"""Secrets by name and versions of profiles: put, listed, removed; shown beside each other, and rolled back."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth.redaction import Secret
from contracts.nouns import UnitState
from contracts.problem import Problem
from hub.app import onboarding_of
from hub.onboarding import Onboarding
from hub.profile_versions import ProfileVersions
from hub.settings import read
from tests.ways.conftest import House

pytestmark = pytest.mark.way

PROFILE = """
unit: telecom
connections:
  - name: main
    transport: rest
    rest:
      endpoint: https://hub.telecom.example/letters
      signing: none
      authentication: {kind: oauth2, secret: oauth-client, client_id: szcg, token_endpoint: "https://hub.telecom.example/t"}
      client_certificate: tls-pair
"""


@pytest.fixture
async def desk(house: House, tmp_path: Path) -> Onboarding:
    return await onboarding_of(read({"data": str(tmp_path)}, {}), await house.a_pool())


# -- secrets -----------------------------------------------------------------------------------------------------------


async def test_a_secret_is_sealed_and_opens_by_its_name(house: House, desk: Onboarding) -> None:
    assert await desk.secrets.put("telecom", "oauth-client", Secret("s3cret-one"), "test") == 1
    assert await desk.safe.named("telecom", "oauth-client") == "s3cret-one"
    kept = await house.ask("SELECT sealed FROM sealed_secrets")
    assert kept and "s3cret" not in str(kept)


async def test_a_new_version_is_in_force_at_once_and_the_list_never_has_a_value(desk: Onboarding) -> None:
    await desk.secrets.put("telecom", "oauth-client", Secret("s3cret-one"), "test")
    await desk.secrets.put("telecom", "oauth-client", Secret("s3cret-two"), "test")
    assert await desk.safe.named("telecom", "oauth-client") == "s3cret-two"
    listed = await desk.secrets.listed("telecom")
    assert [(each.name, each.version, each.retires_at is None) for each in listed] == [
        ("oauth-client", 2, True),
        ("oauth-client", 1, False),
    ]
    assert "s3cret" not in repr(listed)


async def test_a_removed_secret_is_gone_at_once(house: House, desk: Onboarding) -> None:
    await desk.secrets.put("telecom", "oauth-client", Secret("s3cret"), "test")
    await desk.safe.named("telecom", "oauth-client")
    await desk.secrets.remove("telecom", "oauth-client", "test")
    with pytest.raises(KeyError):
        await desk.safe.named("telecom", "oauth-client")
    assert await house.ask("SELECT count(*) FROM sealed_secrets") == [0]
    with pytest.raises(Problem, match="not_found"):
        await desk.secrets.remove("telecom", "oauth-client", "test")


async def test_every_act_is_kept_with_who(house: House, desk: Onboarding) -> None:
    await desk.secrets.put("telecom", "oauth-client", Secret("s3cret"), "Wang")
    await desk.secrets.remove("telecom", "oauth-client", "Li")
    rows = await house.pool.fetch(
        "SELECT by, verb, subject FROM operations WHERE verb LIKE 'secrets.%' ORDER BY 1 DESC"
    )
    assert [tuple(row) for row in rows] == [
        ("Wang", "secrets.put", "telecom/oauth-client"),
        ("Li", "secrets.remove", "telecom/oauth-client"),
    ]


@pytest.mark.parametrize(
    ("unit", "name", "value"),
    [("nobody", "a", "x"), ("telecom", "signing/hmac", "x"), ("telecom", "A", "x"), ("telecom", "a", "")],
)
async def test_a_wrong_unit_name_or_value_is_refused(desk: Onboarding, unit: str, name: str, value: str) -> None:
    with pytest.raises(Problem) as refused:
        await desk.secrets.put(unit, name, Secret(value), "test")
    assert refused.value.status == 422


async def test_applying_a_profile_tells_which_of_its_secrets_are_missing(desk: Onboarding) -> None:
    await desk.secrets.put("telecom", "tls-pair", Secret("pem"), "test")
    applied = await desk.apply(PROFILE, "test")
    assert applied.version == 1
    (finding,) = applied.findings
    assert finding.pointer == "#/connections/0/rest/authentication/secret"
    assert "line 9" in finding.en and "cityhub secrets put telecom oauth-client" in finding.en
    await desk.secrets.put("telecom", "oauth-client", Secret("x"), "test")
    assert (await desk.apply(PROFILE, "test")).findings == ()


# -- versions ----------------------------------------------------------------------------------------------------------


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


FASTER = changed(PROFILE, ("transport: rest\n", "transport: rest\n    per_second: 5\n"))


async def test_a_history_says_who_when_why_and_how_much_changed(desk: Onboarding) -> None:
    await desk.apply(PROFILE, "Wang")
    await desk.apply(FASTER, "Li", reason="对方要求")
    lines = await ProfileVersions(desk).history("telecom")
    assert [(line.version, line.applied_by, line.reason, line.in_force, line.changed) for line in lines] == [
        (2, "Li", "对方要求", True, 1),
        (1, "Wang", "", False, None),
    ]


async def test_a_difference_is_told_in_words_and_as_yaml(desk: Onboarding) -> None:
    await desk.apply(PROFILE, "test")
    await desk.apply(FASTER, "test")
    found = await ProfileVersions(desk).between("telecom", None, None)
    (change,) = found.changes
    assert change.path == "connections[main].per_second"
    assert change.sentence == "连接 main · 每秒上限 / connections main · letters a second: 100.0 → 5.0"
    assert "+  per_second: 5.0" in found.yaml
    back = await ProfileVersions(desk).between("telecom", 2, 1)
    assert (back.changes[0].before, back.changes[0].after) == ("5.0", "100.0")


async def test_a_file_is_shown_against_what_is_in_force_and_nothing_is_applied(desk: Onboarding) -> None:
    await desk.apply(PROFILE, "test")
    found = await ProfileVersions(desk).proposed(FASTER, "telecom.yaml")
    assert [each.path for each in found.changes] == ["connections[main].per_second"]
    assert len(await ProfileVersions(desk).history("telecom")) == 1


async def test_rolling_back_applies_the_old_version_as_a_new_one(desk: Onboarding) -> None:
    await desk.apply(PROFILE, "test")
    await desk.set_state("telecom", UnitState.LIVE, "test", "")
    await desk.apply(FASTER, "test")
    applied = await ProfileVersions(desk).roll_back("telecom", 1, "Wang", "对方吃不消")
    assert (applied.version, applied.state) == (3, UnitState.LIVE)
    assert desk.registry().connections["telecom.main"].per_second == 100
    newest = (await ProfileVersions(desk).history("telecom"))[0]
    assert (newest.applied_by, newest.reason, newest.in_force) == ("Wang", "back to version 1: 对方吃不消", True)
    assert (await ProfileVersions(desk).between("telecom", 1, 3)).changes == ()


async def test_why_a_connection_has_nothing_to_rotate_is_said(desk: Onboarding) -> None:
    await desk.apply("unit: power\nconnections: [{name: main, transport: pull}]", "test")
    for name in ("power", "power.main"):
        with pytest.raises(Problem, match=rf"No connection {name} has a secret .* unit\.connection"):
            await desk.rotate_signing(name, "test")


async def test_what_is_not_there_is_said(desk: Onboarding) -> None:
    versions = ProfileVersions(desk)
    with pytest.raises(Problem, match="not_found: Unit telecom has no profile yet"):
        await versions.history("telecom")
    await desk.apply(PROFILE, "test")
    with pytest.raises(Problem, match="not_found"):
        await versions.between("telecom", 1, 9)
    with pytest.raises(Problem, match="not_found"):
        await versions.roll_back("telecom", 9, "test", "x")


async def test_a_version_that_cannot_work_any_more_is_not_rolled_back_to(house: House, desk: Onboarding) -> None:
    await desk.apply(PROFILE, "test")
    await desk.apply(FASTER, "test")
    await house.pool.execute('UPDATE profiles SET document = \'{"unit": "telecom"}\' WHERE version = 1')
    with pytest.raises(Problem, match="profile_invalid"):
        await ProfileVersions(desk).roll_back("telecom", 1, "test", "x")
    assert [line.changed for line in await ProfileVersions(desk).history("telecom")] == [None, None]


async def test_a_unit_that_is_none_and_one_without_a_profile_are_told_apart(desk: Onboarding) -> None:
    asked = [
        desk.export,
        ProfileVersions(desk).history,
        lambda unit: ProfileVersions(desk).between(unit, None, None),
        lambda unit: desk.set_state(unit, UnitState.LIVE, "test", ""),
    ]
    for ask in asked:
        with pytest.raises(Problem) as unknown:
            await ask("nobody")
        assert (unknown.value.kind, unknown.value.en) == ("unit_unknown", "The directory has no unit nobody.")
        with pytest.raises(Problem) as bare:
            await ask("telecom")
        assert (bare.value.kind, bare.value.en) == ("not_found", "Unit telecom has no profile yet.")
