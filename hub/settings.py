"""Settings, read once into a frozen value: from the command line over the environment over the defaults.

Bad settings stop the start with every fault listed and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

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
    faults: list[str] = []

    def text(name: str, default: str | None = None) -> str | None:
        value = given.get(name)
        return str(value) if value is not None else environ.get(f"CITYHUB_{name.upper()}", default)

    def number(name: str, default: float, low: float, high: float) -> float:
        raw = text(name)
        if raw is None:
            return default
        try:
            value = float(raw)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            faults.append(
                f"{name}={raw!r}: 应为 {low:g} 到 {high:g} 之间的数 / must be a number between {low:g} and {high:g}"
            )
            return default
        return value

    networks: list[IPv4Network | IPv6Network] = []
    for piece in (text("outbound_allow") or "").replace(",", " ").split():
        try:
            networks.append(ip_network(piece))
        except ValueError:
            faults.append(f"outbound_allow={piece!r}: 不是网段(例如 10.1.0.0/16) / not a network such as 10.1.0.0/16")
    level = (text("log_level", "info") or "info").lower()
    if level not in ("debug", "info", "warning", "error"):
        faults.append(f"log_level={level!r}: debug|info|warning|error")

    private = (text("outbound_allow_private") or "no").lower()
    if private not in (*YES, *NO):
        faults.append(f"outbound_allow_private={private!r}: yes|no")
    start = text("clock_start")
    if start is not None and not _is_moment(start):
        faults.append(
            f"clock_start={start!r}: 应为带时区的时间,例如 2026-11-23T08:00:00+08:00"
            " / must be a moment with its zone, such as 2026-11-23T08:00:00+08:00"
        )

    def path(name: str) -> Path | None:
        given_path = text(name)
        return Path(given_path) if given_path else None

    nodes = tuple((text("rabbitmq") or "").replace(",", " ").split())
    management = text("rabbitmq_management") or None
    for name, url, schemes in (
        *(("rabbitmq", node, ("amqp", "amqps")) for node in nodes),
        ("rabbitmq_management", management or "http://none", ("http", "https")),
    ):
        if not _is_address(url, schemes):
            # The address is not repeated: it may hold a password.
            wanted = f"{schemes[0]}://user:password@host"
            faults.append(f"{name}: 应为 {wanted} 形式的地址 / must be an address such as {wanted}")
    if management and not nodes:
        faults.append("rabbitmq_management: 须同时给出 rabbitmq / goes with rabbitmq")

    settings = Settings(
        data=Path(text("data", "data") or "data"),
        host=text("host", "127.0.0.1") or "127.0.0.1",
        port=int(number("port", 8080, 0, 65_535)),
        database=text("database"),
        master_key_file=path("master_key_file"),
        attachments=path("attachments"),
        files_root=path("files_root"),
        city=path("city"),
        processes=int(number("processes", 2, 1, 64)),
        log_level=level,
        outbound_allow=tuple(networks),
        outbound_allow_private=private in YES,
        body_max_bytes=int(number("body_max_bytes", 1024 * 1024, 1024, 64 * 1024 * 1024)),
        batch_max=int(number("batch_max", 500, 1, 10_000)),
        rate_per_second=number("rate_per_second", 200.0, 0.1, 1_000_000),
        attachment_max_bytes=int(number("attachment_max_bytes", 10 * 1024 * 1024, 1024, 200 * 1024 * 1024)),
        clock_rate=number("clock_rate", 1.0, 0.001, 1_000_000) if text("clock_rate") is not None else None,
        clock_start=start,
        rabbitmq=nodes,
        rabbitmq_management=management,
    )
    if settings.city is not None and not settings.city.is_dir():
        faults.append(f"city={settings.city}: 没有该城市数据文件夹 / there is no such city folder")
    if settings.files_root is not None and not settings.files_root.is_dir():
        faults.append(f"files_root={settings.files_root}: 没有这个文件夹 / there is no such folder")
    if faults:
        raise BadSettings(faults)
    return settings


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
