"""The intake on a real database: what is answered is committed, once, in order, whatever else happens."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from auth.principal import Principal, Scope
from contracts.arrival import Answer
from contracts.envelope import Message
from contracts.messages import Finding
from contracts.problem import Problem
from hub.api.incoming import Call, by_route
from hub.folding import refusal_text
from hub.history import fold
from hub.intake import BESIDE_MIN
from hub.reception import message_of
from hub.store.embedded import EmbeddedServer
from tests.builders import (
    CLEAR,
    COLLECTOR,
    LEAD,
    UNCLEAR,
    a_report,
    a_return,
    acknowledgement,
    dispatch_to,
    feedback,
    verification,
)
from tests.values import replace
from tests.ways.conftest import House, answered, until

pytestmark = pytest.mark.way


async def test_a_report_is_registered_accepted_and_dispatched_in_one_batch(house: House) -> None:
    intake = await house.an_intake()
    answer = answered((await intake.receive([a_report()]))[0])
    log = await house.log(answer.case_id)
    assert [entry.step.value for entry in log] == ["report", "accept", "dispatch"]
    assert [entry.position for entry in log] == list(range(answer.position - 2, answer.position + 1))
    assert len(house.heard("batch.committed")) == 1


async def test_the_same_key_answers_the_same_and_leaves_one_case(house: House) -> None:
    intake = await house.an_intake()
    report = a_report(key="once")
    first = answered((await intake.receive([report]))[0])
    again = answered((await intake.receive([report]))[0])
    assert again == replace(first, repeated=True)
    assert await house.ask("SELECT count(*) FROM cases") == [1]


async def test_a_key_sent_fifty_times_at_once_over_two_intakes_is_one_case(house: House) -> None:
    intakes = [await house.an_intake("one"), await house.an_intake("two")]
    report = a_report(key="once")
    outcomes = await asyncio.gather(*(intakes[n % 2].receive([report]) for n in range(50)))
    answers = [answered(outcome[0]) for outcome in outcomes]
    assert len({replace(answer, repeated=False) for answer in answers}) == 1
    assert [answer.repeated for answer in answers].count(False) == 1
    assert await house.ask("SELECT count(*) FROM cases") == [1]


async def test_many_keys_sent_at_once_to_two_intakes_in_opposite_order_are_each_one_case(house: House) -> None:
    one, two = await house.an_intake("one"), await house.an_intake("two")
    reports = [a_report(key=f"r{n}") for n in range(60)]
    halves = [reports[n : n + 6] for n in range(0, 60, 6)]
    forth = [one.receive(half) for half in halves]
    back = [two.receive(half[::-1]) for half in reversed(halves)]
    outcomes = [outcome for batch in await asyncio.gather(*forth, *back) for outcome in batch]
    assert len({answered(outcome).case_id for outcome in outcomes}) == 60
    assert await house.ask("SELECT count(*) FROM cases") == [60]


async def test_a_key_with_other_content_is_refused(house: House) -> None:
    intake = await house.an_intake()
    await intake.receive([a_report(key="once")])
    (outcome,) = await intake.receive([a_report(key="once", description="另一处")])
    assert isinstance(outcome, Problem) and outcome.kind == "key_reused"
    assert await house.ask("SELECT count(*) FROM cases") == [1]


async def test_a_key_with_other_content_is_refused_within_one_batch(house: House) -> None:
    intake = await house.an_intake()
    first, second = await intake.receive([a_report(key="once"), a_report(key="once", description="另一处")])
    answered(first)
    assert isinstance(second, Problem) and second.kind == "key_reused"


def by_door(body: dict[str, Any], **headers: str) -> Message:
    """A report as the door makes it."""
    principal = Principal(COLLECTOR, "key", frozenset({Scope.UNIT}))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = json.dumps(body).encode()
    call = Call(principal, named, raw, datetime.now(UTC))
    made = message_of(call.arrival(by_route(call, "case.report", None), "test", raw), "330800")
    assert isinstance(made, Message)
    return made


REPORT = {"category_code": CLEAR, "description": "自来水管破裂", "place": {"longitude": 118.87, "latitude": 28.95}}


async def test_the_senders_own_case_id_is_an_id_too(house: House) -> None:
    intake = await house.an_intake()
    outcomes = await asyncio.gather(
        *(intake.receive([by_door(REPORT, idempotency_key=f"k{n}", ce_sendercase="CG-7")]) for n in range(10))
    )
    assert len({answered(outcome[0]).case_id for outcome in outcomes}) == 1
    assert await house.ask("SELECT count(*) FROM cases") == [1]


async def test_what_its_contract_refuses_binds_no_id(house: House) -> None:
    intake = await house.an_intake()
    with pytest.raises(Problem):
        by_door({**REPORT, "category_code": 7}, idempotency_key="once")
    answered((await intake.receive([by_door(REPORT, idempotency_key="once")]))[0])


async def test_a_report_of_an_unknown_category_binds_no_id(house: House) -> None:
    intake = await house.an_intake()
    (refused,) = await intake.receive([by_door({**REPORT, "category_code": "E9999"}, idempotency_key="once")])
    assert isinstance(refused, Problem) and refused.kind == "category_unknown"
    answered((await intake.receive([by_door(REPORT, idempotency_key="once")]))[0])


async def test_a_refusal_by_the_life_cycle_is_remembered_and_repeated_alike(house: House) -> None:
    intake = await house.an_intake()
    case = await house.case(answered((await intake.receive([a_report()]))[0]).case_id)
    early = verification(case)
    (refused,) = await intake.receive([early])
    assert isinstance(refused, Problem) and refused.kind == "step_not_allowed"
    # By now the same finding would be allowed; the message that carried it was decided before.
    await intake.receive([feedback(case)])
    (again,) = await intake.receive([early])
    assert isinstance(again, Problem) and refusal_text(again) == refusal_text(refused)
    answered((await intake.receive([verification(case)]))[0])


@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=["a NUL", "half a surrogate pair"])
@pytest.mark.parametrize("place", ["actor", "description"])
async def test_a_message_that_the_store_cannot_keep_fails_alone(house: House, text: str, place: str) -> None:
    intake = await house.an_intake()
    poison = a_report(key="poison")
    if place == "actor":
        poison = replace(poison, actor=text)
    else:
        poison = replace(poison, body=poison.body.model_copy(update={"description": text}))
    messages = [a_report(key=f"r{n}") for n in range(9)]
    messages.insert(4, poison)
    outcomes = await intake.receive(messages)
    healthy = {answered(outcome).case_id for at, outcome in enumerate(outcomes) if at != 4}
    assert healthy <= set(await house.ask("SELECT case_id FROM cases")) and len(healthy) == 9
    if text == "\0" and place == "description":
        # JSON writes it as an escape, so the store can keep it.
        answered(outcomes[4])
    else:
        assert isinstance(outcomes[4], Problem) and outcomes[4].kind == "internal"
        assert len(house.heard("message.failed")) == 1


async def test_positions_become_visible_in_order(house: House) -> None:
    intakes = [await house.an_intake("one"), await house.an_intake("two")]
    loading = asyncio.gather(*(intakes[n % 2].receive([a_report(), a_report()]) for n in range(300)))
    reader, cursor, seen = await house.a_pool("reader"), 0, 0
    ended = False
    while not ended:
        ended = loading.done()
        positions = [
            row[0] for row in await reader.fetch("SELECT position FROM entries WHERE position > $1 ORDER BY 1", cursor)
        ]
        seen += len(positions)
        cursor = max(positions, default=cursor)
    await loading
    assert [seen] == await house.ask("SELECT count(*) FROM entries") == [1800]


async def test_two_intakes_issue_no_case_number_twice(house: House) -> None:
    intakes = [await house.an_intake("one"), await house.an_intake("two")]
    outcomes = await asyncio.gather(*(intakes[n % 2].receive([a_report(), a_report()]) for n in range(100)))
    numbers = {answered(outcome).case_number for both in outcomes for outcome in both}
    assert len(numbers) == 200
    assert not house.heard("batch.halved")


async def test_the_log_alone_rebuilds_every_state(house: House) -> None:
    intakes = [await house.an_intake("one"), await house.an_intake("two")]
    chance = random.Random(7)

    async def a_life(number: int) -> None:
        report = a_report(chance.choice([CLEAR, UNCLEAR]))
        case_id = answered((await intakes[number % 2].receive([report]))[0]).case_id
        for _ in range(8):
            case = await house.case(case_id)
            unit = case.lead_unit_id or LEAD
            steps = [
                dispatch_to(case, LEAD),
                acknowledgement(case, unit),
                a_return(case, unit),
                feedback(case, unit, final=False),
                feedback(case, unit),
                verification(case, Finding.FAILED),
                verification(case),
            ]
            # Some are refused by the life cycle, and leave no trace in the log.
            await intakes[chance.randrange(2)].receive([chance.choice(steps)])

    await asyncio.gather(*(a_life(number) for number in range(40)))
    states = set()
    for case_id in await house.ask("SELECT case_id FROM cases"):
        kept, log = await house.case(case_id), await house.log(case_id)
        assert fold(log, kept.case_number) == replace(kept, letter_counts=())
        assert [entry.sequence for entry in log] == list(range(1, kept.version + 1))
        assert log[-1].state == kept.state
        states.add(kept.state.value)
    assert {"closed", "dispatched"} <= states


async def test_letters_of_a_case_are_numbered_without_a_gap_however_steps_race(house: House) -> None:
    intakes = [await house.an_intake("one"), await house.an_intake("two")]
    case = await house.case(answered((await intakes[0].receive([a_report()]))[0]).case_id)
    await asyncio.gather(*(intakes[n % 2].receive([feedback(case, final=False)]) for n in range(30)))
    rows = await house.pool.fetch("SELECT unit_id, unit_sequence FROM letters ORDER BY position")
    for unit in {row["unit_id"] for row in rows}:
        numbers = [row["unit_sequence"] for row in rows if row["unit_id"] == unit]
        assert numbers == list(range(1, len(numbers) + 1))
    assert (await house.case(case.case_id)).version == 33


async def test_killed_connections_lose_nothing_that_was_answered_and_double_nothing(house: House) -> None:
    intakes = [await house.an_intake("victim"), await house.an_intake("victim")]
    kills = 0

    async def a_partner(number: int) -> None:
        for serial in range(20):
            report = a_report(key=f"{number}/{serial}")
            # As a partner does: the same again until it is told what became of it.
            outcome: Any = Problem("store_unavailable")
            while isinstance(outcome, Problem):
                assert outcome.kind in ("store_unavailable", "overloaded"), outcome
                (outcome,) = await intakes[number % 2].receive([report])
            answers.append((report, outcome))

    async def a_killer() -> None:
        nonlocal kills
        while True:
            await asyncio.sleep(0.03)
            kills += sum(
                await house.ask(
                    "SELECT pg_terminate_backend(pid)::int FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name = 'cityhub victim' "
                    "ORDER BY random() LIMIT 1"
                )
            )

    answers: list[tuple[Message, Answer]] = []
    killing = asyncio.create_task(a_killer())
    await asyncio.gather(*(a_partner(number) for number in range(12)))
    killing.cancel()
    assert kills > 5 and house.heard("batch.retried")
    assert not house.heard("message.failed")
    assert await house.ask("SELECT count(*) FROM cases") == [240]
    for report, answer in answers:
        log = await house.log(answer.case_id)
        assert log[0].message_key == report.keys[0]
        assert log[answer.version - 1].position == answer.position


KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cityhub victim'"


async def test_an_intake_cut_off_from_its_store_answers_once_it_is_back(house: House, postgres: EmbeddedServer) -> None:
    intake = await house.an_intake("victim")
    outside = await asyncpg.connect(postgres.dsn)
    name = (await house.ask("SELECT current_database()"))[0]
    answered((await intake.receive([a_report()]))[0])
    await outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await house.ask(KILL)
    waiting = asyncio.create_task(intake.receive([a_report(key="meanwhile")]))
    await until(lambda: len(house.heard("batch.retried")) >= 2)
    await outside.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await outside.close()
    answered((await waiting)[0])
    assert await house.ask("SELECT count(*) FROM cases") == [2]


async def test_a_store_that_only_reads_is_no_fault_of_the_message(house: House) -> None:
    # So does a standby answer that a failover has not raised yet.
    intake = await house.an_intake("victim")
    name = (await house.ask("SELECT current_database()"))[0]
    await house.pool.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await house.ask(KILL)
    outcomes = await intake.receive([a_report(), a_report()])
    assert [isinstance(outcome, Problem) and outcome.kind for outcome in outcomes] == ["store_unavailable"] * 2
    assert not house.heard("message.failed")
    await house.pool.execute("SET default_transaction_read_only = off")
    await house.pool.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await house.ask(KILL)
    answered((await intake.receive([a_report()]))[0])


async def test_a_few_that_come_while_a_batch_is_under_way_are_one_batch_and_wait_for_no_stuck_one(house: House) -> None:
    intake = await house.an_intake()
    case = await house.case(answered((await intake.receive([a_report()]))[0]).case_id)
    async with house.pool.acquire() as elsewhere, elsewhere.transaction():
        await elsewhere.execute("SELECT FROM cases WHERE case_id = $1 FOR UPDATE", case.case_id)
        stuck = asyncio.create_task(intake.receive([acknowledgement(case)]))
        await until(lambda: house.ask("SELECT pid FROM pg_locks WHERE NOT granted"))
        house.said.clear()
        reports = []
        for _ in range(3):
            reports.append(asyncio.create_task(intake.receive([a_report()])))
            await asyncio.sleep(0)
        for report in reports:
            answered((await report)[0])
        assert [told["messages"] for told in house.heard("batch.committed")] == [3]
        assert not stuck.done()
    answered((await stuck)[0])


async def test_as_soon_as_enough_wait_they_are_a_batch_beside_the_one_under_way(house: House) -> None:
    intake = await house.an_intake()
    case = await house.case(answered((await intake.receive([a_report()]))[0]).case_id)
    async with house.pool.acquire() as elsewhere, elsewhere.transaction():
        await elsewhere.execute("SELECT FROM cases WHERE case_id = $1 FOR UPDATE", case.case_id)
        stuck = asyncio.create_task(intake.receive([acknowledgement(case)]))
        await until(lambda: house.ask("SELECT pid FROM pg_locks WHERE NOT granted"))
        house.said.clear()
        await intake.receive([a_report() for _ in range(BESIDE_MIN)])
        assert [told["messages"] for told in house.heard("batch.committed")] == [BESIDE_MIN]
        assert not stuck.done()
    answered((await stuck)[0])
