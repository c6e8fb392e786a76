"""Settings, read once into a frozen value: from the command line over the environment over the defaults.

Bad settings stop the start with every fault listed and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
LEVELS = ("debug", "info", "warning", "error")


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
    told = _Told(given, environ)
    nodes, management = _broker(told)
    settings = Settings(
        data=told.path("data") or Path("data"),
        host=told.text("host") or "127.0.0.1",
        port=int(told.number("port", 8080, 0, 65_535)),
        database=told.text("database"),
        master_key_file=told.path("master_key_file"),
        attachments=told.path("attachments"),
        files_root=told.path("files_root"),
        city=told.path("city"),
        processes=int(told.number("processes", 2, 1, 64)),
        log_level=told.word("log_level", "info", LEVELS),
        outbound_allow=_networks(told),
        outbound_allow_private=told.word("outbound_allow_private", "no", (*YES, *NO), "yes|no") in YES,
        body_max_bytes=int(told.number("body_max_bytes", 1024 * 1024, 1024, 64 * 1024 * 1024)),
        batch_max=int(told.number("batch_max", 500, 1, 10_000)),
        rate_per_second=told.number("rate_per_second", 200.0, 0.1, 1_000_000),
        attachment_max_bytes=int(told.number("attachment_max_bytes", 10 * 1024 * 1024, 1024, 200 * 1024 * 1024)),
        clock_rate=told.number("clock_rate", 1.0, 0.001, 1_000_000) if told.text("clock_rate") is not None else None,
        clock_start=_moment(told, "clock_start"),
        rabbitmq=nodes,
        rabbitmq_management=management,
    )
    _folders_are_there(told, settings)
    if told.faults:
        raise BadSettings(told.faults)
    return settings


@dataclass(frozen=True, slots=True)
class _Told:
    """What was told, read value by value. A value that cannot be used leaves its fault, and its default."""

    given: Mapping[str, object]
    environ: Mapping[str, str]
    faults: list[str] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        """The value as it was written."""
        value = self.given.get(name)
        return str(value) if value is not None else self.environ.get(f"CITYHUB_{name.upper()}")

    def path(self, name: str) -> Path | None:
        """A file or a folder."""
        text = self.text(name)
        return Path(text) if text else None

    def pieces(self, name: str) -> list[str]:
        """A list, separated by commas or blanks."""
        return (self.text(name) or "").replace(",", " ").split()

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number between two bounds."""
        raw = self.text(name)
        if raw is None:
            return default
        try:
            value = float(raw)
        except ValueError:
            value = low - 1
        if low <= value <= high:
            return value
        self.faults.append(
            f"{name}={raw!r}: 应为 {low:g} 到 {high:g} 之间的数 / must be a number between {low:g} and {high:g}"
        )
        return default

    def word(self, name: str, default: str, words: Sequence[str], told_as: str = "") -> str:
        """One of some words."""
        word = (self.text(name) or default).lower()
        if word in words:
            return word
        self.faults.append(f"{name}={word!r}: {told_as or '|'.join(words)}")
        return default


def _networks(told: _Told) -> tuple[IPv4Network | IPv6Network, ...]:
    networks: list[IPv4Network | IPv6Network] = []
    for piece in told.pieces("outbound_allow"):
        try:
            networks.append(ip_network(piece))
        except ValueError:
            told.faults.append(
                f"outbound_allow={piece!r}: 不是网段(例如 10.1.0.0/16) / not a network such as 10.1.0.0/16"
            )
    return tuple(networks)


def _broker(told: _Told) -> tuple[tuple[str, ...], str | None]:
    """The nodes of the hub's broker, and its management interface."""
    nodes, management = tuple(told.pieces("rabbitmq")), told.text("rabbitmq_management") or None
    for name, url, schemes in (
        *(("rabbitmq", node, ("amqp", "amqps")) for node in nodes),
        ("rabbitmq_management", management or "http://none", ("http", "https")),
    ):
        if not _is_address(url, schemes):
            # The address is not repeated: it may hold a password.
            wanted = f"{schemes[0]}://user:password@host"
            told.faults.append(f"{name}: 应为 {wanted} 形式的地址 / must be an address such as {wanted}")
    if management and not nodes:
        told.faults.append("rabbitmq_management: 须同时给出 rabbitmq / goes with rabbitmq")
    return nodes, management


def _moment(told: _Told, name: str) -> str | None:
    text = told.text(name)
    if text is not None and not _is_moment(text):
        told.faults.append(
            f"{name}={text!r}: 应为带时区的时间,例如 2026-11-23T08:00:00+08:00"
            " / must be a moment with its zone, such as 2026-11-23T08:00:00+08:00"
        )
    return text


def _folders_are_there(told: _Told, settings: Settings) -> None:
    if settings.city is not None and not settings.city.is_dir():
        told.faults.append(f"city={settings.city}: 没有该城市数据文件夹 / there is no such city folder")
    if settings.files_root is not None and not settings.files_root.is_dir():
        told.faults.append(f"files_root={settings.files_root}: 没有这个文件夹 / there is no such folder")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not parts.query
    except ValueError:
        return False
