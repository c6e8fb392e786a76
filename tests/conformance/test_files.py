"""The file adapter meets the suite: letters into a folder of an SFTP server in another process."""

from __future__ import annotations

import asyncio
import csv
import io
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from pathlib import Path

import asyncssh
import orjson
import pytest

from adapters.files import FileAdapter, Folders
from adapters.guard import OutboundGuard
from contracts.nouns import Connection
from contracts.port import Adapter
from contracts.profile import Profile
from hub.registry import connections_of
from tests.conformance.adapter_suite import AdapterSuite, Behaviour, MovingClock, Partner, SeenLetter, a_letter
from tests.conformance.oauth_unit import NamedSecrets
from tests.conformance.sftp_unit import PASSWORD, SftpUnit, an_sftp_unit

FIELDS = [{"to": "信件", "from": "envelope.id"}, {"to": "案件", "from": "envelope.case_number"}]


@dataclass
class FilePartner:
    """A unit with an SFTP account. A file is never more than received, and no answer can be slow or wrong."""

    unit: SftpUnit
    behaviours: frozenset[Behaviour] = frozenset(
        {Behaviour.RECEIVES, Behaviour.NOT_THERE, Behaviour.DOES_NOT_TRUST, Behaviour.FALSE_CERTIFICATE}
    )
    _serials: Iterator[int] = field(default_factory=count)

    def connection(self, behaviour: Behaviour, timeout_seconds: float = 10.0) -> Connection:
        """A new connection to a unit that behaves so."""
        sftp = self.unit.settings("wrong" if behaviour is Behaviour.DOES_NOT_TRUST else "sftp")
        if behaviour is Behaviour.NOT_THERE:
            sftp["port"] = _closed_port()
        if behaviour is Behaviour.FALSE_CERTIFICATE:
            sftp["host_key"] = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        mapping = {
            "written_as": {"format": "delimited", "columns": ["信件", "案件"]},
            "out": [{"contract": "case.dispatch", "fields": FIELDS}],
        }
        entry = {
            "name": f"file{next(self._serials)}",
            "transport": "file",
            "receives": ["case.dispatch"],
            "file": {"folder": f"post{next(self._serials)}", "sftp": sftp},
            "timeout_seconds": timeout_seconds,
            "mapping": mapping,
        }
        profile = Profile.model_validate({"unit": "post", "connections": [entry]}, strict=False)
        return connections_of(profile, 1)[0]

    async def seen(self, connection: Connection, at_least: int = 0) -> Sequence[SeenLetter]:
        """The letters that lie in the outbox, in the order of their names."""
        outbox = self.unit.folder / str(connection.settings["folder"]) / "outbox"
        while len(files := sorted(outbox.glob("*.csv"))) < at_least:
            await asyncio.sleep(0.01)
        return [_letter(path) for path in files]


def _letter(path: Path) -> SeenLetter:
    (row,) = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return SeenLetter(row["信件"], orjson.dumps(row), str(path.stat().st_mtime_ns))


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilePartner]:
    """A unit's SFTP server, shared by the claims of this file."""
    with an_sftp_unit(tmp_path_factory.mktemp("theirs")) as unit:
        yield FilePartner(unit)


@pytest.fixture
async def adapter(clock: MovingClock) -> AsyncIterator[FileAdapter]:
    """An adapter that may call this machine."""
    secrets = NamedSecrets({("post", "sftp"): PASSWORD, ("post", "wrong"): "guess"})
    adapter = FileAdapter(Folders(None, OutboundGuard((ip_network("127.0.0.0/8"),)), secrets), clock)
    yield adapter
    await adapter.close()


class TestFiles(AdapterSuite):
    """The suite over files."""

    async def test_a_letter_sent_again_has_the_same_id_and_bytes_at_a_new_time(
        self, adapter: Adapter, partner: Partner, clock: MovingClock
    ) -> None:
        """A file is named by its letter: sent again, it is the same file, written anew, and never a second one."""
        connection = partner.connection(Behaviour.RECEIVES)
        await adapter.deliver(connection, a_letter())
        (first,) = await partner.seen(connection)
        clock.move(timedelta(seconds=90))
        await adapter.deliver(connection, a_letter())
        (second,) = await partner.seen(connection)
        assert (first.letter_id, first.body) == (second.letter_id, second.body)
        assert first.attempted_at != second.attempted_at
