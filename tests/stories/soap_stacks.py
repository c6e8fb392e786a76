"""The four stacks that bind the hub's WSDL: their programs stand in docs/soap-in.md and are run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/soap-in.md"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
SECONDS = 240


def program(language: str) -> str:
    """The page's program in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


def run(folder: Path, environment: Mapping[str, str], *words: str) -> str:
    """What a program prints. It fails the test where it ends badly."""
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def python(folder: Path, environment: Mapping[str, str]) -> str:
    """zeep."""
    (folder / "round.py").write_text(program("python"), encoding="utf-8")
    return run(folder, environment, sys.executable, "round.py")


def php(folder: Path, environment: Mapping[str, str]) -> str:
    """PHP's SoapClient."""
    (folder / "round.php").write_text(program("php"), encoding="utf-8")
    return run(folder, environment, "php", "-d", "soap.wsdl_cache_enabled=0", "round.php")


def node(folder: Path, environment: Mapping[str, str]) -> str:
    """node's package ``soap``."""
    (folder / "round.js").write_text(program("javascript"), encoding="utf-8")
    return run(folder, {**environment, "NODE_PATH": str(_node_modules())}, "node", "round.js")


def java(folder: Path, environment: Mapping[str, str]) -> str:
    """Axis 1.4 of Debian: stubs made by its WSDL2Java, compiled, run."""
    (folder / "Round.java").write_text(program("java"), encoding="utf-8")
    (folder / "round.sh").write_text(program("sh"), encoding="utf-8")
    (folder / "classes").mkdir()
    return run(folder, environment, "bash", "-e", "round.sh")


STACKS = {"zeep": python, "php": php, "node": node, "axis": java}
NEEDS = {
    "zeep": (),
    "php": ("php",),
    "node": ("node", "npm"),
    "axis": ("java", "javac", "/usr/share/java/axis.jar"),
}


def missing(stack: str) -> list[str]:
    """What a stack needs and this machine does not have."""
    return [each for each in NEEDS[stack] if shutil.which(each) is None and not Path(each).exists()]


@cache
def _node_modules() -> Path:
    """Where the package lies: with the test's own setup, else in a folder outside the tree that is kept."""
    for kept in (Path(sys.prefix) / "node", Path(tempfile.gettempdir()) / "cityhub-test-node"):
        if (kept / "node_modules/soap/package.json").is_file():
            return kept / "node_modules"
    making = Path(tempfile.mkdtemp(prefix="cityhub-node-"))
    run(making, {}, "npm", "install", "--prefix", str(making), "--no-package-lock", "--no-audit", "--no-fund", "soap@1")
    with_it = Path(tempfile.gettempdir()) / "cityhub-test-node"
    try:
        making.rename(with_it)
    except OSError:
        # Another run was quicker.
        shutil.rmtree(making)
    return with_it / "node_modules"
