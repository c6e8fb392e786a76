"""Claims on messages from queues, with a real broker: confirmed once decided, never lost, never in a loop."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pika
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.guard import OutboundGuard
from adapters.rabbitmq.brokers import Brokers
from adapters.rabbitmq.source import RabbitSource
from adapters.rabbitmq.topology import declare, topology_of
from adapters.rabbitmq.wire import TolerantConnection
from contracts.arrival import Said
from contracts.cursor import cursor
from contracts.port import Unavailable
from contracts.problem import Problem
from contracts.samples import VALID
from contracts.ways.rabbitmq import names_of
from hub.demo.broker import Broker
from tests.ways.conftest import until
from tests.ways.rabbit import (
    ACCEPTED,
    CASE,
    LOCAL,
    Bookmark,
    Ground,
    NamedSecrets,
    Receives,
    a_connection,
    a_ground,
    an_event,
    document,
    fetched,
    publish,
    running,
)

pytestmark = pytest.mark.way

TELECOM = a_connection("telecom")
EPOCH = 3
NAMES = names_of("telecom.main")


@pytest_asyncio.fixture
async def ground(broker: Broker) -> AsyncIterator[Ground]:
    async with a_ground(broker) as made:
        await made.grant(TELECOM)
        yield made


def collecting(ground: Ground, reception: Receives, connection: Any = TELECOM) -> Any:
    source = RabbitSource(ground.brokers, ground.say, lambda: EPOCH, 256 * 1024)
    return running(source.collect(connection, Bookmark(), reception))


def sends(ground: Ground, *bodies: bytes, **more: Any) -> None:
    """The unit writes these, as its own user."""
    with ground.client("telecom.main.1") as channel:
        channel.confirm_delivery()
        for body in bodies:
            publish(channel, NAMES.exchange_in, body, **more)


def left(ground: Ground, queue: str = NAMES.queue_in) -> int:
    """How many messages a queue holds for whoever reads it."""
    with ground.client() as admin:
        return int(admin.queue_declare(queue, passive=True).method.message_count)


def consumers(ground: Ground) -> int:
    """How many read what the unit writes; none as well while the queue is missing."""
    try:
        with ground.client() as admin:
            return int(admin.queue_declare(NAMES.queue_in, passive=True).method.consumer_count)
    except pika.exceptions.ChannelClosedByBroker:
        return 0


async def test_what_a_unit_writes_arrives_in_order_and_many_at_a_time(ground: Ground) -> None:
    sends(ground, *(an_event(id=f"m-{n}") for n in range(300)))
    reception = Receives()
    async with collecting(ground, reception):
        await until(lambda: len(reception.arrivals) == 300)
    assert reception.ids == [f"m-{n}" for n in range(300)]
    assert len(reception.batches) < 60
    assert reception.arrivals[0].sender.unit_id == "telecom"
    assert left(ground) == 0


async def test_nothing_is_confirmed_before_the_reception_has_answered(ground: Ground) -> None:
    sends(ground, *(an_event(id=f"m-{n}") for n in range(5)))
    cut_off = Receives(hold=asyncio.Event())
    async with collecting(ground, cut_off):
        await until(lambda: cut_off.batches)
    await until(lambda: left(ground) == 5)
    again = Receives()
    async with collecting(ground, again):
        await until(lambda: len(again.arrivals) == 5)
    assert again.ids == [f"m-{n}" for n in range(5)]


async def test_what_cannot_be_decided_now_is_held_and_handed_in_again_alone(ground: Ground) -> None:
    away = [Problem("store_unavailable"), Problem("overloaded")]

    def answer(arrival: Any) -> Any:
        return away.pop() if arrival.said.message_id == "m-2" and away else ACCEPTED

    sends(ground, *(an_event(id=f"m-{n}") for n in range(4)))
    reception = Receives(answer)
    async with collecting(ground, reception):
        await until(lambda: len(reception.ids) >= 6)
        await until(lambda: left(ground) == 0)
    assert sorted(reception.ids) == ["m-0", "m-1", "m-2", "m-2", "m-2", "m-3"]


async def test_a_message_at_which_the_hub_fails_again_and_again_lets_the_next_ones_through(ground: Ground) -> None:
    def answer(arrival: Any) -> Any:
        return Problem("internal") if arrival.said.message_id == "bad" else ACCEPTED

    sends(ground, an_event(id="bad"), an_event(id="good"))
    reception = Receives(answer)
    async with collecting(ground, reception):
        await until(lambda: any(isinstance(each.said, Problem) for each in reception.arrivals), 30)
        await until(lambda: left(ground) == 0)
    (shelved,) = [each for each in reception.arrivals if isinstance(each.said, Problem)]
    assert shelved.said.kind == "dead_lettered" and b'"bad"' in shelved.raw


async def test_binary_form_and_both_spellings_of_its_headers_are_read(ground: Ground) -> None:
    data = json.dumps(VALID["case.feedback/1.0"]).encode()
    for prefix in ("cloudEvents:", "cloudEvents_"):
        headers = {f"{prefix}{name}": value for name, value in BINARY.items()}
        sends(ground, data, content_type="application/json", message_id=f"id {prefix}", headers=headers)
    reception = Receives()
    async with collecting(ground, reception):
        await until(lambda: len(reception.arrivals) == 2)
    assert reception.ids == ["id cloudEvents:", "id cloudEvents_"]
    said = reception.arrivals[0].said
    assert isinstance(said, Said)
    assert (said.case_number, said.extensions["basedonversion"]) == (CASE, "3")


BINARY = {"specversion": "1.0", "source": "/telecom", "type": "case.feedback", "subject": CASE, "basedonversion": 3}

POISON: dict[str, dict[str, Any]] = {
    "a NUL in its type": {"body": b"{}", "content_type": "text/\0plain"},
    "no JSON": {"body": b"\xff\x00 nonsense"},
    "nothing": {"body": b""},
    "no content type": {"body": b"{}", "content_type": None},
    "another type": {"body": b"<a/>", "content_type": "text/xml"},
    "too large": {"body": b"[" * 400_000},
    "a moment beyond all calendars": {"body": b"{}", "headers": {"at": ("T", 2**62)}},
    "headers in headers": {"body": b"{}", "headers": {"x": "deep"}},
    "a broken contract": {"body": an_event(data={"photos": 7})},
}


@pytest.mark.parametrize("poison", POISON)
async def test_a_message_that_cannot_be_read_is_kept_answered_and_does_not_come_again(
    ground: Ground, poison: str
) -> None:
    told = dict(POISON[poison])
    headers = told.pop("headers", None)
    with ground.client("telecom.main.1") as channel:
        channel.confirm_delivery()
        publish_raw(channel, told.pop("body"), headers, **told)
        publish(channel, NAMES.exchange_in, an_event(id="after"))
    reception = Receives()
    async with collecting(ground, reception):
        await until(lambda: len(reception.arrivals) >= 2)
        await until(lambda: left(ground) == 0)
    poisoned, after = reception.arrivals
    assert isinstance(poisoned.said, Problem)
    assert len(poisoned.raw) <= 256 * 1024 + 1
    assert isinstance(after.said, Said) and after.said.message_id == "after"


def publish_raw(channel: Any, body: bytes, headers: Any, content_type: str | None = "application/json") -> None:
    """A message with headers that a well-behaved client would not write."""
    properties = pika.BasicProperties(content_type=content_type, delivery_mode=2)
    if headers:
        properties.headers = {"h": "placeholder"}
        plain = properties.encode
        table = _table(headers)

        def encode() -> list[bytes]:
            whole = b"".join(plain())
            placeholder = _table({"h": "placeholder"})
            assert placeholder in whole
            return [whole.replace(placeholder, table)]

        properties.encode = encode
    channel.basic_publish(NAMES.exchange_in, "", body, properties, mandatory=True)


def _table(headers: dict[str, Any]) -> bytes:
    pieces = b""
    for name, value in headers.items():
        pieces += bytes([len(name)]) + name.encode()
        match value:
            case ("T", moment):
                pieces += b"T" + struct.pack(">Q", moment)
            case "deep":
                nested = b""
                for _ in range(1500):
                    nested = b"\x01xF" + struct.pack(">I", len(nested)) + nested
                pieces += b"F" + struct.pack(">I", len(nested)) + nested
            case str():
                pieces += b"S" + struct.pack(">I", len(value)) + value.encode()
    return struct.pack(">I", len(pieces)) + pieces


async def test_a_refusal_is_told_to_who_asked_for_an_answer_in_its_own_queue(ground: Ground) -> None:
    good, bad = an_event(id="good"), an_event(id="bad", data={"nothing": 1})
    sends(ground, good, bad, reply_to=NAMES.queue_out, correlation_id="my-7")
    reception = Receives()
    async with collecting(ground, reception):
        with ground.client("telecom.main.1") as channel:
            answers = [await until(lambda: fetched(channel, NAMES.queue_out)) for _ in range(2)]
    told = {document(body)["message_id"]: (properties, document(body)) for properties, body in answers}
    assert told["good"][1]["case_number"] == CASE
    # The same text as over REST, so that a unit may read on from there.
    assert told["good"][1]["position"] == cursor(EPOCH, ACCEPTED.position)
    assert told["good"][0].correlation_id == "my-7"
    properties, problem = told["bad"]
    assert properties.content_type == "application/problem+json"
    assert problem["type"].endswith("/contract_broken") and problem["errors"]


async def test_an_answer_goes_to_no_queue_but_the_senders_own(ground: Ground) -> None:
    await ground.grant(TELECOM, a_connection("mobile"))
    sends(ground, an_event(), reply_to="cityhub.mobile.main.out")
    reception = Receives()
    async with collecting(ground, reception):
        await until(lambda: len(reception.arrivals) == 1)
        await until(lambda: left(ground) == 0)
    assert left(ground, "cityhub.mobile.main.out") == 0


async def test_a_client_that_waits_at_the_brokers_own_reply_queue_is_answered(ground: Ground) -> None:
    reception, answers = Receives(), []
    async with collecting(ground, reception):
        with ground.client("telecom.main.1") as channel:
            try:
                channel.basic_consume("amq.rabbitmq.reply-to", lambda *told: answers.append(told), auto_ack=True)
            except pika.exceptions.ChannelClosedByBroker:
                pytest.skip("this broker asks for a right that units do not have")
            publish(channel, NAMES.exchange_in, an_event(id="asks"), reply_to="amq.rabbitmq.reply-to")

            def heard() -> bool:
                channel.connection.process_data_events(time_limit=0)
                return bool(answers)

            await until(heard)
    assert document(answers[0][3])["message_id"] == "asks"


async def test_a_letter_that_the_unit_rejects_is_kept_on_the_shelf_and_said(ground: Ground) -> None:
    reception = Receives()
    async with collecting(ground, reception):
        with ground.client() as admin:
            admin.confirm_delivery()
            publish(admin, "", b'{"a":"letter"}', key=NAMES.queue_out, message_id="L7")
        with ground.client("telecom.main.1") as channel:
            method, _, _ = channel.basic_get(NAMES.queue_out)
            channel.basic_reject(method.delivery_tag, requeue=False)
            await until(lambda: reception.arrivals)
    (arrival,) = reception.arrivals
    assert isinstance(arrival.said, Problem) and arrival.said.kind == "dead_lettered"
    assert ("L7" in arrival.said.en) and arrival.raw == b'{"a":"letter"}'
    (said,) = ground.heard("message.died")
    assert (said["reason"], said["queue"]) == ("rejected", NAMES.queue_out)


async def test_a_letter_that_expires_unread_is_kept_on_the_shelf_and_said(ground: Ground) -> None:
    reception = Receives()
    async with collecting(ground, reception):
        with ground.client() as admin:
            admin.confirm_delivery()
            publish(admin, "", b'{"a":"letter"}', key=NAMES.queue_out, message_id="L8", expiration="50")
        await until(lambda: reception.arrivals)
    (arrival,) = reception.arrivals
    assert isinstance(arrival.said, Problem) and arrival.said.kind == "dead_lettered" and "L8" in arrival.said.en
    (said,) = ground.heard("message.died")
    assert (said["reason"], said["queue"]) == ("expired", NAMES.queue_out)


async def test_however_much_a_profile_prefetches_what_waits_in_memory_is_bounded(ground: Ground) -> None:
    sends(ground, *(an_event(id=f"m-{n}") for n in range(200)))
    greedy = a_connection("telecom", prefetch=2000)
    reception = Receives(hold=asyncio.Event())
    source = RabbitSource(ground.brokers, ground.say, lambda: EPOCH, body_max=4 * 1024 * 1024)
    async with running(source.collect(greedy, Bookmark(), reception)):
        await until(lambda: reception.batches)
        await asyncio.sleep(0.5)
        # Each of them may be as large as the hub takes.
        assert (200 - left(ground)) * 4 <= 256
        assert reception.hold is not None
        reception.hold.set()
        await until(lambda: len(reception.arrivals) == 200)


@asynccontextmanager
async def a_wire(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A way to the broker on another port, which carries nothing more once the event is set, and does not say so."""
    dead = asyncio.Event()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not dead.is_set():
                writer.write(data)
        writer.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, up = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, up), carry(upstream, writer), return_exceptions=True)

    async with await asyncio.start_server(joined, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], dead
        server.close()


async def test_a_connection_over_which_nothing_comes_any_more_is_given_up(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.rabbitmq.link.HEARTBEAT_SECONDS", 2)
    reception = Receives()
    async with a_wire(ground.broker.node.port) as (port, dead):
        url = ground.url.replace(f":{ground.broker.node.port}/", f":{port}/")
        brokers = Brokers([url], NamedSecrets(), OutboundGuard(allow=LOCAL), "test", 256 * 1024)
        source = RabbitSource(brokers, ground.say, lambda: EPOCH)
        collected = asyncio.create_task(source.collect(TELECOM, Bookmark(), reception))
        sends(ground, an_event(id="before"))
        await until(lambda: reception.ids == ["before"])
        dead.set()
        with pytest.raises(Unavailable):
            await asyncio.wait_for(collected, 20)
        await brokers.close()
    sends(ground, an_event(id="after"))
    async with collecting(ground, reception):
        await until(lambda: "after" in reception.ids)


@asynccontextmanager
async def reading_a_queue_that_is_deleted(ground: Ground) -> AsyncIterator[Receives]:
    """A message has come, and then somebody deletes the queue."""
    reception = Receives()
    async with collecting(ground, reception):
        sends(ground, an_event(id="before"))
        await until(lambda: reception.ids == ["before"])
        with ground.client() as admin:
            admin.queue_delete(NAMES.queue_in)
        yield reception


async def test_a_deleted_queue_is_made_again_at_once_and_said(ground: Ground) -> None:
    async with reading_a_queue_that_is_deleted(ground) as reception:
        await until(lambda: ground.heard("queue.provided_again"), 2)
        sends(ground, an_event(id="after"))
        await until(lambda: len(reception.ids) > 1)
    assert reception.ids == ["before", "after"]
    assert [said["queue"] for said in ground.heard("queue.provided_again")] == [NAMES.queue_in]


@pytest.mark.parametrize("made_anew", [False, True])
async def test_a_queue_whose_deletion_the_broker_does_not_tell_is_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, made_anew: bool
) -> None:
    """Seen with quorum queues of RabbitMQ 3.10; here the client does not ask to be told, so no broker tells it."""
    monkeypatch.setattr("adapters.rabbitmq.source.LOOK_SECONDS", 0.7)
    monkeypatch.setattr(TolerantConnection, "_client_properties", {"capabilities": {"publisher_confirms": True}})
    async with reading_a_queue_that_is_deleted(ground) as reception:
        if made_anew:
            # Not at once: the broker would take the old consumer for one of the new queue.
            await asyncio.sleep(0.3)
            await declare(ground.brokers.hub("out"), topology_of(TELECOM.connection_id, TELECOM.settings))
        await until(lambda: consumers(ground) == 1)
        assert bool(ground.heard("queue.provided_again")) is not made_anew
        sends(ground, an_event(id="after"))
        await until(lambda: len(reception.ids) > 1)
    assert reception.ids == ["before", "after"]


async def test_what_troubled_the_source_is_over_once_it_reads_again_though_nothing_comes(ground: Ground) -> None:
    """The mark ends the outage that the unit's late proof may rest on."""
    bookmark = Bookmark()
    source = RabbitSource(ground.brokers, ground.say, lambda: EPOCH)
    async with running(source.collect(TELECOM, bookmark, Receives())):
        await until(lambda: consumers(ground) == 1)
        await until(lambda: bookmark.text)
    assert datetime.fromisoformat(bookmark.text) <= datetime.now(UTC)


async def test_looking_at_a_queue_that_is_there_disturbs_nobody(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.rabbitmq.source.LOOK_SECONDS", 0.05)
    reception = Receives()
    async with collecting(ground, reception):
        await until(lambda: consumers(ground) == 1)
        for n in range(10):
            sends(ground, an_event(id=f"m-{n}"))
            await asyncio.sleep(0.1)
        await until(lambda: len(reception.arrivals) == 10)
        assert consumers(ground) == 1
    assert reception.ids == [f"m-{n}" for n in range(10)]


table = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**31), 2**31 - 1), st.text(max_size=20), st.binary(max_size=20), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
names = st.one_of(
    st.text(max_size=20), st.sampled_from([f"cloudEvents:{name}" for name in (*BINARY, "time", "id", "data", "mode")])
)
messages = st.fixed_dictionaries(
    {
        "body": st.one_of(
            st.binary(max_size=200),
            st.sampled_from([b"{}", b"[]", b"null", json.dumps(VALID["case.return/1.0"]).encode()]),
        ),
        "content_type": st.one_of(
            st.none(), st.sampled_from(["application/json", "application/cloudevents+json"]), st.text(max_size=30)
        ),
        "headers": st.dictionaries(names, st.one_of(st.sampled_from(list(BINARY.values())), table), max_size=8),
        "message_id": st.one_of(st.none(), st.text(max_size=40)),
        "reply_to": st.one_of(st.none(), st.just(NAMES.queue_out), st.text(max_size=40)),
        "correlation_id": st.one_of(st.none(), st.text(max_size=40)),
    }
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(messages, min_size=10, max_size=40))
async def test_whatever_a_unit_writes_is_answered_once_and_the_next_message_gets_through(
    ground: Ground, sent: list[dict[str, Any]]
) -> None:
    reception = Receives()
    with ground.client("telecom.main.1") as channel:
        channel.confirm_delivery()
        for each in sent:
            more = dict(each)
            publish(channel, NAMES.exchange_in, more.pop("body"), **more)
        publish(channel, NAMES.exchange_in, an_event(id="after"))
    async with collecting(ground, reception):
        await until(lambda: "after" in reception.ids)
        # What comes with a later batch comes after the confirmation of the one before.
        sends(ground, an_event(id="last"))
        await until(lambda: "last" in reception.ids)
    assert len(reception.arrivals) == len(sent) + 2
    with ground.client() as admin:
        admin.queue_purge(NAMES.queue_in)
        admin.queue_purge(NAMES.queue_out)
