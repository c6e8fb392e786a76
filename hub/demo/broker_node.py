"""What a RabbitMQ node of one's own stands on: the installed package, ports, its folder, its environment."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
from dataclasses import dataclass, field, replace
from pathlib import Path

SCRIPTS = ("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin", "/usr/local/lib/rabbitmq*/sbin", "/opt/rabbitmq*/sbin")
LOOPBACK = "127.0.0.1"
PLUGINS = "[rabbitmq_management].\n"


@dataclass(eq=False)
class BrokerFault(Exception):
    """The broker cannot be had: why, in Chinese and in English, with the last that it said."""

    zh: str
    en: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}" + (f"\n{self.said}" if self.said else "")


def scripts_folder() -> Path:
    """Where the installed package keeps its start scripts. Raises ``BrokerFault`` where there is none."""
    found = [path for pattern in SCRIPTS for path in sorted(Path("/").glob(pattern[1:]))]
    if not found or shutil.which("erl") is None or shutil.which("epmd") is None:
        raise BrokerFault(
            "没有安装 RabbitMQ,可执行: sudo apt-get install rabbitmq-server",
            "RabbitMQ is not installed; run: sudo apt-get install rabbitmq-server",
        )
    return found[-1]


@dataclass(frozen=True, slots=True)
class Node:
    """A node's identity. Nodes of one cluster share the cookie and the name server at ``names_port``."""

    folder: Path
    name: str = field(default_factory=lambda: f"cityhub-{secrets.token_hex(6)}@localhost")
    cookie: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    user: str = "cityhub"
    password: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)
    port: int = 0
    management_port: int = 0
    distribution_port: int = 0
    names_port: int = 0
    names_shared: bool = False

    def with_free_ports(self) -> Node:
        """The node on ports that nobody listened on a moment ago."""
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(socket.socket()) for _ in range(4)]
            for each in held:
                each.bind((LOOPBACK, 0))
            port, management, distribution, names = (each.getsockname()[1] for each in held)
        made = replace(self, port=port, management_port=management, distribution_port=distribution)
        return made if self.names_shared else replace(made, names_port=names)

    def write_files(self) -> None:
        """Its folder, readable by nobody else."""
        for folder in (self.folder, self.folder / "data", self.folder / "log"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        cookie = self.folder / ".erlang.cookie"
        cookie.unlink(missing_ok=True)
        cookie.write_text(self.cookie)
        cookie.chmod(0o400)
        (self.folder / "enabled_plugins").write_text(PLUGINS)
        (self.folder / "environment").touch()
        settings = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.port}",
            "management.tcp.ip": LOOPBACK,
            "management.tcp.port": self.management_port,
            "default_user": self.user,
            "default_pass": self.password,
            "disk_free_limit.absolute": "50MB",
        }
        config = self.folder / "rabbitmq.conf"
        config.touch(mode=0o600)
        config.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))

    def environment(self) -> dict[str, str]:
        """What each of its processes is started with: nothing of a broker that the machine may have."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_", "ELIXIR_")) and name != "NOTIFY_SOCKET"
        }
        folder = self.folder
        return {
            **inherited,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            # Holds for every Erlang process that is started so: the node, rabbitmqctl.
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self.names_port),
            # The start script becomes the node itself, instead of a shell that waits for it.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
        }

    def last_words(self) -> str:
        """The ends of its logs."""
        logs = [self.folder / "node.log", *sorted((self.folder / "log").glob("*.log"))]
        return "\n".join(log.read_text(errors="replace")[-1500:] for log in logs if log.exists())
