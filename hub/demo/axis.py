"""Axis 1.4 on the machine's Java, for the partner that is written for it: found, and its program compiled once."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

JARS = Path("/usr/share/java")
"""Where Debian puts them."""
NEEDED = (
    *("axis.jar", "axis-jaxrpc.jar", "axis-saaj.jar", "commons-logging.jar", "commons-discovery.jar"),
    *("wsdl4j.jar", "javax.mail.jar", "javax.activation.jar", "gson.jar"),
)
KEPT = Path(sys.prefix) / "java"
"""Compiled programs lie beside Python's packages; where nothing may be written there, in the demo's own folder."""

COMPILE_SECONDS = 60.0
SMALL = ("-Dfile.encoding=UTF-8", "-Xmx64m", "-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""One small process among many: little memory, and quickly there."""


@dataclass(frozen=True, slots=True)
class Java:
    """The machine's Java, with Axis and what it stands on."""

    java: str
    javac: str
    kept: Path = KEPT

    @property
    def path(self) -> str:
        """The class path of Axis."""
        return ":".join(str(JARS / name) for name in NEEDED)

    def command(self, classes: Path, program: str, *arguments: str) -> list[str]:
        """What runs a compiled program."""
        return [self.java, *SMALL, "-cp", f"{classes}:{self.path}", program, *arguments]

    def compiled(self, sources: Path, spare: Path) -> Path | None:
        """The folder of the compiled sources, from an earlier day where they are the same; None where it fails."""
        files = sorted(sources.glob("*.java"))
        digest = hashlib.sha256(self.javac.encode())
        for each in files:
            digest.update(each.read_bytes())
        for home in (self.kept, spare):
            made = home / f"{sources.name}-{digest.hexdigest()[:16]}"
            try:
                home.mkdir(parents=True, exist_ok=True)
                if made.is_dir() or self._compile(files, made):
                    return made
            except (OSError, subprocess.SubprocessError):
                continue
        return None

    def _compile(self, files: list[Path], made: Path) -> bool:
        """Into a folder of its own first: a day that starts meanwhile sees all of it or nothing."""
        with tempfile.TemporaryDirectory(dir=made.parent, prefix=f"{made.name}.") as folder:
            classes = Path(folder) / "classes"
            classes.mkdir()
            command = [self.javac, "-J-Xmx256m", "-encoding", "UTF-8", "-nowarn", "-d", str(classes), "-cp", self.path]
            told = subprocess.run(
                [*command, *map(str, files)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=COMPILE_SECONDS,
                check=False,
            )
            if told.returncode == 0:
                # Where another day was quicker, its folder stands.
                with contextlib.suppress(OSError):
                    classes.rename(made)
            return made.is_dir()


def find_java(path: str | None = None) -> Java | None:
    """A Java with Axis, if the machine has one."""
    java, javac = shutil.which("java", path=path), shutil.which("javac", path=path)
    if java is None or javac is None or not all((JARS / name).exists() for name in NEEDED):
        return None
    return Java(java, javac)
