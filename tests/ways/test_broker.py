"""The broker that tests and the demo start for themselves: alone on the machine, whoever else runs one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hub.demo.broker import Broker, running_broker
from hub.demo.broker_node import BrokerFault, Node

pytestmark = pytest.mark.way


async def test_two_brokers_run_at_once_and_listen_to_this_machine_only(broker: Broker) -> None:
    async with running_broker() as other:
        ports = {getattr(each.node, name) for each in (broker, other) for name in PORTS}
        assert len(ports) == 2 * len(PORTS)
        assert {port: addresses_of(port) for port in ports} == {port: {"127.0.0.1"} for port in ports}
        folder = other.node.folder
    assert not folder.exists() and not other.running
    assert not any(addresses_of(getattr(other.node, name)) for name in PORTS)


async def test_a_broker_that_was_killed_comes_back_with_its_data_on_the_same_ports() -> None:
    async with running_broker() as broker:
        before = broker.node
        await broker.ctl("add_user", "kept", "through-it-all")
        await broker.kill()
        assert not addresses_of(broker.node.port)
        await broker.start()
        assert broker.node == before
        assert "kept" in await broker.ctl("list_users")


async def test_where_rabbitmq_is_not_installed_the_answer_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerFault, match="apt-get install rabbitmq-server"):
        await Broker(Node(tmp_path / "none")).start()


PORTS = ("port", "management_port", "distribution_port")


def addresses_of(port: int) -> set[str]:
    """The IPv4 and IPv6 addresses on which somebody listens at a port."""
    found = set()
    for table, family, width in (("tcp", socket.AF_INET, 8), ("tcp6", socket.AF_INET6, 32)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, at = local.partition(":")
            if state == "0A" and int(at, 16) == port:
                words = [bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, width, 8)]
                found.add(socket.inet_ntop(family, b"".join(words)))
    return found
