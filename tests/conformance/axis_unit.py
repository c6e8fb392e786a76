"""A real Axis 1.4 (Debian's ``libaxis-java``) that serves an RPC/encoded service, in a Java process of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

JARS = Path("/usr/share/java")
NEEDED = (
    *("axis.jar", "axis-jaxrpc.jar", "axis-saaj.jar", "commons-logging.jar", "commons-discovery.jar"),
    *("wsdl4j.jar", "javax.mail.jar", "javax.activation.jar"),
)
SOURCE = Path(__file__).with_name("axis")


@dataclass(frozen=True, slots=True)
class AxisUnit:
    """A running Axis, and the journal in which its service writes what it was told."""

    port: int
    folder: Path

    @property
    def endpoint(self) -> str:
        """Where the service is."""
        return f"http://127.0.0.1:{self.port}/axis/services/Szcg"

    def journal(self) -> list[str]:
        """Two lines for each call: the arguments as Java had them, and the request."""
        path = self.folder / "journal.txt"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@contextmanager
def an_axis_unit(folder: Path) -> Iterator[AxisUnit]:
    """An Axis that ends with the block; the test is skipped where Java or Axis is not installed."""
    missing = [tool for tool in ("java", "javac") if shutil.which(tool) is None]
    missing += [name for name in NEEDED if not (JARS / name).exists()]
    if missing:
        pytest.skip(f"a real Axis needs Debian's default-jdk-headless and libaxis-java; missing: {', '.join(missing)}")
    path = ":".join([str(folder), *(str(JARS / name) for name in NEEDED)])
    compiled = ["javac", "-encoding", "UTF-8", "-nowarn", "-d", str(folder), "-cp", path, str(SOURCE / "Szcg.java")]
    subprocess.run(compiled, check=True, capture_output=True, timeout=120)
    process = subprocess.Popen(
        ["java", "-Dfile.encoding=UTF-8", "-Xmx128m", "-cp", path, "Szcg", str(SOURCE / "server-config.wsdd")],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield AxisUnit(int(process.stdout.readline()), folder)
    finally:
        process.kill()
        process.communicate()
