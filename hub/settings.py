"""Settings, read once into a frozen value: from the command line over the environment over the defaults.

Bad settings stop the start with every fault listed and how to mend it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

LEVELS = ("debug", "info", "warning", "error")
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one hub runs.

    ``data`` holds the embedded database, attachments and the master key. ``database`` points at an outside
    PostgreSQL (15 and newer) instead; hubs on several machines that share one also share ``master_key_file``,
    ``attachments`` and ``files_root``, the folder below which units exchange files. ``outbound_allow`` lists private
    networks that pushes may reach. ``rabbitmq`` are the nodes of the hub's broker, with a user and a password in each
    address.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    database: str | None = None
    master_key_file: Path | None = None
    attachments: Path | None = None
    files_root: Path | None = None
    city: Path | None = None
    processes: int = 2
    log_level: str = "info"
    outbound_allow: tuple[IPv4Network | IPv6Network, ...] = ()
    outbound_allow_private: bool = False
    body_max_bytes: int = 1024 * 1024
    batch_max: int = 500
    rate_per_second: float = 200.0
    attachment_max_bytes: int = 10 * 1024 * 1024
    clock_rate: float | None = None
    clock_start: str | None = None
    rabbitmq: tuple[str, ...] = field(default=(), repr=False)
    rabbitmq_management: str | None = field(default=None, repr=False)

    @property
    def master_key_path(self) -> Path:
        """The file of the master keys."""
        return self.master_key_file or self.data / "master.key"

    @property
    def attachments_path(self) -> Path:
        """The folder of the photos."""
        return self.attachments or self.data / "attachments"


class BadSettings(Exception):
    """The settings cannot be used. ``faults`` lists each one with how to mend it, Chinese and English."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read(given: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
    """Settings from given values (None means not given) and ``CITYHUB_*`` variables. Raises ``BadSettings``."""
    said = _Said(given, environ)
    nodes, management = said.broker()
    settings = Settings(
        data=Path(said.text("data") or "data"),
        host=said.text("host") or "127.0.0.1",
        port=int(said.number("port", 8080, 0, 65_535)),
        database=said.text("database"),
        master_key_file=said.path("master_key_file"),
        attachments=said.path("attachments"),
        files_root=said.folder("files_root", "没有这个文件夹 / there is no such folder"),
        city=said.folder("city", "没有该城市数据文件夹 / there is no such city folder"),
        processes=int(said.number("processes", 2, 1, 64)),
        log_level=said.one_of("log_level", "info", LEVELS),
        outbound_allow=said.networks("outbound_allow"),
        outbound_allow_private=said.yes("outbound_allow_private"),
        body_max_bytes=int(said.number("body_max_bytes", 1024 * 1024, 1024, 64 * 1024 * 1024)),
        batch_max=int(said.number("batch_max", 500, 1, 10_000)),
        rate_per_second=said.number("rate_per_second", 200.0, 0.1, 1_000_000),
        attachment_max_bytes=int(said.number("attachment_max_bytes", 10 * 1024 * 1024, 1024, 200 * 1024 * 1024)),
        clock_rate=said.number("clock_rate", 1.0, 0.001, 1_000_000) if said.text("clock_rate") is not None else None,
        clock_start=said.moment("clock_start"),
        rabbitmq=nodes,
        rabbitmq_management=management,
    )
    if said.faults:
        raise BadSettings(said.faults)
    return settings


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said of the settings, read one by one; each reading gathers its ``faults``."""

    given: Mapping[str, object]
    environ: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        value = self.given.get(name)
        return str(value) if value is not None else self.environ.get(f"CITYHUB_{name.upper()}")

    def number(self, name: str, default: float, low: float, high: float) -> float:
        raw = self.text(name)
        if raw is None:
            return default
        try:
            value = float(raw)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.faults.append(
                f"{name}={raw!r}: 应为 {low:g} 到 {high:g} 之间的数 / must be a number between {low:g} and {high:g}"
            )
            return default
        return value

    def path(self, name: str) -> Path | None:
        said = self.text(name)
        return Path(said) if said else None

    def folder(self, name: str, absent: str) -> Path | None:
        path = self.path(name)
        if path is not None and not path.is_dir():
            self.faults.append(f"{name}={path}: {absent}")
        return path

    def one_of(self, name: str, default: str, words: Collection[str]) -> str:
        said = (self.text(name) or default).lower()
        if said not in words:
            self.faults.append(f"{name}={said!r}: {'|'.join(words)}")
        return said

    def yes(self, name: str) -> bool:
        said = (self.text(name) or "no").lower()
        if said not in (*YES, *NO):
            self.faults.append(f"{name}={said!r}: yes|no")
        return said in YES

    def moment(self, name: str) -> str | None:
        said = self.text(name)
        if said is not None and not _is_moment(said):
            self.faults.append(
                f"{name}={said!r}: 应为带时区的时间,例如 2026-11-23T08:00:00+08:00"
                " / must be a moment with its zone, such as 2026-11-23T08:00:00+08:00"
            )
        return said

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        found: list[IPv4Network | IPv6Network] = []
        for piece in self.pieces(name):
            try:
                found.append(ip_network(piece))
            except ValueError:
                self.faults.append(f"{name}={piece!r}: 不是网段(例如 10.1.0.0/16) / not a network such as 10.1.0.0/16")
        return tuple(found)

    def broker(self) -> tuple[tuple[str, ...], str | None]:
        """The nodes of the hub's broker, and its management interface."""
        nodes, management = self.pieces("rabbitmq"), self.text("rabbitmq_management") or None
        for node in nodes:
            self.address("rabbitmq", node, ("amqp", "amqps"))
        if management is not None:
            self.address("rabbitmq_management", management, ("http", "https"))
        if management and not nodes:
            self.faults.append("rabbitmq_management: 须同时给出 rabbitmq / goes with rabbitmq")
        return nodes, management

    def address(self, name: str, url: str, schemes: Sequence[str]) -> None:
        if not _is_address(url, schemes):
            # The address is not repeated: it may hold a password.
            wanted = f"{schemes[0]}://user:password@host"
            self.faults.append(f"{name}: 应为 {wanted} 形式的地址 / must be an address such as {wanted}")

    def pieces(self, name: str) -> tuple[str, ...]:
        return tuple((self.text(name) or "").replace(",", " ").split())


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_address(url: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False
